/* SPDX-License-Identifier: MIT */
/* Leaves the initramfs for the new root. */
#ifndef INIT_SWITCH_H
#define INIT_SWITCH_H

#include "ovl/error.h"

/*
 * Moves what is mounted on /dev, /proc, /sys and /run into newroot, makes newroot the root directory, and removes the
 * files of the old one if it is an initramfs. A file in use, as the image of a tree, keeps its memory as long as it is; no
 * directory of the old root may be in use (compose.h).
 *
 * pivot_root(2) refuses where the old root is the kernel's own rootfs: the new root is moved over it and
 * entered by chroot (Documentation/filesystems/ramfs-rootfs-initramfs.rst).
 *
 * On an error there may be no way back.
 */
int switch_root(const char *newroot, struct ovl_error *err);

/*
 * Starts init with args (NULL-terminated; NULL: none), in front of which there is room: args[-1] becomes its name. Returns
 * only on an error.
 */
int switch_exec(const char *init, char **args, struct ovl_error *err);

#endif
