/* SPDX-License-Identifier: MIT */
/* Composes a root file system from layers. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "compose.h"
#include "device.h"
#include "dir.h"
#include "layout.h"
#include "ovl/mount.h"
#include "ovl/tree.h"
#include "report.h"
#include "upper.h"

#define IMAGE_DEFAULT "/tree.img"
#define TREE_DEFAULT  "/overlay2"

/* What is mounted in a booted system before its init starts. */
static const char *const mount_points[] = { "dev", "proc", "sys", "run" };

#define MOUNT_POINTS (sizeof(mount_points) / sizeof(mount_points[0]))

static bool is_mounted; /* the overlay, on the new root */

/* Mounts the device of the tree and writes the tree's path. */
static int mount_tree(const struct composition *c, char path[PATH_MAX], struct ovl_error *err)
{
	const char *root = c->words->value[WORD_ROOT];
	const char *tree = c->words->value[WORD_TREE] ?: TREE_DEFAULT;
	const char *image = root ? words_after(root, "initramfs") : NULL;
	char device[DEVICE_PATH_SIZE];
	int ret, loopfd = -1;

	if (!root) { /* a script has mounted it */
		return snprintf(path, PATH_MAX, "%s", tree) < PATH_MAX
			       ? 0
			       : ovl_cannot(err, ENAMETOOLONG, "use", tree, NULL);
	}
	if (snprintf(path, PATH_MAX, "%s/%s", LAYOUT_ROOT, tree + strspn(tree, "/")) >= PATH_MAX)
		return ovl_cannot(err, ENAMETOOLONG, "use", tree, NULL);
	if (image)
		ret = loopfd = device_loop(device, image[0] ? image + 1 : IMAGE_DEFAULT, err);
	else
		ret = device_wait(device, root, c->deadline, err);
	if (ret < 0)
		return ret;
	report(REPORT_DEBUG, "the tree is on %s", device);
	ret = device_mount(device, LAYOUT_ROOT, c->words->value[WORD_ROOTFSTYPE], err);
	if (loopfd >= 0)
		close(loopfd);
	return ret;
}

/* Fills in the layers of the stack: one with all its lowers, or exactly those named. */
static int read_stack(struct ovl_stack *stack, const struct ovl_tree *tree, const char *text,
		      struct ovl_error *err)
{
	stack->depth = 0;
	return ovl_stack_parse(stack, text, err)
		       ?: ovl_tree_resolve(tree, stack, stack->depth == 1, err);
}

/* The generated topmost lower. That of a read-only root has the mount points, whatever the image has there. */
static int make_top(const char *like, bool has_mount_points, struct ovl_error *err)
{
	char path[64];
	int ret = dir_make_like(LAYOUT_TOP, like, err);

	for (size_t i = 0; ret == 0 && has_mount_points && i < MOUNT_POINTS; i++) {
		snprintf(path, sizeof(path), "%s/%s", LAYOUT_TOP, mount_points[i]);
		ret = dir_make(path, 0755, err);
	}
	return ret;
}

/*
 * Starts init, in what is the root directory now, in a child that is traced, so that the kernel stops it before its first
 * instruction: only thus it is known that its interpreter or dynamic linker is there, too. 0 or an errno.
 */
static int try_init(const char *init)
{
	pid_t pid = _Fork();
	int status = 0;

	if (pid == 0) {
		if (syscall(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0) == 0)
			execv(init, (char *[]){ (char *)init, NULL });
		else if (access(init, X_OK) == 0)
			errno = 0; /* a kernel that forbids to trace: no more can be known */
		_exit(errno);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return errno;
	if (!WIFSTOPPED(status))
		return WIFEXITED(status) ? WEXITSTATUS(status) : ENOEXEC;
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return 0;
}

/* Looks whether init can be started in newroot, as it will be: with newroot as the root directory. */
static int check_init(const struct composition *c, struct ovl_error *err)
{
	int rootfd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), errnum;
	const char *reason = NULL;

	if (rootfd < 0 || chroot(c->newroot) < 0) {
		if (rootfd >= 0)
			close(rootfd);
		return ovl_cannot(err, errno, "enter", c->newroot, NULL);
	}
	errnum = try_init(c->init);
	if (errnum == ENOENT && access(c->init, F_OK) == 0)
		reason = "it is there, but not what is to run it";
	if (fchdir(rootfd) < 0 || chroot(".") < 0)
		errnum = errno;
	close(rootfd);
	if (errnum == 0)
		return 0;
	return ovl_fail(err, errnum, "boot", reason, "ovl.init=PATH starts another program of it",
			"%s of the stack", c->init);
}

/* What is there to mount on must be a directory; what is not will be made. */
static int check_mount_points(const char *newroot, struct ovl_error *err)
{
	char path[PATH_MAX];
	struct stat st;

	for (size_t i = 0; i < MOUNT_POINTS; i++) {
		snprintf(path, sizeof(path), "%s/%s", newroot, mount_points[i]);
		if (lstat(path, &st) < 0 ? errno != ENOENT : !S_ISDIR(st.st_mode))
			return ovl_fail(err, ENOTDIR, "mount on", "not a directory in this stack",
					"ovl.upper=none covers it", "/%s", mount_points[i]);
	}
	return 0;
}

/* Makes in the upper those that the image lacks. */
static int make_mount_points(const char *newroot, struct ovl_error *err)
{
	char path[PATH_MAX];
	int ret = 0;

	for (size_t i = 0; ret == 0 && i < MOUNT_POINTS; i++) {
		snprintf(path, sizeof(path), "%s/%s", newroot, mount_points[i]);
		ret = dir_make(path, 0755, err);
	}
	return ret;
}

static int mount_overlay(const struct composition *c, const struct ovl_overlay *overlay,
			 const struct ovl_tree *tree, struct ovl_error *err)
{
	unsigned long flags = MS_REMOUNT | MS_BIND | (overlay->upperdir ? 0 : MS_RDONLY);
	int ret = ovl_mount_overlay(overlay, tree->fd, c->newroot, err);

	if (ret < 0)
		return ret;
	is_mounted = true;
	ret = ovl_tree_verify_links(tree, overlay->stack, err);
	/* The core mounts nosuid and nodev, whatever is asked; a system that is booted has set-id programs. */
	if (ret == 0 && mount(NULL, c->newroot, NULL, flags, NULL) < 0)
		ret = ovl_cannot(err, errno, "remount", c->newroot, NULL);
	return ret;
}

/* From a checked stack to the mounted overlay. like: the directory whose mode and owner the root gets. */
static int mount_stack(const struct composition *c, const struct ovl_stack *stack,
		       const struct ovl_tree *tree, struct upper *upper, struct ovl_error *err)
{
	struct ovl_overlay view = { .stack = stack, .generated = LAYOUT_TOP };
	struct ovl_overlay final = { .stack = stack,
				     .upperdir = LAYOUT_STATE "/diff",
				     .workdir = LAYOUT_STATE "/work" };
	char like[PATH_MAX];
	int ret;

	snprintf(like, sizeof(like), "%s/%s/diff", tree->path, stack->layer[0].id);
	ret = make_top(like, upper->words.kind == UPPER_NONE, err);
	if (ret < 0)
		return ret;
	if (upper->has_diff)
		view.generated = final.upperdir;
	ret = mount_overlay(c, &view, tree, err);
	if (ret == 0 && c->init)
		ret = check_init(c, err);
	ret = ret ?: check_mount_points(c->newroot, err);
	if (ret < 0 || upper->words.kind == UPPER_NONE)
		return ret;
	/* Nothing is left to be refused: now a disk may be written to. */
	if (chdir("/") < 0 || umount2(c->newroot, 0) < 0)
		return ovl_cannot(err, errno, "unmount", c->newroot, NULL);
	is_mounted = false;
	return upper_ready(upper, like, err)
		       ?: mount_overlay(c, &final, tree, err) ?: make_mount_points(c->newroot, err);
}

/* The files of an initramfs will be removed: no directory of it may be part of what is mounted. */
static int check_kept(const struct composition *c, const char *tree, struct ovl_error *err)
{
	const char *lost = dir_is_same(tree, "/")	    ? tree
			   : dir_is_same(LAYOUT_STATE, "/") ? "the upper"
							    : NULL;

	if (!c->is_switch || !lost || !dir_is_memory("/"))
		return 0;
	return ovl_fail(err, EINVAL, "use", "it is in the initramfs, whose files will be removed",
			"--root initramfs:FILE takes a tree in an image", "%s", lost);
}

/* Here and not among the words: what is wrong with it is so for the fallback, too. */
static int check_newroot(const struct composition *c, struct ovl_error *err)
{
	const char *newroot = c->newroot;
	struct stat root, st;

	if (newroot[0] != '/')
		return ovl_fail(err, EINVAL, "use", "not the absolute path of a directory", NULL,
				"newroot=%s", newroot);
	if (c->is_switch && words_after(newroot, "/run/"))
		return ovl_fail(err, EINVAL, "use", "/run is to be moved into it", NULL,
				"newroot=%s", newroot);
	if (stat("/", &root) < 0 || stat(newroot, &st) < 0)
		return ovl_cannot(err, errno, "mount on", newroot, NULL);
	if (st.st_dev == root.st_dev && st.st_ino == root.st_ino)
		return ovl_cannot(err, EBUSY, "mount on", newroot, "it is the root directory");
	return 0;
}

/* Takes down whatever compose() has mounted by now. */
static void undo(const char *newroot)
{
	static const char *const mounts[] = { LAYOUT_STATE, LAYOUT_DISK, LAYOUT_ROOT };
	static const char *const dirs[] = { LAYOUT_TOP "/dev", LAYOUT_TOP "/proc",
					    LAYOUT_TOP "/sys", LAYOUT_TOP "/run",
					    LAYOUT_TOP,	       LAYOUT_STATE,
					    LAYOUT_DISK,       LAYOUT_ROOT,
					    LAYOUT_DIR };

	if (is_mounted)
		umount2(newroot, MNT_DETACH);
	is_mounted = false;
	upper_close();
	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++)
		umount2(mounts[i], MNT_DETACH);
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		rmdir(dirs[i]); /* of empty directories only, whatever could not be unmounted */
}

int compose(const struct composition *c, struct ovl_error *err)
{
	static struct ovl_stack stack;
	static char path[PATH_MAX];
	static struct upper upper;
	struct ovl_tree tree = { .fd = -1 };
	int ret = check_newroot(c, err);

	if (ret < 0)
		return ret;
	rmdir(LAYOUT_DIR); /* empty, where one was interrupted while it waited for a device */
	if (mkdir(LAYOUT_DIR, 0700) < 0)
		return ovl_fail(
			err, errno, "make directory",
			errno == EEXIST ? "ovlinit has composed something already" : NULL,
			errno == EEXIST
				? "to do it again, unmount that and all in there, and remove it"
				: NULL,
			"%s", LAYOUT_DIR);
	upper = (struct upper){ 0 };
	ret = mount_tree(c, path, err) ?: check_kept(c, path, err)
				       ?: ovl_tree_open(&tree, path, err)
				       ?: read_stack(&stack, &tree, c->stack, err)
				       ?: words_parse_upper(&upper.words, c->upper, err);
	ret = ret ?: upper_look(&upper, c->deadline, err)
		  ?: mount_stack(c, &stack, &tree, &upper, err)
		  ?: check_kept(c, path, err); /* now the upper; had it been a disk's, it could not be */
	if (tree.fd >= 0)
		close(tree.fd);
	if (chdir("/") < 0 && ret == 0)
		ret = ovl_cannot(err, errno, "enter", "/", NULL);
	if (ret < 0)
		undo(c->newroot);
	return ret;
}
