/* SPDX-License-Identifier: MIT */
/* ovlctl ls: the layers of a tree. */
#include "store.h"
#include "verb.h"

static const struct column columns[] = {
	{ "ID", "id", COLUMN_SHORT },	      { "LINK", "link", COLUMN_TEXT },
	{ "KIND", "kind", COLUMN_TEXT },      { "DEPTH", "depth", COLUMN_COUNT },
	{ "SIZE", "size", COLUMN_BYTES },     { "CHANGED", "changed", COLUMN_AGE },
	{ "USED BY", "users", COLUMN_COUNT }, { "", "state", COLUMN_TEXT },
};

static json_t *row(size_t i, void *context)
{
	const struct store *store = context;
	const struct layer *layer = &store->layers[i];
	const char *state = layer->is_damaged ? "damaged" : layer->has_merged ? "mounted" : "";

	return json_pack("{s:o, s:s, s:s, s:i, s:o, s:I, s:i, s:s, s:s?, s:s?, s:s?}", "id",
			 out_string(layer->id), "link", layer->link, "kind",
			 layer_kind_names[layer->kind], "depth", (int)layer->depth, "size",
			 out_number(layer->size), "changed", (json_int_t)layer->time, "users",
			 (int)layer->users, "state", state, "parent",
			 layer->parent == NO_LAYER ? NULL : store->layers[layer->parent].id,
			 "diff_id", layer->digest, "chain_id", layer->chain);
}

static int run(struct call *call, struct ovl_error *err)
{
	struct store store;
	int ret = store_open(&store, call->root, err);

	if (ret < 0)
		return ret;
	out_rows(&call->out, columns, sizeof(columns) / sizeof(columns[0]), store.layer_count, row,
		 &store);
	return 0;
}

const struct verb cmd_ls = {
	.name = "ls",
	.arguments = "",
	.summary = "the layers: what they are, how deep, how large, who uses them",
	.run = run,
};
