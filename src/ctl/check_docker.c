/* SPDX-License-Identifier: MIT */
/* Docker's layer database against itself and the tree (format, sections 9 and 10). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "check.h"
#include "digest.h"

#define DATABASE    "image/overlay2/layerdb/"
#define LAYERS	    DATABASE "sha256"
#define OBJECT_SIZE 384
#define PATH_SIZE   512

struct database {
	struct check *check;
	const struct layer **by_chain; /* sorted: the layers that have one */
	size_t count;
};

static int compare(const void *a, const void *b)
{
	return strcmp((*(const struct layer *const *)a)->chain,
		      (*(const struct layer *const *)b)->chain);
}

static const struct layer *layer_of(const struct database *database, const char *chain)
{
	struct layer wanted = { .chain = (char *)chain };
	const struct layer *key = &wanted, **entry;

	entry = bsearch(&key, database->by_chain, database->count, sizeof(key), compare);
	return entry ? *entry : NULL;
}

static bool is_there(const struct check *check, const char *path)
{
	struct stat st;

	return fstatat(check->store->root.fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Why an entry leads to no layer. */
static void explain(struct check *check, const char *object)
{
	char path[PATH_SIZE], text[OVL_ID_MAX + 16];
	struct ovl_error err;
	ssize_t len;

	snprintf(path, sizeof(path), "%s/cache-id", object);
	len = file_read_line(&check->store->root, path, text, sizeof(text), &err);
	if (len < 0)
		check_found(check, RULE_METADATA, path, "%s", err.reason ?: strerror(err.errnum));
	else if (!ovl_id_is_valid(text, (size_t)len))
		check_found(check, RULE_METADATA, path, "not a cache-id");
	else if (store_layer(check->store, text) == NO_LAYER)
		check_found(check, RULE_METADATA, path, "there is no layer %s", text);
	else
		check_found(check, RULE_METADATA, path, "another entry has this layer too");
}

/* The parent's chain-id and the diff-id make the entry's name. */
static void check_parent(const struct database *database, const char *chain,
			 const struct layer *layer, const char *object)
{
	struct check *check = database->check;
	char path[PATH_SIZE], text[128] = "", made[DIGEST_HEX + 1];
	const struct layer *below =
		layer->parent == NO_LAYER ? NULL : &check->store->layers[layer->parent];
	struct ovl_error err;
	const char *parent = "";
	ssize_t len;

	snprintf(path, sizeof(path), "%s/parent", object);
	len = file_read_line(&check->store->root, path, text, sizeof(text), &err);
	if (len >= 0 || err.errnum != ENOENT) {
		parent = len < 0 ? NULL : digest_hex_of(text);
		if (!parent) {
			check_found(check, RULE_METADATA, path, "not a digest");
			return;
		}
	}
	snprintf(path, sizeof(path), LAYERS "/%s", parent);
	if (!is_there(check, path))
		check_found(check, RULE_METADATA, object, "its parent %s is not there", parent);
	if (!layer->digest) {
		check_found(check, RULE_METADATA, object, "its diff is not a digest");
		return;
	}
	digest_chain(parent, layer->digest, false, made);
	if (strcmp(made, chain) != 0)
		check_found(check, RULE_METADATA, object,
			    "its name is not the chain-id of its parent and its diff");
	if (below ? below->chain && strcmp(below->chain, parent) != 0 : parent[0] != '\0')
		check_found(check, RULE_OTHER_PARENT, object,
			    "its layer has another parent in the tree: %s",
			    below ? below->id : "none");
}

static int check_record(const char *name, void *context)
{
	const struct database *database = context;
	char object[OBJECT_SIZE];
	const struct layer *layer;

	snprintf(object, sizeof(object), LAYERS "/%s", name);
	if (!digest_is_hex(name)) {
		bool is_leaving = strlen(name) > DIGEST_HEX && strstr(name, "-removing");

		check_found(database->check, is_leaving ? RULE_LEFTOVER : RULE_STRANGER, object,
			    is_leaving ? "left by a deletion that was interrupted"
				       : "its name is no chain-id");
		return 0;
	}
	layer = layer_of(database, name);
	if (layer)
		check_parent(database, name, layer, object);
	else
		explain(database->check, object);
	return 0;
}

static int check_write_set(const char *name, void *context)
{
	char object[OBJECT_SIZE];

	snprintf(object, sizeof(object), DATABASE "tmp/%s", name);
	check_found(context, RULE_LEFTOVER, object, "left by a write that was interrupted");
	return 0;
}

static void check_container(struct check *check, const struct container *container)
{
	char object[OBJECT_SIZE], path[PATH_SIZE], text[128];
	struct ovl_error err;

	snprintf(object, sizeof(object), DATABASE "mounts/%s", container->id);
	snprintf(path, sizeof(path), "%s/init-id", object);
	if (container->init == NO_LAYER && is_there(check, path))
		check_found(check, RULE_CONTAINER, object, "its init-id names no layer");
	snprintf(path, sizeof(path), "%s/parent", object);
	if (file_read_line(&check->store->root, path, text, sizeof(text), &err) > 0) {
		snprintf(path, sizeof(path), LAYERS "/%s", digest_hex_of(text) ?: "-");
		if (!is_there(check, path))
			check_found(check, RULE_CONTAINER, object,
				    "its parent is not in the layer database");
	}
}

int check_docker(struct check *check, struct ovl_error *err)
{
	const struct store *store = check->store;
	struct database database = { .check = check };
	int ret;

	database.by_chain = file_alloc(store->layer_count * sizeof(struct layer *));
	for (unsigned int i = 0; i < store->layer_count; i++) {
		if (store->layers[i].chain)
			database.by_chain[database.count++] = &store->layers[i];
	}
	if (database.count)
		qsort(database.by_chain, database.count, sizeof(struct layer *), compare);
	ret = file_each(&store->root, LAYERS, check_record, &database, err)
		      ?: file_each(&store->root, DATABASE "tmp", check_write_set, check, err);
	for (unsigned int i = 0; i < store->container_count; i++)
		check_container(check, &store->containers[i]);
	free(database.by_chain);
	return ret;
}
