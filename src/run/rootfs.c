/* SPDX-License-Identifier: MIT */
/*
 * Stage "rootfs": the overlay becomes the root directory.
 *
 * MUST 1. Nothing of the old root stays reachable, and failing that nothing is run.  (T29)
 */
#include <errno.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "stages.h"

int rootfs_enter(struct ovl_error *err)
{
	if (chdir(RUN_ROOT) < 0)
		return ovl_fail(err, errno, "enter", NULL, NULL, "%s", RUN_ROOT);
	/* The old root comes to lie on top of the new one at "/", and is taken off there. */
	if (syscall(SYS_pivot_root, ".", ".") < 0)
		return ovl_fail(err, errno, "change root to", NULL,
				errno == EINVAL
					? "the root directory is a ramdisk or no mount point"
					: NULL,
				"%s", RUN_ROOT);
	if (umount2(".", MNT_DETACH) < 0)
		return ovl_fail(err, errno, "unmount", NULL, NULL, "the old root");
	if (chdir("/") < 0)
		return ovl_fail(err, errno, "enter", NULL, NULL, "/");
	return 0;
}
