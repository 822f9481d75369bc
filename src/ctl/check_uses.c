/* SPDX-License-Identifier: MIT */
/* Images and containers that lack their layers, and layers that lack images and containers. */
#include <string.h>

#include "check.h"

void check_uses(struct check *check)
{
	const struct store *store = check->store;

	for (unsigned int i = 0; i < store->image_count; i++) {
		const struct image *image = &store->images[i];

		if (image->wrong)
			check_found(check, RULE_IMAGE,
				    image->name_count ? image->names[0] : image->id, "%s",
				    image->wrong);
	}
	for (unsigned int i = 0; i < store->container_count; i++) {
		const struct container *container = &store->containers[i];

		if (container->layer == NO_LAYER)
			check_found(check, RULE_CONTAINER,
				    container->name[0] ? container->name : container->id,
				    "its layer is not in the tree");
	}
	for (unsigned int i = 0; i < store->layer_count; i++) {
		const struct layer *layer = &store->layers[i];

		if (layer->kind == LAYER_ORPHAN && ovl_id_is_valid(layer->id, strlen(layer->id)))
			check_found(check, RULE_ORPHAN, layer->id, "the engine does not know it");
	}
}
