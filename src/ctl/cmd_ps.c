/* SPDX-License-Identifier: MIT */
/*
 * ovlctl ps: what overlays are mounted, by whom, of which layers. The kernel's mount tables are the truth: there is no list of
 * sessions anywhere. An overlay that several namespaces have is one row.
 */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mounts.h"
#include "verb.h"

#define PROC_PATH_SIZE 64
#define STATUS_SIZE    1024 /* /proc/PID/status up to the line that is read */
#define COMMAND_SIZE   4096

static const struct column columns[] = {
	{ "PID", "pid", COLUMN_COUNT },
	{ "USER", "user", COLUMN_TEXT },
	{ "KIND", "kind", COLUMN_TEXT },
	{ "NAME", "name", COLUMN_TEXT },
	{ "LAYERS", "layer_count", COLUMN_COUNT },
	{ "MOUNT POINT", "mount_point", COLUMN_TEXT },
	{ "COMMAND", "command", COLUMN_TEXT },
};

/* Who has mounted an overlay is known by what it is made of. */
static const struct {
	const char *part, *kind;
	bool is_generated; /* a lower of that name is no layer */
} kinds[] = {
	{ "/run/ovlrun/", "ovlrun", true },
	{ MOUNTS_OWN "/", "ovlctl", true },
	{ "/run/ovl/", "ovlinit", true },
	{ "/io.containerd.snapshotter.v1.overlayfs/", "containerd", false },
	{ "/overlay2/", "docker", false },
	{ "/overlay/", "podman", false },
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

struct session {
	char *device;
	bool is_inside; /* it is the root directory of the process */
	json_t *row;
};

struct sessions {
	const struct store *store;	   /* or NULL: there is no tree that could tell names */
	const struct namespace *namespace; /* whose mounts are read */
	struct session *list;
	size_t count;
};

static const char *kind_of(const struct overlay *overlay)
{
	const char *const texts[] = { overlay->upper,
				      overlay->lower_count ? overlay->lowers[0] : NULL,
				      overlay->point };

	for (size_t i = 0; i < KINDS; i++) {
		for (size_t k = 0; k < sizeof(texts) / sizeof(texts[0]); k++) {
			if (texts[k] && strstr(texts[k], kinds[i].part))
				return kinds[i].kind;
		}
	}
	return "other";
}

static bool is_generated(const char *path)
{
	for (size_t i = 0; i < KINDS; i++) {
		if (kinds[i].is_generated &&
		    strncmp(path, kinds[i].part, strlen(kinds[i].part)) == 0)
			return true;
	}
	return false;
}

/* What is mounted, as users call it: the container or else the image that has this uppermost layer. */
static json_t *name_of(const struct store *store, unsigned int layer)
{
	for (unsigned int i = 0; layer != NO_LAYER && i < store->container_count; i++) {
		if (store->containers[i].layer == layer)
			return out_string(store->containers[i].name);
	}
	for (unsigned int i = 0; layer != NO_LAYER && i < store->image_count; i++) {
		if (store->images[i].layer == layer && store->images[i].name_count)
			return out_string(store->images[i].names[0]);
	}
	return json_null();
}

/* The first bytes of a file of a process, with a NUL; empty if it is gone. */
static size_t read_process(pid_t pid, const char *name, char *text, size_t size)
{
	char path[PROC_PATH_SIZE];
	FILE *file;
	size_t len;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	file = fopen(path, "re");
	len = file ? fread(text, 1, size - 1, file) : 0;
	text[len] = '\0';
	if (file)
		fclose(file);
	return len;
}

/* Stays null for the namespace of this process, whose mounts are nobody's in particular. */
static void describe_process(json_t *row, pid_t pid)
{
	char text[COMMAND_SIZE];
	const struct passwd *entry;
	unsigned int uid;
	const char *at;
	size_t len;

	if (pid == 0)
		return;
	json_object_set_new(row, "pid", json_integer(pid));
	read_process(pid, "status", text, STATUS_SIZE);
	at = strstr(text, "\nUid:");
	if (at && sscanf(at, "\nUid: %u", &uid) == 1) {
		entry = getpwuid(uid);
		json_object_set_new(row, "uid", json_integer(uid));
		json_object_set_new(row, "user",
				    entry ? out_string(entry->pw_name) : json_sprintf("%u", uid));
	}
	len = read_process(pid, "cmdline", text, sizeof(text));
	for (size_t i = 0; i + 1 < len; i++) {
		if (text[i] == '\0')
			text[i] = ' ';
	}
	json_object_set_new(row, "command", out_string(text));
}

/* The layer that path is, or NO_LAYER. */
static unsigned int layer_of(const struct sessions *sessions, const char *path)
{
	return sessions->store ? mounts_layer(sessions->store, path) : NO_LAYER;
}

static json_t *describe(const struct sessions *sessions, const struct overlay *overlay)
{
	unsigned int first = overlay->lower_count && is_generated(overlay->lowers[0]) ? 1 : 0;
	unsigned int top = overlay->upper ? layer_of(sessions, overlay->upper) : NO_LAYER;
	json_t *layers = json_array(), *row;

	for (unsigned int i = first; i < overlay->lower_count; i++) {
		unsigned int layer = layer_of(sessions, overlay->lowers[i]);

		if (i == first && top == NO_LAYER)
			top = layer;
		json_array_append_new(
			layers, out_string(layer == NO_LAYER ? overlay->lowers[i]
							     : sessions->store->layers[layer].id));
	}
	row = json_pack("{s:n, s:n, s:n, s:s, s:o, s:i, s:o, s:n, s:o, s:o, s:s}", "pid", "uid",
			"user", "kind", kind_of(overlay), "name",
			sessions->store ? name_of(sessions->store, top) : json_null(),
			"layer_count", (int)json_array_size(layers), "mount_point",
			out_string(overlay->point), "command", "layers", layers, "upper",
			overlay->upper ? out_string(overlay->upper) : json_null(), "device",
			overlay->device);
	describe_process(row, sessions->namespace->pid);
	return row;
}

/* An overlay that is there already is told anew only if now it is seen by a process that lives in it. */
static int take(const struct overlay *overlay, void *context)
{
	struct sessions *sessions = context;
	bool is_inside = sessions->namespace->pid && strcmp(overlay->point, "/") == 0;
	struct session *session = NULL;

	for (size_t i = 0; i < sessions->count && !session; i++) {
		if (strcmp(sessions->list[i].device, overlay->device) == 0)
			session = &sessions->list[i];
	}
	if (session && (session->is_inside || !is_inside))
		return 0;
	if (!session) {
		sessions->list = file_grow(sessions->list, sessions->count, sizeof(*session));
		session = &sessions->list[sessions->count++];
		*session = (struct session){ .device = file_copy(overlay->device) };
	}
	json_decref(session->row);
	session->row = describe(sessions, overlay);
	session->is_inside = is_inside;
	return 0;
}

static json_t *row(size_t i, void *context)
{
	const struct sessions *sessions = context;

	return json_incref(sessions->list[i].row);
}

static int run(struct call *call, struct ovl_error *err)
{
	struct sessions sessions = { 0 };
	struct namespaces namespaces;
	struct store store;
	int ret = store_open(&store, call->root, err);

	/* Without a tree there are no names; but one that was asked for must be there. */
	if (ret < 0 && call->root)
		return ret;
	sessions.store = ret == 0 ? &store : NULL;
	ret = mounts_namespaces(&namespaces, err);
	if (ret < 0)
		return ret;
	for (size_t i = 0; i < namespaces.count; i++) {
		sessions.namespace = &namespaces.list[i];
		mounts_each(sessions.namespace, take, &sessions);
	}
	out_rows(&call->out, columns, sizeof(columns) / sizeof(columns[0]), sessions.count, row,
		 &sessions);
	if (namespaces.is_partial)
		out_note(&call->out, "there are processes that you may not look at: what only they "
				     "see mounted is not shown");
	for (size_t i = 0; i < sessions.count; i++) {
		json_decref(sessions.list[i].row);
		free(sessions.list[i].device);
	}
	free(sessions.list);
	free(namespaces.list);
	return 0;
}

const struct verb cmd_ps = {
	.name = "ps",
	.arguments = "",
	.summary = "overlays that are mounted: ovlrun's sessions, containers, others",
	.run = run,
};
