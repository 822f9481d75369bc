/* SPDX-License-Identifier: MIT */
/*
 * ovlctl umount: takes away what `ovlctl mount` has mounted, and nothing else.
 *
 * MUST 1. What is looked at is what is unmounted, whoever renames directories above it meanwhile: it is found by its name in
 *         a directory that is open, and through no link. (ctl-mount.bats)
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mounts.h"
#include "verb.h"

static int is_wanted(const struct overlay *overlay, void *context)
{
	const unsigned long *id = context;

	return overlay->id == *id && strcmp(overlay->root, "/") == 0 && mounts_is_own(overlay);
}

/* The number of the mount whose root directory name in dirfd is; 0: it is none. */
static unsigned long mount_id(int dirfd, const char *name)
{
	struct statx st;
	int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | (*name ? 0 : AT_EMPTY_PATH);

	if (statx(dirfd, name, flags, STATX_MNT_ID, &st) < 0 ||
	    !(st.stx_attributes & STATX_ATTR_MOUNT_ROOT) || !(st.stx_mask & STATX_MNT_ID))
		return 0;
	return st.stx_mnt_id;
}

/* Goes to the directory in which the mount that is open as fd lies, and finds its name there. */
static int enter_parent(int fd, char *name, size_t size)
{
	char own[64], path[PATH_MAX];
	int parent = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC); /* out of the mount */
	ssize_t len;

	snprintf(own, sizeof(own), "/proc/self/fd/%d", fd);
	len = readlink(own, path, sizeof(path) - 1);
	path[len < 0 ? 0 : len] = '\0';
	snprintf(name, size, "%s", strrchr(path, '/') ? strrchr(path, '/') + 1 : "");
	if (parent < 0 || fchdir(parent) < 0)
		return -errno;
	close(parent);
	return 0;
}

static int run(struct call *call, struct ovl_error *err)
{
	const char *dir = call->argv[0];
	char name[NAME_MAX + 1];
	unsigned long id;
	int ret, fd = mounts_open_dir(dir, "unmount", err);

	if (fd < 0)
		return fd;
	id = mount_id(fd, "");
	ret = id ? mounts_own(is_wanted, &id, err) : 0;
	if (ret == 1)
		ret = enter_parent(fd, name, sizeof(name)) ?: 1;
	close(fd); /* it would be a user of the mount */
	if (ret != 1 || mount_id(AT_FDCWD, name) != id)
		return ovl_fail(err, EINVAL, "unmount", "nothing that `ovlctl mount` has mounted",
				"`ovlctl ps` lists what is mounted", "%s", dir);
	if (umount2(name, UMOUNT_NOFOLLOW) < 0)
		return ovl_fail(err, errno, "unmount", NULL,
				errno == EBUSY ? "processes use it: `fuser -vm` names them" : NULL,
				"%s", dir);
	return 0;
}

const struct verb cmd_umount = {
	.name = "umount",
	.arguments = "DIR",
	.summary = "takes away what `mount` has mounted",
	.min = 1,
	.max = 1,
	.run = run,
};
