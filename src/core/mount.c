/* SPDX-License-Identifier: MIT */
/*
 * The sink: what is mounted is decided here, whatever was checked before.
 *
 * MUST 1. nosuid and nodev always; read-only unless there is an upper. (T16, T19, T09)
 * MUST 2. mount(2) never gets data longer than a page less one byte. (T05)
 * MUST 3. lowerdir+ is used only where the kernel knows it: a bogus key must be refused first,
 *         since old kernels take any key and fail at the end. (T05)
 * MUST 4. The state of the mount is read back. (T52)
 */
#include <errno.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>
#include <linux/mount.h>

#include "ovl/mount.h"

static int fs_set(int fsfd, const char *key, const char *value)
{
	return syscall(SYS_fsconfig, fsfd, FSCONFIG_SET_STRING, key, value, 0) < 0 ? -errno : 0;
}

static int fail_mount(int errnum, const char *target, struct ovl_error *err)
{
	const char *reason = NULL, *hint = NULL;

	if (errnum == ENODEV)
		hint = "this kernel has no overlay file system: `modprobe overlay` as root";
	if (errnum == EPERM)
		hint = "a security module or a container forbids mounts here";
	if (errnum == EINVAL)
		hint = "its file system may not carry layers (d_type): `dmesg` may say more";
	if (errnum == EBUSY)
		reason = "the upper layer is in use by another mount";
	return ovl_fail(err, errnum, "mount overlay on", reason, hint, "%s", target);
}

/* Sets the options of data, which it cuts, on an open file-system context, and makes it. */
static int configure(int fsfd, char *data)
{
	char *option, *value;
	int ret = 0;

	while (ret == 0 && (option = strsep(&data, ","))) {
		const char *key = strsep(&option, "=");
		bool is_list = strcmp(key, "lowerdir") == 0;

		while (ret == 0 && (value = strsep(&option, is_list ? ":" : "")))
			ret = fs_set(fsfd, is_list ? "lowerdir+" : key, value);
	}
	if (ret == 0 && syscall(SYS_fsconfig, fsfd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		ret = -errno;
	return ret;
}

static int mount_by_context(const struct ovl_overlay *overlay, char *data, const char *target,
			    struct ovl_error *err)
{
	unsigned int attr =
		MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | (overlay->upperdir ? 0 : MOUNT_ATTR_RDONLY);
	int fsfd = (int)syscall(SYS_fsopen, "overlay", FSOPEN_CLOEXEC);
	int mntfd, ret;

	if (fsfd < 0 && errno != ENOSYS)
		return fail_mount(errno, target, err);
	if (fsfd < 0 || fs_set(fsfd, "ovl-no-such-option", "1") == 0) {
		if (fsfd >= 0)
			close(fsfd);
		return ovl_fail(
			err, E2BIG, "mount",
			"max depth exceeded: the options pass one page, and this kernel has no "
			"lowerdir+",
			"use fewer layers, or Linux 6.8", "%u lower directories",
			ovl_overlay_depth(overlay));
	}
	ret = configure(fsfd, data);
	if (ret == 0) {
		mntfd = (int)syscall(SYS_fsmount, fsfd, FSMOUNT_CLOEXEC, attr);
		if (mntfd < 0 ||
		    syscall(SYS_move_mount, mntfd, "", -1, target, MOVE_MOUNT_F_EMPTY_PATH) < 0)
			ret = -errno;
		if (mntfd >= 0)
			close(mntfd);
	}
	close(fsfd);
	return ret < 0 ? fail_mount(-ret, target, err) : 0;
}

/* Reads the state of the mount back. */
static int verify(const struct ovl_overlay *overlay, const char *target, struct ovl_error *err)
{
	struct statfs fs;

	if (statfs(target, &fs) < 0)
		return ovl_cannot(err, errno, "examine", target, NULL);
	if ((unsigned long)fs.f_type != OVERLAYFS_SUPER_MAGIC ||
	    (fs.f_flags & (ST_NOSUID | ST_NODEV)) != (ST_NOSUID | ST_NODEV))
		return ovl_cannot(err, EPROTO, "verify", target,
				  "not the overlay that was asked for");
	if (overlay->upperdir && (fs.f_flags & ST_RDONLY))
		return ovl_fail(
			err, EROFS, "mount overlay on",
			"the kernel made it read-only, because it cannot use the work directory",
			"the disk or your quota is full, or root has to empty the work directory",
			"%s", target);
	if (!overlay->upperdir && !(fs.f_flags & ST_RDONLY))
		return ovl_cannot(err, EPROTO, "verify", target, "it should be read-only");
	return 0;
}

int ovl_mount_overlay(const struct ovl_overlay *overlay, int treefd, const char *target,
		      struct ovl_error *err)
{
	unsigned long flags = MS_NOSUID | MS_NODEV | (overlay->upperdir ? 0 : MS_RDONLY);
	static char data[OVL_DATA_SIZE]; /* on the stack four pages would be cleared for it */
	int len, ret;

	ret = ovl_overlay_check(overlay, err);
	if (ret < 0)
		return ret;
	len = ovl_overlay_data(overlay, data, sizeof(data));
	if (len < 0)
		return ovl_cannot(err, E2BIG, "mount", "overlay", "its options are too long");
	if (fchdir(treefd) < 0)
		return ovl_cannot(err, errno, "enter", "the tree", NULL);
	if (len > OVL_PAGE_DATA_MAX)
		ret = mount_by_context(overlay, data, target, err);
	else if (mount("overlay", target, "overlay", flags, data) < 0)
		ret = fail_mount(errno, target, err);
	if (ret < 0)
		return ret;
	ret = verify(overlay, target, err);
	if (ret < 0)
		umount2(target, MNT_DETACH);
	return ret;
}
