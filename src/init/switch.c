/* SPDX-License-Identifier: MIT */
/* From the initramfs to the new root. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dir.h"
#include "switch.h"

#define FIRST_PID_NAMESPACE 0xEFFFFFFCU /* PROC_PID_INIT_INO, include/linux/proc_ns.h */

/* The first process of a container, too, may have a tmpfs for its root; that is not its own to empty. */
static bool is_initramfs(void)
{
	struct stat st;

	/* A kernel without such namespaces has no containers either. */
	return dir_is_memory("/") &&
	       (stat("/proc/self/ns/pid", &st) < 0 || st.st_ino == FIRST_PID_NAMESPACE);
}

/* Moves what is mounted at path to the same name beneath the working directory, which is the new root. */
static int move(const char *path, dev_t old, struct ovl_error *err)
{
	struct stat st;

	if (stat(path, &st) < 0 || st.st_dev == old)
		return 0; /* nothing is mounted there */
	if (mount(path, path + 1, NULL, MS_MOVE, NULL) < 0)
		return ovl_cannot(err, errno, "move into the new root", path, NULL);
	return 0;
}

int switch_root(const char *newroot, struct ovl_error *err)
{
	int oldfd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret;
	bool is_freed = is_initramfs();
	struct stat old, new, st;

	if (oldfd < 0 || fstat(oldfd, &old) < 0 || chdir(newroot) < 0 || stat(".", &new) < 0)
		ret = ovl_cannot(err, errno, "enter", newroot, NULL);
	else
		ret = move("/dev", old.st_dev, err) ?: move("/proc", old.st_dev, err)
							     ?: move("/sys", old.st_dev, err)
							     ?: move("/run", old.st_dev, err);
	if (ret == 0 && mount(".", "/", NULL, MS_MOVE, NULL) < 0)
		ret = ovl_cannot(err, errno, "move to /", newroot, NULL);
	if (ret == 0 && (chroot(".") < 0 || chdir("/") < 0))
		ret = ovl_cannot(err, errno, "enter", newroot, NULL);
	/* Nothing is removed, and no init started, unless this is the new root. */
	if (ret == 0 && (stat("/", &st) < 0 || st.st_dev != new.st_dev || st.st_ino != new.st_ino ||
			 st.st_dev == old.st_dev))
		ret = ovl_cannot(err, ESTALE, "enter", newroot,
				 "the root directory is still the old one");
	if (ret == 0 && is_freed)
		dir_empty(oldfd);
	else if (oldfd >= 0)
		close(oldfd);
	return ret;
}

int switch_exec(const char *init, char **args, struct ovl_error *err)
{
	char *alone[] = { NULL, NULL }, **argv = args ? args - 1 : alone;

	argv[0] = (char *)init;
	execv(init, argv);
	return ovl_cannot(err, errno, "start", init, NULL);
}
