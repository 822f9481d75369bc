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

#include "config.h"
#include "digest.h"
#include "store.h"

#define IMAGES	  "image/overlay2/"
#define LAYERS	  IMAGES "layerdb/sha256"
#define CONTENT	  IMAGES "imagedb/content/sha256"
#define METADATA  IMAGES "imagedb/metadata/sha256"
#define NAMES	  IMAGES "repositories.json"
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
	unsigned int named; /* the first images, sorted by id: those that have a name */
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
		layer->size = store_bytes(text);
	return 0;
}

static int compare_records(const void *a, const void *b)
{
	return strcmp(((const struct record *)a)->chain, ((const struct record *)b)->chain);
}

/* bsearch, also in an array that is not there. */
static void *find(const void *key, const void *array, size_t count, size_t size,
		  int (*compare)(const void *, const void *))
{
	return count ? bsearch(key, array, count, size, compare) : NULL;
}

/* The uppermost layer of a config's diff-ids. Sets *wrong if there is none. */
static unsigned int layer_of(const struct reading *reading, const json_t *config,
			     const char **wrong)
{
	const json_t *diffs = json_object_get(json_object_get(config, "rootfs"), "diff_ids");
	struct record key = { .chain = "" }, *record;

	for (size_t i = 0; i < json_array_size(diffs); i++) {
		const char *diff = json_plain(json_array_get(diffs, i));

		if (!digest_hex_of(diff)) {
			*wrong = "its config has a diff-id that is no digest";
			return NO_LAYER;
		}
		digest_chain(key.chain, diff, false, key.chain);
	}
	if (json_array_size(diffs) == 0)
		return NO_LAYER;
	record = find(&key, reading->records, reading->record_count, sizeof(key), compare_records);
	if (!record)
		*wrong = "the layer database lacks its chain-id";
	else if (record->layer == NO_LAYER)
		*wrong = "its cache-id names no layer of the tree";
	return record ? record->layer : NO_LAYER;
}

/* A name of an image. */
struct entry {
	const char *name, *hex; /* hex: "" if what the name stands for is no digest */
};

static int compare_entries(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return strcmp(x->hex, y->hex) ?: strcmp(x->name, y->name);
}

/* One image for all names of it: wrong, unless its config is found. */
static void add_names(struct store *store, struct entry *entries, size_t count)
{
	struct image *image = NULL;

	if (count)
		qsort(entries, count, sizeof(*entries), compare_entries);
	for (size_t i = 0; i < count; i++) {
		if (!image || strcmp(image->id, entries[i].hex) != 0) {
			image = store_add_image(store, entries[i].hex);
			image->wrong = entries[i].hex[0] ? "its config is not there"
							 : "what it stands for is no digest";
		}
		image_add_name(image, entries[i].name);
	}
}

/* What is not as Docker itself would read it fails: without names all images would seem to have none. */
static int read_names(struct store *store, struct ovl_error *err)
{
	json_t *json = file_load_json(&store->root, NAMES, FILE_LIST_MAX, err), *names, *digest;
	const json_t *repositories = json_object_get(json, "Repositories");
	const char *repository, *name;
	struct entry *entries = NULL;
	size_t count = 0;

	if (!json)
		return err->errnum == ENOENT ? 0 : -err->errnum;
	if (!json_is_object(repositories))
		return ovl_fail(err, EBADMSG, "read", "it has no object Repositories", NULL,
				"%s/" NAMES, store->root.path);
	json_object_foreach((json_t *)repositories, repository, names)
	{
		if (!json_is_object(names))
			return ovl_fail(err, EBADMSG, "read", "its names are no object", NULL,
					"%s/" NAMES " (%.80s)", store->root.path, repository);
		json_object_foreach(names, name, digest)
		{
			entries = file_grow(entries, count, sizeof(*entries));
			entries[count++] =
				(struct entry){ name, digest_hex_of(json_plain(digest)) ?: "" };
		}
	}
	add_names(store, entries, count);
	free(entries);
	json_decref(json);
	return 0;
}

static int compare_image_ids(const void *a, const void *b)
{
	return strcmp(((const struct image *)a)->id, ((const struct image *)b)->id);
}

static int add_image(const char *name, void *context)
{
	struct reading *reading = context;
	char parent[STORE_DIGEST_LEN + 8];
	struct ovl_error err;
	struct image key = { .id = (char *)name }, *image;
	json_t *config;

	if (!digest_is_hex(name))
		return 0;
	image = find(&key, reading->store->images, reading->named, sizeof(key), compare_image_ids)
			?: store_add_image(reading->store, name);
	config = config_load(reading->store, name, &image->wrong, &err);
	if (config) {
		image->wrong = NULL;
		image->layer = layer_of(reading, config, &image->wrong);
		image->created = store_time(json_text(config, "created"));
	}
	json_decref(config);
	if (read_word(reading->store, METADATA, name, "parent", parent, sizeof(parent)) &&
	    digest_hex_of(parent))
		image->parent = file_copy(digest_hex_of(parent));
	return 0;
}

/* Docker's word, in the order in which it decides; NULL if there is no record of it. */
static const char *state_of(const json_t *state)
{
	static const struct {
		const char *key, *word;
	} words[] = {
		{ "Paused", "paused" },	  { "Restarting", "restarting" },
		{ "Running", "running" }, { "RemovalInProgress", "removing" },
		{ "Dead", "dead" },
	};

	if (!json_is_object(state))
		return NULL;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (json_is_true(json_object_get(state, words[i].key)))
			return words[i].word;
	}
	return strncmp(json_text(state, "StartedAt") ?: "0001-", "0001-", 5) == 0 ? "created"
										  : "exited";
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
	if (snprintf(path, sizeof(path), "containers/%s/config.v2.json", name) >= (int)sizeof(path))
		return 0;
	config = file_load_json(&store->root, path, FILE_CONFIG_MAX, &err);
	if (json_text(config, "Name")) {
		const char *called = json_text(config, "Name");

		container->name = file_copy(called + (called[0] == '/'));
	}
	container->state = state_of(json_object_get(config, "State"));
	if (digest_hex_of(json_text(config, "Image")))
		container->image = file_copy(digest_hex_of(json_text(config, "Image")));
	if (json_text(json_object_get(config, "Config"), "Image"))
		container->called =
			file_copy(json_text(json_object_get(config, "Config"), "Image"));
	json_decref(config);
	return 0;
}

int docker_read(struct store *store, struct ovl_error *err)
{
	struct reading reading = { .store = store };
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
	ret = read_names(store, err);
	reading.named = store->image_count;
	ret = ret	 ?: file_each(&store->root, CONTENT, add_image, &reading, err)
		      ?: file_each(&store->root, MOUNTS, add_container, &reading, err);
	free(reading.records);
	return ret;
}
