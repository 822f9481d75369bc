/* SPDX-License-Identifier: MIT */
/* ovlctl containers: the containers of an engine. */
#include <string.h>

#include "store.h"
#include "verb.h"

static const struct column columns[] = {
	{ "NAME", "name", COLUMN_TEXT },      { "CONTAINER ID", "id", COLUMN_SHORT },
	{ "IMAGE", "image", COLUMN_TEXT },    { "LAYER", "layer", COLUMN_SHORT },
	{ "LAYERS", "layers", COLUMN_COUNT }, { "STATE", "state", COLUMN_TEXT },
};

/* What the image was called, or else its first name, or its id. */
static const char *image_of(const struct store *store, const struct container *container)
{
	const struct image *image = store_image(store, container->image);

	if (container->called)
		return container->called;
	return image && image->name_count ? image->names[0] : container->image;
}

static json_t *row(size_t i, void *context)
{
	const struct store *store = context;
	const struct container *container = &store->containers[i];
	const struct layer *layer =
		container->layer == NO_LAYER ? NULL : &store->layers[container->layer];
	const char *state = !layer			     ? "its layer is gone"
			    : container->state		     ? container->state
			    : layer_is_mounted(store, layer) ? "mounted"
							     : "";

	return json_pack(
		"{s:o, s:o, s:o, s:o, s:o?, s:o?, s:i, s:s}", "name", out_string(container->name),
		"id", out_string(container->id), "image", out_string(image_of(store, container)),
		"image_id", out_string(container->image), "layer",
		layer ? out_string(layer->id) : NULL, "init",
		container->init == NO_LAYER ? NULL : out_string(store->layers[container->init].id),
		"layers", layer ? (int)layer->depth : 0, "state", state);
}

static int run(struct call *call, struct ovl_error *err)
{
	struct store store;
	int ret = store_open(&store, call->root, err);

	if (ret < 0)
		return ret;
	out_rows(&call->out, columns, sizeof(columns) / sizeof(columns[0]), store.container_count,
		 row, &store);
	return 0;
}

const struct verb cmd_containers = {
	.name = "containers",
	.arguments = "",
	.summary = "the containers, with the layer that each writes to",
	.run = run,
};
