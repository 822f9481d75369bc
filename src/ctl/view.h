/* SPDX-License-Identifier: MIT */
/*
 * What the kernel's overlay would show of a stack, read from its layers without mounting anything. One directory at a time is
 * in memory; it is found anew by its path beneath each layer that it merges, so that nothing is followed and one descriptor
 * is open; the working directory is another meanwhile. A path has PATH_MAX bytes with the layer's directory in front of it: what lies deeper is -ENAMETOOLONG.
 *
 * Redirects are not followed, as ovlrun's mounts do not: a directory that has one shows its own layer's content.
 */
#ifndef CTL_VIEW_H
#define CTL_VIEW_H

#include <sys/stat.h>

#include "store.h"

struct view {
	const struct store *store;
	struct stack stack;
	const char *marks;	  /* the prefix of their names */
	struct ovl_error *unread; /* the first attribute that could not be read; errnum 0: none */
	bool is_raw;		  /* whiteouts are listed, and opaque marks hide nothing */
	bool has_redirects;	  /* one was met */
};

/* A directory of a view: the layers whose directories of this path are merged, uppermost first. */
struct view_dir {
	unsigned int *layers; /* the caller's to free */
	unsigned int count;
};

struct view_entry {
	char *name;
	unsigned int layer; /* the uppermost that has it */
	struct stat st;	    /* as it is there */
};

struct view_list {
	struct view_entry *entries; /* sorted by name, bytewise */
	size_t count;
};

/*
 * The view of the stack with layer top, perhaps NO_LAYER: then it is empty. 0 or -errno: a stack that is damaged, or nobody
 * who can see overlay's marks, which only root can.
 */
int view_open(struct view *view, const struct store *store, unsigned int top,
	      struct ovl_error *err);

/* The prefix of overlay's marks in a tree: those whom the machine's root is not, nor its owner, mount with userxattr. */
const char *view_marks(const struct store *store);

/* Leaves out the uppermost layer, or all the others. */
void view_without_top(struct view *view);
void view_top_alone(struct view *view);

struct view_dir view_root(const struct view *view);

/* Lists a directory. path: its own, without a slash in front; "" is the root. What is gone meanwhile is not there. */
int view_list(const struct view *view, const struct view_dir *dir, const char *path,
	      struct view_list *list, struct ovl_error *err);
void view_list_free(struct view_list *list);

/* The directory path, which is in dir. Empty for what is no directory, or no longer. */
int view_enter(struct view *view, const struct view_dir *dir, const char *path,
	       struct view_dir *child, struct ovl_error *err);

bool view_is_whiteout(const struct view_entry *entry);

/* True if lower directories are not merged with path of layer. */
bool view_is_opaque(const struct view *view, unsigned int layer, const char *path);

/* The extended attribute name of path in layer, into value. Its length, or -errno. */
ssize_t view_attribute(const struct view *view, unsigned int layer, const char *path,
		       const char *name, void *value, size_t size);

/* The names of all that it has, each with its NUL. */
ssize_t view_attribute_names(const struct view *view, unsigned int layer, const char *path,
			     char *names, size_t size);

/* To be asked at the end: 0, or -errno if some attribute could not be read, which may have been a mark. */
int view_check(const struct view *view, struct ovl_error *err);

#endif
