/* SPDX-License-Identifier: MIT */
/* What users call images, containers and layers. */
#include <errno.h>
#include <string.h>

#include "store.h"

const char *store_short_name(const char *name)
{
	static const char *const prefixes[] = { "docker.io/library/", "docker.io/" };

	for (size_t i = 0; i < 2; i++) {
		if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			return name + strlen(prefixes[i]);
	}
	return name;
}

/* True if the image is called name, of which tag and registry may be left out. */
static bool image_has_name(const struct image *image, const char *name)
{
	const char *slash = strrchr(name, '/'), *last = slash ? slash + 1 : name;
	bool has_tag = strpbrk(last, ":@") != NULL;
	const char *wanted = store_short_name(name);
	size_t len = strlen(wanted);

	for (unsigned int i = 0; i < image->name_count; i++) {
		const char *given = store_short_name(image->names[i]);

		if (strncmp(given, "localhost/", 10) == 0 && strncmp(wanted, "localhost/", 10) != 0)
			given += 10;
		if (strncmp(given, wanted, len) == 0 &&
		    strcmp(given + len, has_tag ? "" : ":latest") == 0)
			return true;
	}
	return false;
}

/* A prefix of an id, with or without "sha256:". */
static bool is_short_of(const char *text, const char *id)
{
	if (strncmp(text, "sha256:", 7) == 0)
		text += 7;
	return strlen(text) >= 3 && strncmp(id, text, strlen(text)) == 0;
}

static int found(struct named *named, struct named other, unsigned int *count)
{
	if (++*count == 1)
		*named = other;
	return 0;
}

/* In the engines' order: exact names first, then what ids may be shortened to. */
int store_name(const struct store *store, const char *name, struct named *named,
	       struct ovl_error *err)
{
	unsigned int count = 0, layer = store_layer(store, name);

	*named = (struct named){ .layer = NO_LAYER };
	if (layer == NO_LAYER)
		layer = store_link(store, name);
	if (layer != NO_LAYER && store->kind == STORE_PLAIN) {
		named->layer = layer;
		return 0;
	}
	for (unsigned int i = 0; i < store->image_count && count == 0; i++) {
		const struct image *image = &store->images[i];

		if (image_has_name(image, name))
			found(named, (struct named){ image, NULL, image->layer }, &count);
	}
	for (unsigned int i = 0; i < store->container_count && count == 0; i++) {
		const struct container *container = &store->containers[i];

		if (strcmp(container->name, name) == 0)
			found(named, (struct named){ NULL, container, container->layer }, &count);
	}
	if (count == 0 && layer != NO_LAYER)
		found(named, (struct named){ .layer = layer }, &count);
	if (count > 0)
		return 0;
	for (unsigned int i = 0; i < store->image_count; i++) {
		if (is_short_of(name, store->images[i].id))
			found(named,
			      (struct named){ &store->images[i], NULL, store->images[i].layer },
			      &count);
	}
	for (unsigned int i = 0; i < store->container_count; i++) {
		const struct container *container = &store->containers[i];

		if (is_short_of(name, container->id))
			found(named, (struct named){ NULL, container, container->layer }, &count);
	}
	for (unsigned int i = 0; count == 0 && i < store->layer_count; i++) {
		const struct layer *next =
			i + 1 < store->layer_count ? &store->layers[i + 1] : NULL;

		if (!is_short_of(name, store->layers[i].id))
			continue;
		found(named, (struct named){ .layer = i }, &count);
		/* Its own "-init" does not make a container's layer ambiguous. */
		if (next && is_short_of(name, next->id) &&
		    strncmp(next->id, store->layers[i].id, strlen(store->layers[i].id)) != 0)
			count++;
	}
	if (count == 0)
		return ovl_fail(err, ENOENT, "find", "no image, container or layer has this name",
				"`ovlctl images`, `ovlctl containers` and `ovlctl ls` list them",
				"%s", name);
	return count == 1 ? 0
			  : ovl_fail(err, EEXIST, "use", "more than one id begins so", NULL, "%s",
				     name);
}
