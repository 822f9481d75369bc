/* SPDX-License-Identifier: MIT */
/* ovlctl inspect: everything about one image, container or layer. */
#include <stdlib.h>
#include <string.h>

#include "ovl/lowerdir.h"
#include "store.h"
#include "verb.h"

#define LAYER 3 /* the field that --quiet shows */

static const struct column columns[] = {
	{ "Name", "Names", COLUMN_LIST },
	{ "Image", "Image", COLUMN_TEXT },
	{ "Container", "Container", COLUMN_TEXT },
	{ "Layer", "Layer", COLUMN_TEXT },
	{ "Chain-id", "ChainID", COLUMN_TEXT },
	{ "Kind", "Kind", COLUMN_TEXT },
	{ "Layers", "Depth", COLUMN_COUNT },
	{ "Size", "Size", COLUMN_BYTES },
	{ "UpperDir", "UpperDir", COLUMN_TEXT },
	{ "WorkDir", "WorkDir", COLUMN_TEXT },
	{ "MergedDir", "MergedDir", COLUMN_TEXT },
	{ "lowerdir", "LowerdirOption", COLUMN_TEXT },
	{ "Bytes of it", "LowerdirBytes", COLUMN_COUNT },
	{ "Bytes of a page", "PageBytes", COLUMN_COUNT },
	{ "Wrong", "Wrong", COLUMN_TEXT },
};

static const struct column chain_columns[] = {
	{ "LAYER", "Id", COLUMN_SHORT },
	{ "SIZE", "Size", COLUMN_BYTES },
	{ "KIND", "Kind", COLUMN_TEXT },
	{ "DIFF-ID", "DiffId", COLUMN_TEXT },
};

/* HOME/ID/NAME, as the engines print it. */
static json_t *in_layer(const struct store *store, unsigned int layer, const char *name)
{
	struct dir id = { -1, store->layers[layer].id };
	char *below = file_path(&id, name), *path = file_path(&store->tree, below);
	json_t *text = out_string(path);

	free(path);
	free(below);
	return text;
}

/* As `docker inspect` has GraphDriver.Data: the upper is the layer itself, read-only or not. */
static json_t *graph_data(const struct store *store, const struct stack *stack)
{
	json_t *data = json_object();
	size_t size = 1;
	char *lower, *end;

	if (stack->count == 0)
		return data;
	for (unsigned int i = 1; i < stack->count; i++)
		size += strlen(store->tree.path) + strlen(store->layers[stack->layers[i]].id) +
			sizeof("//diff:");
	lower = end = file_alloc(size);
	for (unsigned int i = 1; i < stack->count; i++)
		end += sprintf(end, "%s%s/%s/diff", i > 1 ? ":" : "", store->tree.path,
			       store->layers[stack->layers[i]].id);
	if (stack->count > 1)
		json_object_set_new(data, "LowerDir", out_string(lower));
	/* As the engines do: Podman names it only while it is mounted. */
	if (store->kind != STORE_PODMAN ||
	    layer_is_mounted(store, &store->layers[stack->layers[0]]))
		json_object_set_new(data, "MergedDir", in_layer(store, stack->layers[0], "merged"));
	json_object_set_new(data, "UpperDir", in_layer(store, stack->layers[0], "diff"));
	json_object_set_new(data, "WorkDir", in_layer(store, stack->layers[0], "work"));
	free(lower);
	return data;
}

/* The lowerdir of a read-only mount of the stack, as ovlrun gives it to the kernel. */
static char *lowerdir(const struct store *store, const struct stack *stack)
{
	char *text = file_alloc(stack->count * (OVL_LINK_LEN + 3) + 1), *end = text;

	for (unsigned int i = 0; i < stack->count; i++)
		end += sprintf(end, "%sl/%s", i ? ":" : "", store->layers[stack->layers[i]].link);
	return text;
}

static json_t *chain(const struct store *store, const struct stack *stack)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < stack->count; i++) {
		const struct layer *layer = &store->layers[stack->layers[i]];

		json_array_append_new(list, json_pack("{s:s, s:s, s:o, s:s, s:s?, s:s?}", "Id",
						      layer->id, "Link", layer->link, "Size",
						      out_number(layer->size), "Kind",
						      layer_kind_names[layer->kind], "DiffId",
						      layer->digest, "ChainId", layer->chain));
	}
	return list;
}

/* The diff-ids of an image, bottom first. */
static json_t *root_fs(const struct store *store, const struct stack *stack)
{
	json_t *diffs = json_array();

	for (unsigned int i = stack->count; i-- > 0;) {
		if (store->layers[stack->layers[i]].digest)
			json_array_append_new(diffs,
					      json_string(store->layers[stack->layers[i]].digest));
	}
	return json_pack("{s:s, s:o}", "Type", "layers", "Layers", diffs);
}

static void describe_names(json_t *object, const struct named *named)
{
	json_t *names = json_array();

	for (unsigned int i = 0; named->image && i < named->image->name_count; i++)
		json_array_append_new(names, out_string(named->image->names[i]));
	if (named->container)
		json_array_append_new(names, out_string(named->container->name));
	json_object_set_new(object, "Names", names);
	if (named->image)
		json_object_set_new(object, "Image", json_sprintf("sha256:%s", named->image->id));
	if (named->image && named->image->wrong)
		json_object_set_new(object, "Wrong", json_string(named->image->wrong));
	if (named->container)
		json_object_set_new(object, "Container", out_string(named->container->id));
}

static json_t *describe(const struct store *store, const struct named *named,
			const struct stack *stack)
{
	json_t *object = json_object(), *data = graph_data(store, stack);
	int64_t size = named->image ? store_image_size(store, named->image)
				    : store_stack_size(store, named->layer);

	describe_names(object, named);
	if (stack->count) {
		const struct layer *layer = &store->layers[named->layer];
		char *lower = lowerdir(store, stack);

		json_object_set_new(object, "Layer", json_string(layer->id));
		if (layer->chain && store->kind == STORE_DOCKER)
			json_object_set_new(object, "ChainID",
					    json_sprintf("sha256:%s", layer->chain));
		json_object_set_new(object, "Kind", json_string(layer_kind_names[layer->kind]));
		json_object_set_new(object, "LowerdirOption", json_string(lower));
		json_object_set_new(object, "LowerdirBytes",
				    json_integer((json_int_t)strlen(lower)));
		json_object_set_new(object, "PageBytes", json_integer(OVL_PAGE_DATA_MAX));
		free(lower);
	}
	json_object_set_new(object, "Depth", json_integer(stack->count));
	if (size >= 0)
		json_object_set_new(object, "Size", json_integer(size));
	json_object_update(object, data);
	json_object_set_new(object, "GraphDriver",
			    json_pack("{s:s, s:o}", "Name",
				      store->kind == STORE_PODMAN ? "overlay" : "overlay2", "Data",
				      data));
	if (store->kind != STORE_PLAIN && (named->image || named->container))
		json_object_set_new(object, "RootFS", root_fs(store, stack));
	json_object_set_new(object, "Chain", chain(store, stack));
	return object;
}

static json_t *chain_row(size_t i, void *context)
{
	return json_incref(json_array_get(context, i));
}

static int run(struct call *call, struct ovl_error *err)
{
	struct store store;
	struct named named;
	struct stack stack = { 0 };
	json_t *object, *list;
	int ret = store_open(&store, call->root, err) ?: store_name(&store, call->argv[0], &named, err)
		  ?: store_stack(&store, named.layer, &stack, err);

	if (ret < 0)
		return ret;
	object = describe(&store, &named, &stack);
	if (call->out.is_quiet)
		out_object(&call->out, object, &columns[LAYER], 1);
	else
		out_object(&call->out, object, columns, sizeof(columns) / sizeof(columns[0]));
	list = json_object_get(object, "Chain");
	if (!call->out.is_json && !call->out.is_quiet && json_array_size(list)) {
		putchar('\n');
		out_rows(&call->out, chain_columns,
			 sizeof(chain_columns) / sizeof(chain_columns[0]), json_array_size(list),
			 chain_row, list);
	}
	json_decref(object);
	free(stack.layers);
	return 0;
}

const struct verb cmd_inspect = {
	.name = "inspect",
	.arguments = "NAME|ID",
	.summary = "directories, layers and lowerdir of an image, a container or a layer",
	.min = 1,
	.max = 1,
	.run = run,
};
