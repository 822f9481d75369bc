/* SPDX-License-Identifier: MIT */
/*
 * Stage "rootfs": what is mounted inside the overlay, and the overlay becomes the root directory.
 *
 * MUST 1. Nothing of the old root stays reachable but what is bound here, and failing that nothing
 *         is run. (T29)
 * MUST 2. /proc and /sys are the host's with all that covers them there; new ones only for a new
 *         pid or network namespace. (T54)
 * MUST 3. They come before what the caller binds: so it is seen when that would lie on them. (T32)
 * MUST 4. What the caller binds never holds the private tmpfs: its mount is unbindable by then. (T12)
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attach.h"
#include "privs.h"
#include "stages.h"
#include "supervise.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* The image may lack a target where the upper is one that was made without. */
#define HOW ATTACH_RECURSIVE | ATTACH_MAKE

static int attach_dev(const struct launch_plan *plan, struct new_root *root, struct ovl_error *err)
{
	int ret;

	if (plan->dev == DEV_HOST)
		return attach(root, AT_FDCWD, "/dev", "/dev", HOW, true, err);
	if (plan->dev == DEV_NONE)
		return 0;
	ret = attach(root, AT_FDCWD, RUN_DEV, "/dev", HOW | ATTACH_DEVICES, true, err);
	if (ret < 0 || !plan->has_masks)
		return ret;
	/* Root can make device files: in shm they do not work, and /dev is closed in the end. */
	root->devfd = openat(root->fd, "dev", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (root->devfd < 0)
		return ovl_cannot(err, errno, "open", "/dev", NULL);
	return attach(root, AT_FDCWD, RUN_DEV "/shm", "/dev/shm", 0, true, err);
}

/* A directory in which everybody can write: the image's own, or if that is read-only one of ours.
 */
static int attach_tmp(const struct launch_plan *plan, const struct new_root *root,
		      struct ovl_error *err)
{
	if (plan->has_tmp)
		return attach(root, AT_FDCWD, RUN_TMP, "/tmp", ATTACH_PROGRAMS, true, err);
	if (plan->request->bare || mkdirat(root->fd, "tmp", 0777) < 0)
		return 0; /* mostly because it is there */
	return fchmodat(root->fd, "tmp", 01777, 0) == 0
		       ? 0
		       : ovl_cannot(err, errno, "make", "/tmp", NULL);
}

static int attach_names(const struct launch_plan *plan, struct name_files *names,
			const struct new_root *root, struct ovl_error *err)
{
	int ret = privs_become_opener(plan->caller, err);

	if (ret < 0)
		return ret;
	names_open(names, root);
	return privs_become_mounter(err) ?: names_attach(root, err);
}

static int attach_binds(const struct launch_plan *plan, const struct new_root *root,
			struct ovl_error *err)
{
	/* Device files in what root binds would be his way past the image's nodev. */
	const unsigned int devices =
		plan->caller->uid == 0 && !plan->request->privileged ? ATTACH_NO_DEVICES : 0;
	int ret = 0;

	if (plan->bind_count == 0)
		return 0;
	/* No clone of /run or / may bring the private tmpfs and what is mounted on it. */
	if (mount(NULL, RUN_DIR, NULL, MS_UNBINDABLE, NULL) < 0)
		return ovl_cannot(err, errno, "close", RUN_DIR, NULL);
	for (unsigned int i = 0; ret == 0 && i < plan->bind_count; i++) {
		const struct plan_bind *bind = &plan->bind[i];
		unsigned int how = HOW | (bind->is_own ? ATTACH_OPTIONAL | ATTACH_CLOSED
						       : ATTACH_CALLERS | devices);

		if (bind->to.read_only)
			how |= ATTACH_READ_ONLY;
		if (bind->fd >= 0)
			ret = attach(root, bind->fd, "", bind->to.destination, how, bind->is_dir,
				     err);
	}
	return ret;
}

/* What root could change or read of the whole machine's (as in moby: oci/defaults.go): read-only, or
 * covered by something empty. */
static const struct {
	const char *path, *by;
} masks[] = {
	{ "/proc/bus", NULL },
	{ "/proc/fs", NULL },
	{ "/proc/irq", NULL },
	{ "/proc/sys", NULL },
	{ "/proc/sysrq-trigger", NULL },
	{ "/proc/kcore", RUN_MASK_FILE },
	{ "/proc/keys", RUN_MASK_FILE },
	{ "/proc/latency_stats", RUN_MASK_FILE },
	{ "/proc/timer_list", RUN_MASK_FILE },
	{ "/proc/timer_stats", RUN_MASK_FILE },
	{ "/proc/sched_debug", RUN_MASK_FILE },
	{ "/proc/acpi", RUN_MASK },
	{ "/proc/asound", RUN_MASK },
	{ "/proc/scsi", RUN_MASK },
	{ "/sys/firmware", RUN_MASK },
	{ "/sys/devices/virtual/powercap", RUN_MASK },
};

static int attach_masks(const struct launch_plan *plan, const struct new_root *root,
			struct ovl_error *err)
{
	const unsigned int how = ATTACH_RECURSIVE | ATTACH_READ_ONLY;
	int ret = 0;

	for (size_t i = 0; ret == 0 && i < COUNT(masks); i++) {
		const char *path = masks[i].path;

		if (!(strncmp(path, "/proc", 5) == 0 ? plan->has_proc : plan->has_sys) ||
		    faccessat(root->fd, path + 1, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (masks[i].by)
			ret = attach(root, AT_FDCWD, masks[i].by, path, how, false, err);
		else
			ret = attach(root, root->fd, path + 1, path, how, false, err);
	}
	return ret;
}

static int attach_kernel(const struct launch_plan *plan, const struct new_root *root,
			 struct ovl_error *err)
{
	const unsigned int unshare = plan->request->unshare;
	int ret = 0;

	if (unshare & NAMESPACE_PID)
		ret = supervise_start_init(plan->caller, plan->has_proc ? root : NULL, err);
	else if (plan->has_proc)
		ret = attach(root, AT_FDCWD, "/proc", "/proc", HOW | ATTACH_CLOSED, true, err);
	if (ret == 0 && plan->has_sys)
		ret = unshare & NAMESPACE_NET ? attach_new(root, "sysfs", "/sys",
							   ATTACH_MAKE | ATTACH_READ_ONLY, err)
					      : attach(root, AT_FDCWD, "/sys", "/sys",
						       HOW | ATTACH_READ_ONLY, true, err);
	return ret < 0 || !plan->has_masks ? ret : attach_masks(plan, root, err);
}

static int pivot(struct ovl_error *err)
{
	if (chdir(RUN_ROOT) < 0)
		return ovl_cannot(err, errno, "enter", RUN_ROOT, NULL);
	/* The old root comes to lie on top of the new one at "/", and is taken off there. */
	if (syscall(SYS_pivot_root, ".", ".") < 0)
		return ovl_fail(err, errno, "change root to", NULL,
				errno == EINVAL
					? "the root directory is a ramdisk or no mount point"
					: NULL,
				"%s", RUN_ROOT);
	if (umount2(".", MNT_DETACH) < 0)
		return ovl_cannot(err, errno, "unmount", "the old root", NULL);
	if (chdir("/") < 0)
		return ovl_cannot(err, errno, "enter", "/", NULL);
	return 0;
}

int rootfs_enter(const struct launch_plan *plan, struct name_files *names, struct ovl_error *err)
{
	struct new_root root;

	return attach_open_root(&root, plan->caller, RUN_ROOT, RUN_DIR, err)
		?: attach_dev(plan, &root, err)
		?: attach_tmp(plan, &root, err)
		?: (plan->has_names ? attach_names(plan, names, &root, err) : 0)
		?: attach_kernel(plan, &root, err)
		?: attach_binds(plan, &root, err)
		?: (root.devfd >= 0 ? attach_lock(root.devfd, err) : 0)
		?: pivot(err);
}
