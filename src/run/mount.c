/* SPDX-License-Identifier: MIT */
/*
 * Stage "mount": the private tmpfs and the overlay.
 *
 * MUST 1. The mount point is root's, 0700, and no symlink; asked of the open descriptor. (T42)
 * MUST 2. Targets are compiled in; nobody can name another. (T32)
 * MUST 3. Upper and work directory are made by the program, on the private tmpfs or by upper.c.
 *         (T11)
 * MUST 4. The overlay is mounted with the caller's file-system ids. (T44)
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ovl/beneath.h"
#include "ovl/mount.h"
#include "dev.h"
#include "privs.h"
#include "stages.h"
#include "top.h"
#include "upper.h"
#include "userns.h"

static int make_run_dir(struct ovl_error *err)
{
	int parentfd = ovl_beneath_open_trusted(RUN_PARENT, err);

	if (parentfd < 0)
		return parentfd;
	if (mkdirat(parentfd, RUN_NAME, 0700) < 0 && errno != EEXIST)
		return ovl_cannot(err, errno, "make", RUN_DIR, NULL);
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
		return ovl_cannot(err, errno, "mount tmpfs on", RUN_DIR, NULL);
	close(fd);
	return 0;
}

/* Binds the persistent upper's directory, so that the paths in the mount data are short. */
static int bind_state(const struct launch_plan *plan, int treefd, struct ovl_error *err)
{
	int fd = upper_open(plan, treefd, err); /* open, and so locked, until the drop */

	if (fd < 0)
		return fd;
	if (mkdir(RUN_PROBE, 0700) < 0 || mkdir(RUN_STATE, 0700) < 0 || fchdir(fd) < 0 ||
	    mount(".", RUN_STATE, NULL, MS_BIND, NULL) < 0)
		return ovl_cannot(err, errno, "bind", "the upper layer", NULL);
	return 0;
}

/* The directories of the overlay. */
static int make_layers(const struct launch_plan *plan, int treefd, struct ovl_error *err)
{
	const struct stat closed = { .st_mode = 0700 };
	struct stat like;
	int ret = top_make_dir(AT_FDCWD, RUN_ROOT, &closed, err);

	if (ret < 0 || plan->request->upper)
		return ret ?: bind_state(plan, treefd, err);
	if (plan->overlay.generated)
		ret = top_make(plan, treefd, AT_FDCWD, RUN_TOP, err);
	if (ret < 0 || !plan->overlay.upperdir)
		return ret;
	return top_look_root(plan, treefd, &like, err)
		?: top_make_dir(AT_FDCWD, RUN_UPPER, &like, err)
		?: top_make_dir(AT_FDCWD, RUN_WORK, &closed, err);
}

/* What is bound inside later, and does not come from the host. */
static int make_sources(const struct launch_plan *plan, struct name_files *names,
			struct ovl_error *err)
{
	struct stat tmp = { .st_mode = 01777 }; /* root's, also where the caller is root */
	int ret = plan->dev == DEV_MINIMAL ? dev_make(plan, err) : 0;

	if (plan->idmap) {
		tmp.st_uid = plan->caller->uid;
		tmp.st_gid = plan->caller->gid;
	}

	if (ret == 0 && plan->has_names)
		ret = names_make(names, err);
	if (ret == 0 && plan->has_tmp)
		ret = top_make_dir(AT_FDCWD, RUN_TMP, &tmp, err);
	if (ret == 0 && plan->has_masks &&
	    (mkdir(RUN_MASK, 0555) < 0 || mknod(RUN_MASK_FILE, S_IFREG | 0444, 0) < 0))
		ret = ovl_cannot(err, errno, "make", RUN_MASK, NULL);
	return ret;
}

int mount_launch(const struct launch_plan *plan, int treefd, int usernsfd, struct name_files *names,
		 struct ovl_error *err)
{
	int ret = mount_tmpfs(plan, err);

	if (ret == 0 && usernsfd >= 0)
		ret = treefd = userns_map_tree(usernsfd, treefd, RUN_TREE, err);
	if (ret < 0)
		return ret;
	ret = make_layers(plan, treefd, err) ?: make_sources(plan, names, err)
		?: privs_become_opener(plan->caller, err) ?: privs_become_mounter(err)
		?: ovl_mount_overlay(&plan->overlay, treefd, RUN_ROOT, err);
	if (ret == 0 && plan->request->upper)
		ret = upper_prove_lock(plan, treefd, RUN_PROBE, err);
	return ret;
}
