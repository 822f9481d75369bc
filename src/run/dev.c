/* SPDX-License-Identifier: MIT */
/*
 * The minimal /dev.
 *
 * MUST 1. Its nodes are made here and are none of the image's or the host's. (T19)
 * MUST 2. A terminal made inside is its maker's alone: mode 0600, in a devpts of the launch. (T39)
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "dev.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Numbers: Documentation/admin-guide/devices.txt. */
static const struct {
	const char *name;
	unsigned int major, minor;
} nodes[] = {
	{ "null", 1, 3 },   { "zero", 1, 5 },	 { "full", 1, 7 },
	{ "random", 1, 8 }, { "urandom", 1, 9 }, { "tty", 5, 0 },
};

static const struct {
	const char *name, *target;
} links[] = {
	{ "fd", "/proc/self/fd" },	 { "stdin", "/proc/self/fd/0" },
	{ "stdout", "/proc/self/fd/1" }, { "stderr", "/proc/self/fd/2" },
	{ "ptmx", "pts/ptmx" },
};

static int make(int fd, uid_t uid, gid_t gid, struct ovl_error *err)
{
	/* Of umask 022; nobody but root can see this directory yet. */
	umask(0);
	for (size_t i = 0; i < COUNT(nodes); i++) {
		if (mknodat(fd, nodes[i].name, S_IFCHR | 0666,
			    makedev(nodes[i].major, nodes[i].minor)) < 0 ||
		    (uid != 0 && fchownat(fd, nodes[i].name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0))
			return ovl_fail(
				err, errno, "make", NULL,
				errno == EPERM
					? "root may not make devices here, as in a container: "
					  "use --dev host or --dev none"
					: NULL,
				"/dev/%s", nodes[i].name);
	}
	umask(022);
	for (size_t i = 0; i < COUNT(links); i++) {
		if (symlinkat(links[i].target, fd, links[i].name) < 0)
			return ovl_fail(err, errno, "make", NULL, NULL, "/dev/%s", links[i].name);
	}
	if (mkdirat(fd, "pts", 0755) < 0 || mkdirat(fd, "shm", 0777) < 0 ||
	    fchmodat(fd, "shm", 01777, 0) < 0 ||
	    (uid != 0 && (fchownat(fd, "", uid, gid, AT_EMPTY_PATH) < 0 ||
			  fchownat(fd, "shm", uid, gid, 0) < 0)))
		return ovl_cannot(err, errno, "make", "/dev/shm", NULL);
	return 0;
}

int dev_make(const struct launch_plan *plan, struct ovl_error *err)
{
	uid_t uid = plan->idmap ? plan->caller->uid : 0;
	gid_t gid = plan->idmap ? plan->caller->gid : 0;
	int fd, ret;

	if (mkdir(RUN_DEV, 0755) < 0)
		return ovl_cannot(err, errno, "make", RUN_DEV, NULL);
	fd = openat(AT_FDCWD, RUN_DEV, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return ovl_cannot(err, errno, "open", RUN_DEV, NULL);
	ret = make(fd, uid, gid, err);
	close(fd);
	if (ret == 0 && (mount("devpts", RUN_DEV "/pts", "devpts", MS_NOSUID | MS_NOEXEC,
			       "newinstance,mode=0600,ptmxmode=0666") < 0 ||
			 (uid != 0 && chown(RUN_DEV "/pts", uid, gid) < 0)))
		ret = ovl_cannot(err, errno, "mount devpts on", RUN_DEV "/pts", NULL);
	return ret;
}
