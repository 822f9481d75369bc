/* SPDX-License-Identifier: MIT */
/*
 * Opening names without ever following a symlink.
 */
#ifndef OVL_BENEATH_H
#define OVL_BENEATH_H

#include <sys/stat.h>

#include "ovl/error.h"

/*
 * Opens path, relative and without "..", below dirfd: no symlink in any component, no magic link,
 * never out of dirfd. flags as for open(2); O_CLOEXEC and O_NOFOLLOW are added.
 * Uses openat2 (Linux 5.6); where that is missing or filtered (ENOSYS, EPERM), walks the components
 * one by one with O_NOFOLLOW, which comes to the same.
 * Returns a descriptor of the caller's, or -errno: for a symlink -ELOOP, or from the walk -ENOTDIR,
 * which also refuses an empty component, "." and ".." (-EINVAL): no caller passes such.
 */
int ovl_beneath_open(int dirfd, const char *path, int flags);

/*
 * Opens the absolute path of a directory (O_PATH) and requires of it and of every ancestor, on the
 * opened descriptor: a real directory (no symlink), owned by root, writable by nobody else.
 * Returns a descriptor of the caller's, or -errno with the failing component in *err.
 */
int ovl_beneath_open_trusted(const char *path, struct ovl_error *err);

/*
 * The one rule for whatever is trusted: owned by root, writable by nobody else. NULL if st says so,
 * else what is wrong, a static string.
 */
const char *ovl_beneath_untrusted(const struct stat *st);

#endif
