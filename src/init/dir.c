/* SPDX-License-Identifier: MIT */
/* Making and removing directories. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <linux/magic.h>

#include "dir.h"

#define ACL_SIZE 4096

/* As getdents64(2) writes it; musl's struct dirent is the same, but not by contract. */
struct entry {
	unsigned long long ino;
	long long off;
	unsigned short len;
	unsigned char type;
	char name[];
};

const char *dir_next(struct dir_reader *reader)
{
	const struct entry *entry;
	long len;

	do {
		if (reader->at >= reader->end) {
			len = syscall(SYS_getdents64, reader->fd, reader->buf, sizeof(reader->buf));
			if (len <= 0)
				return NULL;
			reader->at = 0;
			reader->end = (size_t)len;
		}
		entry = (const struct entry *)(reader->buf + reader->at);
		reader->at += entry->len;
	} while (strcmp(entry->name, ".") == 0 || strcmp(entry->name, "..") == 0);
	return entry->name;
}

int dir_make(const char *path, mode_t mode, struct ovl_error *err)
{
	if (mkdir(path, mode) < 0 && errno != EEXIST)
		return ovl_cannot(err, errno, "make directory", path, NULL);
	return 0;
}

static int copy_acl(const char *path, const char *like, const char *name)
{
	char acl[ACL_SIZE];
	ssize_t len = lgetxattr(like, name, acl, sizeof(acl));

	if (len < 0)
		return errno == ENODATA || errno == EOPNOTSUPP ? 0 : -errno;
	return lsetxattr(path, name, acl, (size_t)len, 0) < 0 ? -errno : 0;
}

int dir_make_like(const char *path, const char *like, struct ovl_error *err)
{
	struct stat st;
	int ret = dir_make(path, 0700, err);

	if (ret < 0)
		return ret;
	if (lstat(like, &st) < 0)
		return ovl_cannot(err, errno, "examine", like, NULL);
	if (lchown(path, st.st_uid, st.st_gid) < 0 || chmod(path, st.st_mode & 07777) < 0)
		return ovl_cannot(err, errno, "make directory", path, NULL);
	ret = copy_acl(path, like, "system.posix_acl_access")
		      ?: copy_acl(path, like, "system.posix_acl_default");
	return ret < 0 ? ovl_cannot(err, -ret, "copy the access list to", path, NULL) : 0;
}

bool dir_is_memory(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && (fs.f_type == RAMFS_MAGIC || fs.f_type == TMPFS_MAGIC);
}

bool dir_is_same(const char *a, const char *b)
{
	struct stat one, other;

	return stat(a, &one) == 0 && stat(b, &other) == 0 && one.st_dev == other.st_dev;
}

static void remove_one(int dirfd, const char *name, dev_t dev)
{
	struct stat st;
	int fd;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_dev != dev)
		return;
	if (!S_ISDIR(st.st_mode)) {
		unlinkat(dirfd, name, 0);
		return;
	}
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	/* Asked again of what was opened: fstatat may have seen the directory beneath a mount. */
	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_dev == dev)
		dir_empty(fd);
	else if (fd >= 0)
		close(fd);
	unlinkat(dirfd, name, AT_REMOVEDIR);
}

void dir_empty(int dirfd)
{
	struct dir_reader reader = { .fd = dirfd };
	const char *name;
	struct stat st;

	/* Names that are gone do not disturb the reading of those that follow. */
	while (fstat(dirfd, &st) == 0 && (name = dir_next(&reader)))
		remove_one(dirfd, name, st.st_dev);
	close(dirfd);
}
