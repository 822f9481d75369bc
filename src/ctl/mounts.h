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
	pid_t pid;	   /* the lowest in the namespace; 0: it is that of this process */
	bool is_foreign; /* another user namespace owns that: a user may have mounted what he likes */
};

/*
 * Call each for overlays until one call returns other than 0, which is returned, or -errno. What it is given is gone after the
 * call. mounts_own: those of the namespace of this process, in the order of its table. mounts_all: then those of all others
 * that processes are in, by pid. *is_partial: there are processes that cannot be looked at.
 */
typedef int mounts_each(const struct overlay *overlay, void *context);
int mounts_own(mounts_each *each, void *context, struct ovl_error *err);
int mounts_all(mounts_each *each, void *context, bool *is_partial, struct ovl_error *err);

/*
 * The layer of the tree that path, a lower or an upper of the overlay, is: it is its directory, however it is called. NO_LAYER
 * if it is none, and for what users have mounted, but for lowers of what looks like a session.
 */
unsigned int mounts_layer(const struct store *store, const struct overlay *overlay,
			  const char *path);

/*
 * Opens the directory path (O_PATH) if no symbolic link is on the way: one could be a user's, who would choose what root mounts
 * on or unmounts. A descriptor, or -errno.
 */
int mounts_open_dir(const char *path, const char *verb, struct ovl_error *err);

/* True for what ovlrun, ovlctl or ovlinit made for the overlay alone, and nobody can see. */
bool mounts_is_generated(const char *path);

/* True if ovlrun made it, or a user who made it look so in a namespace of his own. */
bool mounts_is_session(const struct overlay *overlay);

/* True if `ovlctl mount` made it. */
bool mounts_is_own(const struct overlay *overlay);

#endif
