/* SPDX-License-Identifier: MIT */
/*
 * A copy of the program that cannot be changed.
 *
 * MUST 1. What root's payload is run by is not the installed file. (T30)
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sealed.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U /* Linux 6.3; older kernels refuse it, and need it not */
#endif
#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* A sealed copy of the open file, or -1. A limit of file sizes cuts it short. */
static int copy(int self)
{
	const unsigned int flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd = memfd_create("ovlrun", flags | MFD_EXEC);
	struct stat st;
	ssize_t len;

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("ovlrun", flags);
	if (fd < 0 || fstat(self, &st) < 0)
		return -1;
	len = sendfile(fd, self, NULL, (size_t)st.st_size);
	if (len >= 0 && len != st.st_size)
		errno = EFBIG;
	return len == st.st_size && fcntl(fd, F_ADD_SEALS, SEALS) == 0 ? fd : -1;
}

int sealed_run(char **argv, char **env, struct ovl_error *err)
{
	int self = openat(AT_FDCWD, "/proc/self/exe", O_RDONLY | O_CLOEXEC), seals, fd;
	void (*xfsz)(int);

	if (self < 0)
		return errno == ENOENT ? 0 : ovl_cannot(err, errno, "open", "/proc/self/exe", NULL);
	seals = fcntl(self, F_GET_SEALS);
	if (seals >= 0 && (seals & SEALS) == SEALS) {
		close(self);
		return 0;
	}
	xfsz = signal(SIGXFSZ, SIG_IGN);
	fd = copy(self);
	if (fd < 0)
		return ovl_cannot(err, errno, "copy", "the program into memory", NULL);
	signal(SIGXFSZ, xfsz);
	syscall(SYS_execveat, fd, "", argv, env, AT_EMPTY_PATH);
	return ovl_fail(err, errno, "run", NULL, "sysctl vm.memfd_noexec=2 forbids it",
			"the program's copy");
}
