/* SPDX-License-Identifier: MIT */
/* Tries what the kernel's overlay can do. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <linux/mount.h>

#include "kernel.h"

#define PLACE "/tmp" /* where the tmpfs of the child is; any directory does */

static enum answer answer(bool is_yes)
{
	return is_yes ? ANSWER_YES : ANSWER_NO;
}

/* Mounts an overlay of l2 on l1, with the upper u, on m; options: further ones. */
static bool mount_overlay(const char *options)
{
	char data[256];

	snprintf(data, sizeof(data), "lowerdir=l2:l1,upperdir=u,workdir=w%s", options);
	return mount("overlay", "m", "overlay", 0, data) == 0;
}

/* As Docker tries it (format, section 8): an opaque directory of a lower, written to; a directory renamed. */
static enum answer try_native_diff(void)
{
	char value;
	bool is_native;
	int fd;

	if (lsetxattr("l2/d", "trusted.overlay.opaque", "y", 1, 0) < 0 || !mount_overlay(""))
		return ANSWER_UNKNOWN;
	fd = open("m/d/f", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	if (fd >= 0)
		close(fd);
	is_native = lgetxattr("u/d", "trusted.overlay.opaque", &value, 1) < 0;
	if (rename("m/d1", "m/d2") == 0)
		is_native = is_native &&
			    lgetxattr("u/d2", "trusted.overlay.redirect", &value, 1) < 0 &&
			    errno == ENODATA;
	umount2("m", MNT_DETACH);
	return answer(is_native);
}

/* Old kernels take any key and fail at the end: a key counts only where a wrong one is refused. */
static void try_keys(struct kernel *kernel)
{
	int fsfd = (int)syscall(SYS_fsopen, "overlay", FSOPEN_CLOEXEC), dirfd;

	if (fsfd < 0)
		return;
	if (syscall(SYS_fsconfig, fsfd, FSCONFIG_SET_STRING, "ovl-no-such-option", "1", 0) == 0) {
		kernel->lowerdir_plus = kernel->descriptors = ANSWER_NO;
		close(fsfd);
		return;
	}
	kernel->lowerdir_plus = answer(
		syscall(SYS_fsconfig, fsfd, FSCONFIG_SET_STRING, "lowerdir+", PLACE "/l1", 0) == 0);
	dirfd = open("l2", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	kernel->descriptors =
		answer(syscall(SYS_fsconfig, fsfd, FSCONFIG_SET_FD, "lowerdir+", NULL, dirfd) == 0);
	close(dirfd);
	close(fsfd);
}

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool is_done = fd >= 0 && write(fd, text, strlen(text)) > 0;

	if (fd >= 0)
		close(fd);
	return is_done;
}

/* As fork(), with flags of clone(2): a process that ends with the one that started it, however that ends. */
static pid_t start(unsigned long flags)
{
	pid_t parent = getpid(), pid = (pid_t)syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);

	if (pid == 0 && (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent))
		_exit(1);
	return pid;
}

/* A process in a user namespace whose root is a usual user's number: its map is what the mount gets. */
static pid_t start_mapped(void)
{
	char path[64];
	pid_t pid = start(CLONE_NEWUSER);

	if (pid == 0) {
		pause();
		_exit(0);
	}
	for (size_t i = 0; pid > 0 && i < 2; i++) { /* the mount wants both */
		snprintf(path, sizeof(path), "/proc/%d/%s", pid, i ? "gid_map" : "uid_map");
		if (!write_file(path, "0 1000 1")) {
			kill(pid, SIGKILL);
			waitpid(pid, NULL, 0);
			pid = -1;
		}
	}
	return pid;
}

static enum answer try_idmap(int dir)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP };
	enum answer result = ANSWER_UNKNOWN;
	pid_t pid = start_mapped();
	char path[64];
	int treefd, nsfd;

	if (pid < 0)
		return ANSWER_UNKNOWN;
	snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	nsfd = open(path, O_RDONLY | O_CLOEXEC);
	treefd = (int)syscall(SYS_open_tree, dir, "",
			      AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	attr.userns_fd = (unsigned long long)nsfd;
	if (nsfd >= 0 && treefd >= 0)
		result = answer(syscall(SYS_mount_setattr, treefd, "", AT_EMPTY_PATH, &attr,
					sizeof(attr)) == 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	if (nsfd >= 0)
		close(nsfd);
	if (treefd >= 0)
		close(treefd);
	return result;
}

/* A mount namespace; who is not root gets it in a user namespace in which he is. False: none is to be had. */
static bool enter_namespace(bool *is_root)
{
	char map[64];
	uid_t uid = geteuid();
	gid_t gid = getegid();

	*is_root = unshare(CLONE_NEWNS) == 0;
	if (*is_root)
		return true;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return false;
	snprintf(map, sizeof(map), "0 %u 1", uid);
	if (!write_file("/proc/self/uid_map", map) || !write_file("/proc/self/setgroups", "deny"))
		return false;
	snprintf(map, sizeof(map), "0 %u 1", gid);
	return write_file("/proc/self/gid_map", map);
}

/* In the child. The directory is opened here, since one that was opened in the old namespace cannot be mounted. */
static void probe(struct kernel *kernel, const char *directory)
{
	static const char *const dirs[] = { "l1",   "l2",   "u",     "w",    "m",
					    "l1/d", "l2/d", "l1/d1", "l2/d1" };
	bool is_root;
	int dir;

	if (!enter_namespace(&is_root) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return;
	dir = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (mount("tmpfs", PLACE, "tmpfs", 0, "mode=0700") < 0 || chdir(PLACE) < 0)
		return;
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		mkdir(dirs[i], 0700);
	kernel->overlay = answer(mount_overlay(""));
	umount2("m", MNT_DETACH);
	kernel->native_diff = try_native_diff();
	kernel->userxattr = answer(mount_overlay(",userxattr"));
	umount2("m", MNT_DETACH);
	kernel->is_volatile = answer(
		mount_overlay(",volatile")); /* last: the kernel refuses the upper from then on */
	try_keys(kernel);
	kernel->idmapped = dir < 0 || !is_root ? ANSWER_UNKNOWN : try_idmap(dir);
	/* To an ordinary user the kernel may refuse what it can do. */
	if (!is_root && kernel->overlay == ANSWER_NO)
		*kernel = (struct kernel){ 0 };
}

void kernel_probe(struct kernel *kernel, const char *path)
{
	/* What the child finds, also if it is killed: a pipe would be open in whatever it has started. */
	struct kernel *found = mmap(NULL, sizeof(*found), PROT_READ | PROT_WRITE,
				    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	*kernel = (struct kernel){ 0 };
	if (found == MAP_FAILED)
		return;
	pid = start(0);
	if (pid == 0) {
		probe(found, path);
		_exit(0);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
	*kernel = *found;
	munmap(found, sizeof(*found));
}
