/* SPDX-License-Identifier: MIT */
/* Directories: one made like another, and whole trees of them removed. */
#ifndef INIT_DIR_H
#define INIT_DIR_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "ovl/error.h"

/*
 * The entries of a directory, without opendir(3): that would bring in malloc, an eighth of the program. at and end are
 * positions in buf; start with both 0.
 */
struct dir_reader {
	int fd;
	size_t at, end;
	_Alignas(8) char buf[2048];
};

/* The next name but "." and "..", valid until the next call; NULL at the end or if the directory cannot be read. */
const char *dir_next(struct dir_reader *reader);

/* Makes the directory path, unless something of that name is there. */
int dir_make(const char *path, mode_t mode, struct ovl_error *err);

/* Makes the directory path with owner, mode and access lists of the directory like, which is not followed. */
int dir_make_like(const char *path, const char *like, struct ovl_error *err);

/* True if path is on a ramfs or tmpfs, as an initramfs is. */
bool dir_is_memory(const char *path);

/* True if both are on the same file system; false if one of them is not there. */
bool dir_is_same(const char *a, const char *b);

/*
 * Removes all that is in the directory dirfd, which is closed, and never enters another file system: what is mounted in
 * it stays with its mount point. Removes what it can and says nothing: there is no other way to go on.
 */
void dir_empty(int dirfd);

#endif
