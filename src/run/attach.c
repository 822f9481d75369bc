/* SPDX-License-Identifier: MIT */
/*
 * Puts mounts into the new root.
 *
 * MUST 1. Whatever symlinks an image holds, a target lies inside the new root: it is opened beneath
 *         its descriptor, and what is mounted on is that descriptor. (T31)
 * MUST 2. Nothing of the caller's is mounted onto /proc or /sys, nor onto the root. (T32)
 * MUST 3. A missing target is made on the overlay or the private tmpfs only, never in a directory
 *         of the host's that is bound there. (T12, P2)
 * MUST 4. Always nosuid. (T16)
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>
#include <linux/mount.h>
#include <linux/openat2.h>

#include "attach.h"
#include "privs.h"

/* A descriptor, or -errno. */
static int open_in(const struct new_root *root, const char *path, bool follow)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | (follow ? RESOLVE_NO_MAGICLINKS : RESOLVE_NO_SYMLINKS),
	};
	int fd = (int)syscall(SYS_openat2, root->fd, path, &how, sizeof(how));

	return fd < 0 ? -errno : fd;
}

int attach_open_root(struct new_root *root, const struct caller *caller, const char *path,
		     const char *private_path, struct ovl_error *err)
{
	struct stat st[2];

	root->caller = caller;
	root->devfd = -1;
	root->fd = openat(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root->fd < 0 || fstat(root->fd, &st[0]) < 0 || stat(private_path, &st[1]) < 0)
		return ovl_cannot(err, errno, "open", "the new root", NULL);
	root->dev[0] = st[0].st_dev;
	root->dev[1] = st[1].st_dev;
	return 0;
}

/* Makes name in the directory fd, if that is one of ours. */
static int make(const struct new_root *root, int fd, const char *name, bool is_dir)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_dev != root->dev[0] && st.st_dev != root->dev[1])
		return -EXDEV;
	if ((is_dir ? mkdirat(fd, name, 0755) : mknodat(fd, name, S_IFREG | 0644, 0)) < 0)
		return -errno;
	return 0;
}

/* Opens path component by component, and makes those that are missing. */
static int make_target(const struct new_root *root, const char *path, bool follow, bool is_dir)
{
	char prefix[PATH_MAX], *name = prefix;
	int at = root->fd;

	if (strlen(path) >= sizeof(prefix))
		return -ENAMETOOLONG;
	memcpy(prefix, path, strlen(path) + 1);
	for (;;) {
		char *end, after;
		bool is_last;
		int fd;

		name += strspn(name, "/");
		end = name + strcspn(name, "/");
		is_last = end[strspn(end, "/")] == '\0';
		after = *end;
		*end = '\0';
		fd = open_in(root, prefix, follow);
		if (fd == -ENOENT) {
			int ret = make(root, at, name, is_dir || !is_last);

			fd = ret < 0 ? ret : open_in(root, prefix, follow);
		}
		if (at != root->fd)
			close(at);
		if (fd < 0 || is_last)
			return fd;
		*end = after;
		name = end;
		at = fd;
	}
}

/* What the caller's binds may not lie on. */
static int check_target(const struct new_root *root, int fd)
{
	struct statfs fs;
	struct stat st, top;

	if (fstatfs(fd, &fs) < 0 || fstat(fd, &st) < 0 || fstat(root->fd, &top) < 0)
		return -errno;
	if (fs.f_type == PROC_SUPER_MAGIC || fs.f_type == SYSFS_MAGIC ||
	    (st.st_dev == top.st_dev && st.st_ino == top.st_ino))
		return -EBUSY;
	return 0;
}

/* The caller's own targets are looked up with his rights: else he could ask what is in closed directories. */
static int open_as_caller(const struct new_root *root, const char *path, struct ovl_error *err)
{
	int ret = privs_become_opener(root->caller, err);
	int fd = ret < 0 ? ret : open_in(root, path, true);

	ret = privs_become_mounter(err);
	return ret < 0 ? ret : fd;
}

static int open_target(const struct new_root *root, const char *path, unsigned int flags,
		       bool is_dir, struct ovl_error *err)
{
	bool is_callers = flags & ATTACH_CALLERS;
	int fd = is_callers ? open_as_caller(root, path, err) : open_in(root, path, false), ret;

	if (fd == -ENOENT && flags & ATTACH_MAKE)
		fd = make_target(root, path, is_callers, is_dir);
	ret = fd >= 0 && is_callers ? check_target(root, fd) : 0;
	return ret < 0 ? ret : fd;
}

static bool is_passed_over(int errnum, unsigned int flags)
{
	return flags & ATTACH_OPTIONAL && (errnum == ENOENT || errnum == ENOTDIR ||
					   errnum == ELOOP || errnum == EROFS || errnum == EINVAL);
}

static int fail_target(int errnum, const char *target, struct ovl_error *err)
{
	const char *reason = NULL, *hint = NULL;

	if (errnum == EXDEV)
		reason = "it is not there, and would have to be made in a directory of the host's";
	else if (errnum == EBUSY)
		reason = "nothing can be bound over /, /proc and /sys";
	else if (errnum == EROFS)
		hint = "a read-only launch needs a destination that the image has";
	else if (errnum == ELOOP)
		reason = "it is a symlink in the image";
	return ovl_fail(err, errnum, "mount on", reason, hint, "%s", target);
}

int attach(const struct new_root *root, int dirfd, const char *path, const char *target,
	   unsigned int flags, bool is_dir, struct ovl_error *err)
{
	const unsigned int recursive = flags & ATTACH_RECURSIVE ? AT_RECURSIVE : 0;
	const unsigned int clone = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | recursive;
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_NOSUID };
	int fd = open_target(root, target, flags, is_dir, err);
	int tree = fd < 0 ? -1 : (int)syscall(SYS_open_tree, dirfd, path, clone);

	if (fd < 0)
		return is_passed_over(-fd, flags) ? 0 : fail_target(-fd, target, err);
	if (tree < 0)
		return is_passed_over(errno, flags)
			       ? 0
			       : ovl_cannot(err, errno, "bind", *path ? path : target, NULL);
	attr.attr_set |= flags & ATTACH_READ_ONLY ? MOUNT_ATTR_RDONLY : 0;
	attr.attr_set |= flags & ATTACH_CLOSED ? MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC : 0;
	attr.attr_set |= flags & ATTACH_NO_DEVICES ? MOUNT_ATTR_NODEV : 0;
	attr.attr_clr |= flags & ATTACH_DEVICES ? MOUNT_ATTR_NODEV : 0;
	attr.attr_clr |= flags & ATTACH_PROGRAMS ? MOUNT_ATTR_NOEXEC : 0;
	if (syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH | recursive, &attr, sizeof(attr)) <
	    0)
		return ovl_cannot(err, errno, "set the flags of", target, NULL);
	if (syscall(SYS_move_mount, tree, "", fd, "",
		    MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0 &&
	    !is_passed_over(errno, flags))
		return ovl_fail(err, errno, "mount on",
				errno == ENOTDIR || errno == EINVAL
					? "of source and destination one is a directory"
					: NULL,
				NULL, "%s", target);
	close(tree);
	close(fd);
	return 0;
}

int attach_lock(int fd, struct ovl_error *err)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };

	if (syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
		return ovl_cannot(err, errno, "set the flags of", "/dev", NULL);
	return 0;
}

int attach_new(const struct new_root *root, const char *type, const char *target,
	       unsigned int flags, struct ovl_error *err)
{
	unsigned long how =
		MS_NOSUID | MS_NODEV | MS_NOEXEC | (flags & ATTACH_READ_ONLY ? MS_RDONLY : 0);
	int fd = open_target(root, target, flags, true, err);

	if (fd < 0)
		return fail_target(-fd, target, err);
	/* On ".", because that is the directory that was opened. */
	if (fchdir(fd) < 0 || mount(type, ".", type, how, NULL) < 0)
		return ovl_cannot(err, errno, "mount on", target, NULL);
	close(fd);
	return 0;
}
