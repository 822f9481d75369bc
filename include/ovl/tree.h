/* SPDX-License-Identifier: MIT */
/*
 * Reading an overlay2 tree (moby's overlay2 driver; containers/storage's overlay driver writes the
 * same): HOME/l/LINK -> ../<cache-id>/diff, HOME/<cache-id>/{diff,link,lower}.
 *
 * Nothing in a tree is believed: see the MUST list in src/core/tree.c. What is checked here is what
 * decides which directories are mounted, in three system calls a lower layer; the rest of the
 * format is for `ovlctl check`.
 */
#ifndef OVL_TREE_H
#define OVL_TREE_H

#include <stdbool.h>

#include "ovl/stack.h"

struct ovl_tree {
	const char *path; /* as given to ovl_tree_open, for messages; not owned */
	int fd;		  /* O_PATH descriptor of HOME, to be closed by the caller */
	bool is_closed;	  /* nobody but root can search HOME */
};

/*
 * Opens HOME, an absolute path, and checks it, its ancestors and its l/ (owner root, no write for
 * others, no symlinks). Refuses a tree whose layers hold literal ".wh." files because a mount
 * program writes them (containers/storage, .has-mount-program "true"): they would show as files.
 * Returns 0, or -errno.
 */
int ovl_tree_open(struct ovl_tree *tree, const char *path, struct ovl_error *err);

/*
 * Resolves every layer of *stack, which ovl_stack_add or ovl_stack_parse filled with cache-ids or
 * links: checks l/LINK, the layer's directory and its diff, and fills in the missing names.
 * with_lowers: first adds the ancestors that the `lower` file of the one
 * layer given names (a layer without that file is a base layer).
 * Returns 0; -ENOENT, -EBADMSG (damaged), -EPERM (not only root's), -ELOOP (twice), -E2BIG (too
 * deep).
 */
int ovl_tree_resolve(const struct ovl_tree *tree, struct ovl_stack *stack, bool with_lowers,
		     struct ovl_error *err);

/*
 * True if the layer is mounted at its own <id>/merged, as an engine mounts a container's: then it
 * is the upper of that mount, and changes.
 */
bool ovl_tree_layer_is_mounted(const struct ovl_tree *tree, const char *id);

/*
 * Reads every l/LINK of a resolved stack again, after a mount that resolved them by name: 0 if they
 * still say the same, else -ESTALE.
 */
int ovl_tree_verify_links(const struct ovl_tree *tree, const struct ovl_stack *stack,
			  struct ovl_error *err);

#endif
