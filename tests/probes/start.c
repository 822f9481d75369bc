/* SPDX-License-Identifier: MIT */
/*
 * start WORD... -- COMMAND...: runs COMMAND with a process state that a shell cannot make.
 *
 *   noargv        argc 0
 *   ignore:N      signal N ignored          block-all    every signal blocked
 *   close:N       descriptor N closed       path:N:DIR   descriptor N is O_PATH on DIR
 *   open:N:FILE   descriptor N is FILE, read-only
 *   limit:R:SOFT:HARD   resource limit R by number, -1 unlimited
 *   umask:OCTAL   nnp   no_new_privs        user:UID:GID[:GROUP...]
 *   many:N        copies of descriptor 0 from 10 to N - 1
 *   leader        a process group of its own, which it leads
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static void fail(const char *word)
{
	fprintf(stderr, "start: %s: %s\n", word, strerror(errno));
	exit(99);
}

static void place(int fd, int n, const char *word)
{
	if (fd < 0 || (fd != n && (dup2(fd, n) < 0 || close(fd) < 0)))
		fail(word);
}

static void set_user(char *text, const char *word)
{
	gid_t groups[64];
	int count = 0;
	uid_t uid = (uid_t)strtoul(strtok(text, ":"), NULL, 10);
	gid_t gid = (gid_t)strtoul(strtok(NULL, ":"), NULL, 10);

	for (char *g; count < 64 && (g = strtok(NULL, ":"));)
		groups[count++] = (gid_t)strtoul(g, NULL, 10);
	if (setgroups((size_t)count, groups) < 0 || setresgid(gid, gid, gid) < 0 ||
	    setresuid(uid, uid, uid) < 0)
		fail(word);
}

static void apply(char *word)
{
	char *value = strchr(word, ':');
	char *rest = value ? strchr(value + 1, ':') : NULL;
	int n = value ? atoi(value + 1) : 0;
	unsigned long long all = ~0ULL;

	if (strncmp(word, "ignore:", 7) == 0) {
		signal(n, SIG_IGN);
	} else if (strcmp(word, "block-all") == 0) {
		/* The kernel's 64 bits: musl keeps three signals out of its own. */
		syscall(SYS_rt_sigprocmask, SIG_BLOCK, &all, NULL, sizeof(all));
	} else if (strncmp(word, "close:", 6) == 0) {
		close(n);
	} else if (strncmp(word, "path:", 5) == 0) {
		place(open(rest + 1, O_PATH), n, word);
	} else if (strncmp(word, "open:", 5) == 0) {
		place(open(rest + 1, O_RDONLY), n, word);
	} else if (strncmp(word, "many:", 5) == 0) {
		for (int fd = 10; fd < n; fd++)
			dup2(0, fd);
	} else if (strncmp(word, "limit:", 6) == 0) {
		long long soft = atoll(rest + 1), hard = atoll(strchr(rest + 1, ':') + 1);
		struct rlimit r = { (rlim_t)soft, (rlim_t)hard };

		if (setrlimit(n, &r) < 0)
			fail(word);
	} else if (strncmp(word, "umask:", 6) == 0) {
		umask((mode_t)strtoul(value + 1, NULL, 8));
	} else if (strcmp(word, "leader") == 0) {
		if (setpgid(0, 0) < 0)
			fail(word);
	} else if (strcmp(word, "nnp") == 0) {
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	} else if (strncmp(word, "user:", 5) == 0) {
		set_user(value + 1, word);
	} else {
		errno = EINVAL;
		fail(word);
	}
}

int main(int argc, char **argv)
{
	char *none[] = { NULL };
	int with_argv = 1, i;

	for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "noargv") == 0)
			with_argv = 0;
		else
			apply(argv[i]);
	}
	if (i + 1 >= argc)
		return 2;
	execv(argv[i + 1], with_argv ? argv + i + 1 : none);
	fail(argv[i + 1]);
}
