/* SPDX-License-Identifier: MIT */
/* The layers that containers/storage knows, against the tree (format, section 11). */
#include <errno.h>
#include <string.h>

#include "check.h"

static void check_record(struct check *check, const char *list, const json_t *object)
{
	const char *id = json_text(object, "id") ?: "", *parent = json_text(object, "parent") ?: "";
	unsigned int number = store_layer(check->store, id);
	const struct layer *layer, *below;

	if (number == NO_LAYER) {
		check_found(check, RULE_METADATA, list, "there is no layer %.64s", id);
		return;
	}
	layer = &check->store->layers[number];
	if (json_is_true(json_object_get(json_object_get(object, "flags"), "incomplete")))
		check_found(check, RULE_INCOMPLETE, id,
			    "its writer died: only a part of it may be there");
	below = layer->parent == NO_LAYER ? NULL : &check->store->layers[layer->parent];
	if (below ? strcmp(below->id, parent) != 0 : parent[0] != '\0')
		check_found(check, RULE_OTHER_PARENT, id, "%s has another parent: %.64s", list,
			    parent[0] ? parent : "none");
}

int check_podman(struct check *check, struct ovl_error *err)
{
	static const char *const lists[] = { "overlay-layers/layers.json",
					     "overlay-layers/volatile-layers.json" };

	for (size_t i = 0; i < 2; i++) {
		json_t *records = file_load_json(&check->store->root, lists[i], FILE_LIST_MAX, err);

		if (!records && err->errnum != ENOENT)
			return -err->errnum;
		for (size_t k = 0; k < json_array_size(records); k++)
			check_record(check, lists[i], json_array_get(records, k));
		json_decref(records);
	}
	return 0;
}
