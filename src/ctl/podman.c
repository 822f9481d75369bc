/* SPDX-License-Identifier: MIT */
/*
 * The metadata of containers/storage, which Podman, Buildah and CRI-O write (format, section 11): three lists in JSON.
 * A layer's id is the name of its directory.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "digest.h"
#include "store.h"

/* Of an image: more than anybody has, and no product of two long lists. */
#define DIGEST_NAMES_MAX 4096
#define REPOSITORIES_MAX 256

/* Calls each for all objects of the list at path, which need not be there. */
static int each_of(struct store *store, const char *path,
		   void (*each)(struct store *, const json_t *), struct ovl_error *err)
{
	json_t *list = file_load_json(&store->root, path, FILE_LIST_MAX, err), *object;
	int ret = 0;
	size_t i;

	if (!list)
		return err->errnum == ENOENT ? 0 : -err->errnum;
	if (!json_is_array(list))
		ret = ovl_fail(err, EBADMSG, "read", "it is no list", NULL, "%s/%s",
			       store->root.path, path);
	json_array_foreach(list, i, object)
	{
		if (ret == 0 && !json_text(object, "id"))
			ret = ovl_fail(err, EBADMSG, "read", "an entry has no id", NULL,
				       "%s/%s (entry %zu)", store->root.path, path, i + 1);
		if (ret == 0)
			each(store, object);
	}
	json_decref(list);
	return ret;
}

static void add_layer(struct store *store, const json_t *object)
{
	unsigned int number = store_layer(store, json_text(object, "id"));
	const json_t *size = json_object_get(object, "diff-size");
	struct layer *layer;

	if (number == NO_LAYER)
		return;
	layer = &store->layers[number];
	layer->chain = layer->id;
	layer->kind = LAYER_CACHE; /* until an image or a container is found that has it */
	if (digest_hex_of(json_text(object, "diff-digest")))
		layer->digest = file_copy(json_text(object, "diff-digest"));
	if (json_is_integer(size) && json_integer_value(size) >= 0)
		layer->size = json_integer_value(size);
	/* One that was being written when its writer died: to be deleted, never used. */
	if (json_is_true(json_object_get(json_object_get(object, "flags"), "incomplete")))
		layer->is_damaged = layer->is_incomplete = true;
}

/* NAME@DIGEST for each of the first names, once for each repository. seen: the names that there are. */
static void add_digest(struct image *image, unsigned int names, const char *digest, json_t *seen)
{
	char text[1024];

	if (!digest_hex_of(digest) || json_object_get(seen, digest))
		return;
	json_object_set_new_nocheck(seen, digest, json_true());
	for (unsigned int i = 0;
	     i < names && i < REPOSITORIES_MAX && image->name_count - names < DIGEST_NAMES_MAX;
	     i++) {
		const char *name = image->names[i], *slash = strrchr(name, '/');
		size_t len = (size_t)(slash ? slash - name : 0);

		len += strcspn(name + len, ":@");
		snprintf(text, sizeof(text), "%.*s@%s", (int)len, name, digest);
		if (json_object_get(seen, text))
			continue;
		json_object_set_new_nocheck(seen, text, json_true());
		image_add_name(image, text);
	}
}

/* People write NAME@DIGEST, too. An image has a digest for each manifest that it was pulled or loaded by. */
static void add_digests(struct image *image, const json_t *object)
{
	unsigned int names = image->name_count;
	json_t *seen = json_object(), *digest;
	const char *file;

	for (unsigned int i = 0; i < names; i++)
		json_object_set_new_nocheck(seen, image->names[i], json_true());
	add_digest(image, names, json_text(object, "digest"), seen);
	json_object_foreach(json_object_get(object, "big-data-digests"), file, digest)
	{
		if (strncmp(file, "manifest", strlen("manifest")) == 0)
			add_digest(image, names, json_plain(digest), seen);
	}
	json_decref(seen);
}

static void add_image(struct store *store, const json_t *object)
{
	const json_t *names = json_object_get(object, "names");
	const char *id = json_text(object, "id"), *top = json_text(object, "layer"), *file;
	struct image *image = store_add_image(store, id);
	struct ovl_error err;
	json_t *size, *config;

	for (size_t i = 0; i < json_array_size(names); i++) {
		if (json_plain(json_array_get(names, i)))
			image_add_name(image, json_plain(json_array_get(names, i)));
	}
	add_digests(image, object);
	json_object_foreach(json_object_get(object, "big-data-sizes"), file, size)
	{
		json_int_t bytes = json_integer_value(size);

		if (bytes > 0 && bytes <= FILE_LIST_MAX)
			image->beside += bytes;
	}
	image->created = store_time(json_text(object, "created"));
	if (!digest_is_hex(id))
		image->wrong = "its id is no digest";
	else if ((config = config_load(store, id, &image->wrong, &err))) {
		image->wrong = NULL;
		json_decref(config);
	}
	if (top) {
		image->layer = store_layer(store, top);
		if (image->layer == NO_LAYER)
			image->wrong = "its layer is not in the tree";
	}
}

/* What Podman keeps of a container besides is JSON in a string. */
static void add_called(struct container *container, const char *metadata)
{
	json_t *object = metadata ? json_loads(metadata, 0, NULL) : NULL;
	const char *called = json_text(object, "image-name");

	if (called && *called)
		container->called = file_copy(called);
	json_decref(object);
}

static void add_container(struct store *store, const json_t *object)
{
	struct container *container = store_add_container(store, json_text(object, "id"));
	const char *name = json_plain(json_array_get(json_object_get(object, "names"), 0));
	const char *top = json_text(object, "layer"), *image = json_text(object, "image");

	if (name)
		container->name = file_copy(name);
	if (image)
		container->image = file_copy(image);
	if (top)
		container->layer = store_layer(store, top);
	add_called(container, json_text(object, "metadata"));
}

int podman_read(struct store *store, struct ovl_error *err)
{
	for (unsigned int i = 0; i < store->layer_count; i++)
		store->layers[i].kind = LAYER_ORPHAN;
	return each_of(store, "overlay-layers/layers.json", add_layer, err)
		       ?: each_of(store, "overlay-layers/volatile-layers.json", add_layer, err)
		       ?: each_of(store, "overlay-images/images.json", add_image, err)
		       ?: each_of(store, "overlay-containers/containers.json", add_container, err)
		       ?: each_of(store, "overlay-containers/volatile-containers.json", add_container, err);
}
