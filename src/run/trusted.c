/* SPDX-License-Identifier: MIT */
/*
 * Files that only root can have written.
 *
 * MUST 1. No symlink is followed, no FIFO blocks. (What is asked of the open descriptor:
 *         core/beneath.c.) (T10, T41)
 */
#include <errno.h>
#include <fcntl.h>

#include "ovl/beneath.h"
#include "trusted.h"

ssize_t trusted_read(int dirfd, const char *name, const char *path, bool must_be_roots, char *buf,
		     size_t size, struct ovl_error *err)
{
	const struct ovl_file file = { .path = path, .is_anybodys = !must_be_roots };
	int follow = must_be_roots ? O_NOFOLLOW : 0;
	int fd = openat(dirfd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | follow);

	return ovl_beneath_read(fd < 0 ? -errno : fd, &file, buf, size, err);
}
