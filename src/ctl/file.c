/* SPDX-License-Identifier: MIT */
/* Reads files and directories that may hold anything. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "ovl/beneath.h"

void *file_alloc(size_t size)
{
	void *memory = calloc(1, size ? size : 1);

	if (!memory) {
		fputs("ovlctl: out of memory\n", stderr);
		exit(2);
	}
	return memory;
}

char *file_copy(const char *text)
{
	size_t size = strlen(text) + 1;

	return memcpy(file_alloc(size), text, size);
}

/* Doubles at each power of two, so that count tells the room there is. */
void *file_grow(void *array, size_t count, size_t size)
{
	void *larger;

	if (count & (count - 1))
		return array;
	larger = reallocarray(array, count ? 2 * count : 1, size);
	if (!larger) {
		fputs("ovlctl: out of memory\n", stderr);
		exit(2);
	}
	return larger;
}

char *file_path(const struct dir *dir, const char *name)
{
	size_t size = strlen(dir->path) + strlen(name) + 2;
	char *path = file_alloc(size);

	snprintf(path, size, "%s/%s", dir->path, name);
	return path;
}

static int fail(const struct dir *dir, const char *path, int errnum, const char *verb,
		const char *reason, struct ovl_error *err)
{
	return ovl_fail(err, errnum, verb, reason, NULL, "%s/%s", dir->path, path);
}

/* Opens a regular file and tells its size. */
static int open_regular(const struct dir *dir, const char *path, off_t *size, struct ovl_error *err)
{
	/* O_NONBLOCK: a FIFO must not block. */
	int fd = ovl_beneath_open(dir->fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	int ret = 0;

	if (fd < 0)
		return fail(dir, path, -fd, "open", fd == -ELOOP ? "it is a symlink" : NULL, err);
	if (fstat(fd, &st) < 0)
		ret = fail(dir, path, errno, "examine", NULL, err);
	else if (!S_ISREG(st.st_mode))
		ret = fail(dir, path, EBADMSG, "read", "not a regular file", err);
	*size = st.st_size;
	if (ret < 0)
		close(fd);
	return ret < 0 ? ret : fd;
}

static ssize_t read_all(int fd, const struct dir *dir, const char *path, char *buf, size_t size,
			struct ovl_error *err)
{
	size_t len = 0;
	ssize_t got;

	do {
		got = read(fd, buf + len, size - 1 - len);
		if (got < 0)
			return fail(dir, path, errno, "read", NULL, err);
		len += (size_t)got;
	} while (got > 0 && len < size - 1);
	buf[len] = '\0';
	return (ssize_t)len;
}

ssize_t file_read(const struct dir *dir, const char *path, char *buf, size_t size,
		  struct ovl_error *err)
{
	off_t length;
	ssize_t len;
	int fd = open_regular(dir, path, &length, err);

	if (fd < 0)
		return fd;
	if (length >= (off_t)size)
		len = fail(dir, path, EBADMSG, "read", "longer than it may be", err);
	else
		len = read_all(fd, dir, path, buf, size, err);
	close(fd);
	return len;
}

ssize_t file_read_line(const struct dir *dir, const char *path, char *buf, size_t size,
		       struct ovl_error *err)
{
	ssize_t len = file_read(dir, path, buf, size, err);

	while (len > 0 && strchr(" \t\r\n", buf[len - 1]))
		buf[--len] = '\0';
	return len;
}

char *file_load(const struct dir *dir, const char *path, size_t max, size_t *len,
		struct ovl_error *err)
{
	off_t length;
	ssize_t got;
	char *text;
	int fd = open_regular(dir, path, &length, err);

	if (fd < 0)
		return NULL;
	if (length > (off_t)max) {
		fail(dir, path, EBADMSG, "read", "longer than it may be", err);
		close(fd);
		return NULL;
	}
	text = file_alloc((size_t)length + 2); /* one more: to see that it grows */
	got = read_all(fd, dir, path, text, (size_t)length + 2, err);
	close(fd);
	if (got > length)
		got = fail(dir, path, EAGAIN, "read", "it changed meanwhile", err);
	if (got < 0) {
		free(text);
		return NULL;
	}
	*len = (size_t)got;
	return text;
}

json_t *file_parse_json(const char *text, size_t len, size_t max, json_error_t *why)
{
	size_t flags = JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, parts = 0;
	bool is_string = false;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '"')
			is_string = !is_string;
		else if (is_string && text[i] == '\\')
			i++;
		else
			parts += !is_string && (text[i] == '{' || text[i] == '[' || text[i] == ',');
	}
	if (parts > max / 40) {
		*why = (json_error_t){ .line = 1, .text = "too many parts" };
		return NULL;
	}
	return json_loadb(text, len, flags | (max == FILE_CONFIG_MAX ? JSON_DECODE_INT_AS_REAL : 0),
			  why);
}

json_t *file_load_json(const struct dir *dir, const char *path, size_t max, struct ovl_error *err)
{
	size_t len;
	char *text = file_load(dir, path, max, &len, err);
	json_error_t error;
	json_t *json;

	if (!text)
		return NULL;
	json = file_parse_json(text, len, max, &error);
	free(text);
	if (!json)
		ovl_fail(err, EBADMSG, "read", "it is no valid JSON", NULL,
			 "%s/%s (line %d: %.80s)", dir->path, path, error.line, error.text);
	return json;
}

const char *json_plain(const json_t *string)
{
	const char *text = json_string_value(string);

	return text && strlen(text) == json_string_length(string) ? text : NULL;
}

const char *json_text(const json_t *object, const char *key)
{
	return json_plain(json_object_get(object, key));
}

int file_each(const struct dir *dir, const char *path, int (*each)(const char *name, void *context),
	      void *context, struct ovl_error *err)
{
	struct dirent *entry;
	int fd, ret = 0;
	DIR *list;

	if (strcmp(path, ".") == 0) {
		fd = openat(dir->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		fd = fd < 0 ? -errno : fd;
	} else {
		fd = ovl_beneath_open(dir->fd, path, O_RDONLY | O_DIRECTORY);
	}
	if (fd == -ENOENT)
		return 0;
	list = fd < 0 ? NULL : fdopendir(fd);
	if (!list) {
		if (fd >= 0)
			close(fd);
		return fail(dir, path, fd < 0 ? -fd : errno, "list", NULL, err);
	}
	while (ret == 0 && (errno = 0, entry = readdir(list))) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			ret = each(entry->d_name, context);
	}
	if (ret == 0 && errno)
		ret = fail(dir, path, errno, "list", NULL, err);
	closedir(list);
	return ret;
}
