/* SPDX-License-Identifier: MIT */
/*
 * tty WORD...: a payload at a terminal.
 *
 *   session     its ids, and whether it has a controlling terminal
 *   push TEXT   types TEXT and a newline into the terminal on descriptor 0, as if its user had
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static void session(void)
{
	int fd = open("/dev/tty", O_RDWR);

	printf("pid: %d\nparent: %d\ngroup: %d\nsession: %d\n", getpid(), getppid(), getpgrp(),
	       getsid(0));
	printf("terminal: %s\n", fd < 0 ? strerror(errno) : "yes");
}

static void push(const char *text)
{
	int ret = 0;

	for (size_t i = 0; i < strlen(text) && ret == 0; i++)
		ret = ioctl(0, TIOCSTI, text + i);
	if (ret == 0)
		ret = ioctl(0, TIOCSTI, "\n");
	printf("push: %s\n", ret < 0 ? strerror(errno) : "SUCCEEDED");
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "session") == 0) {
			session();
		} else if (strcmp(argv[i], "push") == 0 && i + 1 < argc) {
			push(argv[++i]);
		} else {
			fprintf(stderr, "tty: what is %s?\n", argv[i]);
			return 2;
		}
	}
	return 0;
}
