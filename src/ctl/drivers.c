/* SPDX-License-Identifier: MIT */
/* Looks for the data of every storage driver that Docker has had. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drivers.h"

/* Where each keeps its layers beneath the root, and whether image/DRIVER belongs to it. */
static const struct {
	const char *driver, *path;
	bool has_metadata;
} drivers[] = {
	{ "overlay2", "overlay2", true },
	{ "fuse-overlayfs", "fuse-overlayfs", true },
	{ "btrfs", "btrfs/subvolumes", true },
	{ "zfs", "zfs/graph", true },
	{ "vfs", "vfs/dir", true },
	{ "aufs", "aufs/diff", true },
	{ "overlay", "overlay", true },
	{ "devicemapper", "devicemapper/metadata", true },
	/* The containerd store: what is empty here is only a managed containerd that nobody uses. */
	{ "overlayfs", "containerd/daemon/io.containerd.snapshotter.v1.overlayfs/snapshots",
	  false },
};

static int count(const char *name, void *context)
{
	int *entries = context;

	*entries += strcmp(name, "l") != 0;
	return 0;
}

/* True if the image database of a driver has an image, or its layer database a container. */
static bool has_images(const struct dir *root, const char *driver)
{
	static const char *const places[] = { "imagedb/content/sha256", "layerdb/mounts" };
	char path[128];
	struct ovl_error err;
	int entries = 0;

	for (size_t i = 0; i < 2; i++) {
		stpcpy(stpcpy(stpcpy(stpcpy(path, "image/"), driver), "/"), places[i]);
		file_each(root, path, count, &entries, &err);
	}
	return entries > 0;
}

int drivers_find(const struct dir *root, json_t *list, struct ovl_error *err)
{
	for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++) {
		int entries = 0, ret = file_each(root, drivers[i].path, count, &entries, err);

		if (ret < 0 && ret != -EACCES && ret != -ENOTDIR && ret != -ELOOP)
			return ret;
		if (entries == 0)
			continue;
		json_array_append_new(list, json_pack("{s:s, s:s, s:i, s:b}", "driver",
						      drivers[i].driver, "path", drivers[i].path,
						      "entries", entries, "metadata",
						      !drivers[i].has_metadata ||
							      has_images(root, drivers[i].driver)));
	}
	return 0;
}

struct votes {
	const struct dir *root;
	json_t *counts; /* driver: number of containers */
};

static int vote(const char *name, void *context)
{
	struct votes *votes = context;
	struct dir containers = { -1, name };
	char *path = file_path(&containers, "config.v2.json"), *whole;
	struct dir prefix = { -1, "containers" };
	struct ovl_error err;
	json_t *config;
	const char *driver;

	whole = file_path(&prefix, path);
	config = file_load_json(votes->root, whole, FILE_CONFIG_MAX, &err);
	driver = json_text(config, "Driver");
	if (driver)
		json_object_set_new(
			votes->counts, driver,
			json_integer(json_integer_value(json_object_get(votes->counts, driver)) +
				     1));
	json_decref(config);
	free(path);
	free(whole);
	return 0;
}

char *drivers_of_containers(const struct dir *root)
{
	struct votes votes = { root, json_object() };
	const char *driver, *most = NULL;
	json_int_t best = 0;
	struct ovl_error err;
	char *found;
	json_t *number;

	file_each(root, "containers", vote, &votes, &err);
	json_object_foreach(votes.counts, driver, number)
	{
		if (json_integer_value(number) > best) {
			best = json_integer_value(number);
			most = driver;
		}
	}
	found = most ? file_copy(most) : NULL;
	json_decref(votes.counts);
	return found;
}

char *drivers_configured(struct ovl_error *err)
{
	struct dir etc = { open("/etc/docker", O_RDONLY | O_DIRECTORY | O_CLOEXEC), "/etc/docker" };
	json_t *config =
		etc.fd < 0 ? NULL : file_load_json(&etc, "daemon.json", FILE_LIST_MAX, err);
	const json_t *snapshotter =
		json_object_get(json_object_get(config, "features"), "containerd-snapshotter");
	const char *driver = json_text(config, "storage-driver");
	char *found = driver			  ? file_copy(driver)
		      : json_is_true(snapshotter) ? file_copy("overlayfs")
						  : NULL;

	if (config && !json_is_object(config))
		ovl_cannot(err, EBADMSG, "read", "/etc/docker/daemon.json", "it is no JSON object");
	json_decref(config);
	if (etc.fd >= 0)
		close(etc.fd);
	if (err->errnum == ENOENT)
		err->errnum = 0;
	return found;
}
