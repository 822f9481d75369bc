/* SPDX-License-Identifier: MIT */
/*
 * Reads the layers of a tree: names, links, parents. Three small files a layer at most; what is in diff is not looked at.
 *
 * A layer's place in the forest is what its lower file says, since that is what is mounted: its parent is the first
 * entry, its depth the number of entries.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ovl/stack.h"
#include "store.h"

struct scan {
	struct store *store;
	struct ovl_error *err;
};

/* What lies in a tree and is no layer (format, sections 1 and 11). */
static bool is_other(const char *name)
{
	static const char *const others[] = { "l", "staging", "tempdirs", "backingFsBlockDev" };
	static const char *const probes[] = { "check-overlayfs-support", "opaque-bug-check",
					      "metacopy-check", "userxattr-check" };

	if (name[0] == '.')
		return true;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (strcmp(name, others[i]) == 0)
			return true;
	}
	for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++) {
		if (strncmp(name, probes[i], strlen(probes[i])) == 0)
			return true;
	}
	return false;
}

static bool is_there(const struct store *store, const char *id, const char *name, bool is_dir)
{
	struct dir layer = { -1, id };
	char *path = file_path(&layer, name);
	struct stat st;
	bool is = fstatat(store->tree.fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		  (!is_dir || S_ISDIR(st.st_mode));

	free(path);
	return is;
}

static int add_layer(const char *name, void *context)
{
	struct scan *scan = context;
	struct store *store = scan->store;
	struct layer *layer;
	struct stat st;

	if (is_other(name) || fstatat(store->tree.fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !S_ISDIR(st.st_mode))
		return 0;
	store->layers = file_grow(store->layers, store->layer_count, sizeof(*layer));
	layer = &store->layers[store->layer_count++];
	*layer = (struct layer){ .id = file_copy(name),
				 .parent = NO_LAYER,
				 .depth = 1,
				 .size = -1,
				 .time = st.st_mtime };
	return 0;
}

static void read_link_file(const struct store *store, struct layer *layer)
{
	char text[OVL_LINK_LEN + 2], name[NAME_MAX + sizeof("/link")];
	struct ovl_error err;
	ssize_t len;

	stpcpy(stpcpy(name, layer->id), "/link");
	len = file_read(&store->tree, name, text, sizeof(text), &err);
	if (len >= 0 && ovl_link_is_valid(text, (size_t)len))
		memcpy(layer->link, text, sizeof(layer->link));
	else
		layer->is_damaged = true;
}

static int compare_ids(const void *a, const void *b)
{
	return strcmp(((const struct layer *)a)->id, ((const struct layer *)b)->id);
}

static const struct store *sorting;
static int compare_links(const void *a, const void *b)
{
	return strcmp(sorting->layers[*(const unsigned int *)a].link,
		      sorting->layers[*(const unsigned int *)b].link);
}

static void sort_links(struct store *store)
{
	store->by_link = file_alloc(store->layer_count * sizeof(*store->by_link));
	for (unsigned int i = 0; i < store->layer_count; i++) {
		if (store->layers[i].link[0])
			store->by_link[store->link_count++] = i;
	}
	sorting = store;
	qsort(store->by_link, store->link_count, sizeof(*store->by_link), compare_links);
}

/* The parent, by its link, and the depth. No lower file: a base. */
static void read_lower(struct store *store, struct layer *layer)
{
	static char text[OVL_LOWER_MAX + 2];
	static struct ovl_stack stack;
	char name[NAME_MAX + sizeof("/lower")];
	struct ovl_error err;
	ssize_t len;

	stpcpy(stpcpy(name, layer->id), "/lower");
	len = file_read(&store->tree, name, text, sizeof(text), &err);
	if (len == -ENOENT)
		return;
	layer->has_lower = true;
	stack.depth = 0;
	if (len < 0 || ovl_stack_parse_lower(&stack, text, (size_t)len, layer->id, &err) < 0) {
		layer->is_damaged = true;
		return;
	}
	layer->depth = stack.depth + 1;
	layer->parent = store_link(store, stack.layer[0].link);
	if (layer->parent == NO_LAYER)
		layer->is_damaged = true;
}

int store_scan(struct store *store, struct ovl_error *err)
{
	struct scan scan = { store, err };
	int ret = file_each(&store->tree, ".", add_layer, &scan, err);

	if (ret < 0)
		return ret;
	if (store->layer_count)
		qsort(store->layers, store->layer_count, sizeof(*store->layers), compare_ids);
	for (unsigned int i = 0; i < store->layer_count; i++)
		read_link_file(store, &store->layers[i]);
	sort_links(store);
	for (unsigned int i = 0; i < store->layer_count; i++) {
		struct layer *layer = &store->layers[i];
		size_t len = strlen(layer->id);

		read_lower(store, layer);
		layer->is_committed = is_there(store, layer->id, "committed", false);
		layer->has_merged = is_there(store, layer->id, "merged", true);
		if (!ovl_id_is_valid(layer->id, len) || !is_there(store, layer->id, "diff", true))
			layer->is_damaged = true;
		if (len == OVL_ID_MAX)
			layer->kind = LAYER_INIT;
	}
	return 0;
}
