/* SPDX-License-Identifier: MIT */
/* Reads mount tables: proc_pid_mountinfo(5). */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/openat2.h>

#include "mounts.h"

#define PROC_PATH_SIZE 64

static int add_process(const char *name, void *context)
{
	struct namespaces *namespaces = context;
	struct namespace found;
	char path[PROC_PATH_SIZE];
	struct stat st;
	size_t i = 0;

	if (!isdigit((unsigned char)name[0]))
		return 0;
	snprintf(path, sizeof(path), "/proc/%.20s/ns/mnt", name);
	if (stat(path, &st) < 0) {
		if (errno == EACCES || errno == EPERM)
			namespaces->is_partial = true;
		return 0;
	}
	found = (struct namespace){ st.st_ino, (pid_t)atol(name) };
	while (i < namespaces->count && namespaces->list[i].inode != found.inode)
		i++;
	if (i == namespaces->count) {
		namespaces->list = file_grow(namespaces->list, namespaces->count, sizeof(found));
		namespaces->list[namespaces->count++] = found;
	} else if (found.pid < namespaces->list[i].pid) {
		namespaces->list[i].pid = found.pid;
	}
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct namespace *x = a, *y = b;

	return (x->pid > y->pid) - (x->pid < y->pid);
}

int mounts_namespaces(struct namespaces *namespaces, struct ovl_error *err)
{
	struct dir proc = { .path = "/proc" };
	struct stat st;
	int ret;

	*namespaces = (struct namespaces){ 0 };
	if (stat("/proc/self/ns/mnt", &st) < 0)
		return ovl_cannot(err, errno, "examine", "/proc/self/ns/mnt", NULL);
	proc.fd = open(proc.path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (proc.fd < 0)
		return ovl_cannot(err, errno, "open", proc.path, NULL);
	namespaces->list = file_grow(NULL, 0, sizeof(*namespaces->list));
	namespaces->list[namespaces->count++] = (struct namespace){ .inode = st.st_ino };
	ret = file_each(&proc, ".", add_process, namespaces, err);
	close(proc.fd);
	qsort(namespaces->list, namespaces->count, sizeof(*namespaces->list), compare);
	return ret;
}

/* Undoes the kernel's \ooo, in place. */
static void unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from; to++) {
		if (from[0] == '\\' && strspn(from + 1, "01234567") >= 3) {
			*to = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0'));
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
}

static void add_lower(struct overlay *overlay, const char *path)
{
	if (!*path) /* "::" before layers of data */
		return;
	overlay->lowers = file_grow(overlay->lowers, overlay->lower_count, sizeof(char *));
	overlay->lowers[overlay->lower_count++] = path;
}

/* Splits the value of lowerdir=, in which a backslash is before what is part of a path. */
static void add_lowers(struct overlay *overlay, char *value)
{
	char *start = value, *to = value;

	for (const char *from = value; *from; from++) {
		if (*from == ':') {
			*to++ = '\0';
			add_lower(overlay, start);
			start = to;
		} else {
			from += *from == '\\' && from[1];
			*to++ = *from;
		}
	}
	*to = '\0';
	add_lower(overlay, start);
}

static void parse_options(struct overlay *overlay, char *options)
{
	char *key;

	while ((key = strsep(&options, ","))) {
		char *value = strchr(key, '=');

		if (!value)
			continue;
		*value++ = '\0';
		unescape(value);
		if (strcmp(key, "lowerdir") == 0)
			add_lowers(overlay, value);
		else if (strcmp(key, "lowerdir+") == 0 || strcmp(key, "datadir+") == 0)
			add_lower(overlay, value);
		else if (strcmp(key, "upperdir") == 0)
			overlay->upper = value;
	}
}

/* Takes a line apart; false if it is no overlay's. */
static bool parse(struct overlay *overlay, char *line)
{
	enum { ID, PARENT, DEVICE, ROOT, POINT, FIELDS };
	char *field[FIELDS], *options, *type;

	line[strcspn(line, "\n")] = '\0';
	for (int i = 0; i < FIELDS; i++) {
		field[i] = strsep(&line, " ");
		if (!line)
			return false;
	}
	options = strstr(line, " - "); /* behind fields that may be missing */
	options = options ? options + 3 : NULL;
	type = strsep(&options, " ");
	if (!type || strcmp(type, "overlay") != 0 || !strsep(&options, " ") || !options)
		return false;
	unescape(field[ROOT]);
	unescape(field[POINT]);
	*overlay = (struct overlay){ .id = strtoul(field[ID], NULL, 10),
				     .device = field[DEVICE],
				     .root = field[ROOT],
				     .point = field[POINT] };
	parse_options(overlay, options);
	return true;
}

int mounts_each(const struct namespace *namespace,
		int (*each)(const struct overlay *overlay, void *context), void *context)
{
	char path[PROC_PATH_SIZE] = "/proc/self/mountinfo", *line = NULL;
	struct overlay overlay;
	size_t size = 0;
	FILE *file;
	int ret = 0;

	if (namespace->pid)
		snprintf(path, sizeof(path), "/proc/%d/mountinfo", namespace->pid);
	file = fopen(path, "re");
	while (ret == 0 && file && getline(&line, &size, file) > 0) {
		if (!parse(&overlay, line))
			continue;
		ret = each(&overlay, context);
		free(overlay.lowers);
	}
	free(line);
	if (file)
		fclose(file);
	return ret;
}

unsigned int mounts_layer(const struct store *store, const char *path)
{
	const char *slash = strrchr(path, '/');
	unsigned int layer = NO_LAYER;

	if (!slash)
		return NO_LAYER;
	if (strcmp(slash, "/diff") == 0) { /* HOME/ID/diff, or ID/diff */
		char *id = strndup(path, (size_t)(slash - path));
		const char *last = strrchr(id, '/');

		layer = store_layer(store, last ? last + 1 : id);
		free(id);
	} else if (slash > path && slash[-1] == 'l' && (slash - path == 1 || slash[-2] == '/')) {
		layer = store_link(store, slash + 1); /* HOME/l/LINK, or l/LINK */
	}
	return layer;
}

int mounts_open_dir(const char *path, const char *verb, struct ovl_error *err)
{
	struct open_how how = { .flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
				.resolve = RESOLVE_NO_SYMLINKS };
	int fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));

	if (fd >= 0)
		return fd;
	if (errno == ELOOP)
		return ovl_fail(err, ELOOP, verb, "there is a symbolic link in this name",
				"`realpath` tells where it leads", "%s", path);
	return ovl_cannot(err, errno, verb, path, errno == ENOSYS ? "it needs Linux 5.6" : NULL);
}

bool mounts_is_own(const struct overlay *overlay)
{
	const char *path = overlay->upper ?: overlay->lower_count ? overlay->lowers[0] : "";

	return strncmp(path, MOUNTS_OWN "/", strlen(MOUNTS_OWN "/")) == 0;
}
