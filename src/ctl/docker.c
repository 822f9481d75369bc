/* SPDX-License-Identifier: MIT */
/*
 * Docker's metadata: image/overlay2 and containers (format, section 10).
 *
 * name -> repositories.json -> config's digest -> imagedb/content, whose bytes must have that digest -> diff-ids ->
 * chain-id -> layerdb -> cache-id -> directory of the tree.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "store.h"

#define IMAGES	  "image/overlay2/"
#define LAYERS	  IMAGES "layerdb/sha256"
#define CONTENT	  IMAGES "imagedb/content/sha256"
#define MOUNTS	  IMAGES "layerdb/mounts"
#define PATH_SIZE 512

/* One entry of the layer database. */
struct record {
	char chain[DIGEST_HEX + 1];
	unsigned int layer; /* NO_LAYER: its cache-id names none */
};

struct reading {
	struct store *store;
	struct record *records; /* sorted by chain once all are there */
	unsigned int record_count;
	struct ovl_error *err;
};

/* Reads DIR/NAME/FILE; false if it cannot be had. */
static bool read_word(const struct store *store, const char *dir, const char *name,
		      const char *file, char *text, size_t size)
{
	char path[PATH_SIZE];
	struct ovl_error err;

	return snprintf(path, sizeof(path), "%s/%s/%s", dir, name, file) < (int)sizeof(path) &&
	       file_read_line(&store->root, path, text, size, &err) > 0;
}

static int add_record(const char *name, void *context)
{
	struct reading *reading = context;
	struct store *store = reading->store;
	char cache_id[OVL_ID_MAX + 16], text[128];
	struct record *record;
	struct layer *layer;

	if (!digest_is_hex(name))
		return 0;
	reading->records = file_grow(reading->records, reading->record_count, sizeof(*record));
	record = &reading->records[reading->record_count++];
	memcpy(record->chain, name, sizeof(record->chain));
	record->layer = NO_LAYER;
	if (!read_word(store, LAYERS, name, "cache-id", cache_id, sizeof(cache_id)))
		return 0;
	record->layer = store_layer(store, cache_id);
	if (record->layer == NO_LAYER)
		return 0;
	layer = &store->layers[record->layer];
	layer->chain = file_copy(name);
	layer->kind = LAYER_CACHE; /* until an image is found that has it */
	if (read_word(store, LAYERS, name, "diff", text, sizeof(text)) && digest_hex_of(text))
		layer->digest = file_copy(text);
	if (read_word(store, LAYERS, name, "size", text, sizeof(text)))
		layer->size = strtoll(text, NULL, 10);
	return 0;
}

static int compare_records(const void *a, const void *b)
{
	return strcmp(((const struct record *)a)->chain, ((const struct record *)b)->chain);
}

/* The uppermost layer of a config's diff-ids. Sets *wrong if there is none. */
static unsigned int layer_of(const struct reading *reading, const json_t *config,
			     const char **wrong)
{
	const json_t *diffs = json_object_get(json_object_get(config, "rootfs"), "diff_ids");
	struct record key = { .chain = "" }, *record;

	for (size_t i = 0; i < json_array_size(diffs); i++) {
		const char *diff = json_string_value(json_array_get(diffs, i));

		if (!digest_hex_of(diff)) {
			*wrong = "its config has a diff-id that is no digest";
			return NO_LAYER;
		}
		digest_chain(key.chain, diff, false, key.chain);
	}
	if (json_array_size(diffs) == 0)
		return NO_LAYER;
	record = bsearch(&key, reading->records, reading->record_count, sizeof(key),
			 compare_records);
	if (!record)
		*wrong = "the layer database lacks its chain-id";
	else if (record->layer == NO_LAYER)
		*wrong = "its cache-id names no layer of the tree";
	return record ? record->layer : NO_LAYER;
}

static int add_image(const char *name, void *context)
{
	struct reading *reading = context;
	char path[PATH_SIZE], hex[DIGEST_HEX + 1];
	struct ovl_error err;
	struct image *image;
	json_t *config;
	char *text;
	size_t len;

	if (!digest_is_hex(name))
		return 0;
	image = store_add_image(reading->store, name);
	snprintf(path, sizeof(path), CONTENT "/%s", name);
	text = file_load(&reading->store->root, path, FILE_JSON_MAX, &len, &err);
	if (!text) {
		image->wrong = "its config cannot be read";
		return 0;
	}
	digest_of(text, len, hex);
	config = json_loadb(text, len, 0, NULL);
	free(text);
	if (strcmp(hex, name) != 0)
		image->wrong = "its config does not have the digest that names it";
	else if (!config)
		image->wrong = "its config is no valid JSON";
	else {
		image->layer = layer_of(reading, config, &image->wrong);
		image->created = store_time(json_text(config, "created"));
	}
	json_decref(config);
	store_use(reading->store, image->layer, LAYER_IMAGE);
	return 0;
}

/* Names come from one file; those of an image that is not there make an image that is wrong. */
static int read_names(struct store *store, struct ovl_error *err)
{
	json_t *json = file_load_json(&store->root, IMAGES "repositories.json", err), *names;
	const char *repository, *name;
	json_t *digest;

	if (!json)
		return err->errnum == ENOENT ? 0 : -err->errnum;
	json_object_foreach(json_object_get(json, "Repositories"), repository, names)
	{
		json_object_foreach(names, name, digest)
		{
			const char *hex = digest_hex_of(json_string_value(digest));
			struct image *image = NULL;

			if (!hex)
				continue;
			for (unsigned int i = 0; i < store->image_count && !image; i++) {
				if (strcmp(store->images[i].id, hex) == 0)
					image = &store->images[i];
			}
			if (!image) {
				image = store_add_image(store, hex);
				image->wrong = "its config is not there";
			}
			image_add_name(image, name);
		}
	}
	json_decref(json);
	return 0;
}

static void set_kind(struct store *store, unsigned int layer, enum layer_kind kind)
{
	if (layer != NO_LAYER)
		store->layers[layer].kind = kind;
}

static int add_container(const char *name, void *context)
{
	struct reading *reading = context;
	struct store *store = reading->store;
	char text[OVL_ID_MAX + 16], path[PATH_SIZE];
	struct container *container = store_add_container(store, name);
	struct ovl_error err;
	json_t *config;

	if (read_word(store, MOUNTS, name, "mount-id", text, sizeof(text)))
		container->layer = store_layer(store, text);
	if (read_word(store, MOUNTS, name, "init-id", text, sizeof(text)))
		container->init = store_layer(store, text);
	store_use(store, container->layer, LAYER_CONTAINER);
	set_kind(store, container->init, LAYER_INIT);
	set_kind(store, container->layer, LAYER_CONTAINER);
	if (snprintf(path, sizeof(path), "containers/%s/config.v2.json", name) >= (int)sizeof(path))
		return 0;
	config = file_load_json(&store->root, path, &err);
	if (json_text(config, "Name")) {
		const char *called = json_text(config, "Name");

		container->name = file_copy(called + (called[0] == '/'));
	}
	if (digest_hex_of(json_text(config, "Image")))
		container->image = file_copy(digest_hex_of(json_text(config, "Image")));
	json_decref(config);
	return 0;
}

int docker_read(struct store *store, struct ovl_error *err)
{
	struct reading reading = { .store = store, .err = err };
	int ret;

	for (unsigned int i = 0; i < store->layer_count; i++) {
		struct layer *layer = &store->layers[i];

		/* BuildKit keeps layers of its own, of which the layer database does not know. */
		layer->kind = strlen(layer->id) == 25 ? LAYER_CACHE : LAYER_ORPHAN;
	}
	ret = file_each(&store->root, LAYERS, add_record, &reading, err);
	if (ret < 0)
		return ret;
	if (reading.record_count)
		qsort(reading.records, reading.record_count, sizeof(*reading.records),
		      compare_records);
	ret = file_each(&store->root, CONTENT, add_image, &reading, err)
		      ?: read_names(store, err) ?: file_each(&store->root, MOUNTS, add_container, &reading, err);
	free(reading.records);
	return ret;
}
