/* SPDX-License-Identifier: MIT */
/* The stacks of a store: who uses which layer, what is damaged in one, how large it is. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ovl/tree.h"
#include "store.h"

unsigned int store_below(const struct store *store, unsigned int layer, unsigned int *steps)
{
	/* The parents of damaged layers may be a cycle. */
	return ++*steps < OVL_DEPTH_MAX ? store->layers[layer].parent : NO_LAYER;
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

int store_stack(const struct store *store, unsigned int top, struct stack *stack,
		struct ovl_error *err)
{
	static struct ovl_stack links;
	struct ovl_tree tree = { .path = store->tree.path, .fd = store->tree.fd };
	int ret;

	*stack = (struct stack){ 0 };
	if (top == NO_LAYER)
		return 0;
	links.depth = 0;
	ret = ovl_stack_add(&links, store->layers[top].id, strlen(store->layers[top].id), err)
		      ?: ovl_tree_resolve(&tree, &links, true, err);
	if (ret < 0)
		return ret;
	stack->layers = file_alloc(links.depth * sizeof(*stack->layers));
	for (unsigned int i = 0; i < links.depth; i++) {
		unsigned int layer = store_layer(store, links.layer[i].id);

		/* Made since the tree was read. */
		if (layer == NO_LAYER)
			return ovl_fail(err, EAGAIN, "use", "it changed meanwhile", NULL, "%s",
					store->tree.path);
		stack->layers[stack->count++] = layer;
	}
	return 0;
}

int64_t store_stack_size(const struct store *store, unsigned int top)
{
	int64_t sum = 0;
	unsigned int steps = 0;

	for (unsigned int at = top; at != NO_LAYER; at = store_below(store, at, &steps)) {
		if (store->layers[at].size < 0 ||
		    __builtin_add_overflow(sum, store->layers[at].size, &sum))
			return -1;
	}
	return sum;
}

int64_t store_image_size(const struct store *store, const struct image *image)
{
	int64_t size = store_stack_size(store, image->layer);

	return size < 0 || __builtin_add_overflow(size, image->beside, &size) ? -1 : size;
}
