/* SPDX-License-Identifier: MIT */
/*
 * ovlctl ps: what overlays are mounted, by whom, of which layers. The kernel's mount tables are the truth: there is no list of
 * sessions anywhere. An overlay that several namespaces have is one row.
 *
 * MUST 1. What a user has mounted in a namespace of his own has no name, unless it looks like a session of his with -u, and
 *         changes nothing that is told of others. (ctl-ps.bats)
 */
#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mounts.h"
#include "verb.h"

#define PROC_PATH_SIZE 64
#define STATUS_SIZE    1024 /* /proc/PID/status up to the line that is read */
#define FOREIGN_MAX    8    /* layers that are kept of what a user has mounted */

static const struct column columns[] = {
	{ "PID", "pid", COLUMN_COUNT },
	{ "USER", "user", COLUMN_TEXT },
	{ "KIND", "kind", COLUMN_TEXT },
	{ "NAME", "name", COLUMN_TEXT },
	{ "LAYERS", "layer_count", COLUMN_COUNT },
	{ "MOUNT POINT", "mount_point", COLUMN_TEXT },
	{ "COMMAND", "command", COLUMN_TEXT },
};

/* Who has mounted an overlay is known by what it is made of, if it was no user. */
static const struct {
	const char *part, *kind;
} kinds[] = {
	{ "/run/ovlrun/", "ovlrun" }, { MOUNTS_OWN "/", "ovlctl" },
	{ "/run/ovl/", "ovlinit" },   { "/io.containerd.snapshotter.v1.overlayfs/", "containerd" },
	{ "/overlay2/", "docker" },   { "/overlay/", "podman" },
};

struct session {
	char *device;
	bool is_inside; /* it is the root directory of the process */
	bool is_foreign;
	json_t *row;
};

struct sessions {
	const struct store *store; /* or NULL: there is no tree that could tell names */
	void *by_device;	   /* a tree of tsearch(3) */
	struct session **list;
	size_t count;
};

static const char *kind_of(const struct overlay *overlay)
{
	const char *const texts[] = { overlay->upper,
				      overlay->lower_count ? overlay->lowers[0] : NULL,
				      overlay->point };

	if (overlay->is_foreign)
		return mounts_is_session(overlay) ? "ovlrun" : "user";
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		for (size_t k = 0; k < sizeof(texts) / sizeof(texts[0]); k++) {
			if (texts[k] && strstr(texts[k], kinds[i].part))
				return kinds[i].kind;
		}
	}
	return "other";
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
static void read_process(pid_t pid, const char *name, char *text, size_t size)
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
}

/*
 * Stays null for the namespace of this process, whose mounts are nobody's in particular. What is read is in the kernel's memory:
 * for /proc/PID/cmdline it asks that of the process, which may lie on a file system that never answers.
 */
static void describe_process(json_t *row, pid_t pid)
{
	char text[STATUS_SIZE];
	const struct passwd *entry;
	unsigned int uid;
	const char *at;

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
	read_process(pid, "comm", text, sizeof(text));
	text[strcspn(text, "\n")] = '\0';
	json_object_set_new(row, "command", out_string(text));
}

static unsigned int layer_of(const struct sessions *sessions, const struct overlay *overlay,
			     const char *path)
{
	return sessions->store && path ? mounts_layer(sessions->store, overlay, path) : NO_LAYER;
}

/* A mount point; of a user's no more than a path can be long. */
static json_t *point_of(const struct overlay *overlay)
{
	char text[PATH_MAX];

	if (!overlay->is_foreign)
		return out_string(overlay->point);
	snprintf(text, sizeof(text), "%s", overlay->point);
	return out_string(text);
}

static json_t *describe(const struct sessions *sessions, const struct overlay *overlay)
{
	unsigned int first =
		overlay->lower_count && mounts_is_generated(overlay->lowers[0]) ? 1 : 0;
	unsigned int top = layer_of(sessions, overlay, overlay->upper);
	json_t *layers = json_array(), *row;

	for (unsigned int i = first; i < overlay->lower_count; i++) {
		unsigned int layer = layer_of(sessions, overlay, overlay->lowers[i]);

		if (i == first && top == NO_LAYER)
			top = layer;
		if (overlay->is_foreign && i == first + FOREIGN_MAX)
			break;
		json_array_append_new(
			layers, out_string(layer == NO_LAYER ? overlay->lowers[i]
							     : sessions->store->layers[layer].id));
	}
	row = json_pack("{s:n, s:n, s:n, s:s, s:o, s:i, s:o, s:n, s:o, s:o, s:s}", "pid", "uid",
			"user", "kind", kind_of(overlay), "name",
			sessions->store ? name_of(sessions->store, top) : json_null(),
			"layer_count", (int)(overlay->lower_count - first), "mount_point",
			point_of(overlay), "command", "layers", layers, "upper",
			overlay->upper ? out_string(overlay->upper) : json_null(), "device",
			overlay->device);
	describe_process(row, overlay->pid);
	return row;
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct session *)a)->device, ((const struct session *)b)->device);
}

/* The session of this overlay, perhaps a new one, without a row. */
static struct session *session_of(struct sessions *sessions, const struct overlay *overlay)
{
	struct session key = { .device = (char *)overlay->device }, *session, **found;

	found = tfind(&key, &sessions->by_device, compare);
	if (found)
		return *found;
	session = file_alloc(sizeof(*session));
	session->device = file_copy(overlay->device);
	sessions->list = file_grow(sessions->list, sessions->count, sizeof(session));
	sessions->list[sessions->count++] = session;
	if (!tsearch(session, &sessions->by_device, compare))
		abort(); /* there is no memory */
	return session;
}

/*
 * An overlay that is there already is told anew only if it was a user's namespace that told of it. A process that lives in it
 * is named, unless that is in a namespace of a user's, who may live in whatever he can reach.
 */
static int take(const struct overlay *overlay, void *context)
{
	bool is_inside = overlay->pid && !overlay->is_foreign && strcmp(overlay->point, "/") == 0;
	struct session *session = session_of(context, overlay);

	if (!session->row || (session->is_foreign && !overlay->is_foreign)) {
		json_decref(session->row);
		session->row = describe(context, overlay);
		session->is_foreign = overlay->is_foreign;
	} else if (is_inside && !session->is_inside) {
		describe_process(session->row, overlay->pid);
	}
	session->is_inside |= is_inside;
	return 0;
}

static json_t *row(size_t i, void *context)
{
	const struct sessions *sessions = context;

	return json_incref(sessions->list[i]->row);
}

/* 0; there may be no tree, which is told, and then no names; but one that was asked for must be there. */
static int open_store(struct call *call, struct store *store, struct sessions *sessions,
		      struct ovl_error *err)
{
	int ret = store_find(store, call->root, err);
	bool is_there = ret == 0;

	if (is_there)
		ret = store_open(store, call->root, err);
	if (ret == 0)
		sessions->store = store;
	else if (call->root)
		return ret;
	else if (is_there || ret != -ENOENT)
		out_note(&call->out, "there are no names: cannot %s %s: %s", err->verb,
			 out_escaped(err->object), err->reason ?: strerror(err->errnum));
	return 0;
}

static int run(struct call *call, struct ovl_error *err)
{
	struct sessions sessions = { 0 };
	bool is_partial = false;
	struct store store;
	int ret = open_store(call, &store, &sessions, err)
			  ?: mounts_all(take, &sessions, &is_partial, err);

	if (ret < 0)
		return ret;
	out_rows(&call->out, columns, sizeof(columns) / sizeof(columns[0]), sessions.count, row,
		 &sessions);
	if (is_partial)
		out_note(&call->out, "there are processes that you may not look at: what only they "
				     "see mounted is not shown");
	return 0;
}

const struct verb cmd_ps = {
	.name = "ps",
	.arguments = "",
	.summary = "overlays that are mounted: ovlrun's sessions, containers, others",
	.run = run,
};
