/* SPDX-License-Identifier: MIT */
/*
 * The user namespace of -u.
 *
 * MUST 1. Its owner is the caller: it counts against his limit, and nobody else can enter it. (T45,
 *         T56)
 * MUST 2. The process that holds it while the map is written does nothing, cannot be looked into,
 *         and never outlives this one. (T21, T46)
 * MUST 3. Without subordinate groups setgroups(2) is denied inside: else the caller could leave a
 *         group that denies him something. (T51)
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/mount.h>

#include "privs.h"
#include "userns.h"

/* What the holder does. It is not dumpable, as this process is not. */
static _Noreturn void hold(pid_t parent)
{
	/* The signal comes when the parent dies after this call; the look shows if it did before.
	 */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(1);
	for (;;)
		pause();
}

static int write_file(int dirfd, const char *name, const char *text, struct ovl_error *err)
{
	int fd = openat(dirfd, name, O_WRONLY | O_CLOEXEC);
	ssize_t len = (ssize_t)strlen(text);

	if (fd < 0 || write(fd, text, (size_t)len) != len)
		return ovl_fail(err, errno, "write", NULL,
				errno == EINVAL ? "ranges in /etc/subuid or /etc/subgid overlap"
						: NULL,
				"%s of the user namespace", name);
	close(fd);
	return 0;
}

/* Writes the maps of process pid and opens its namespace. */
static int write_maps(pid_t pid, const struct idmap *map, struct ovl_error *err)
{
	char path[32];
	int dirfd, fd, ret;

	snprintf(path, sizeof(path), "/proc/%d", pid);
	dirfd = openat(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0)
		return ovl_fail(err, errno, "open", NULL, "-u needs /proc", "%s", path);
	ret = (map->has_gids ? 0 : write_file(dirfd, "setgroups", "deny", err))
		?: write_file(dirfd, "uid_map", map->uid, err)
		?: write_file(dirfd, "gid_map", map->gid, err);
	if (ret < 0)
		return ret;
	fd = openat(dirfd, "ns/user", O_RDONLY | O_CLOEXEC);
	close(dirfd);
	return fd >= 0 ? fd : ovl_cannot(err, errno, "open", "the user namespace", NULL);
}

static const char *explain(int errnum)
{
	if (errnum == ENOSPC)
		return "too many, or none allowed: sysctl user.max_user_namespaces";
	return errnum == EPERM ? "a chroot, or a security module such as AppArmor, forbids it"
			       : NULL;
}

int userns_make(const struct caller *caller, const struct idmap *map, struct ovl_error *err)
{
	pid_t parent = getpid(), pid;
	int fd = privs_begin_charge(caller, err), ret;

	if (fd < 0)
		return fd;
	pid = process_clone(CLONE_NEWUSER); /* the namespace is there when it returns */
	if (pid == 0)
		hold(parent);
	if (pid < 0)
		return ovl_fail(err, errno, "make", NULL, explain(errno), "a user namespace");
	ret = privs_end_charge(err);
	fd = ret < 0 ? ret : write_maps(pid, map, err);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, __WALL);
	return fd;
}

int userns_map_tree(int usernsfd, int treefd, const char *target, struct ovl_error *err)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP,
				   .userns_fd = (unsigned int)usernsfd };
	int fd = (int)syscall(SYS_open_tree, treefd, "",
			      AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (fd < 0 || mkdir(target, 0700) < 0)
		return ovl_cannot(err, errno, "bind", "the tree", NULL);
	if (syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
		return ovl_fail(
			err, errno, "map the ids of", NULL,
			"ext4, xfs and btrfs can with Linux 5.19, tmpfs with 6.3; leave -u out",
			"the tree's file system");
	if (syscall(SYS_move_mount, fd, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return ovl_cannot(err, errno, "bind", "the tree", NULL);
	close(fd);
	fd = openat(AT_FDCWD, target, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 ? fd : ovl_cannot(err, errno, "open", target, NULL);
}
