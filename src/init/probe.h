/* SPDX-License-Identifier: MIT */
/*
 * What the superblock of a file system says: its type, UUID and label. Pure.
 *
 * Known are those of Linux that keep the extended attributes of an overlay: ext2 to ext4, xfs, btrfs,
 * f2fs, erofs, squashfs. Where the fields are: fs/ext4/ext4.h, fs/xfs/libxfs/xfs_format.h,
 * include/uapi/linux/btrfs_tree.h, include/linux/f2fs_fs.h, fs/erofs/erofs_fs.h, fs/squashfs/squashfs_fs.h.
 */
#ifndef INIT_PROBE_H
#define INIT_PROBE_H

#include <stdbool.h>
#include <stddef.h>

#define PROBE_HEAD_SIZE 2048	/* bytes from the beginning of the device */
#define PROBE_FAR	0x10000 /* where btrfs has its superblock, */
#define PROBE_FAR_SIZE	1024	/* and what is read of it */

struct probe {
	const char *type; /* as for mount(2); static */
	char uuid[37];	  /* lower case with dashes, or "" */
	char label[257];  /* or "" */
};

/* head: PROBE_HEAD_SIZE bytes; far: PROBE_FAR_SIZE bytes, zero where the device is shorter. False: unknown. */
bool probe_identify(struct probe *probe, const unsigned char *head, const unsigned char *far);

#endif
