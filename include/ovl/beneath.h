/* SPDX-License-Identifier: MIT */
/*
 * Opening names without ever following a symlink.
 */
#ifndef OVL_BENEATH_H
#define OVL_BENEATH_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

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

/* The same for an open descriptor: 0 or -EPERM. path: its name in messages, len bytes. */
int ovl_beneath_check(int fd, const char *path, int len, struct ovl_error *err);

/* A small file to be read, and what is asked of it besides being regular. */
struct ovl_file {
	const char *path;	/* its name in messages */
	const char *hint;	/* for one that is no such file, or NULL */
	const char *closed_dir; /* if it may be root's 0666: the directory that only root can
				   search; else NULL */
	bool is_anybodys;	/* owner and mode are not looked at */
};

/*
 * Reads the whole file open as fd into buf, size bytes at most, and closes fd. fd: as an opener
 * returned it (with O_NONBLOCK: a FIFO must not block), perhaps -errno. Returns the length; -errno
 * of the opener; -EPERM; -EBADMSG if it is not regular or too long; -EIO if it changed meanwhile.
 */
ssize_t ovl_beneath_read(int fd, const struct ovl_file *file, char *buf, size_t size,
			 struct ovl_error *err);

#endif
