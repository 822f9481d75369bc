/* SPDX-License-Identifier: MIT */
/*
 * A sane process.
 *
 * MUST 1. Descriptors 0-2 are open before anything else is opened; the one file opened earlier, by
 *         libcap-ng's constructor, is closed again.  (T25)
 * MUST 2. They are no directories and not O_PATH: a way back to the old root.  (T27)
 * MUST 3. All others are closed.  (T26)
 * MUST 4. Real and saved uid are 0 at once, so that the caller can neither signal nor stop it, and
 *         it is not dumpable.  (T21, T22)
 * MUST 5. The caller's limits, umask and signals can do no more than make it fail.  (T23, T35, T36)
 * MUST 6. The payload gets back what the caller had. One thing cannot be given back: at the exec of
 * any setuid program the kernel cuts a soft limit of the stack over 8 MiB to 8 MiB (fs/exec.c,
 *         begin_new_exec); the hard limit stays.  (T23, T35, T36)
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "process.h"

#define GROUPS_MAX    65536 /* the kernel's NGROUPS_MAX; musl has another */
#define NOFILE_NEEDED 64    /* descriptors; a launch holds fewer than ten at a time */

static int check_standard_fds(struct ovl_error *err)
{
	for (int fd = 0; fd <= 2; fd++) {
		struct stat st;
		int flags = fcntl(fd, F_GETFL);

		if (flags < 0) {
			/* The lowest free number is fd: those below are open. */
			if (open("/dev/null", O_RDWR) != fd)
				return ovl_fail(err, EBADF, "open", NULL, NULL, "/dev/null as %d",
						fd);
			continue;
		}
		if (fstat(fd, &st) < 0)
			return ovl_fail(err, errno, "examine", NULL, NULL, "descriptor %d", fd);
		if (S_ISDIR(st.st_mode) || (flags & O_PATH))
			return ovl_fail(
				err, EBADF, "pass on",
				"a directory or O_PATH descriptor would lead out of the image",
				NULL, "descriptor %d", fd);
	}
	return 0;
}

static int set_limits(struct caller *caller, struct ovl_error *err)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &caller->nofile) < 0 ||
	    getrlimit(RLIMIT_CORE, &caller->core) < 0)
		return ovl_fail(err, errno, "read", NULL, NULL, "resource limits");
	limit = caller->nofile;
	limit.rlim_cur = limit.rlim_max < NOFILE_NEEDED ? limit.rlim_max : NOFILE_NEEDED;
	if (caller->nofile.rlim_cur < limit.rlim_cur && setrlimit(RLIMIT_NOFILE, &limit) < 0)
		return ovl_fail(err, errno, "set", NULL, NULL, "limit of descriptors");
	limit = caller->core;
	limit.rlim_cur = 0;
	if (setrlimit(RLIMIT_CORE, &limit) < 0)
		return ovl_fail(err, errno, "set", NULL, NULL, "limit of core files");
	return 0;
}

static int become_root(struct caller *caller, struct ovl_error *err)
{
	static gid_t groups[GROUPS_MAX]; /* 256 KiB, of which the kernel touches what it fills */

	caller->uid = getuid();
	caller->gid = getgid();
	caller->is_privileged = geteuid() == 0;
	caller->groups = groups;
	caller->group_count = (int)syscall(SYS_getgroups, GROUPS_MAX, groups);
	if (caller->group_count < 0)
		return ovl_fail(err, errno, "read", NULL, NULL, "supplementary groups");
	if (!caller->is_privileged)
		return 0;
	if (syscall(SYS_setresgid, 0, 0, 0) < 0 || syscall(SYS_setresuid, 0, 0, 0) < 0 ||
	    prctl(PR_SET_DUMPABLE, 0) < 0)
		return ovl_fail(err, errno, "set", NULL, NULL, "user and group ids");
	return 0;
}

int process_sanitize(struct caller *caller, struct ovl_error *err)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	int ret = become_root(caller, err);

	if (ret == 0)
		ret = check_standard_fds(err);
	if (ret < 0)
		return ret;
	if (syscall(SYS_close_range, 3, ~0U, 0) < 0)
		return ovl_fail(err, errno, "close", NULL, "Linux 5.9 or later is needed",
				"inherited descriptors");
	/* Beyond a file-size limit a write then fails, instead of killing. */
	if (sigaction(SIGXFSZ, &ignore, &caller->xfsz) < 0)
		return ovl_fail(err, errno, "set", NULL, NULL, "signal SIGXFSZ");
	caller->umask = umask(022);
	return set_limits(caller, err);
}

int process_restore(const struct caller *caller, struct ovl_error *err)
{
	if (setrlimit(RLIMIT_NOFILE, &caller->nofile) < 0 ||
	    setrlimit(RLIMIT_CORE, &caller->core) < 0)
		return ovl_fail(err, errno, "give back", NULL, NULL, "resource limits");
	if (sigaction(SIGXFSZ, &caller->xfsz, NULL) < 0)
		return ovl_fail(err, errno, "give back", NULL, NULL, "signal SIGXFSZ");
	umask(caller->umask);
	return 0;
}
