/* SPDX-License-Identifier: MIT */
/* ovlctl ls: the layers of a tree. */
#include <stdlib.h>

#include "store.h"
#include "verb.h"

static const struct column columns[] = {
	{ "ID", "id", COLUMN_SHORT },	   { "LINK", "link", COLUMN_TEXT },
	{ "KIND", "kind", COLUMN_TEXT },   { "DEPTH", "depth", COLUMN_COUNT },
	{ "SIZE", "size", COLUMN_BYTES },  { "CHANGED", "changed", COLUMN_AGE },
	{ "USED", "users", COLUMN_COUNT }, { "BY", "used_by", COLUMN_FEW },
	{ "STATE", "state", COLUMN_TEXT },
};

/* Who uses each layer: images, then containers, by number. One array holds those of all layers. */
struct list {
	const struct store *store;
	size_t *first;	     /* of a layer's users in all */
	unsigned int *users; /* containers' numbers follow the images' */
};

static unsigned int top_of(const struct store *store, unsigned int user)
{
	return user < store->image_count ? store->images[user].layer
					 : store->containers[user - store->image_count].layer;
}

static const char *name_of(const struct store *store, unsigned int user)
{
	const struct container *container;

	if (user < store->image_count)
		return store->images[user].name_count ? store->images[user].names[0]
						      : store->images[user].id;
	container = &store->containers[user - store->image_count];
	return container->name[0] ? container->name : container->id;
}

static void collect(struct list *list, const struct store *store)
{
	size_t *end = file_alloc((store->layer_count + 1) * sizeof(*end)), sum = 0;

	list->store = store;
	list->first = file_alloc((store->layer_count + 1) * sizeof(*list->first));
	for (unsigned int i = 0; i < store->layer_count; i++) {
		list->first[i] = end[i] = sum;
		sum += store->layers[i].users;
	}
	list->users = file_alloc(sum * sizeof(*list->users));
	for (unsigned int user = 0; user < store->image_count + store->container_count; user++) {
		unsigned int steps = 0;

		for (unsigned int at = top_of(store, user); at != NO_LAYER;
		     at = store_below(store, at, &steps))
			list->users[end[at]++] = user;
	}
	free(end);
}

static json_t *row(size_t i, void *context)
{
	const struct list *list = context;
	const struct store *store = list->store;
	const struct layer *layer = &store->layers[i];
	const char *state = layer->is_damaged		     ? "damaged"
			    : layer_is_mounted(store, layer) ? "mounted"
							     : "";
	json_t *used_by = json_array();

	for (unsigned int k = 0; k < layer->users; k++)
		json_array_append_new(used_by,
				      out_string(name_of(store, list->users[list->first[i] + k])));
	return json_pack("{s:o, s:s, s:s, s:i, s:o, s:I, s:i, s:o, s:s, s:o?, s:s?, s:o?}", "id",
			 out_string(layer->id), "link", layer->link, "kind",
			 layer_kind_names[layer->kind], "depth", (int)layer->depth, "size",
			 out_number(layer->size), "changed", (json_int_t)layer->time, "users",
			 (int)layer->users, "used_by", used_by, "state", state, "parent",
			 layer->parent == NO_LAYER ? NULL
						   : out_string(store->layers[layer->parent].id),
			 "diff_id", layer->digest, "chain_id",
			 layer->chain ? out_string(layer->chain) : NULL);
}

static int run(struct call *call, struct ovl_error *err)
{
	struct store store;
	struct list list;
	int ret = store_open(&store, call->root, err);

	if (ret < 0)
		return ret;
	collect(&list, &store);
	out_rows(&call->out, columns, sizeof(columns) / sizeof(columns[0]), store.layer_count, row,
		 &list);
	free(list.users);
	free(list.first);
	return 0;
}

const struct verb cmd_ls = {
	.name = "ls",
	.arguments = "",
	.summary = "the layers: what they are, how deep, how large, who uses them",
	.run = run,
};
