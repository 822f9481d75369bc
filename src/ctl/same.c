/* SPDX-License-Identifier: MIT */
/* What is compared: never the content, for which size and time stand. */
#include <linux/limits.h>
#include <errno.h>
#include <string.h>

#include "same.h"

#define CAPABILITY "security.capability"

/* One thing in its view. */
struct place {
	const struct view *view;
	unsigned int layer;
	const char *path;
};

static ssize_t attribute(const struct place *place, const char *name, char *value)
{
	return view_attribute(place->view, place->layer, place->path, name, value, XATTR_SIZE_MAX);
}

static bool has_same_attribute(const struct place *old, const struct place *new, const char *name)
{
	static char a[XATTR_SIZE_MAX], b[XATTR_SIZE_MAX];
	ssize_t len = attribute(old, name, a);

	return len == attribute(new, name, b) && (len <= 0 || memcmp(a, b, (size_t)len) == 0);
}

/* The users' own, but not overlay's marks, in a list of names. */
static bool is_users(const char *name)
{
	return strncmp(name, "user.", 5) == 0 && strncmp(name, "user.overlay.", 13) != 0;
}

/* All that old has are equal in new. */
static bool has_all_of(const struct place *old, const struct place *new)
{
	static char names[XATTR_LIST_MAX];
	ssize_t len = view_attribute_names(old->view, old->layer, old->path, names, sizeof(names));

	if (len == -E2BIG)
		return false; /* not known */
	for (ssize_t at = 0; at < len; at += (ssize_t)strlen(names + at) + 1) {
		if (is_users(names + at) && !has_same_attribute(old, new, names + at))
			return false;
	}
	return true;
}

static bool has_same_attributes(const struct same *same, const struct place *old,
				const struct place *new, mode_t mode)
{
	if (S_ISREG(mode) && !has_same_attribute(old, new, CAPABILITY))
		return false;
	return !same->is_podmans || !(S_ISREG(mode) || S_ISDIR(mode)) ||
	       (has_all_of(old, new) && has_all_of(new, old));
}

/* Some file systems and archives have no fractions of a second; Podman allows for those that were rounded up, too. */
bool same_time(const struct same *same, const struct timespec *a, const struct timespec *b)
{
	if (a->tv_sec == b->tv_sec)
		return a->tv_nsec == b->tv_nsec || a->tv_nsec == 0 || b->tv_nsec == 0;
	return same->is_podmans && ((b->tv_nsec == 0 && b->tv_sec - 1 == a->tv_sec) ||
				    (a->tv_nsec == 0 && a->tv_sec - 1 == b->tv_sec));
}

bool same_thing(const struct same *same, const char *path, const struct view_entry *old,
		const struct view_entry *new)
{
	const struct place old_place = { same->old, old->layer, path };
	const struct place new_place = { same->new, new->layer, path };
	const struct stat *a = &old->st, *b = &new->st;

	if (old->layer == new->layer)
		return true;
	if (a->st_mode != b->st_mode || a->st_uid != b->st_uid || a->st_gid != b->st_gid ||
	    a->st_rdev != b->st_rdev)
		return false;
	if (!S_ISDIR(a->st_mode) &&
	    (a->st_size != b->st_size || !same_time(same, &a->st_mtim, &b->st_mtim)))
		return false;
	return has_same_attributes(same, &old_place, &new_place, a->st_mode);
}
