/* SPDX-License-Identifier: MIT */
/*
 * tries WORD ARG: tries what a payload might, and says how each step ended, `step: result`.
 *
 *   write FILE     opens FILE for writing, and leaves it at that
 *   rewrite FILE   writes into FILE what it holds
 *   node FILE      makes FILE a device node, the machine's null, and opens it
 *   send SOCKET    one datagram
 *   pty DIR        a pseudo-terminal of DIR (/dev) as a terminal emulator makes one, with a session on it
 *   exe PID        overwrites the program that process PID runs: holds it, says "ready", waits for the end
 *                  of input, by which PID is to have ended, and opens for writing what it holds
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* Says how a step ended; the next one is for those that succeed. */
static long step(const char *what, long result)
{
	printf("%s: %s\n", what, result < 0 ? strerror(errno) : "SUCCEEDED");
	fflush(stdout);
	if (result < 0)
		exit(1);
	return result;
}

static void rewrite(const char *file)
{
	char text[4096];
	int fd = (int)step("open", open(file, O_RDWR));
	ssize_t len = step("read", read(fd, text, sizeof(text)));

	step("rewrite", pwrite(fd, text, (size_t)len, 0));
}

static void send_to(const char *name)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	strncpy(addr.sun_path, name, sizeof(addr.sun_path) - 1);
	step("send", sendto(fd, "hello", 5, 0, (struct sockaddr *)&addr, sizeof(addr)));
}

/* What runs on the terminal: its own session, and /dev/tty is that terminal. */
static void session(int fd, const char *dir)
{
	char name[256];

	setsid();
	if (ioctl(fd, TIOCSCTTY, 0) < 0)
		_exit(1);
	snprintf(name, sizeof(name), "%s/tty", dir);
	fd = open(name, O_RDWR);
	_exit(fd < 0 || write(fd, "said", 4) != 4);
}

static void pty(const char *dir)
{
	char name[256], text[16];
	struct stat st;
	int master, slave, unlock = 0, n, status;

	snprintf(name, sizeof(name), "%s/ptmx", dir);
	master = (int)step("ptmx", open(name, O_RDWR | O_NOCTTY));
	step("unlock", ioctl(master, TIOCSPTLCK, &unlock));
	step("number", ioctl(master, TIOCGPTN, &n));
	snprintf(name, sizeof(name), "%s/pts/%d", dir, n);
	step("stat", stat(name, &st));
	printf("name: %s\nmode: %o\nowner: %u\n", name, st.st_mode & 07777, st.st_uid);
	slave = (int)step("slave", open(name, O_RDWR | O_NOCTTY));
	if (fork() == 0)
		session(slave, dir);
	wait(&status);
	errno = ENOTTY;
	step("session", status == 0 ? 0 : -1);
	n = (int)step("read", read(master, text, sizeof(text)));
	printf("text: %.*s\n", n, text);
}

static void exe(const char *pid)
{
	char name[64];
	int fd;

	snprintf(name, sizeof(name), "/proc/%s/exe", pid);
	fd = open(name, O_WRONLY);
	printf("at once: %s\n", fd < 0 ? strerror(errno) : "SUCCEEDED");
	fd = open(name, O_PATH);
	printf("hold: %s\nready\n", fd < 0 ? strerror(errno) : "SUCCEEDED");
	fflush(stdout);
	while (read(0, name, sizeof(name)) > 0)
		;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	fd = (int)step("reopen", open(name, O_WRONLY | O_APPEND));
	step("overwrite", write(fd, "overwritten", 11));
}

int main(int argc, char **argv)
{
	const char *word = argv[1], *arg = argv[2];

	if (argc != 3)
		return 2;
	if (strcmp(word, "write") == 0) {
		step("write", open(arg, O_WRONLY));
	} else if (strcmp(word, "rewrite") == 0) {
		rewrite(arg);
	} else if (strcmp(word, "node") == 0) {
		step("make", mknod(arg, S_IFCHR | 0666, makedev(1, 3)));
		step("open", open(arg, O_RDWR));
	} else if (strcmp(word, "send") == 0) {
		send_to(arg);
	} else if (strcmp(word, "pty") == 0) {
		pty(arg);
	} else if (strcmp(word, "exe") == 0) {
		exe(arg);
	} else {
		fprintf(stderr, "tries: what is %s?\n", word);
		return 2;
	}
	return 0;
}
