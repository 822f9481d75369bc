/* SPDX-License-Identifier: MIT */
/*
 * ovlctl diff: what a layer changed of those below it, or what differs between two stacks, as `docker diff` has it: both are
 * views, which are compared directory by directory. What both have from the same layers is the same and is not looked at.
 *
 * Podman has other rules for a layer and those below it: it looks at each thing in the layer, and whether one of that name
 * is in a lower one. These are the same directories, raw: with whiteouts, and whatever opaque marks say.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "same.h"
#include "verb.h"
#include "view.h"

struct change {
	char *path;
	char kind[2];
};

struct diff {
	struct view old, new;
	struct same same;    /* how they are compared */
	char path[PATH_MAX]; /* of what is compared, each name with a slash in front */
	size_t len;
	struct change *changes;
	size_t count;
};

/* A directory that is compared, in the one that it is in. As its path fits PATH_MAX, there are not more than half as many. */
struct place {
	struct place *above;
	size_t len;   /* of its path */
	bool is_told; /* it is among the changes, or is the root */
};

static void add(struct diff *diff, char kind, size_t len)
{
	struct change change = { .path = strndup(diff->path, len), .kind = { kind } };

	diff->changes = file_grow(diff->changes, diff->count, sizeof(change));
	diff->changes[diff->count++] = change;
}

/* What diff->path leads to, and the directories it is in: they are changed by that. */
static void tell(struct diff *diff, char kind, struct place *place)
{
	for (; !place->is_told; place = place->above) {
		place->is_told = true;
		add(diff, 'C', place->len);
	}
	add(diff, kind, diff->len);
}

/* Docker's rules for two views: how diff->path differs, or 0. */
static char judge(const struct diff *diff, const struct view_entry *old,
		  const struct view_entry *new)
{
	if (!new)
		return 'D';
	if (!old)
		return 'A';
	return same_thing(&diff->same, diff->path + 1, old, new) ? 0 : 'C';
}

/* Podman's for a layer: old is the uppermost of that name in the lower ones, perhaps a whiteout (containers/storage, changes.go). */
static char judge_raw(const struct diff *diff, const struct view_entry *old,
		      const struct view_entry *new)
{
	const struct stat *a, *b;

	if (!new)
		return 0;
	if (view_is_whiteout(new))
		return 'D';
	if (!old || view_is_whiteout(old))
		return 'A';
	a = &old->st;
	b = &new->st;
	if (!S_ISDIR(b->st_mode))
		return 'C';
	if (view_is_opaque(&diff->new, new->layer, diff->path + 1))
		return 'D';
	return a->st_mode == b->st_mode && a->st_size == b->st_size &&
			       same_time(&diff->same, &a->st_mtim, &b->st_mtim)
		       ? 0
		       : 'C';
}

static bool is_same_dir(const struct view_dir *a, const struct view_dir *b)
{
	bool is_equal = a->count == b->count;

	for (unsigned int i = 0; is_equal && i < a->count; i++)
		is_equal = a->layers[i] == b->layers[i];
	return is_equal;
}

static int compare_dirs(struct diff *diff, const struct view_dir *old, const struct view_dir *new,
			struct place *place, struct ovl_error *err);

/* Goes into the new directory that diff->path leads to, and the old one, if it was one. */
static int descend(struct diff *diff, const struct view_dir *old_dir, bool has_old,
		   const struct view_dir *new_dir, struct place *place, struct ovl_error *err)
{
	struct view_dir below_old = { 0 }, below_new;
	int ret = view_enter(&diff->new, new_dir, diff->path + 1, &below_new, err);

	if (ret < 0)
		return ret;
	if (has_old)
		ret = view_enter(&diff->old, old_dir, diff->path + 1, &below_old, err);
	if (ret == 0 && !is_same_dir(&below_old, &below_new))
		ret = compare_dirs(diff, &below_old, &below_new, place, err);
	free(below_old.layers);
	free(below_new.layers);
	return ret;
}

/* One name: old or new may be NULL. */
static int compare_entries(struct diff *diff, const struct view_dir *old_dir,
			   const struct view_entry *old, const struct view_dir *new_dir,
			   const struct view_entry *new, struct place *place, struct ovl_error *err)
{
	const char *name = new ? new->name : old->name;
	struct place own = { .above = place };
	size_t len = diff->len;
	char kind;
	int ret = 0;

	if (len + 1 + strlen(name) >= sizeof(diff->path))
		return ovl_fail(err, ENAMETOOLONG, "compare", NULL, NULL, "%s/%s", diff->path,
				name);
	diff->path[len] = '/';
	strcpy(diff->path + len + 1, name);
	own.len = diff->len = len + 1 + strlen(name);
	kind = diff->new.is_raw ? judge_raw(diff, old, new) : judge(diff, old, new);
	own.is_told = kind != 0;
	if (diff->new.is_raw && kind == 'C')
		add(diff, kind, diff->len);
	else if (kind)
		tell(diff, kind, place);
	if (new &&S_ISDIR(new->st.st_mode))
		ret = descend(diff, old_dir, old && S_ISDIR(old->st.st_mode), new_dir, &own, err);
	diff->len = len;
	diff->path[len] = '\0';
	return ret;
}

static int compare_dirs(struct diff *diff, const struct view_dir *old, const struct view_dir *new,
			struct place *place, struct ovl_error *err)
{
	const char *path = diff->path + (diff->len ? 1 : 0);
	struct view_list a, b = { 0 };
	int ret = view_list(&diff->old, old, path, &a, err)
			  ?: view_list(&diff->new, new, path, &b, err);

	for (size_t i = 0, k = 0; ret == 0 && (i < a.count || k < b.count);) {
		int order = i == a.count   ? 1
			    : k == b.count ? -1
					   : strcmp(a.entries[i].name, b.entries[k].name);

		ret = compare_entries(diff, old, order <= 0 ? &a.entries[i++] : NULL, new,
				      order >= 0 ? &b.entries[k++] : NULL, place, err);
	}
	view_list_free(&a);
	view_list_free(&b);
	return ret;
}

static int compare_changes(const void *a, const void *b)
{
	const struct change *x = a, *y = b;

	return strcmp(x->path, y->path);
}

/* What Podman makes in every container; its own `diff` leaves it out (libpod, diff.go). */
static bool is_left_out(const struct diff *diff, const char *path)
{
	static const char *const made[] = {
		"/dev",
		"/etc/hostname",
		"/etc/hosts",
		"/etc/mtab",
		"/etc/resolv.conf",
		"/proc",
		"/run",
		"/run/.containerenv",
		"/run/notify",
		"/run/secrets",
		"/sys",
		"/run/podman-init",
	};

	for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
		if (diff->same.is_podmans && strcmp(path, made[i]) == 0)
			return true;
	}
	return false;
}

/* Sorts them, and leaves out what the engine would. */
static void finish(struct diff *diff)
{
	size_t kept = 0;

	if (diff->count)
		qsort(diff->changes, diff->count, sizeof(*diff->changes), compare_changes);
	for (size_t i = 0; i < diff->count; i++) {
		if (!is_left_out(diff, diff->changes[i].path))
			diff->changes[kept++] = diff->changes[i];
	}
	diff->count = kept;
}

static json_t *row(size_t i, void *context)
{
	const struct diff *diff = context;

	return json_pack("{s:s, s:o}", "kind", diff->changes[i].kind, "path",
			 out_string(diff->changes[i].path));
}

static void print(const struct out *out, struct diff *diff)
{
	if (out->is_json) {
		out_rows(out, NULL, 0, diff->count, row, diff);
		return;
	}
	for (size_t i = 0; i < diff->count; i++) {
		if (!out->is_quiet)
			printf("%s ", diff->changes[i].kind);
		out_text(stdout, diff->changes[i].path);
		putchar('\n');
	}
}

/* The view of what the user calls name. */
static int open_view(struct view *view, const struct store *store, const char *name,
		     struct ovl_error *err)
{
	struct named named;
	int ret = store_name(store, name, &named, err);

	if (ret < 0)
		return ret;
	/* An image of no layers has nothing in it; a container has one, or has lost it. */
	if (named.layer == NO_LAYER && (named.container || named.image->wrong))
		return ovl_fail(err, EBADMSG, "use",
				named.image ? named.image->wrong : "its layer is not in the tree",
				"`ovlctl check` tells more", "%s", name);
	return view_open(view, store, named.layer, err);
}

/* Whether the new stack is the old one with a layer upon it. */
static bool is_child(const struct diff *diff)
{
	const struct stack *old = &diff->old.stack, *new = &diff->new.stack;

	return new->count == old->count + 1 &&
	       (old->count == 0 || new->layers[1] == old->layers[0]);
}

static int run(struct call *call, struct ovl_error *err)
{
	static struct diff diff;
	struct place root = { .is_told = true };
	struct view_dir old, new;
	struct store store;
	int ret = store_open(&store, call->root, err)
			  ?: open_view(&diff.old, &store, call->argv[0], err)
			  ?: open_view(&diff.new, &store, call->argv[call->argc - 1], err);

	if (ret < 0)
		return ret;
	diff.same = (struct same){ &diff.old, &diff.new, store.kind == STORE_PODMAN };
	if (call->argc == 1)
		view_without_top(&diff.old);
	if (diff.same.is_podmans && is_child(&diff)) {
		diff.old.is_raw = diff.new.is_raw = true;
		view_top_alone(&diff.new);
	}
	old = view_root(&diff.old);
	new = view_root(&diff.new);
	ret = compare_dirs(&diff, &old, &new, &root, err)
		      ?: view_check(&diff.old, err)
		      ?: view_check(&diff.new, err);
	free(old.layers);
	free(new.layers);
	if (ret < 0)
		return ret;
	if (diff.old.has_redirects || diff.new.has_redirects)
		out_note(&call->out, "directories were renamed there by means that are not "
				     "followed: a launch refuses them (EPERM), and what they "
				     "brought along is not shown");
	finish(&diff);
	print(&call->out, &diff);
	return diff.count > 0;
}

const struct verb cmd_diff = {
	.name = "diff",
	.arguments = "NAME|ID [NAME|ID]",
	.summary = "what a layer or a container changed; or from one stack to another",
	.min = 1,
	.max = 2,
	.run = run,
};
