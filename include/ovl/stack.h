/* SPDX-License-Identifier: MIT */
/*
 * A stack of layers: what is to be mounted, uppermost first. Plain data and pure functions.
 */
#ifndef OVL_STACK_H
#define OVL_STACK_H

#include <stddef.h>
#include <sys/types.h>

#include "ovl/error.h"
#include "ovl/ident.h"

/* The kernel's own limit (fs/overlayfs/params.h, OVL_MAX_STACK): 501 lower directories are EINVAL.
 */
#define OVL_DEPTH_MAX 500
#define OVL_DAMAGED   "the tree is damaged: `ovlctl check` tells more" /* a hint */
#define OVL_TOO_DEEP  "max depth exceeded: the kernel takes 500 lower directories"

/* The most a `lower` file can hold: "l/" + link for each of 500 lowers, joined by ':'. */
#define OVL_LOWER_MAX ((2 + OVL_LINK_LEN + 1) * OVL_DEPTH_MAX - 1)

struct ovl_layer {
	char id[OVL_ID_MAX + 1];     /* terminated; empty until the layer is resolved */
	char link[OVL_LINK_LEN + 1]; /* terminated; likewise */
};

struct ovl_stack {
	unsigned int depth;		       /* number of layers, 1..OVL_DEPTH_MAX */
	struct ovl_layer layer[OVL_DEPTH_MAX]; /* uppermost first */
};

/*
 * Adds one layer below those already there. name: len bytes, a cache-id or a link; the other of the
 * two stays empty for the tree reader to fill in. Returns 0; -EINVAL malformed; -E2BIG too deep.
 */
int ovl_stack_add(struct ovl_stack *stack, const char *name, size_t len, struct ovl_error *err);

/* Parses "NAME:NAME:...", each a cache-id or a link, uppermost first, and adds them. Same errors.
 */
int ovl_stack_parse(struct ovl_stack *stack, const char *list, struct ovl_error *err);

/*
 * Parses the content of a layer's `lower` file, "l/LINK:l/LINK...", nearest parent first, and adds
 * the links. text: len bytes as read, no terminator; owner: the cache-id, for messages.
 * The grammar is exact: no newline, no empty entry, nothing but l/ and a link. -EBADMSG otherwise.
 */
int ovl_stack_parse_lower(struct ovl_stack *stack, const char *text, size_t len, const char *owner,
			  struct ovl_error *err);

/*
 * Refuses a resolved stack that holds a layer twice: the kernel would say ELOOP without saying
 * which. Returns 0, or -ELOOP naming the layer.
 */
int ovl_stack_check_unique(const struct ovl_stack *stack, struct ovl_error *err);

#endif
