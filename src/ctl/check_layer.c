/* SPDX-License-Identifier: MIT */
/*
 * What lies in the directory of a layer. Docker's and containers/storage's differ (format, sections 1 and 11); a tree
 * without metadata may be either's.
 */
#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "check_layer.h"

#define NAME_SIZE (NAME_MAX + 1)
#define PATH_SIZE (4 * NAME_SIZE)

struct look {
	struct check *check;
	const struct layer *layer;
	bool has_work, is_mounted;
	char path[PATH_SIZE]; /* of the entry */
};

/* A number behind a word: diff1, merged.1. */
static bool is_numbered(const char *name, const char *word)
{
	size_t len = strlen(word);

	return strncmp(name, word, len) == 0 && name[len] &&
	       strspn(name + len, "0123456789") == strlen(name + len);
}

static bool is_known(enum store_kind kind, const char *name)
{
	static const char *const both[] = { "diff", "link", "lower", "work", "merged" };
	static const char *const podman[] = { "empty", "mapped", "additionallayer",
					      "composefs-data" };

	for (size_t i = 0; i < sizeof(both) / sizeof(both[0]); i++) {
		if (strcmp(name, both[i]) == 0)
			return true;
	}
	for (size_t i = 0; kind != STORE_DOCKER && i < sizeof(podman) / sizeof(podman[0]); i++) {
		if (strcmp(name, podman[i]) == 0)
			return true;
	}
	return (kind != STORE_PODMAN && strcmp(name, "committed") == 0) ||
	       (kind != STORE_DOCKER &&
		(is_numbered(name, "diff") || is_numbered(name, "merged.")));
}

static int first_entry(const char *name, void *context)
{
	(void)name, (void)context;
	return 1;
}

/* What cannot be listed, such as no directory, holds nothing that would matter here. */
static bool has_entries(const struct check *check, const char *path)
{
	struct ovl_error err;

	return file_each(&check->store->tree, path, first_entry, NULL, &err) > 0;
}

/* The deepest that the kernel empties: it removes work/work/NAME/NAME, if that is no directory with content. */
static int look_deeper(const char *name, void *context)
{
	struct look *look = context;
	size_t len = strlen(look->path);
	struct ovl_error err;
	int depth = 0, ret;

	for (const char *at = look->path; *at; at++)
		depth += *at == '/';
	if (len + strlen(name) + 2 > sizeof(look->path))
		return 1;
	snprintf(look->path + len, sizeof(look->path) - len, "/%s", name);
	/* id/work/work has two; id/work/work/a/b four */
	if (depth >= 3)
		ret = has_entries(look->check, look->path);
	else
		ret = file_each(&look->check->store->tree, look->path, look_deeper, look, &err) > 0;
	if (ret == 0)
		look->path[len] = '\0';
	return ret;
}

static void check_work(struct look *look, const struct stat *st)
{
	struct check *check = look->check;
	const char *id = look->layer->id;
	char path[PATH_SIZE];
	struct ovl_error err;
	struct stat mark;

	look->has_work = true;
	if (!S_ISDIR(st->st_mode)) {
		check_found(check, RULE_WORK, look->path, "not a directory");
		return;
	}
	if ((st->st_mode & 0777) != 0700)
		check_found(check, RULE_MODE, look->path, "mode %04o is none of the engine's",
			    st->st_mode & 07777);
	if (look->is_mounted)
		return; /* it changes, and is the kernel's */
	snprintf(look->path, sizeof(look->path), "%s/work/work", id);
	if (fstatat(check->store->tree.fd, look->path, &mark, AT_SYMLINK_NOFOLLOW) < 0)
		return; /* never mounted */
	snprintf(path, sizeof(path), "%s/work/work/incompat/volatile", id);
	if (fstatat(check->store->tree.fd, path, &mark, AT_SYMLINK_NOFOLLOW) == 0) {
		check_found(check, RULE_VOLATILE, path,
			    "no writable mount works while it is there");
		return;
	}
	if (file_each(&check->store->tree, look->path, look_deeper, look, &err) > 0)
		check_found(check, RULE_WORK_DEEP, look->path,
			    "the kernel does not empty it: writable mounts become read-only");
}

static void check_merged(struct look *look)
{
	if (look->is_mounted)
		return;
	if (has_entries(look->check, look->path))
		check_found(look->check, RULE_MERGED, look->path,
			    "it has content though nothing is mounted there");
	else if (look->check->store->kind == STORE_DOCKER)
		check_found(look->check, RULE_MERGED_EMPTY, look->path, "nothing is mounted there");
}

/* ovlrun, too, takes each error of this for none. */
static bool has_access_list(int fd)
{
	return fgetxattr(fd, "system.posix_acl_access", NULL, 0) >= 0 ||
	       fgetxattr(fd, "system.posix_acl_default", NULL, 0) >= 0;
}

/* The root directory of launches. Images cannot set mode and owner of their own: they are as Docker made them. */
static void check_diff(struct look *look, const struct stat *st)
{
	struct check *check = look->check;
	int fd = openat(check->store->tree.fd, look->path,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return;
	/* A container's own layer is launched by nobody. */
	if (has_access_list(fd) && look->layer->kind != LAYER_CONTAINER)
		check_found(check, RULE_ACCESS_LIST, look->path,
			    "it has an access list, which a launch would not keep");
	close(fd);
	if (check->store->kind == STORE_DOCKER && look->layer->kind == LAYER_IMAGE &&
	    (st->st_mode & 07777) != 0755)
		check_found(check, RULE_DIFF_MODE, look->path, "mode %04o, not 0755",
			    st->st_mode & 07777);
}

static void check_committed(struct look *look, const struct stat *st)
{
	if (!S_ISREG(st->st_mode) || st->st_size != 0)
		check_found(look->check, RULE_COMMITTED, look->path, "not an empty file");
	else if (st->st_mode & 0133 || st->st_uid != 0)
		check_found(look->check, RULE_MODE, look->path,
			    "mode %04o, owner %u: it is made 0600, root's", st->st_mode & 07777,
			    st->st_uid);
}

static int check_entry(const char *name, void *context)
{
	struct look *look = context;
	enum store_kind kind = look->check->store->kind;
	struct stat st;

	snprintf(look->path, sizeof(look->path), "%s/%s", look->layer->id, name);
	if (strncmp(name, ".tmp-", 5) == 0) {
		check_found(look->check, RULE_LEFTOVER, look->path,
			    "left by a write that was interrupted");
		return 0;
	}
	if (!is_known(kind, name)) {
		check_found(look->check, RULE_UNKNOWN_FILE, look->path, "no part of the format");
		return 0;
	}
	/* The core has looked at both. */
	if (strcmp(name, "link") == 0 || strcmp(name, "lower") == 0)
		return 0;
	if (fstatat(look->check->store->tree.fd, look->path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0; /* gone meanwhile */
	if (strcmp(name, "work") == 0)
		check_work(look, &st);
	else if (strcmp(name, "merged") == 0)
		check_merged(look);
	else if (strcmp(name, "diff") == 0)
		check_diff(look, &st);
	else if (strcmp(name, "committed") == 0)
		check_committed(look, &st);
	return 0;
}

void check_directory(struct check *check, const struct layer *layer)
{
	struct look look = { .check = check,
			     .layer = layer,
			     .is_mounted = layer_is_mounted(check->store, layer) };
	struct ovl_error err;

	if (file_each(&check->store->tree, layer->id, check_entry, &look, &err) < 0) {
		check_found(check, RULE_UNREADABLE, layer->id, "%s",
			    err.reason ?: strerror(err.errnum));
		return;
	}
	/* containers/storage has them everywhere; Docker where something is mounted. */
	if (layer->has_lower && !look.has_work)
		check_found(check, RULE_WORK, layer->id, "it has a lower file, but no work");
	if (check->store->kind != STORE_DOCKER)
		return;
	if (layer->kind == LAYER_CONTAINER && layer->is_committed)
		check_found(check, RULE_READ_ONLY, layer->id,
			    "the mark `committed` makes this container read-only");
	if (layer->kind == LAYER_INIT && !layer->is_committed)
		check_found(check, RULE_UNCOMMITTED, layer->id,
			    "it is beneath a container, but lacks the mark `committed`");
}
