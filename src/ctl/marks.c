/* SPDX-License-Identifier: MIT */
/* Looks through a layer. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "marks.h"
#include "ovl/beneath.h"

#define DEPTH_MAX 256 /* directories in each other: a descriptor each */

static void look_into(struct marks *marks, int fd, const char *path, unsigned int depth);

static void note(struct marks *marks, enum mark mark, const char *path)
{
	if (marks->count[mark]++ == 0)
		marks->first[mark] = file_copy(path);
}

/* fd: open for anything, O_PATH too: its attributes are had through /proc. */
static bool has_attribute(int fd, const char *name)
{
	char path[sizeof("/proc/self/fd/") + 11];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return getxattr(path, name, NULL, 0) >= 0;
}

/* What the file open as fd bears. */
static void look_at(struct marks *marks, int fd, const struct stat *st, const char *path)
{
	static const char *const overlay[] = { "trusted.overlay.redirect",
					       "trusted.overlay.metacopy", "user.overlay.redirect",
					       "user.overlay.metacopy" };
	bool is_file = S_ISREG(st->st_mode);

	if (is_file &&
	    ((st->st_mode & (S_ISUID | S_ISGID)) || has_attribute(fd, "security.capability")))
		note(marks, MARK_SETUID, path);
	for (size_t i = 0; (is_file || S_ISDIR(st->st_mode)) && i < 4; i++) {
		if (has_attribute(fd, overlay[i])) {
			note(marks, MARK_REDIRECT, path);
			break;
		}
	}
}

static void look_at_name(struct marks *marks, int dirfd, const char *name, const char *path,
			 unsigned int depth)
{
	struct stat st;
	int fd;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		note(marks, MARK_UNSEEN, path);
		return;
	}
	/* 0:0 is no device but a deletion. */
	if (S_ISBLK(st.st_mode) || (S_ISCHR(st.st_mode) && st.st_rdev != makedev(0, 0)))
		note(marks, MARK_DEVICE, path);
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return;
	fd = openat(dirfd, name,
		    (S_ISDIR(st.st_mode) ? O_RDONLY | O_DIRECTORY : O_PATH) | O_NOFOLLOW |
			    O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0) {
		note(marks, MARK_UNSEEN, path);
		return;
	}
	look_at(marks, fd, &st, path);
	if (S_ISDIR(st.st_mode))
		look_into(marks, fd, path, depth + 1);
	else
		close(fd);
}

/* Closes fd. */
static void look_into(struct marks *marks, int fd, const char *path, unsigned int depth)
{
	const struct dir dir = { -1, path };
	DIR *list = depth < DEPTH_MAX ? fdopendir(fd) : NULL;
	const struct dirent *entry;

	if (!list) {
		note(marks, MARK_UNSEEN, path);
		close(fd);
		return;
	}
	while ((errno = 0, entry = readdir(list))) {
		char *below;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		below = file_path(&dir, entry->d_name);
		look_at_name(marks, dirfd(list), entry->d_name, below, depth);
		free(below);
	}
	if (errno)
		note(marks, MARK_UNSEEN, path);
	closedir(list);
}

void marks_look(struct marks *marks, const struct dir *tree, const char *path)
{
	int fd = ovl_beneath_open(tree->fd, path, O_RDONLY | O_DIRECTORY);

	if (fd < 0)
		note(marks, MARK_UNSEEN, path);
	else
		look_into(marks, fd, path, 0);
}
