/* SPDX-License-Identifier: MIT */
/*
 * ovlctl info: what `docker info` says of the storage, for any tree and without a daemon, and whether file system and kernel
 * are fit for it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "drivers.h"
#include "kernel.h"
#include "store.h"
#include "verb.h"

static const struct column columns[] = {
	{ "Path", "path", COLUMN_TEXT },
	{ "Kind", "kind", COLUMN_TEXT },
	{ "Storage Driver", "driver", COLUMN_TEXT },
	{ "Backing Filesystem", "backing_filesystem", COLUMN_TEXT },
	{ "Supports d_type", "supports_d_type", COLUMN_TEXT },
	{ "Native Overlay Diff", "native_overlay_diff", COLUMN_TEXT },
	{ "userxattr", "userxattr", COLUMN_TEXT },
	{ "Kernel Version", "kernel", COLUMN_TEXT },
	{ "Overlay in the kernel", "overlay", COLUMN_TEXT },
	{ "  lowerdir+", "lowerdir_plus", COLUMN_TEXT },
	{ "  layers by descriptor", "descriptors", COLUMN_TEXT },
	{ "  idmapped layers here", "idmapped_layers", COLUMN_TEXT },
	{ "  volatile", "volatile", COLUMN_TEXT },
	{ "  layers at most", "maximal_depth", COLUMN_COUNT },
	{ "  redirect_dir by default", "redirect_dir", COLUMN_TEXT },
	{ "  index by default", "index", COLUMN_TEXT },
	{ "  metacopy by default", "metacopy", COLUMN_TEXT },
	{ "Layers", "layers", COLUMN_COUNT },
	{ "Images", "images", COLUMN_COUNT },
	{ "Containers", "containers", COLUMN_COUNT },
	{ "Bytes in layers", "bytes", COLUMN_BYTES },
	{ "Data of drivers", "data_of", COLUMN_LIST },
	{ "Driver of the containers", "containers_driver", COLUMN_TEXT },
	{ "Driver in daemon.json", "configured_driver", COLUMN_TEXT },
	{ "Fit", "fit", COLUMN_TEXT },
	{ "Because", "reasons", COLUMN_LIST },
	{ "Note", "notes", COLUMN_LIST },
};

/* Docker's names of file systems (graphdriver, FsNames). */
static const struct {
	unsigned long magic;
	const char *name;
} file_systems[] = {
	{ 0x61756673, "aufs" },	    { 0x9123683e, "btrfs" },	{ 0x28cd3d45, "cramfs" },
	{ 0xf15f, "ecryptfs" },	    { 0xef53, "extfs" },	{ 0xf2f52010, "f2fs" },
	{ 0x65735546, "fuse" },	    { 0x47504653, "gpfs" },	{ 0x72b6, "jffs2" },
	{ 0x3153464a, "jfs" },	    { 0x6969, "nfs" },		{ 0x794c7630, "overlayfs" },
	{ 0x858458f6, "ramfs" },    { 0x52654973, "reiserfs" }, { 0x517b, "smb" },
	{ 0x73717368, "squashfs" }, { 0x01021994, "tmpfs" },	{ 0xa501fcf5, "vxfs" },
	{ 0x58465342, "xfs" },	    { 0x2fc12fc1, "zfs" },
};

static const char *backing(int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return "<unknown>";
	for (size_t i = 0; i < sizeof(file_systems) / sizeof(file_systems[0]); i++) {
		if (file_systems[i].magic == (unsigned long)fs.f_type)
			return file_systems[i].name;
	}
	return "<unknown>";
}

/* Any entry without a type means that the file system has none (xfs with ftype=0). "." and ".." have one, too. */
static bool has_d_type(int fd)
{
	int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = again < 0 ? NULL : fdopendir(again);
	struct dirent *entry;
	bool has = dir != NULL;

	while (has && (entry = readdir(dir)))
		has = entry->d_type != DT_UNKNOWN;
	if (dir)
		closedir(dir);
	return has;
}

static json_t *answer(enum answer answer)
{
	return answer == ANSWER_UNKNOWN ? json_null() : json_boolean(answer == ANSWER_YES);
}

/* A default of the overlay module, or null: built without it, or not loaded. */
static json_t *parameter(const char *name)
{
	char path[64], text = 0;
	int fd;

	snprintf(path, sizeof(path), "/sys/module/overlay/parameters/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, &text, 1) < 1)
		text = 0;
	if (fd >= 0)
		close(fd);
	return text ? json_boolean(text == 'Y' || text == '1') : json_null();
}

static void describe_kernel(json_t *info, const struct kernel *kernel)
{
	struct utsname names;

	uname(&names);
	json_object_set_new(info, "native_overlay_diff", answer(kernel->native_diff));
	json_object_set_new(info, "userxattr",
			    json_false()); /* what Docker uses in a user namespace only */
	json_object_set_new(info, "kernel", json_string(names.release));
	json_object_set_new(info, "overlay", answer(kernel->overlay));
	json_object_set_new(info, "lowerdir_plus", answer(kernel->lowerdir_plus));
	json_object_set_new(info, "descriptors", answer(kernel->descriptors));
	json_object_set_new(info, "idmapped_layers", answer(kernel->idmapped));
	json_object_set_new(info, "volatile", answer(kernel->is_volatile));
	/* A page of options has room for 128 links and more; lowerdir+ is bound by the kernel's own limit. */
	json_object_set_new(info, "maximal_depth",
			    json_integer(kernel->lowerdir_plus == ANSWER_YES ? 500 : 128));
	json_object_set_new(info, "redirect_dir", parameter("redirect_dir"));
	json_object_set_new(info, "index", parameter("index"));
	json_object_set_new(info, "metacopy", parameter("metacopy"));
}

static void describe_store(json_t *info, const struct store *store)
{
	int64_t bytes = 0;

	for (unsigned int i = 0; i < store->layer_count; i++)
		bytes = store_add(bytes, store->layers[i].size > 0 ? store->layers[i].size : 0);
	json_object_set_new(info, "kind", json_string(store_kind_names[store->kind]));
	json_object_set_new(info, "driver",
			    json_string(store->kind == STORE_PODMAN ? "overlay" : "overlay2"));
	json_object_set_new(info, "layers", json_integer(store->layer_count));
	if (store->kind == STORE_PLAIN)
		return;
	json_object_set_new(info, "images", json_integer(store->image_count));
	json_object_set_new(info, "containers", json_integer(store->container_count));
	json_object_set_new(info, "bytes", json_integer(bytes));
}

static void say(json_t *info, const char *key, const char *text)
{
	json_t *list = json_object_get(info, key);

	if (!list) {
		list = json_array();
		json_object_set_new(info, key, list);
	}
	json_array_append_new(list, out_string(text));
}

/* Whose images and containers there are: one that has some, or of several the one that the containers were made with. */
static const char *driver_in_use(const json_t *list, const char *of_containers,
				 const char *configured)
{
	const char *used = NULL;
	int count = 0;

	for (size_t i = json_array_size(list); i-- > 0;) {
		const json_t *entry = json_array_get(list, i);

		if (json_is_true(json_object_get(entry, "metadata"))) {
			used = json_text(entry, "driver");
			count++;
		}
	}
	return count == 1 ? used : of_containers ?: configured ?: used;
}

/* Every driver with data there, and what Docker would use. *has_tree: cleared if only others than overlay2 have some. */
static int describe_drivers(json_t *info, const struct dir *root, bool *has_tree,
			    struct ovl_error *err)
{
	struct ovl_error broken = { 0 };
	char *of_containers = drivers_of_containers(root),
	     *configured = drivers_configured(&broken), text[512];
	json_t *list = json_array(), *names = json_array();
	int ret = drivers_find(root, list, err);
	const char *used = driver_in_use(list, of_containers, configured);
	bool has_overlay2 = false;

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *entry = json_array_get(list, i);
		const char *driver = json_text(entry, "driver");

		has_overlay2 = has_overlay2 || strcmp(driver, "overlay2") == 0;
		json_array_append_new(names, strncmp(json_text(entry, "path"), "containerd/", 11)
						     ? json_string(driver)
						     : json_sprintf("%s (containerd)", driver));
	}
	*has_tree = *has_tree && (has_overlay2 || !used);
	if (used)
		json_object_set_new(info, "driver", out_string(used));
	if (broken.errnum) {
		snprintf(text, sizeof(text), "cannot read %.300s: %s", broken.object,
			 broken.reason ?: strerror(broken.errnum));
		say(info, "notes", text);
	}
	if (json_array_size(names) > 1)
		say(info, "notes",
		    "several drivers have data: images of all but the one in use are hidden, not "
		    "lost");
	if (configured && used && strcmp(configured, used) != 0) {
		snprintf(text, sizeof(text),
			 "daemon.json asks for %.64s, the images are %.64s's: Docker will not see "
			 "them",
			 configured, used);
		say(info, "notes", text);
	}
	json_object_set_new(info, "drivers", list);
	json_object_set_new(info, "data_of", names);
	if (of_containers)
		json_object_set_new(info, "containers_driver", out_string(of_containers));
	if (configured)
		json_object_set_new(info, "configured_driver", out_string(configured));
	free(of_containers);
	free(configured);
	return ret;
}

/* Fit if nothing is known against it. */
static bool judge(json_t *info, const struct kernel *kernel, bool has_type, bool has_tree)
{
	if (!has_type)
		say(info, "reasons",
		    "the file system does not tell the type of directory entries (xfs needs "
		    "ftype=1)");
	if (kernel->overlay == ANSWER_NO)
		say(info, "reasons",
		    "the kernel mounts no overlay: `modprobe overlay`, or CONFIG_OVERLAY_FS");
	if (kernel->overlay == ANSWER_UNKNOWN)
		say(info, "notes", "what the kernel can do could not be tried: run it as root");
	if (!has_tree)
		say(info, "reasons", "there is no overlay2 tree with layers here");
	json_object_set_new(info, "fit", json_boolean(!json_object_get(info, "reasons")));
	return !json_object_get(info, "reasons");
}

/* Docker's names for what --format may ask. */
static const char *key_of(const char *name)
{
	static const char *const docker[][2] = {
		{ "Driver", "driver" },
		{ "DockerRootDir", "path" },
		{ "KernelVersion", "kernel" },
		{ "Images", "images" },
		{ "Containers", "containers" },
		{ "BackingFilesystem", "backing_filesystem" },
		{ "SupportsDType", "supports_d_type" },
	};

	for (size_t i = 0; i < sizeof(docker) / sizeof(docker[0]); i++) {
		if (strcmp(docker[i][0], name) == 0)
			return docker[i][1];
	}
	return name;
}

/* Text in which each {{.NAME}} stands for a field. */
static int print_format(const json_t *info, const char *format, struct ovl_error *err)
{
	const char *at = format, *begin, *end;
	char name[64];

	while ((begin = strstr(at, "{{")) && (end = strstr(begin, "}}"))) {
		const json_t *value;

		printf("%.*s", (int)(begin - at), at);
		if (sscanf(begin, "{{ .%63[A-Za-z_]", name) != 1 ||
		    !(value = json_object_get(info, key_of(name))))
			return ovl_fail(err, EINVAL, "use",
					"no such field: `ovlctl info --json` has their names", NULL,
					"%.*s", (int)(end + 2 - begin), begin);
		if (json_is_string(value))
			out_text(stdout, json_string_value(value));
		else
			json_dumpf(value, stdout,
				   JSON_ENCODE_ANY | JSON_COMPACT | JSON_ENSURE_ASCII);
		at = end + 2;
	}
	puts(at);
	return 0;
}

static int run(struct call *call, struct ovl_error *err)
{
	const char *path = call->argc ? call->argv[0] : call->root,
		   *format = call_option(call, "format");
	struct kernel kernel;
	struct store store;
	json_t *info = json_object();
	int ret = store_open(&store, path, err), fd;
	bool has_tree = ret == 0, is_fit;

	/* A root without a tree is told of, too. */
	if (ret == -ENOENT && path && (fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) >= 0) {
		store.root = store.tree = (struct dir){ fd, realpath(path, NULL) ?: path };
		ret = 0;
	}
	if (ret < 0)
		return ret;
	kernel_probe(&kernel, store.tree.path);
	json_object_set_new(info, "path",
			    out_string(store.root.fd >= 0 ? store.root.path : store.tree.path));
	if (has_tree)
		describe_store(info, &store);
	json_object_set_new(info, "backing_filesystem", json_string(backing(store.tree.fd)));
	json_object_set_new(info, "supports_d_type", json_boolean(has_d_type(store.tree.fd)));
	describe_kernel(info, &kernel);
	if (store.root.fd >= 0 && store.kind != STORE_PODMAN)
		ret = describe_drivers(info, &store.root, &has_tree, err);
	if (ret < 0)
		return ret;
	is_fit = judge(info, &kernel, json_is_true(json_object_get(info, "supports_d_type")),
		       has_tree);
	if (format)
		ret = print_format(info, format, err);
	else
		out_object(&call->out, info, columns, sizeof(columns) / sizeof(columns[0]));
	json_decref(info);
	return ret < 0 ? ret : !is_fit;
}

const struct verb cmd_info = {
	.name = "info",
	.arguments = "[TREE|ROOT]",
	.summary = "what is there, and whether file system and kernel are fit for it",
	.max = 1,
	.run = run,
	.options = { { "format", 'f', "TEXT", "one field: '{{.Driver}}', as docker info has it" } },
};
