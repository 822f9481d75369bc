/* SPDX-License-Identifier: MIT */
/*
 * A storage root in memory: the layers of an overlay2 tree and what an engine says of them. Read as it is on disk, with
 * no daemon; nothing in it is believed, and what does not fit is kept as damage for `ovlctl check` to tell.
 *
 * The tree is read by tree_scan.c, an engine's metadata by docker.c and podman.c.
 */
#ifndef CTL_STORE_H
#define CTL_STORE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "file.h"
#include "ovl/ident.h"

#define NO_LAYER	 UINT_MAX
#define STORE_DIGEST_LEN 71 /* bytes of "sha256:" and 64 hex digits */

enum store_kind {
	STORE_PLAIN,  /* a tree without metadata */
	STORE_DOCKER, /* overlay2/ beside image/overlay2/ */
	STORE_PODMAN, /* containers/storage: overlay/ beside overlay-images/ and overlay-layers/ */
};

enum layer_kind {
	LAYER_UNKNOWN,	 /* a tree without metadata */
	LAYER_IMAGE,	 /* part of an image */
	LAYER_CONTAINER, /* the uppermost of a container: it changes */
	LAYER_INIT,	 /* Docker's, beneath a container's */
	LAYER_CACHE,	 /* BuildKit's, of no image */
	LAYER_ORPHAN,	 /* the engine does not know it */
};

struct layer {
	char *id;		     /* name of its directory; any text, if it is no cache-id */
	char link[OVL_LINK_LEN + 1]; /* of its link file; "" if that cannot be used */
	unsigned int
		parent; /* number of the layer below it, or NO_LAYER: a base, or the parent is not there */
	unsigned int depth; /* layers of a stack with this one on top, as its lower file says */
	bool has_lower, is_committed, has_merged;
	bool is_damaged;    /* no stack can be made of it */
	bool is_incomplete; /* its engine says so: never to be used */
	enum layer_kind kind;
	unsigned int users; /* images and containers that have it in their stack */
	int64_t size;	    /* bytes, as the engine keeps it; -1: not known */
	time_t time;	    /* its directory was last changed: about when it was made */
	char *digest;	    /* of the layer as a tar (diff-id), or NULL: not known */
	char *chain;	    /* chain-id (Docker) or the layer's id (Podman), or NULL */
};

struct image {
	char *id;     /* digest of its config: 64 hex digits */
	char **names; /* NAME:TAG, as the engine lists them, then NAME@DIGEST */
	unsigned int name_count;
	unsigned int layer; /* the uppermost, or NO_LAYER: none, or it is not there */
	const char *wrong;  /* static: why it cannot be used; NULL: nothing is known against it */
	char *parent;	    /* id of the one that it was built upon, or NULL: not known */
	bool is_parent;	    /* another was built upon it: without names it is only a step of that */
	json_int_t created; /* seconds since 1970, or -1 */
	int64_t beside; /* bytes beside its layers that the engine counts: Podman's configs and manifests */
};

struct container {
	char *id, *name;    /* name: as the engine has it, without the slash; may be "" */
	char *image;	    /* the image's id, or "" */
	char *called;	    /* what the image was called when it was made, or NULL: not known */
	const char *state;  /* static: as Docker calls it, or NULL: not known */
	unsigned int layer; /* its uppermost, or NO_LAYER */
	unsigned int init;  /* Docker's init layer, or NO_LAYER */
};

struct store {
	enum store_kind kind;
	struct dir root;      /* of the engine; fd -1 for a tree alone */
	struct dir tree;      /* the directory that holds l/ */
	struct layer *layers; /* sorted by id */
	unsigned int layer_count;
	unsigned int *by_link; /* numbers of the layers that have a link, sorted by it */
	unsigned int link_count;
	struct image *images; /* sorted by id */
	unsigned int image_count;
	struct container *containers;
	unsigned int container_count;
	unsigned int *
		seen; /* store_below()'s: the walk that was last at each layer; behind them the last walk */
};

/*
 * Opens and reads path: a tree, or an engine's root; NULL: the first tree of the policy, or else Docker's or Podman's usual
 * place. 0 or -errno. What was read stays until the program ends.
 */
int store_open(struct store *store, const char *path, struct ovl_error *err);

/* The same without reading metadata and layers: only what and where it is. */
int store_find(struct store *store, const char *path, struct ovl_error *err);

/* The parts, in this order. */
int store_scan(struct store *store, struct ovl_error *err);
int docker_read(struct store *store, struct ovl_error *err);
int podman_read(struct store *store, struct ovl_error *err);
void store_settle(
	struct store *store); /* what follows from all that was read: uses, kinds, damage */

/* The image with this id, or NULL. */
struct image *store_image(const struct store *store, const char *id);

/* Number of the layer with this id or link, or NO_LAYER. */
unsigned int store_layer(const struct store *store, const char *id);
unsigned int store_link(const struct store *store, const char *link);

/*
 * What a user calls something: an image by NAME[:TAG], NAME@DIGEST, or its id; a container by name or id; a layer by
 * cache-id or link. Ids may be shortened as long as they are unique. -ENOENT, -EEXIST if it is ambiguous.
 */
struct named {
	const struct image *image;	   /* or NULL */
	const struct container *container; /* or NULL */
	unsigned int layer;		   /* the uppermost, perhaps NO_LAYER */
};
int store_name(const struct store *store, const char *name, struct named *named,
	       struct ovl_error *err);

/* "docker.io/library/alpine:3", as people write it: without the usual registry. Points into name. */
const char *store_short_name(const char *name);

extern const char *const store_kind_names[];
extern const char *const layer_kind_names[];

/* A number of bytes as an engine writes it; -1: it is none. */
int64_t store_bytes(const char *text);

/* Grows the lists. What is returned is zero but for the numbers of layers, which are NO_LAYER. */
struct image *store_add_image(struct store *store, const char *id);
struct container *store_add_container(struct store *store, const char *id);
void image_add_name(struct image *image, const char *name);

/* "2026-11-25T14:30:00.123456789Z", as JSON has times, in seconds since 1970; -1 for anything else. */
json_int_t store_time(const char *text);

/*
 * The stack with layer top, uppermost first: numbers of layers in memory of the caller's, as top's lower file lists them.
 * 0, or -errno naming what is damaged.
 */
struct stack {
	unsigned int *layers;
	unsigned int count;
};
int store_stack(const struct store *store, unsigned int top, struct stack *stack,
		struct ovl_error *err);

/* The same for what was named `name`, which must have layers. */
int store_use(const struct store *store, const struct named *named, const char *name,
	      struct stack *stack, struct ovl_error *err);

/*
 * Goes down from layer, which *steps counts, 0 at the top: NO_LAYER behind the base, where parents go round, and where a stack
 * cannot be as deep as that. For `for (at = top; at != NO_LAYER; at = store_below(store, at, &steps))`, which is not nested.
 */
unsigned int store_below(const struct store *store, unsigned int layer, unsigned int *steps);

/* The sum of numbers of bytes, which a disk may say to be any: at most INT64_MAX. */
int64_t store_add(int64_t sum, int64_t bytes);

/* Bytes of all layers of a stack as the engine keeps them; -1 if it keeps none of one. */
int64_t store_stack_size(const struct store *store, unsigned int top);

/* The same for an image, as its engine has it. */
int64_t store_image_size(const struct store *store, const struct image *image);

/* True if an engine has the layer mounted at its merged. */
bool layer_is_mounted(const struct store *store, const struct layer *layer);

#endif
