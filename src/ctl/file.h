/* SPDX-License-Identifier: MIT */
/*
 * Small files of a tree or of an engine's metadata, none of which is believed: opened beneath a directory without
 * following anything, regular, and bounded.
 */
#ifndef CTL_FILE_H
#define CTL_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <jansson.h>

#include "ovl/error.h"

/* Bytes of JSON. The engine's own lists: Docker's and Podman's largest have some hundred for each layer. */
#define FILE_LIST_MAX (32u << 20)
/* What an image's maker has a say in; containers/image (iolimits) takes no larger config either. */
#define FILE_CONFIG_MAX (4u << 20)

/* A directory that things are read beneath. */
struct dir {
	int fd;		  /* O_PATH or not; -1: it is not there */
	const char *path; /* absolute, for messages */
};

/*
 * Reads the whole of path beneath dir into buf, which has size bytes, one of which is for a NUL. Returns the length, or
 * -errno: -ENOENT, -ELOOP for a symlink, -EBADMSG for what is no regular file or too long.
 */
ssize_t file_read(const struct dir *dir, const char *path, char *buf, size_t size,
		  struct ovl_error *err);

/* The same for a line: white space at its end is cut off, as Docker does. */
ssize_t file_read_line(const struct dir *dir, const char *path, char *buf, size_t size,
		       struct ovl_error *err);

/* Reads all of path beneath dir, max bytes at most, into memory that is the caller's to free. */
char *file_load(const struct dir *dir, const char *path, size_t max, size_t *len,
		struct ovl_error *err);

/*
 * Parses JSON, read with this max: no key twice in an object, at most one part for each 40 bytes of max, since a part takes
 * up to 150 in memory, not nested deeper than 2,048 (jansson, JSON_PARSER_MAX_DEPTH). With FILE_CONFIG_MAX numbers are
 * reals, of any size. NULL with what is wrong in *why; else a reference of the caller's.
 */
json_t *file_parse_json(const char *text, size_t len, size_t max, json_error_t *why);

/* Reads and parses JSON. NULL with *err filled in. */
json_t *file_load_json(const struct dir *dir, const char *path, size_t max, struct ovl_error *err);

/* Its text; NULL for what is no string, and for one with a NUL in it. */
const char *json_plain(const json_t *string);

/* That of the string at key of object. */
const char *json_text(const json_t *object, const char *key);

/*
 * Calls each(name, context) for every entry of the directory path beneath dir but "." and "..", in no order, until one
 * returns other than 0, which is returned. A directory that is not there has none.
 */
int file_each(const struct dir *dir, const char *path, int (*each)(const char *name, void *context),
	      void *context, struct ovl_error *err);

/* "PATH/NAME" of something beneath dir, in memory of the caller's; never NULL. */
char *file_path(const struct dir *dir, const char *name);

/* Never NULL: without memory the program ends. */
void *file_alloc(size_t size);
char *file_copy(const char *text);
void *file_grow(void *array, size_t count, size_t size); /* room for one more of count elements */

#endif
