/* SPDX-License-Identifier: MIT */
/*
 * ovlctl du: the bytes of images and containers: what each has for itself, and what it shares. Measured, since what engines
 * keep of it was true when they wrote it, or was never kept.
 */
#include <stdlib.h>
#include <string.h>

#include "measure.h"
#include "verb.h"

static const struct column columns[] = {
	{ "NAME", "name", COLUMN_TEXT },      { "ID", "id", COLUMN_SHORT },
	{ "KIND", "kind", COLUMN_TEXT },      { "LAYERS", "layers", COLUMN_COUNT },
	{ "TOTAL", "total", COLUMN_BYTES },   { "UNIQUE", "unique", COLUMN_BYTES },
	{ "SHARED", "shared", COLUMN_BYTES },
};

struct entry {
	const char *name, *id, *kind;
	unsigned int layer, layers;
	int64_t total, unique;
};

struct usage {
	const struct store *store;
	int64_t *bytes;	      /* of each layer */
	unsigned int *images; /* for each layer, how many have it */
	struct entry *entries;
	size_t count;
};

/* Its own are the layers of an image that no other image has, and of a container those that no image has. */
static void add(struct usage *usage, const char *name, const char *id, const char *kind,
		unsigned int top, unsigned int own)
{
	struct entry entry = { .name = name, .id = id, .kind = kind, .layer = top };
	unsigned int steps = 0;

	for (unsigned int at = top; at != NO_LAYER; at = store_below(usage->store, at, &steps)) {
		entry.layers++;
		entry.total = store_add(entry.total, usage->bytes[at]);
		if (usage->images[at] == own)
			entry.unique = store_add(entry.unique, usage->bytes[at]);
	}
	usage->entries = file_grow(usage->entries, usage->count, sizeof(entry));
	usage->entries[usage->count++] = entry;
}

/* What no image and no container has, and all. */
static void add_sums(struct usage *usage)
{
	struct entry free_layers = { .name = "<unused>", .id = "", .kind = "layers" };
	struct entry all = {
		.name = "<all>", .id = "", .kind = "layers", .layers = usage->store->layer_count
	};

	for (unsigned int i = 0; i < usage->store->layer_count; i++) {
		all.total = store_add(all.total, usage->bytes[i]);
		if (usage->store->layers[i].users == 0) {
			free_layers.layers++;
			free_layers.total = store_add(free_layers.total, usage->bytes[i]);
		}
	}
	free_layers.unique = free_layers.total;
	all.unique = all.total;
	for (int i = 0; i < 2; i++) {
		usage->entries = file_grow(usage->entries, usage->count, sizeof(all));
		usage->entries[usage->count++] = i ? all : free_layers;
	}
}

/* Images first, by name. */
static int compare(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return -strcmp(x->kind, y->kind) ?: strcmp(x->name, y->name);
}

static json_t *row(size_t i, void *context)
{
	const struct usage *usage = context;
	const struct entry *entry = &usage->entries[i];

	return json_pack("{s:o, s:o, s:s, s:i, s:I, s:I, s:I}", "name", out_string(entry->name),
			 "id", out_string(entry->id), "kind", entry->kind, "layers",
			 (int)entry->layers, "total", (json_int_t)entry->total, "unique",
			 (json_int_t)entry->unique, "shared",
			 (json_int_t)(entry->total - entry->unique));
}

/* All layers, and which of them images have. */
static void measure(struct usage *usage, const struct out *out)
{
	const struct store *store = usage->store;
	struct ovl_error err;

	usage->bytes = file_alloc(store->layer_count * sizeof(*usage->bytes));
	usage->images = file_alloc(store->layer_count * sizeof(*usage->images));
	for (unsigned int i = 0; i < store->layer_count; i++) {
		int64_t bytes = measure_layer(store, i, &err);

		usage->bytes[i] = bytes < 0 ? 0 : bytes;
		if (bytes < 0)
			out_note(out, "cannot measure %s: %s; it counts as nothing", err.object,
				 strerror(err.errnum));
	}
	for (unsigned int i = 0; i < store->image_count; i++) {
		unsigned int at = store->images[i].layer, steps = 0;

		for (; at != NO_LAYER; at = store_below(store, at, &steps))
			usage->images[at]++;
	}
}

static int run(struct call *call, struct ovl_error *err)
{
	struct usage usage = { 0 };
	struct store store;
	int ret = store_open(&store, call->root, err);

	if (ret < 0)
		return ret;
	usage.store = &store;
	measure(&usage, &call->out);
	for (unsigned int i = 0; i < store.image_count; i++) {
		const struct image *image = &store.images[i];

		add(&usage, image->name_count ? image->names[0] : "<none>", image->id, "image",
		    image->layer, 1);
	}
	for (unsigned int i = 0; i < store.container_count; i++)
		add(&usage, store.containers[i].name, store.containers[i].id, "container",
		    store.containers[i].layer, 0);
	if (usage.count)
		qsort(usage.entries, usage.count, sizeof(*usage.entries), compare);
	add_sums(&usage);
	out_rows(&call->out, columns, sizeof(columns) / sizeof(columns[0]), usage.count, row,
		 &usage);
	free(usage.bytes);
	free(usage.images);
	free(usage.entries);
	return 0;
}

const struct verb cmd_du = {
	.name = "du",
	.arguments = "",
	.summary = "bytes of images and containers: their own, and shared",
	.run = run,
};
