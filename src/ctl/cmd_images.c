/* SPDX-License-Identifier: MIT */
/* ovlctl images: the images of an engine, one row a name. */
#include <stdlib.h>
#include <string.h>

#include "store.h"
#include "verb.h"

static const struct column columns[] = {
	{ "NAME", "name", COLUMN_TEXT },    { "IMAGE ID", "id", COLUMN_SHORT },
	{ "LAYER", "layer", COLUMN_SHORT }, { "LAYERS", "layers", COLUMN_COUNT },
	{ "SIZE", "size", COLUMN_BYTES },   { "CREATED", "created", COLUMN_AGE },
	{ "", "wrong", COLUMN_TEXT },
};

/* A name of an image; one without names has one row, too. */
struct entry {
	const struct image *image;
	const char *name; /* or NULL */
};

struct list {
	const struct store *store;
	struct entry *entries;
	size_t count;
};

static json_t *row(size_t i, void *context)
{
	const struct list *list = context;
	const struct store *store = list->store;
	const struct image *image = list->entries[i].image;
	const struct layer *layer = image->layer == NO_LAYER ? NULL : &store->layers[image->layer];
	json_int_t size = store_image_size(store, image);

	return json_pack("{s:o, s:o, s:o?, s:o?, s:i, s:o, s:o, s:s}", "name",
			 list->entries[i].name ? out_string(list->entries[i].name)
					       : json_string("<none>"),
			 "id", out_string(image->id), "layer", layer ? out_string(layer->id) : NULL,
			 "chain_id", layer && layer->chain ? out_string(layer->chain) : NULL,
			 "layers", layer ? (int)layer->depth : 0, "size", out_number(size),
			 "created", out_number(image->created), "wrong", image->wrong ?: "");
}

static void add(struct list *list, const struct image *image, const char *name)
{
	list->entries = file_grow(list->entries, list->count, sizeof(*list->entries));
	list->entries[list->count++] = (struct entry){ image, name };
}

static int compare(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return x->name && y->name ? strcmp(x->name, y->name)
				  : (y->name != NULL) - (x->name != NULL);
}

static int run(struct call *call, struct ovl_error *err)
{
	bool has_all = call_option(call, "all"),
	     has_digests = call_option(call, "digests") || call->out.is_json;
	struct list list = { 0 };
	struct store store;
	int ret = store_open(&store, call->root, err);

	if (ret < 0)
		return ret;
	list.store = &store;
	for (unsigned int i = 0; i < store.image_count; i++) {
		const struct image *image = &store.images[i];
		size_t before = list.count;

		for (unsigned int k = 0; k < image->name_count; k++) {
			if (has_digests || !strchr(image->names[k], '@'))
				add(&list, image, image->names[k]);
		}
		/* As engines do: an image without a name that others were built upon is only a step. */
		if (list.count == before && (has_all || !image->is_parent))
			add(&list, image, NULL);
	}
	if (list.count)
		qsort(list.entries, list.count, sizeof(*list.entries), compare);
	out_rows(&call->out, columns, sizeof(columns) / sizeof(columns[0]), list.count, row, &list);
	return 0;
}

const struct verb cmd_images = {
	.name = "images",
	.arguments = "",
	.summary = "the images, with the layer that each is",
	.run = run,
	.options = { { "all", 'a', NULL, "also those without a name that others were built upon" },
		     { "digests", 0, NULL, "also the names by digest" } },
};
