/* SPDX-License-Identifier: MIT */
/*
 * The overlays in the kernel's mount tables, of all mount namespaces. What is told of one was written by who mounted it:
 * a user, if he did so in a namespace of his own.
 */
#ifndef CTL_MOUNTS_H
#define CTL_MOUNTS_H

#include "store.h"

/* Where `ovlctl mount` has what it makes for an overlay, in a mount namespace that is gone afterwards. */
#define MOUNTS_OWN "/run/ovlctl"

struct overlay {
	unsigned long id;	  /* of the mount, in its namespace */
	const char *device;	  /* "major:minor" of the file system, the same in all namespaces */
	const char *root, *point; /* what of the file system is mounted, and where */
	const char **lowers;	  /* uppermost first, as the mounter named them */
	unsigned int lower_count;
	const char *upper; /* or NULL: it is read-only */
};

/* A mount namespace, and a process in it, that with the lowest pid; 0: the namespace of this process. */
struct namespace
{
	ino_t inode;
	pid_t pid;
};

struct namespaces {
	struct namespace *list; /* the own one first, then by pid */
	size_t count;
	bool is_partial; /* there are processes that cannot be looked at */
};

/* The namespaces that processes are in. 0 or -errno. The list is the caller's to free. */
int mounts_namespaces(struct namespaces *namespaces, struct ovl_error *err);

/*
 * Calls each for all overlays of a namespace, in the order of its table, until one call returns other than 0, which is
 * returned. What it is given is gone after the call. A namespace that ended meanwhile has none.
 */
int mounts_each(const struct namespace *namespace,
		int (*each)(const struct overlay *overlay, void *context), void *context);

/* The layer of the tree that path, a lower or an upper of an overlay, is; or NO_LAYER. */
unsigned int mounts_layer(const struct store *store, const char *path);

/*
 * Opens the directory path (O_PATH) if no symbolic link is on the way: one could be a user's, who would choose what root mounts
 * on or unmounts. A descriptor, or -errno.
 */
int mounts_open_dir(const char *path, const char *verb, struct ovl_error *err);

/* True if `ovlctl mount` made it. */
bool mounts_is_own(const struct overlay *overlay);

#endif
