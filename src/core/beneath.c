/* SPDX-License-Identifier: MIT */
/*
 * Opening names without following a symlink, and directories that only root could have changed.
 *
 * MUST 1. No symlink is followed, in no component, with openat2 and without. (T06, T10, T42)
 * MUST 2. Owner and mode are read from the opened descriptor, never from a name. (T10)
 * MUST 3. A file that is read is regular and bounded, and is read whole. (T07, T10, T41)
 * MUST 4. Every ancestor is held to the same rule: who can rename one owns the tree. (T10)
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <linux/openat2.h>

#include "ovl/beneath.h"

/* Opens the component of len bytes at path: never "", ".", ".." or one over NAME_MAX (-EINVAL). */
static int step(int at, const char *path, size_t len, int flags)
{
	char name[NAME_MAX + 1];
	int fd;

	if (len == 0 || len > NAME_MAX || (len <= 2 && memcmp(path, "..", len) == 0))
		return -EINVAL;
	memcpy(name, path, len);
	name[len] = '\0';
	fd = openat(at, name, flags | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int walk(int dirfd, const char *path, int flags)
{
	int at = dirfd;

	for (;;) {
		size_t len = strcspn(path, "/");
		bool last = path[len] == '\0';
		int fd = step(at, path, len, last ? flags : O_PATH | O_DIRECTORY);

		if (at != dirfd)
			close(at);
		if (fd < 0 || last)
			return fd;
		at = fd;
		path += len + 1;
	}
}

int ovl_beneath_open(int dirfd, const char *path, int flags)
{
	struct open_how how = {
		.flags = (unsigned int)(flags | O_NOFOLLOW | O_CLOEXEC),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	int fd = (int)syscall(SYS_openat2, dirfd, path, &how, sizeof(how));

	if (fd >= 0)
		return fd;
	if (errno == ENOSYS || errno == EPERM)
		return walk(dirfd, path, flags);
	return -errno;
}

const char *ovl_beneath_untrusted(const struct stat *st)
{
	if (st->st_uid != 0)
		return "not owned by root";
	return st->st_mode & (S_IWGRP | S_IWOTH) ? "writable by others than root" : NULL;
}

int ovl_beneath_check(int fd, const char *path, int len, struct ovl_error *err)
{
	const char *reason;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return ovl_fail(err, errno, "examine", NULL, NULL, "%.*s", len, path);
	reason = ovl_beneath_untrusted(&st);
	return reason ? ovl_fail(err, EPERM, "trust", reason, NULL, "%.*s", len, path) : 0;
}

/* True if the file may be 0666 after all, being root's where only root can reach it. */
static bool is_forgiven(const struct ovl_file *file, const struct stat *st)
{
	return file->closed_dir && st->st_uid == 0 && (st->st_mode & 07777) == 0666 &&
	       /* An access list could let somebody in whom the mode does not show. */
	       lgetxattr(file->closed_dir, "system.posix_acl_access", NULL, 0) < 0 &&
	       (errno == ENODATA || errno == EOPNOTSUPP);
}

static ssize_t read_whole(int fd, const struct ovl_file *file, char *buf, size_t size,
			  struct ovl_error *err)
{
	const char *path = file->path, *wrong = NULL;
	struct stat st;
	ssize_t len;

	if (fstat(fd, &st) < 0)
		return ovl_cannot(err, errno, "examine", path, NULL);
	if (!S_ISREG(st.st_mode))
		wrong = "not a regular file";
	else if (st.st_size > (off_t)size)
		wrong = "longer than it may be";
	if (wrong)
		return ovl_fail(err, EBADMSG, "read", wrong, file->hint, "%s", path);
	if (!file->is_anybodys && !is_forgiven(file, &st) && ovl_beneath_untrusted(&st))
		return ovl_cannot(err, EPERM, "trust", path, ovl_beneath_untrusted(&st));
	len = read(fd, buf, size);
	if (len < 0)
		return ovl_cannot(err, errno, "read", path, NULL);
	if (len != st.st_size)
		return ovl_cannot(err, EIO, "read", path, "it has not the length of its size");
	return len;
}

ssize_t ovl_beneath_read(int fd, const struct ovl_file *file, char *buf, size_t size,
			 struct ovl_error *err)
{
	ssize_t len;

	if (fd < 0)
		return ovl_fail(err, -fd, "open", fd == -ELOOP ? "it is a symlink" : NULL,
				fd == -ELOOP ? file->hint : NULL, "%s", file->path);
	len = read_whole(fd, file, buf, size, err);
	close(fd);
	return len;
}

int ovl_beneath_open_trusted(const char *path, struct ovl_error *err)
{
	const char *rest = path + 1; /* behind what fd is */
	int fd, ret;

	if (path[0] != '/')
		return ovl_cannot(err, EINVAL, "open", path, "not an absolute path");
	fd = openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return ovl_cannot(err, errno, "open", "/", NULL);
	while ((ret = ovl_beneath_check(fd, path, (int)(rest - path), err)) == 0) {
		const char *reason = NULL, *hint = NULL;
		size_t len;
		int next;

		rest += strspn(rest, "/");
		len = strcspn(rest, "/");
		if (len == 0)
			return fd;
		next = step(fd, rest, len, O_PATH | O_DIRECTORY);
		close(fd);
		rest += len;
		if (next == -ENOTDIR) {
			reason = "a symlink, or not a directory";
			hint = "name its real path, as `readlink -f` prints it";
		}
		if (next < 0)
			return ovl_fail(err, -next, "open", reason, hint, "%.*s",
					(int)(rest - path), path);
		fd = next;
	}
	close(fd);
	return ret;
}
