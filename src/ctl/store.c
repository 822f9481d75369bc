/* SPDX-License-Identifier: MIT */
/* What a storage root is, and names for what it holds. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ovl/tree.h"
#include "policy.h"
#include "store.h"

const char *const store_kind_names[] = {
	[STORE_PLAIN] = "tree", [STORE_DOCKER] = "docker", [STORE_PODMAN] = "podman"
};

const char *const layer_kind_names[] = {
	[LAYER_UNKNOWN] = "layer", [LAYER_IMAGE] = "image", [LAYER_CONTAINER] = "container",
	[LAYER_INIT] = "init",	   [LAYER_CACHE] = "cache", [LAYER_ORPHAN] = "orphan",
};

/* Where engines keep their data unless told otherwise. */
static const char *const usual[] = { "/var/lib/docker", "/var/lib/containers/storage" };

/* errno tells why not; 0: it is something else. */
static bool is_dir(const char *path)
{
	struct stat st;

	errno = 0;
	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static char *joined(const char *a, const char *b)
{
	struct dir dir = { -1, a };

	return file_path(&dir, b);
}

/* The first tree that the policy offers, or NULL; also if it cannot be read: that is for `published` to tell. */
static char *policy_tree(void)
{
	struct policy policy = { 0 };
	struct ovl_error err;

	if (policy_read(&policy, &err) == 0) {
		for (unsigned int i = 0; i < policy.count; i++) {
			if (policy.lines[i].kind == LINE_TREE)
				return policy.lines[i].tree;
		}
	}
	return NULL;
}

static int open_dir(struct dir *dir, const char *path, struct ovl_error *err)
{
	dir->path = path;
	dir->fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir->fd < 0)
		return ovl_fail(err, errno, "open", NULL,
				errno == EACCES ? "only root can read an engine's storage" : NULL,
				"%s", path);
	return 0;
}

static bool is_there(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

/* What the directory of a tree lies beside. Metadata that is a symlink, or no directory, is refused when it is read. */
static enum store_kind kind_of(const char *root, const char *driver)
{
	if (strcmp(driver, "overlay2") == 0 && is_there(joined(root, "image/overlay2")))
		return STORE_DOCKER;
	if (strcmp(driver, "overlay") == 0 &&
	    (is_there(joined(root, "overlay-layers")) || is_there(joined(root, "overlay-images"))))
		return STORE_PODMAN;
	return STORE_PLAIN;
}

/* path: absolute, a real path; a tree, or the root of one. */
static int locate(struct store *store, char *path, struct ovl_error *err)
{
	static const char *const drivers[] = { "overlay2", "overlay" };
	char *slash = strrchr(path, '/');

	if (is_dir(joined(path, "l"))) {
		char *root = strndup(path, slash > path ? (size_t)(slash - path) : 1);

		store->kind = kind_of(root, slash + 1);
		if (store->kind != STORE_PLAIN && open_dir(&store->root, root, err) < 0)
			return -err->errnum;
		return open_dir(&store->tree, path, err);
	}
	for (size_t i = 0; i < 2; i++) {
		char *tree = joined(path, drivers[i]);

		if (!is_dir(joined(tree, "l"))) {
			if (errno == EACCES)
				return ovl_fail(err, EACCES, "read", NULL,
						"only root can read an engine's storage", "%s",
						tree);
			continue;
		}
		store->kind = kind_of(path, drivers[i]);
		/* A symlink there leads out of the root. */
		if (!is_dir(tree))
			return ovl_fail(err, ELOOP, "use", "it is a symlink",
					"the tree itself can be named, or mounted there", "%s",
					tree);
		return open_dir(&store->root, path, err) ?: open_dir(&store->tree, tree, err);
	}
	return ovl_fail(err, ENOENT, "use", "there is no overlay2 tree in it",
			"name a directory that holds l/, or an engine's root; `ovlctl info` tells "
			"what is there",
			"%s", path);
}

int store_find(struct store *store, const char *path, struct ovl_error *err)
{
	char *real;

	*store = (struct store){ .root.fd = -1, .tree.fd = -1 };
	if (!path)
		path = policy_tree();
	for (size_t i = 0; !path && i < sizeof(usual) / sizeof(usual[0]); i++) {
		if (is_dir(joined(usual[i], "overlay2/l")) || is_dir(joined(usual[i], "overlay/l")))
			path = usual[i];
	}
	if (!path)
		return ovl_fail(err, ENOENT, "find",
				"neither a policy nor an engine's usual place names one",
				"name it: --root DIR", "an overlay2 tree");
	real = realpath(path, NULL);
	if (!real)
		return ovl_fail(err, errno, "open", NULL,
				errno == EACCES ? "only root can read an engine's storage" : NULL,
				"%s", path);
	return locate(store, real, err);
}

int store_open(struct store *store, const char *path, struct ovl_error *err)
{
	int ret = store_find(store, path, err) ?: store_scan(store, err);

	if (ret == 0 && store->kind == STORE_DOCKER)
		ret = docker_read(store, err);
	if (ret == 0 && store->kind == STORE_PODMAN)
		ret = podman_read(store, err);
	if (ret == 0)
		store_settle(store);
	return ret;
}

unsigned int store_layer(const struct store *store, const char *id)
{
	unsigned int low = 0, high = store->layer_count;

	while (low < high) {
		unsigned int middle = low + (high - low) / 2;
		int order = strcmp(id, store->layers[middle].id);

		if (order == 0)
			return middle;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NO_LAYER;
}

unsigned int store_link(const struct store *store, const char *link)
{
	unsigned int low = 0, high = store->link_count;

	while (low < high) {
		unsigned int middle = low + (high - low) / 2;
		int order = strcmp(link, store->layers[store->by_link[middle]].link);

		if (order == 0)
			return store->by_link[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NO_LAYER;
}

struct image *store_add_image(struct store *store, const char *id)
{
	struct image *image;

	store->images = file_grow(store->images, store->image_count, sizeof(*image));
	image = &store->images[store->image_count++];
	*image = (struct image){ .id = file_copy(id), .layer = NO_LAYER, .created = -1 };
	return image;
}

struct container *store_add_container(struct store *store, const char *id)
{
	struct container *container;

	store->containers =
		file_grow(store->containers, store->container_count, sizeof(*container));
	container = &store->containers[store->container_count++];
	*container = (struct container){
		.id = file_copy(id), .name = "", .image = "", .layer = NO_LAYER, .init = NO_LAYER
	};
	return container;
}

void image_add_name(struct image *image, const char *name)
{
	image->names = file_grow(image->names, image->name_count, sizeof(char *));
	image->names[image->name_count++] = file_copy(name);
}

int64_t store_bytes(const char *text)
{
	size_t len = strspn(text, "0123456789");

	/* 18 digits are always less than 2^63. */
	return len > 0 && len <= 18 && !text[len] ? strtoll(text, NULL, 10) : -1;
}

bool layer_is_mounted(const struct store *store, const struct layer *layer)
{
	struct ovl_tree tree = { .path = store->tree.path, .fd = store->tree.fd };

	return layer->has_merged && ovl_id_is_valid(layer->id, strlen(layer->id)) &&
	       ovl_tree_layer_is_mounted(&tree, layer->id);
}

json_int_t store_time(const char *text)
{
	struct tm tm = { 0 };
	const char *end = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;
	int hours = 0, minutes = 0;
	char sign = '+';

	if (!end)
		return -1;
	if (*end == '.')
		end += 1 + strspn(end + 1, "0123456789");
	if (*end != 'Z' && sscanf(end, "%c%2d:%2d", &sign, &hours, &minutes) != 3)
		return -1;
	return timegm(&tm) - (sign == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
}
