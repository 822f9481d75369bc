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

static const struct image *image_named(const struct store *store, const char *prefix,
				       const char *name, const char *tag)
{
	size_t len = strlen(prefix), middle = strlen(name);

	for (unsigned int i = 0; i < store->image_count; i++) {
		for (unsigned int k = 0; k < store->images[i].name_count; k++) {
			const char *given = store->images[i].names[k];

			if (strncmp(given, prefix, len) == 0 &&
			    strncmp(given + len, name, middle) == 0 &&
			    strcmp(given + len + middle, tag) == 0)
				return &store->images[i];
		}
	}
	return NULL;
}

/* The image that people call name. Tag and registry may be left out: as the engines do, one's own images come first. */
static const struct image *find_image(const struct store *store, const char *name)
{
	static const char *const registries[] = { "", "localhost/", "docker.io/library/",
						  "docker.io/" };
	const char *slash = strrchr(name, '/');
	const char *tag = strpbrk(slash ? slash + 1 : name, ":@") ? "" : ":latest";
	const struct image *image = NULL;

	for (size_t i = 0; !image && i < sizeof(registries) / sizeof(registries[0]); i++)
		image = image_named(store, registries[i], name, tag);
	return image ?: image_named(store, "", store_short_name(name), tag);
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
	const struct image *image = find_image(store, name);
	unsigned int count = 0, layer = store_layer(store, name);

	*named = (struct named){ .layer = NO_LAYER };
	if (layer == NO_LAYER)
		layer = store_link(store, name);
	if (layer != NO_LAYER && store->kind == STORE_PLAIN) {
		named->layer = layer;
		return 0;
	}
	if (image)
		found(named, (struct named){ image, NULL, image->layer }, &count);
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
