/* SPDX-License-Identifier: MIT */
/*
 * logger SOCKET: stands in for the system's log daemon. Binds SOCKET for datagrams, says "ready",
 * and does then what the words on its standard input tell it, one a line; each answer ends with a
 * line ".".
 *
 * drain: prints what has come as `UID GID PID TEXT`, one line a datagram, a byte that is not
 * printable ASCII as the byte 1 and its two digits.
 *
 * fill: sends itself datagrams until its queue takes no more, from whomever.
 *
 * A datagram is in the queue when send(2) returns: who drains after a launch has ended has all of
 * its lines, and nobody need wait for anything.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static void fail(const char *what)
{
	fprintf(stderr, "logger: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void print_datagram(const struct msghdr *msg, const char *text, ssize_t len)
{
	struct ucred sender = { .uid = (uid_t)-1, .gid = (gid_t)-1 };
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg);

	/* From the kernel: nobody but root can send another's. */
	if (cmsg && cmsg->cmsg_level == SOL_SOCKET && cmsg->cmsg_type == SCM_CREDENTIALS)
		memcpy(&sender, CMSG_DATA(cmsg), sizeof(sender));
	printf("%u %u %d ", sender.uid, sender.gid, sender.pid);
	for (ssize_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		printf(c >= 0x20 && c < 0x7f ? "%c" : "\001%02x", c);
	}
	printf("\n");
}

static void drain(int fd)
{
	char text[65536], control[CMSG_SPACE(sizeof(struct ucred))];
	ssize_t len;

	for (;;) {
		struct iovec iov = { text, sizeof(text) };
		struct msghdr msg = { .msg_iov = &iov,
				      .msg_iovlen = 1,
				      .msg_control = control,
				      .msg_controllen = sizeof(control) };

		len = recvmsg(fd, &msg, MSG_DONTWAIT);
		if (len < 0)
			break;
		print_datagram(&msg, text, len);
	}
	if (errno != EAGAIN)
		fail("receive");
}

/* A sender of its own for every round: else his buffer might be full before the queue is. */
static void fill(const struct sockaddr_un *addr)
{
	for (;;) {
		int fd = socket(AF_UNIX, SOCK_DGRAM, 0), count = 0;

		if (fd < 0 || connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) < 0)
			fail("connect");
		while (send(fd, "full", 4, MSG_DONTWAIT) == 4)
			count++;
		if (errno != EAGAIN)
			fail("send");
		close(fd);
		if (count == 0)
			return;
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	char word[64];
	int fd, on = 1;

	if (argc != 2 || strlen(argv[1]) >= sizeof(addr.sun_path))
		return 2;
	strcpy(addr.sun_path, argv[1]);
	fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    chmod(argv[1], 0666) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0)
		fail(argv[1]);
	printf("ready\n");
	fflush(stdout);
	while (fgets(word, sizeof(word), stdin)) {
		if (strcmp(word, "drain\n") == 0)
			drain(fd);
		else if (strcmp(word, "fill\n") == 0)
			fill(&addr);
		else
			fprintf(stderr, "logger: what is %s?\n", word);
		printf(".\n");
		fflush(stdout);
	}
	return 0;
}
