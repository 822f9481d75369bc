/* SPDX-License-Identifier: MIT */
/* Puts mounts into the new root, before it is one. The sink of stage "rootfs". */
#ifndef RUN_ATTACH_H
#define RUN_ATTACH_H

#include <stdbool.h>
#include <stdint.h>

#include "ovl/error.h"
#include "process.h"

enum attach_flag {
	ATTACH_RECURSIVE = 1 << 0, /* with all that is mounted below */
	ATTACH_READ_ONLY = 1 << 1,
	ATTACH_CLOSED = 1 << 2, /* no device files and no programs */
	ATTACH_NO_DEVICES = 1 << 3,
	ATTACH_DEVICES = 1 << 4,  /* of the private tmpfs, which has none: device files work */
	ATTACH_PROGRAMS = 1 << 5, /* likewise: programs can be run */
	ATTACH_OPTIONAL = 1 << 6, /* 0 also where source or target is not there or not fit */
	ATTACH_MAKE = 1 << 7,	  /* the target is made if it is missing */
	ATTACH_CALLERS = 1 << 8, /* the caller chose the target: it may be reached through symlinks,
				     inside the root, and not be on /proc, /sys or / */
};

/*
 * The root to attach to: its descriptor, the device numbers of the directories in which a target may be
 * made, and for the caller's own targets who he is.
 */
struct new_root {
	int fd;
	int devfd; /* for stage "rootfs": its /dev, or -1 */
	uint64_t dev[2];
	const struct caller *caller;
};

/*
 * Opens path, the mounted overlay. A target may be made there and on the file system of private_path.
 */
int attach_open_root(struct new_root *root, const struct caller *caller, const char *path,
		     const char *private_path, struct ovl_error *err);

/*
 * Clones the mount of the file or directory path, relative to dirfd ("": dirfd itself), with
 * nosuid, and moves it to target, an absolute path in the new root that is never resolved out of it
 * (openat2(2), RESOLVE_IN_ROOT; Linux 5.6, mount_setattr 5.12). is_dir: what is made of a missing
 * target.
 */
int attach(const struct new_root *root, int dirfd, const char *path, const char *target,
	   unsigned int flags, bool is_dir, struct ovl_error *err);

/* Makes the mount that fd is the root of read-only, and not those below it. */
int attach_lock(int fd, struct ovl_error *err);

/* Mounts a new file system of type on target, with nosuid, nodev and noexec. Changes the working
 * directory. */
int attach_new(const struct new_root *root, const char *type, const char *target,
	       unsigned int flags, struct ovl_error *err);

#endif
