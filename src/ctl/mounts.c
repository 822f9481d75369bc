/* SPDX-License-Identifier: MIT */
/* Reads mount tables: proc_pid_mountinfo(5). */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/nsfs.h>
#include <linux/openat2.h>

#include "mounts.h"

#define PROC_PATH_SIZE 64

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

/* Reads a table, which it closes. like: whose it is. */
static int read_table(FILE *file, const struct overlay *like, mounts_each *each, void *context)
{
	struct overlay overlay;
	char *line = NULL;
	size_t size = 0;
	int ret = 0;

	while (ret == 0 && getline(&line, &size, file) > 0) {
		if (!parse(&overlay, line))
			continue;
		overlay.pid = like->pid;
		overlay.is_foreign = like->is_foreign;
		ret = each(&overlay, context);
		free(overlay.lowers);
	}
	free(line);
	fclose(file);
	return ret;
}

int mounts_own(mounts_each *each, void *context, struct ovl_error *err)
{
	const struct overlay own = { 0 };
	FILE *file = fopen("/proc/self/mountinfo", "re");

	return file ? read_table(file, &own, each, context)
		    : ovl_cannot(err, errno, "read", "/proc/self/mountinfo", NULL);
}

struct search {
	mounts_each *each;
	void *context;
	void *known; /* numbers of namespaces, a tree of tsearch(3) */
	ino_t user;  /* the user namespace of this process */
	bool is_partial;
};

static int compare_numbers(const void *a, const void *b)
{
	return ((uintptr_t)a > (uintptr_t)b) - ((uintptr_t)a < (uintptr_t)b);
}

static void keep(void *number)
{
	(void)number; /* it is no memory */
}

static ino_t number_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_ino : 0;
}

/* Who could not be asked is not believed. */
static bool is_foreign(const char *path, ino_t user)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), owner = fd < 0 ? -1 : ioctl(fd, NS_GET_USERNS);
	struct stat st;
	bool is_own = owner >= 0 && fstat(owner, &st) == 0 && st.st_ino == user;

	if (owner >= 0)
		close(owner);
	if (fd >= 0)
		close(fd);
	return !is_own;
}

/*
 * Reads the table of a process's namespace, unless it is known. It is only when its table is open: if the process has ended,
 * its children in the namespace, whose numbers are higher, are still to come.
 */
static int look_at(const char *name, void *context)
{
	struct search *search = context;
	struct overlay like = { .pid = (pid_t)atol(name) };
	char path[PROC_PATH_SIZE], table[PROC_PATH_SIZE];
	ino_t number;
	FILE *file;

	if (!isdigit((unsigned char)name[0]))
		return 0;
	snprintf(path, sizeof(path), "/proc/%.20s/ns/mnt", name);
	snprintf(table, sizeof(table), "/proc/%.20s/mountinfo", name);
	number = number_of(path);
	if (number == 0 && (errno == EACCES || errno == EPERM))
		search->is_partial = true;
	if (number == 0 || tfind((void *)number, &search->known, compare_numbers))
		return 0;
	like.is_foreign = is_foreign(path, search->user);
	file = fopen(table, "re");
	if (file && number_of(path) == number &&
	    tsearch((void *)number, &search->known, compare_numbers))
		return read_table(file, &like, search->each, search->context);
	if (file)
		fclose(file);
	return 0;
}

int mounts_all(mounts_each *each, void *context, bool *is_partial, struct ovl_error *err)
{
	struct dir proc = { .path = "/proc" };
	struct search search = { .each = each,
				 .context = context,
				 .user = number_of("/proc/self/ns/user") };
	int ret = mounts_own(each, context, err);

	if (ret != 0)
		return ret;
	proc.fd = open(proc.path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (proc.fd < 0)
		return ovl_cannot(err, errno, "open", proc.path, NULL);
	tsearch((void *)number_of("/proc/self/ns/mnt"), &search.known, compare_numbers);
	ret = file_each(&proc, ".", look_at, &search, err);
	tdestroy(search.known, keep);
	close(proc.fd);
	*is_partial = search.is_partial;
	return ret;
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

static bool is_in(const char *path, const char *dir)
{
	return strncmp(path, dir, strlen(dir)) == 0;
}

bool mounts_is_generated(const char *path)
{
	return is_in(path, MOUNTS_OWN "/") || is_in(path, "/run/ovlrun/") ||
	       is_in(path, "/run/ovl/");
}

static bool is_made_in(const struct overlay *overlay, const char *dir)
{
	return (overlay->upper && is_in(overlay->upper, dir)) ||
	       (overlay->lower_count && is_in(overlay->lowers[0], dir));
}

bool mounts_is_own(const struct overlay *overlay)
{
	return !overlay->is_foreign && is_made_in(overlay, MOUNTS_OWN "/");
}

bool mounts_is_session(const struct overlay *overlay)
{
	return is_made_in(overlay, "/run/ovlrun/");
}

/* The directories of a tree's layers, by their numbers on disk. */
struct place {
	dev_t dev;
	ino_t ino;
	unsigned int layer;
};

static int compare_places(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return x->dev != y->dev ? (x->dev > y->dev ? 1 : -1)
				: (x->ino > y->ino) - (x->ino < y->ino);
}

static struct place *places; /* of the one store */
static size_t place_count;

static void find_places(const struct store *store)
{
	places = file_alloc(store->layer_count * sizeof(*places));
	for (unsigned int i = 0; i < store->layer_count; i++) {
		char *diff = file_path(&(struct dir){ -1, store->layers[i].id }, "diff");
		struct stat st;

		if (fstatat(store->tree.fd, diff, &st, AT_SYMLINK_NOFOLLOW) == 0)
			places[place_count++] = (struct place){ st.st_dev, st.st_ino, i };
		free(diff);
	}
	qsort(places, place_count, sizeof(*places), compare_places);
}

/* Looks the directory path up where its name may hold: engines mount from within their tree, or where they are. */
static bool examine(const struct store *store, const struct overlay *overlay, const char *path,
		    struct stat *st)
{
	char root[PROC_PATH_SIZE], *inside;
	int ret;

	if (path[0] != '/')
		return fstatat(store->tree.fd, path, st, 0) == 0;
	ret = stat(path, st);
	if (ret < 0 && overlay->pid) {
		snprintf(root, sizeof(root), "/proc/%d/root", overlay->pid);
		inside = file_path(&(struct dir){ -1, root }, path + 1);
		ret = stat(inside, st);
		free(inside);
	}
	return ret == 0;
}

unsigned int mounts_layer(const struct store *store, const struct overlay *overlay,
			  const char *path)
{
	struct place key = { 0 }, *found;
	struct stat st;

	/* A session with -u is in a namespace of its user's: if it is one, or if he says so, its layers are told. */
	if (overlay->is_foreign && (!mounts_is_session(overlay) || !is_in(path, "l/")))
		return NO_LAYER;
	if (is_in(path, MOUNTS_OWN "/")) { /* MOUNTS_OWN/ID/diff is gone */
		char *id = file_copy(path + sizeof(MOUNTS_OWN));
		unsigned int layer;

		id[strcspn(id, "/")] = '\0';
		layer = store_layer(store, id);
		free(id);
		return layer;
	}
	if (mounts_is_generated(path) || !examine(store, overlay, path, &st))
		return NO_LAYER;
	if (!places)
		find_places(store);
	key.dev = st.st_dev;
	key.ino = st.st_ino;
	found = place_count ? bsearch(&key, places, place_count, sizeof(key), compare_places)
			    : NULL;
	return found ? found->layer : NO_LAYER;
}
