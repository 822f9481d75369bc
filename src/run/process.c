/* SPDX-License-Identifier: MIT */
/*
 * A sane process.
 *
 * MUST 1. Descriptors 0-2 are open before anything else is opened; the one file opened earlier, by
 *         libcap-ng's constructor, is closed again. (T25)
 * MUST 2. They are no directories and not O_PATH: a way back to the old root. (T27)
 * MUST 3. All others are closed but those of --keep-fd, which are held to the same. (T26)
 * MUST 4. Real and saved uid are 0 at once, so that the caller can neither signal nor stop it, and
 *         it is not dumpable. (T21, T22)
 * MUST 5. The caller's limits, umask and signals can do no more than make it fail. (T23, T35, T36)
 * MUST 6. The payload gets back what the caller had. One thing cannot be given back: at the exec of
 *         any setuid program the kernel cuts a soft limit of the stack over 8 MiB to 8 MiB
 *         (fs/exec.c, begin_new_exec); the hard limit stays. (T23, T35, T36)
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "process.h"

#define GROUPS_MAX 65536 /* the kernel's NGROUPS_MAX; musl has another */

/* flags: those of the open descriptor, or -1. */
static int check_fd(int fd, int flags, struct ovl_error *err)
{
	struct stat st;

	if (flags < 0 || fstat(fd, &st) < 0)
		return ovl_fail(err, errno, "pass on", NULL, NULL, "descriptor %d", fd);
	if (S_ISDIR(st.st_mode) || (flags & O_PATH))
		return ovl_fail(err, EBADF, "pass on",
				"a directory or O_PATH descriptor would lead out of the image",
				NULL, "descriptor %d", fd);
	return 0;
}

static int check_standard_fds(struct ovl_error *err)
{
	int ret = 0;

	for (int fd = 0; ret == 0 && fd <= 2; fd++) {
		int flags = fcntl(fd, F_GETFL);

		/* The lowest free number is fd: those below are open. */
		if (flags < 0 && open("/dev/null", O_RDWR) != fd)
			ret = ovl_fail(err, EBADF, "open", NULL, NULL, "/dev/null as %d", fd);
		else if (flags >= 0)
			ret = check_fd(fd, flags, err);
	}
	return ret;
}

int process_close(const int *keep, unsigned int count, struct ovl_error *err)
{
	for (unsigned int from = 3;;) {
		unsigned int next = ~0U; /* the lowest that is kept from there on */

		for (unsigned int i = 0; i < count; i++) {
			if ((unsigned int)keep[i] >= from && (unsigned int)keep[i] < next)
				next = (unsigned int)keep[i];
		}
		if (next > from &&
		    syscall(SYS_close_range, from, next == ~0U ? next : next - 1, 0) < 0)
			return ovl_fail(err, errno, "close", NULL, "Linux 5.9 or later is needed",
					"descriptors");
		if (next == ~0U)
			return 0;
		from = next + 1;
	}
}

int process_keep(const int *keep, unsigned int count, struct ovl_error *err)
{
	int ret = 0;

	for (unsigned int i = 0; ret == 0 && i < count; i++)
		ret = check_fd(keep[i], fcntl(keep[i], F_GETFL), err);
	return ret ?: process_close(keep, count, err);
}

/*
 * The least that the program needs as soft limit, as far as the hard one goes: a launch holds a
 * dozen descriptors at a time, writes a passwd of the image's size, and leaves no core.
 */
static const struct {
	int resource;
	rlim_t least; /* 0: none at all */
} limits[PROCESS_LIMITS] = { { RLIMIT_NOFILE, 128 },
			     { RLIMIT_FSIZE, RLIM_INFINITY },
			     { RLIMIT_CORE, 0 } };

static int set_limits(struct caller *caller, struct ovl_error *err)
{
	for (int i = 0; i < PROCESS_LIMITS; i++) {
		struct rlimit *had = &caller->limits[i], limit;
		rlim_t least = limits[i].least;

		if (getrlimit(limits[i].resource, had) < 0)
			return ovl_cannot(err, errno, "read", "resource limits", NULL);
		limit = *had;
		if (least == 0 || limit.rlim_cur < least)
			limit.rlim_cur = least < limit.rlim_max ? least : limit.rlim_max;
		if (limit.rlim_cur != had->rlim_cur && setrlimit(limits[i].resource, &limit) < 0)
			return ovl_cannot(err, errno, "set", "resource limits", NULL);
	}
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
		return ovl_cannot(err, errno, "read", "supplementary groups", NULL);
	if (!caller->is_privileged)
		return 0;
	if (syscall(SYS_setresgid, 0, 0, 0) < 0 || syscall(SYS_setresuid, 0, 0, 0) < 0 ||
	    prctl(PR_SET_DUMPABLE, 0) < 0)
		return ovl_cannot(err, errno, "set", "user and group ids", NULL);
	return 0;
}

int process_sanitize(struct caller *caller, struct ovl_error *err)
{
	static char cwd[PATH_MAX];
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	int ret = become_root(caller, err);

	if (ret == 0)
		ret = check_standard_fds(err);
	if (ret < 0)
		return ret;
	/* Beyond a file-size limit a write then fails, instead of killing. */
	if (sigaction(SIGXFSZ, &ignore, &caller->xfsz) < 0)
		return ovl_cannot(err, errno, "set", "signal SIGXFSZ", NULL);
	caller->umask = umask(022);
	caller->cwd = getcwd(cwd, sizeof(cwd)) && cwd[0] == '/' ? cwd : NULL;
	return set_limits(caller, err);
}

pid_t process_clone(int flags)
{
	return (pid_t)syscall(SYS_clone, flags, 0, 0, 0, 0);
}

int process_restore(const struct caller *caller, struct ovl_error *err)
{
	for (int i = 0; i < PROCESS_LIMITS; i++) {
		if (setrlimit(limits[i].resource, &caller->limits[i]) < 0)
			return ovl_cannot(err, errno, "give back", "resource limits", NULL);
	}
	if (sigaction(SIGXFSZ, &caller->xfsz, NULL) < 0)
		return ovl_cannot(err, errno, "give back", "signal SIGXFSZ", NULL);
	umask(caller->umask);
	return 0;
}
