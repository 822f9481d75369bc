/* SPDX-License-Identifier: MIT */
/*
 * Mounting an overlay. The only place that hands layers to the kernel.
 */
#ifndef OVL_MOUNT_H
#define OVL_MOUNT_H

#include "ovl/lowerdir.h"

/*
 * Mounts overlay on target, an absolute path, with nosuid and nodev (a layer's own flags are not
 * inherited by an overlay), read-only if it has no upper. Changes the working directory to treefd
 * and leaves it there: the relative l/LINK names resolve against it, in mount(2) data as in
 * fsconfig's lowerdir+.
 *
 * Checks ovl_overlay_check again, measures, and takes mount(2) where the data fits one page, else
 * fsopen with lowerdir+ (Linux 6.8, 6.6.y; probed, not compared). Afterwards reads the mount's
 * state back: a leftover in workdir makes the kernel mount read-only without a word
 * (fs/overlayfs/super.c, ovl_workdir_create), which is an error here.
 *
 * Returns 0; -E2BIG if the stack is too deep for this kernel; -EROFS as said; what mount gave.
 * On an error nothing stays mounted.
 */
int ovl_mount_overlay(const struct ovl_overlay *overlay, int treefd, const char *target,
		      struct ovl_error *err);

#endif
