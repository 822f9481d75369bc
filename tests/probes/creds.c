/* SPDX-License-Identifier: MIT */
/*
 * creds FD COMMAND...: runs COMMAND with descriptor FD a socket, and prints the uid that the kernel
 * says wrote to it, as any server that trusts SCM_CREDENTIALS would see it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int pair[2], one = 1, status;
	char text[4096], control[CMSG_SPACE(sizeof(struct ucred))];
	struct iovec iov = { text, sizeof(text) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control };
	ssize_t got;

	if (argc < 3 || socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) < 0 ||
	    setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)) < 0)
		return 99;
	if (fork() == 0) {
		dup2(pair[1], atoi(argv[1]));
		execv(argv[2], argv + 2);
		_exit(98);
	}
	close(pair[1]);
	for (;;) {
		struct cmsghdr *head;
		struct ucred cred;

		msg.msg_controllen = sizeof(control);
		got = recvmsg(pair[0], &msg, 0);
		if (got <= 0)
			break;
		head = CMSG_FIRSTHDR(&msg);
		memcpy(&cred, CMSG_DATA(head), sizeof(cred));
		printf("uid: %u\n", cred.uid);
	}
	wait(&status);
	return WEXITSTATUS(status);
}
