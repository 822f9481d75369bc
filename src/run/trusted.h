/* SPDX-License-Identifier: MIT */
/* Small files that only root can have written: the policy, image records, account files. */
#ifndef RUN_TRUSTED_H
#define RUN_TRUSTED_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "ovl/error.h"

/*
 * Reads the file name below dirfd into buf, size bytes at most, without following or blocking. It
 * must be a regular file; with must_be_roots also owned by root and writable by nobody else: asked
 * of the open descriptor. path: its name in messages. Returns the length; -ENOENT, -EPERM, -EBADMSG
 * (not regular, or too long), -EIO.
 */
ssize_t trusted_read(int dirfd, const char *name, const char *path, bool must_be_roots, char *buf,
		     size_t size, struct ovl_error *err);

#endif
