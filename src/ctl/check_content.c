/* SPDX-License-Identifier: MIT */
/*
 * Walks the content of layers for what images can plant there: marks of overlay's, devices, set-id files, names that other
 * programs give a meaning. Crosses no mount and follows no symlink. One finding a layer and rule, with the first path.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <linux/openat2.h>

#include "check.h"
#include "view.h"

#define LEVELS_MAX 256 /* each holds a descriptor */

enum mark {
	MARK_REDIRECT,
	MARK_METACOPY,
	MARK_DEVICE,
	MARK_WH_FILE,
	MARK_WHITEOUT_LOST,
	MARK_WHITEOUT_XATTR,
	MARK_OPAQUE,
	MARK_SET_ID,
	MARK_UNREADABLE,
	MARK_FOREIGN,
	MARKS,
};

static const struct {
	enum rule rule, in_container;
	const char *what;
} marks[MARKS] = {
	[MARK_REDIRECT] = { RULE_REDIRECT, RULE_UPPER_REDIRECT, "directory with a redirect mark" },
	[MARK_METACOPY] = { RULE_METACOPY, RULE_UPPER_METACOPY, "file with a metacopy mark" },
	[MARK_DEVICE] = { RULE_DEVICE, RULE_DEVICE, "device node" },
	[MARK_WH_FILE] = { RULE_WH_FILE, RULE_WH_FILE, "literal .wh. file" },
	[MARK_WHITEOUT_LOST] = { RULE_WHITEOUT_LOST, RULE_WHITEOUT_LOST,
				 "whiteout that cannot be deleted or read" },
	[MARK_WHITEOUT_XATTR] = { RULE_WHITEOUT_XATTR, RULE_WHITEOUT_XATTR,
				  "whiteout by an extended attribute" },
	[MARK_OPAQUE] = { RULE_OPAQUE, RULE_OPAQUE, "opaque mark without meaning" },
	[MARK_SET_ID] = { RULE_SET_ID, RULE_SET_ID, "set-id file or file with capabilities" },
	[MARK_UNREADABLE] = { RULE_UNREADABLE, RULE_UNREADABLE, "name that cannot be examined" },
	[MARK_FOREIGN] = { RULE_UNREADABLE, RULE_UNREADABLE,
			   "directory not looked into, a mount or too deep" },
};

struct walk {
	const char *prefix;  /* of overlay's attributes */
	char path[PATH_MAX]; /* of what is looked at, from the layer's directory on */
	char *first[MARKS];
	unsigned int count[MARKS];
	int levels;
};

static void found(struct walk *walk, enum mark mark)
{
	if (walk->count[mark]++ == 0)
		walk->first[mark] = file_copy(walk->path);
}

/* True if the list of attributes' names has prefix and name. */
static bool has_mark(const struct walk *walk, const char *list, ssize_t len, const char *name)
{
	size_t prefix = strlen(walk->prefix);

	for (const char *at = list; at < list + len; at += strlen(at) + 1) {
		if (strncmp(at, walk->prefix, prefix) == 0 && strcmp(at + prefix, name) == 0)
			return true;
	}
	return false;
}

static bool has_capabilities(const char *list, ssize_t len)
{
	for (const char *at = list; at < list + len; at += strlen(at) + 1) {
		if (strcmp(at, "security.capability") == 0)
			return true;
	}
	return false;
}

static char list[XATTR_LIST_MAX + 1];

/* A regular file: attributes by its name in the open directory fd, since it may not be readable, or large. */
static void look_at_file(struct walk *walk, int fd, const char *name, const struct stat *st,
			 bool is_opaque_x)
{
	char path[NAME_MAX + 32];
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", fd, name);
	len = llistxattr(path, list, sizeof(list) - 1);
	if (len < 0 && errno != EOPNOTSUPP)
		found(walk, MARK_UNREADABLE);
	if ((st->st_mode & (S_ISUID | S_ISGID) && st->st_mode & 0111) ||
	    has_capabilities(list, len))
		found(walk, MARK_SET_ID);
	if (len <= 0)
		return;
	if (has_mark(walk, list, len, "metacopy"))
		found(walk, MARK_METACOPY);
	if (has_mark(walk, list, len, "whiteout"))
		found(walk, is_opaque_x ? MARK_WHITEOUT_XATTR : MARK_WHITEOUT_LOST);
}

/* A directory open as fd. Sets *is_opaque_x: it may hold whiteouts by attributes. */
static void look_at_dir(struct walk *walk, int fd, bool *is_opaque_x)
{
	ssize_t len = flistxattr(fd, list, sizeof(list) - 1);
	char name[64], value[4] = "";

	*is_opaque_x = false;
	if (len < 0 && errno != EOPNOTSUPP)
		found(walk, MARK_UNREADABLE);
	if (len <= 0)
		return;
	if (has_mark(walk, list, len, "redirect"))
		found(walk, MARK_REDIRECT);
	if (has_mark(walk, list, len, "whiteouts")) /* the form before Linux 6.8 */
		*is_opaque_x = true;
	if (!has_mark(walk, list, len, "opaque"))
		return;
	snprintf(name, sizeof(name), "%sopaque", walk->prefix);
	len = fgetxattr(fd, name, value, sizeof(value));
	if (len == 1 && value[0] == 'x')
		*is_opaque_x = true;
	else if (len != 1 || value[0] != 'y')
		found(walk, MARK_OPAQUE);
}

static int open_dir(int at, const char *name)
{
	struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
	};

	return (int)syscall(SYS_openat2, at, name, &how, sizeof(how));
}

static void walk_dir(struct walk *walk, int at, const char *name);

/* One entry of the directory open as fd, which stands in walk->path. */
static void look_at(struct walk *walk, int fd, const struct dirent *entry, bool is_opaque_x)
{
	struct stat st = { 0 };
	bool is_dir = entry->d_type == DT_DIR;

	if (strncmp(entry->d_name, ".wh.", 4) == 0)
		found(walk, MARK_WH_FILE);
	if (entry->d_type == DT_LNK)
		return;
	if (!is_dir && fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno != ENOENT) /* gone meanwhile */
			found(walk, MARK_UNREADABLE);
		return;
	}
	if (is_dir || S_ISDIR(st.st_mode))
		walk_dir(walk, fd, entry->d_name);
	else if (S_ISREG(st.st_mode))
		look_at_file(walk, fd, entry->d_name, &st, is_opaque_x);
	else if (S_ISBLK(st.st_mode) || (S_ISCHR(st.st_mode) && st.st_rdev != makedev(0, 0)))
		found(walk, MARK_DEVICE);
}

/* The directory name in the open one at; walk->path ends in it. */
static void walk_dir(struct walk *walk, int at, const char *name)
{
	size_t len = strlen(walk->path);
	int fd = walk->levels < LEVELS_MAX ? open_dir(at, name) : -1;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	bool is_opaque_x;

	if (!dir) {
		found(walk, MARK_FOREIGN);
		if (fd >= 0)
			close(fd);
		return;
	}
	walk->levels++;
	look_at_dir(walk, fd, &is_opaque_x);
	while ((entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (len + strlen(entry->d_name) + 2 > sizeof(walk->path)) {
			found(walk, MARK_FOREIGN);
			continue;
		}
		walk->path[len] = '/';
		strcpy(walk->path + len + 1, entry->d_name);
		look_at(walk, fd, entry, is_opaque_x);
		walk->path[len] = '\0';
	}
	walk->levels--;
	closedir(dir);
}

static void report(struct check *check, const struct layer *layer, struct walk *walk)
{
	for (enum mark mark = 0; mark < MARKS; mark++) {
		bool is_upper = layer->kind == LAYER_CONTAINER;

		if (walk->count[mark] == 0)
			continue;
		check_found(check, is_upper ? marks[mark].in_container : marks[mark].rule,
			    walk->first[mark], walk->count[mark] == 1 ? "%s" : "%s, and %u more",
			    marks[mark].what, walk->count[mark] - 1);
		free(walk->first[mark]);
	}
}

void check_content(struct check *check, unsigned int number)
{
	static struct walk walk;
	const struct store *store = check->store;
	const struct layer *layer = &store->layers[number];
	struct stat st;

	if (!ovl_id_is_valid(layer->id, strlen(layer->id)))
		return;
	memset(&walk, 0, sizeof(walk));
	walk.prefix = view_marks(store);
	snprintf(walk.path, sizeof(walk.path), "%s/diff", layer->id);
	if (fstatat(store->tree.fd, walk.path, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISDIR(st.st_mode))
		walk_dir(&walk, store->tree.fd, walk.path);
	report(check, layer, &walk);
}
