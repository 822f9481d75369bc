/* SPDX-License-Identifier: MIT */
/* The stacks of a store: who uses which layer, what is damaged in one, how large it is. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ovl/tree.h"
#include "store.h"

unsigned int store_below(const struct store *store, unsigned int layer, unsigned int *steps)
{
	unsigned int parent = store->layers[layer].parent, *walk = &store->seen[store->layer_count];

	if (*steps == 0)
		++*walk;
	store->seen[layer] = *walk;
	/* The parents of damaged layers may be a cycle. */
	return ++*steps < OVL_DEPTH_MAX && parent != NO_LAYER && store->seen[parent] != *walk
		       ? parent
		       : NO_LAYER;
}

int64_t store_add(int64_t sum, int64_t bytes)
{
	return __builtin_add_overflow(sum, bytes, &sum) ? INT64_MAX : sum;
}

static int compare_images(const void *a, const void *b)
{
	return strcmp(((const struct image *)a)->id, ((const struct image *)b)->id);
}

/* Marks the layers of a stack as used. */
static void use(struct store *store, unsigned int top)
{
	unsigned int steps = 0;

	for (unsigned int at = top; at != NO_LAYER; at = store_below(store, at, &steps)) {
		struct layer *layer = &store->layers[at];

		layer->users++;
		if (layer->kind == LAYER_ORPHAN || layer->kind == LAYER_CACHE)
			layer->kind = LAYER_IMAGE;
	}
}

static bool has_damage(const struct store *store, unsigned int top)
{
	unsigned int steps = 0;

	for (unsigned int at = top; at != NO_LAYER; at = store_below(store, at, &steps)) {
		if (store->layers[at].is_damaged)
			return true;
	}
	return false;
}

/* What an image is made of stays that, also if a container says that it is its own. */
static void set_kind(struct store *store, unsigned int layer, enum layer_kind kind)
{
	if (layer != NO_LAYER && store->layers[layer].kind != LAYER_IMAGE)
		store->layers[layer].kind = kind;
}

void store_settle(struct store *store)
{
	store->seen = file_alloc((store->layer_count + 1) * sizeof(*store->seen));
	if (store->image_count)
		qsort(store->images, store->image_count, sizeof(*store->images), compare_images);
	for (unsigned int i = 0; i < store->image_count; i++) {
		struct image *image = &store->images[i];

		if (!image->wrong && has_damage(store, image->layer))
			image->wrong = "a layer of it is incomplete or damaged";
		use(store, image->layer);
		if (image->parent && store_image(store, image->parent))
			store_image(store, image->parent)->is_parent = true;
	}
	for (unsigned int i = 0; i < store->container_count; i++) {
		const struct container *container = &store->containers[i];

		set_kind(store, container->init, LAYER_INIT);
		set_kind(store, container->layer, LAYER_CONTAINER);
		use(store, container->layer);
	}
}

struct image *store_image(const struct store *store, const char *id)
{
	struct image key = { .id = (char *)id };

	return store->image_count ? bsearch(&key, store->images, store->image_count, sizeof(key),
					    compare_images)
				  : NULL;
}

/* The links of the stack with layer top, checked as ovlrun does; but the tree may lie in a directory of anybody's. */
static int resolve(const struct store *store, unsigned int top, struct ovl_stack *links,
		   struct ovl_error *err)
{
	const char *id = store->layers[top].id;
	struct ovl_tree tree = { store->tree.path, store->tree.fd, false };
	struct stat st;

	/* As ovl_tree_open() has it, which would also ask for trusted ancestors. */
	tree.is_closed = fstat(tree.fd, &st) == 0 && !(st.st_mode & S_IXOTH) &&
			 (!(st.st_mode & S_IXGRP) || st.st_gid == 0);
	links->depth = 0;
	return ovl_stack_add(links, id, strlen(id), err)
		       ?: ovl_tree_resolve(&tree, links, true, err);
}

int store_stack(const struct store *store, unsigned int top, struct stack *stack,
		struct ovl_error *err)
{
	static struct ovl_stack links;
	int ret;

	*stack = (struct stack){ 0 };
	if (top == NO_LAYER)
		return 0;
	ret = resolve(store, top, &links, err);
	if (ret < 0)
		return ret;
	stack->layers = file_alloc(links.depth * sizeof(*stack->layers));
	for (unsigned int i = 0; i < links.depth; i++) {
		unsigned int layer = store_layer(store, links.layer[i].id);

		/* Made since the tree was read. */
		if (layer == NO_LAYER)
			return ovl_fail(err, EAGAIN, "use", "it changed meanwhile", NULL, "%s",
					store->tree.path);
		if (store->layers[layer].is_incomplete)
			return ovl_fail(err, EBADMSG, "use", "it is incomplete: its writer died",
					OVL_DAMAGED, "%s/%s", store->tree.path,
					store->layers[layer].id);
		stack->layers[stack->count++] = layer;
	}
	return 0;
}

int store_use(const struct store *store, const struct named *named, const char *name,
	      struct stack *stack, struct ovl_error *err)
{
	const struct image *image = named->image;

	if (named->layer == NO_LAYER)
		return ovl_cannot(err, ENOENT, "use", name,
				  image && image->wrong ? image->wrong
							: "it has no layer in the tree");
	return store_stack(store, named->layer, stack, err);
}

int64_t store_stack_size(const struct store *store, unsigned int top)
{
	int64_t sum = 0;
	unsigned int steps = 0;

	for (unsigned int at = top; at != NO_LAYER; at = store_below(store, at, &steps)) {
		if (store->layers[at].size < 0)
			return -1;
		sum = store_add(sum, store->layers[at].size);
	}
	return sum;
}

int64_t store_image_size(const struct store *store, const struct image *image)
{
	int64_t size = store_stack_size(store, image->layer);

	return size < 0 ? -1 : store_add(size, image->beside);
}
