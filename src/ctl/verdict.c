/* SPDX-License-Identifier: MIT */
/* Runs ovlrun --check-policy. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "verdict.h"

#define SAID_SIZE 1024 /* its first line is less */

/* The program to ask, in memory that stays; NULL: none. First the one that was built or installed with this. */
static const char *find_ovlrun(void)
{
	static const char *const beside[] = { "/ovlrun", "/../bin/ovlrun" };
	static const char *const usual[] = { "/usr/local/bin/ovlrun", "/usr/bin/ovlrun" };
	static char path[PATH_MAX + sizeof("/../bin/ovlrun")];
	ssize_t len = readlink("/proc/self/exe", path, PATH_MAX);
	char *slash;

	path[len > 0 ? len : 0] = '\0';
	slash = strrchr(path, '/');
	for (size_t i = 0; slash && i < 2; i++) {
		strcpy(slash, beside[i]);
		if (access(path, X_OK) == 0)
			return path;
	}
	for (size_t i = 0; i < 2; i++) {
		if (access(usual[i], X_OK) == 0)
			return usual[i];
	}
	return NULL;
}

/* Takes what comes through fd to its end: the first bytes of it in said. */
static void listen_to(int fd, char *said, size_t size)
{
	char rest[256];
	size_t len = 0;
	ssize_t got;

	do {
		bool is_full = len == size - 1;

		got = read(fd, is_full ? rest : said + len,
			   is_full ? sizeof(rest) : size - 1 - len);
		if (got > 0 && !is_full)
			len += (size_t)got;
	} while (got > 0 || (got < 0 && errno == EINTR));
	said[len] = '\0';
	said[strcspn(said, "\n")] = '\0';
}

/* Its exit status, or -1 if it could not be run. */
static int ask(const char *ovlrun, const char *file, char *said, size_t size)
{
	int ends[2], status;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		dup2(ends[1], STDERR_FILENO);
		execl(ovlrun, ovlrun, "--check-policy", file, NULL);
		_exit(127);
	}
	close(ends[1]);
	listen_to(ends[0], said, size);
	close(ends[0]);
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

int verdict_ask(const char *file, const char *shown, struct ovl_error *err)
{
	const char *ovlrun = find_ovlrun(), *at;
	char said[SAID_SIZE];
	int status;

	if (!ovlrun)
		return 0;
	status = ask(ovlrun, file, said, sizeof(said));
	if (status == 0)
		return 0;
	if (status != 125)
		return ovl_cannot(err, EIO, "ask", ovlrun, "it does not run --check-policy");
	at = file ? strstr(said, file) : NULL;
	return ovl_fail(err, EINVAL, "write the policy", "ovlrun would refuse it",
			"`ovlctl revoke` takes rules away", "(%s%s)", at ? shown : said,
			at ? at + strlen(file) : "");
}
