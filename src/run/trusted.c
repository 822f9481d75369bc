/* SPDX-License-Identifier: MIT */
/*
 * Files that only root can have written.
 *
 * MUST 1. Owner and mode are those of the open descriptor; no symlink, no FIFO, no unbounded file.
 *         (T10, T41)
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ovl/beneath.h"
#include "trusted.h"

int trusted_check(int fd, const char *path, struct ovl_error *err)
{
	const char *reason;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return ovl_fail(err, errno, "examine", NULL, NULL, "%s", path);
	reason = ovl_beneath_untrusted(&st);
	return reason ? ovl_fail(err, EPERM, "trust", reason, NULL, "%s", path) : 0;
}

/* Reads to the end of fd; -EFBIG if that is behind buf's. */
static ssize_t read_all(int fd, const char *path, char *buf, size_t size, struct ovl_error *err)
{
	size_t len = 0;

	for (;;) {
		char more;
		ssize_t got = len < size ? read(fd, buf + len, size - len) : read(fd, &more, 1);

		if (got < 0)
			return ovl_fail(err, errno, "read", NULL, NULL, "%s", path);
		if (got == 0)
			return (ssize_t)len;
		if (len == size)
			return ovl_fail(err, EFBIG, "read", NULL, NULL, "%s", path);
		len += (size_t)got;
	}
}

ssize_t trusted_read(int dirfd, const char *name, const char *path, bool must_be_roots, char *buf,
		     size_t size, struct ovl_error *err)
{
	int follow = must_be_roots ? O_NOFOLLOW : 0;
	int fd = openat(dirfd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | follow);
	const char *reason;
	struct stat st;
	ssize_t ret = 0;

	if (fd < 0)
		return ovl_fail(err, errno, "open", errno == ELOOP ? "it is a symlink" : NULL, NULL,
				"%s", path);
	if (fstat(fd, &st) < 0)
		ret = ovl_fail(err, errno, "examine", NULL, NULL, "%s", path);
	else if (!S_ISREG(st.st_mode))
		ret = ovl_fail(err, EINVAL, "trust", "not a regular file", NULL, "%s", path);
	else if (must_be_roots && (reason = ovl_beneath_untrusted(&st)))
		ret = ovl_fail(err, EPERM, "trust", reason, NULL, "%s", path);
	if (ret == 0)
		ret = read_all(fd, path, buf, size, err);
	close(fd);
	return ret;
}
