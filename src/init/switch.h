/* SPDX-License-Identifier: MIT */
/* Leaves the initramfs for the new root. */
#ifndef INIT_SWITCH_H
#define INIT_SWITCH_H

#include "ovl/error.h"

/*
 * Moves what is mounted on /dev, /proc, /sys and /run into newroot, makes newroot the root directory, and removes the
 * files of the old one, which are memory, if it is a ramfs or tmpfs. A file in use, as the image of a tree, keeps its
 * memory as long as it is.
 *
 * pivot_root(2) refuses where the old root is the kernel's own rootfs: the new root is moved over it and
 * entered by chroot (Documentation/filesystems/ramfs-rootfs-initramfs.rst).
 *
 * On an error there may be no way back.
 */
int switch_root(const char *newroot, struct ovl_error *err);

/* Starts init with args behind its name (NULL-terminated; NULL: none). Returns only on an error. */
int switch_exec(const char *init, char **args, struct ovl_error *err);

#endif
