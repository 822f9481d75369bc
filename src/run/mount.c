/* SPDX-License-Identifier: MIT */
/*
 * Stage "mount": the private tmpfs and the overlay.
 *
 * MUST 1. The mount point is root's, 0700, and no symlink; asked of the open descriptor.  (T42)
 * MUST 2. Targets are compiled in; nobody can name another.  (T32)
 * MUST 3. Upper and work directory are made by the program, on the private tmpfs or by upper.c.
 * (T11) MUST 4. The overlay is mounted with the caller's file-system ids.  (T44)
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ovl/beneath.h"
#include "ovl/mount.h"
#include "privs.h"
#include "stages.h"
#include "upper.h"

static int make_run_dir(struct ovl_error *err)
{
	int parentfd = ovl_beneath_open_trusted(RUN_PARENT, err);

	if (parentfd < 0)
		return parentfd;
	if (mkdirat(parentfd, RUN_NAME, 0700) < 0 && errno != EEXIST)
		return ovl_fail(err, errno, "make", NULL, NULL, "%s", RUN_DIR);
	close(parentfd);
	return 0;
}

/* Opens RUN_DIR, made if missing. */
static int open_run_dir(struct ovl_error *err)
{
	const int flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	struct stat st;
	int fd = openat(AT_FDCWD, RUN_DIR, flags);

	if (fd < 0 && errno == ENOENT) {
		int ret = make_run_dir(err);

		if (ret < 0)
			return ret;
		fd = openat(AT_FDCWD, RUN_DIR, flags);
	}
	if (fd < 0)
		return ovl_fail(err, errno, "open",
				errno == ENOTDIR ? "a symlink, or not a directory" : NULL,
				"root may remove it", "%s", RUN_DIR);
	if (fstat(fd, &st) < 0 || st.st_uid != 0 || (st.st_mode & 07777) != 0700)
		return ovl_fail(err, EPERM, "trust", "it must be root's with mode 0700",
				"root may remove it", "%s", RUN_DIR);
	return fd;
}

static int mount_tmpfs(const struct launch_plan *plan, struct ovl_error *err)
{
	const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
	int fd = open_run_dir(err);

	if (fd < 0)
		return fd;
	/* On ".", because the descriptor was checked, and a name would be looked up again. */
	if (fchdir(fd) < 0 || mount("ovlrun", ".", "tmpfs", flags, plan->tmpfs_options) < 0)
		return ovl_fail(err, errno, "mount tmpfs on", NULL, NULL, "%s", RUN_DIR);
	close(fd);
	return 0;
}

/* Makes a directory that looks like the image's own root. */
static int make_like_root(const struct ovl_stack *stack, const char *path, struct ovl_error *err)
{
	if (mkdir(path, stack->root_mode) < 0 ||
	    ((stack->root_uid != 0 || stack->root_gid != 0) &&
	     lchown(path, stack->root_uid, stack->root_gid) < 0) ||
	    /* What the umask and mkdir(2) leave out, and chown(2) takes away. */
	    ((stack->root_mode & 07022) != 0 && chmod(path, stack->root_mode) < 0))
		return ovl_fail(err, errno, "make", NULL, NULL, "%s", path);
	return 0;
}

/* Binds the persistent upper's directory, so that the paths in the mount data are short. */
static int bind_state(const struct launch_plan *plan, struct ovl_error *err)
{
	int fd = upper_open(plan, err); /* open, and so locked, until the payload is run */

	if (fd < 0)
		return fd;
	if (mkdir(RUN_PROBE, 0700) < 0 || mkdir(RUN_STATE, 0700) < 0 || fchdir(fd) < 0 ||
	    mount(".", RUN_STATE, NULL, MS_BIND, NULL) < 0)
		return ovl_fail(err, errno, "bind", NULL, NULL, "the upper layer");
	return 0;
}

static int make_dirs(const struct launch_plan *plan, struct ovl_error *err)
{
	int ret = 0;

	if (mkdir(RUN_ROOT, 0700) < 0)
		return ovl_fail(err, errno, "make", NULL, NULL, "%s", RUN_ROOT);
	if (plan->request->upper)
		return bind_state(plan, err);
	if (plan->overlay.generated)
		ret = make_like_root(plan->stack, RUN_TOP, err);
	if (ret == 0 && plan->overlay.upperdir)
		ret = make_like_root(plan->stack, RUN_UPPER, err);
	if (ret == 0 && plan->overlay.workdir && mkdir(RUN_WORK, 0700) < 0)
		ret = ovl_fail(err, errno, "make", NULL, NULL, "%s", RUN_WORK);
	return ret;
}

int mount_launch(const struct launch_plan *plan, int treefd, struct ovl_error *err)
{
	int ret = mount_tmpfs(plan, err);

	if (ret == 0)
		ret = make_dirs(plan, err);
	if (ret == 0)
		ret = privs_become_mounter(plan->caller, err);
	if (ret == 0)
		ret = ovl_mount_overlay(&plan->overlay, treefd, RUN_ROOT, err);
	if (ret == 0 && plan->request->upper)
		ret = upper_prove_lock(plan, treefd, RUN_PROBE, err);
	return ret;
}
