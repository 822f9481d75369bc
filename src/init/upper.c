/* SPDX-License-Identifier: MIT */
/* Finds the upper layer, and later makes it writable. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ovl/beneath.h"
#include "device.h"
#include "dir.h"
#include "layout.h"
#include "upper.h"

#define DIFF	 LAYOUT_STATE "/diff"
#define DIFF_NEW LAYOUT_STATE "/diff.new" /* until it is complete */
#define WORK	 LAYOUT_STATE "/work"

/* 1 if the directory name is there, 0 if nothing is, else an error: it must be a real directory. */
static int look_dir(const struct upper *upper, int fd, const char *name, struct ovl_error *err)
{
	struct stat st;

	if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0
				       : ovl_fail(err, errno, "examine", NULL, NULL, "%s/%s",
						  upper->dir, name);
	if (S_ISDIR(st.st_mode))
		return 1;
	return ovl_fail(err, ENOTDIR, "use", "not a directory", NULL, "%s/%s", upper->dir, name);
}

static int bind_state(const struct upper *upper, struct ovl_error *err)
{
	if (mount(upper->dir, LAYOUT_STATE, NULL, MS_BIND, NULL) < 0)
		return ovl_cannot(err, errno, "bind", upper->dir, NULL);
	return 0;
}

int upper_look(struct upper *upper, const struct timespec *deadline, struct ovl_error *err)
{
	char device[DEVICE_PATH_SIZE];
	const char *path;
	int ret, fd;

	if (upper->words.kind == UPPER_NONE)
		return 0;
	ret = dir_make(LAYOUT_STATE, 0700, err);
	if (ret < 0 || upper->words.kind == UPPER_TMPFS)
		return ret;
	/*
	 * If it is the device of the tree too, both mounts share one superblock, which is read-only as long as it
	 * is asked for so; made writable later, it leaves the other mount read-only.
	 */
	if (upper->words.kind == UPPER_DEVICE) {
		ret = device_wait(device, upper->words.device, deadline, err)
			      ?: device_mount(device, LAYOUT_DISK, NULL, err);
		if (ret < 0)
			return ret;
	}
	path = upper->words.path + strspn(upper->words.path, "/");
	if ((size_t)snprintf(upper->dir, sizeof(upper->dir), "%s/%s",
			     upper->words.kind == UPPER_DEVICE ? LAYOUT_DISK : "",
			     path) >= sizeof(upper->dir))
		return ovl_cannot(err, ENAMETOOLONG, "use", path, NULL);
	fd = ovl_beneath_open_trusted(upper->dir, err);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	ret = look_dir(upper, fd, "work", err);
	if (ret >= 0)
		ret = look_dir(upper, fd, "diff", err);
	close(fd);
	upper->has_diff = ret == 1;
	return ret == 1 ? bind_state(upper, err) : ret;
}

/* Makes path, absolute, with what is missing on the way; the last directory for root alone. */
static int make_path(char *path, struct ovl_error *err)
{
	int ret = 0;

	for (char *slash = strchr(path + 1, '/'); slash && ret == 0;
	     slash = strchr(slash + 1, '/')) {
		if (slash[strspn(slash, "/")] == '\0')
			break; /* slashes behind the last directory */
		*slash = '\0';
		ret = dir_make(path, 0755, err);
		*slash = '/';
	}
	return ret ?: dir_make(path, 0700, err);
}

static bool is_opened; /* LAYOUT_DISK was read-only until it was made writable here */

void upper_close(void)
{
	if (is_opened)
		mount(NULL, LAYOUT_DISK, NULL, MS_REMOUNT | MS_RDONLY, NULL);
	is_opened = false;
}

/* Makes the disk writable. First the mount alone: with btrfs the system may have the file system itself writable already. */
static int open_disk(unsigned long flags)
{
	if (mount(NULL, LAYOUT_DISK, NULL, MS_REMOUNT | MS_BIND | flags, NULL) < 0)
		return -1;
	if (access(LAYOUT_DISK, W_OK) == 0)
		return 0;
	is_opened = true;
	return mount(NULL, LAYOUT_DISK, NULL, MS_REMOUNT | flags, NULL);
}

/* Mounts the tmpfs, or makes the directory on the disk writable and binds it. */
static int open_state(struct upper *upper, struct ovl_error *err)
{
	unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
	const char *words[] = { "mode=0700", "mode=0700,size=" };
	char data[64];
	int ret, fd;

	if (upper->words.kind == UPPER_TMPFS) {
		snprintf(data, sizeof(data), "%s%s", words[upper->words.size[0] != '\0'],
			 upper->words.size);
		if (mount("tmpfs", LAYOUT_STATE, "tmpfs", flags, data) < 0)
			return ovl_cannot(err, errno, "mount", "a tmpfs for the upper layer", NULL);
		return 0;
	}
	if (upper->has_diff && umount2(LAYOUT_STATE, 0) < 0)
		return ovl_cannot(err, errno, "unmount", LAYOUT_STATE, NULL);
	if (upper->words.kind == UPPER_DEVICE && open_disk(flags) < 0)
		return ovl_fail(err, errno, "make writable", NULL,
				"an upper layer needs a device that can be written", "%s",
				upper->words.device);
	ret = make_path(upper->dir, err);
	if (ret < 0)
		return ret;
	/* What was made may lie below what was there. */
	fd = ovl_beneath_open_trusted(upper->dir, err);
	if (fd < 0)
		return fd;
	close(fd);
	return bind_state(upper, err);
}

int upper_ready(struct upper *upper, const char *like, struct ovl_error *err)
{
	int ret = open_state(upper, err) ?: dir_make(WORK, 0700, err);

	if (ret < 0 || upper->has_diff)
		return ret;
	/* Renamed when it is complete: a boot that dies here leaves no root directory with a wrong mode. */
	ret = dir_make_like(DIFF_NEW, like, err);
	if (ret == 0 && rename(DIFF_NEW, DIFF) < 0)
		ret = ovl_cannot(err, errno, "make directory", DIFF, NULL);
	return ret;
}
