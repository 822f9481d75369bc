/* SPDX-License-Identifier: MIT */
/*
 * sigcount N...: a payload that counts the signals N. Says "ready", then "got N" for each that
 * comes, and at the end of its input "N: TIMES" for each of the N.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct pollfd in[2] = { { .fd = 0, .events = POLLIN }, { .events = POLLIN } };
	int count[65] = { 0 };
	struct signalfd_siginfo info;
	sigset_t set;
	char byte;

	sigemptyset(&set);
	for (int i = 1; i < argc; i++)
		sigaddset(&set, atoi(argv[i]));
	/* Blocked, they wait to be read, stop signals too. */
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0 || (in[1].fd = signalfd(-1, &set, 0)) < 0)
		return 99;
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("ready\n");
	while (poll(in, 2, -1) > 0) {
		if (in[1].revents && read(in[1].fd, &info, sizeof(info)) == sizeof(info)) {
			count[info.ssi_signo]++;
			printf("got %u\n", info.ssi_signo);
		} else if (in[0].revents && read(0, &byte, 1) <= 0) {
			break;
		}
	}
	for (int i = 1; i < argc; i++)
		printf("%s: %d\n", argv[i], count[atoi(argv[i])]);
	return 0;
}
