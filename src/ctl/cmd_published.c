/* SPDX-License-Identifier: MIT */
/* ovlctl published: the image records, whether they still hold, and who may use them. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "digest.h"
#include "image_name.h"
#include "ovl/beneath.h"
#include "ovl/tree.h"
#include "policy.h"
#include "record.h"
#include "store.h"
#include "verb.h"

#define RECORDS POLICY_DIR "/" RECORD_DIR

static const struct column columns[] = {
	{ "NAME", "name", COLUMN_TEXT },   { "LAYER", "layer", COLUMN_SHORT },
	{ "STATE", "state", COLUMN_TEXT }, { "USERS", "users", COLUMN_LIST },
	{ "TREE", "tree", COLUMN_TEXT },   { "", "wrong", COLUMN_TEXT },
};

/* The store of a tree that a record names; each is read once. */
struct opened {
	const char *tree;
	struct store store;
	bool is_there;
};

struct listing {
	struct dir dir; /* of the records */
	struct policy policy;
	char **files; /* paths beneath it */
	unsigned int file_count;
	struct opened *opened;
	unsigned int opened_count;
	bool is_broken;	   /* one of those that were looked at */
	const char *above; /* directory in hand, while files are listed */
	struct ovl_error *err;
};

static int add_file(const char *name, void *context)
{
	struct listing *listing = context;
	const struct dir here = { -1, listing->above };
	char *path = listing->above[0] ? file_path(&here, name) : file_copy(name);
	const char *above = listing->above;
	struct stat st;
	int ret = 0;

	if (name[0] == '.')
		return 0;
	if (fstatat(listing->dir.fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0; /* gone meanwhile */
	if (S_ISDIR(st.st_mode)) {
		listing->above = path;
		ret = file_each(&listing->dir, path, add_file, listing, listing->err);
		listing->above = above;
		return ret;
	}
	listing->files = file_grow(listing->files, listing->file_count, sizeof(char *));
	listing->files[listing->file_count++] = path;
	return 0;
}

static const char *first_tree(const struct policy *policy)
{
	for (unsigned int i = 0; i < policy->count; i++) {
		if (policy->lines[i].kind == LINE_TREE)
			return policy->lines[i].tree;
	}
	return NULL;
}

/* The engine's view of a tree, or NULL. */
static const struct store *store_of(struct listing *listing, const char *tree)
{
	struct opened *opened;
	struct ovl_error ignored;

	for (unsigned int i = 0; i < listing->opened_count; i++) {
		opened = &listing->opened[i];
		if (strcmp(opened->tree, tree) == 0)
			return opened->is_there ? &opened->store : NULL;
	}
	listing->opened = file_grow(listing->opened, listing->opened_count, sizeof(*opened));
	opened = &listing->opened[listing->opened_count++];
	opened->tree = file_copy(tree);
	opened->is_there = store_open(&opened->store, tree, &ignored) == 0;
	return opened->is_there ? &opened->store : NULL;
}

/* Whether the engine has another image by this name now. */
static bool is_stale(const struct store *store, const struct record *record, const char *name)
{
	struct named named;
	struct ovl_error ignored;

	if (!store || record->is_exact ||
	    store_name(store, record->source ?: name, &named, &ignored) < 0 || !named.image)
		return false;
	if (digest_hex_of(record->digest))
		return strcmp(digest_hex_of(record->digest), named.image->id) != 0;
	return named.layer == NO_LAYER ||
	       strcmp(store->layers[named.layer].id, record->layers) != 0;
}

/* As ovlrun goes about it. */
static int resolve(const struct record *record, const char *path, struct ovl_error *err)
{
	static struct ovl_stack stack;
	struct ovl_tree tree;
	int ret;

	if (!record->tree)
		return ovl_cannot(err, EINVAL, "use", path,
				  "neither it nor the policy names a tree");
	ret = ovl_tree_open(&tree, record->tree, err);
	if (ret < 0)
		return ret;
	stack.depth = 0;
	ret = record->is_exact ? ovl_stack_parse(&stack, record->layers, err)
			       : ovl_stack_add(&stack, record->layers, strlen(record->layers), err);
	ret = ret ?: ovl_tree_resolve(&tree, &stack, !record->is_exact, err);
	close(tree.fd);
	return ret;
}

/* "a,b" as an array. */
static json_t *words_of(const char *list)
{
	json_t *words = json_array();
	char *rest = file_copy(list), *word, *text = rest;

	while ((word = strsep(&rest, ","))) {
		if (*word)
			json_array_append_new(words, out_string(word));
	}
	free(text);
	return words;
}

static json_t *rules_of(const struct policy *about, json_t *users)
{
	json_t *rules = json_array();

	for (unsigned int i = 0; i < about->count; i++) {
		const struct line *line = &about->lines[i];
		json_t *who = out_string(line->who.text);

		json_array_append_new(users,
				      line->kind == LINE_PERMIT
					      ? json_incref(who)
					      : json_sprintf("not %s", json_string_value(who)));
		json_array_append_new(rules, json_pack("{s:o, s:b, s:o, s:o, s:s, s:i}", "who", who,
						       "permit", line->kind == LINE_PERMIT, "may",
						       words_of(line->features), "limit",
						       out_string(line->limit), "file", line->file,
						       "line", (int)line->number));
	}
	return rules;
}

/* What ovlrun has against the record, or 0. */
static int examine(const struct listing *listing, const char *file, struct record *record,
		   struct ovl_error *err)
{
	char *path = file_path(&listing->dir, file);
	const char *tree = first_tree(&listing->policy);
	struct stat st;
	int ret = 0;

	*record = (struct record){ 0 };
	if (fstatat(listing->dir.fd, file, &st, AT_SYMLINK_NOFOLLOW) < 0)
		ret = ovl_cannot(err, errno, "examine", path, NULL);
	else if (ovl_beneath_untrusted(&st))
		ret = ovl_cannot(err, EPERM, "trust", path, ovl_beneath_untrusted(&st));
	ret = ret ?: record_read(record, &listing->dir, file, err);
	if (ret == 0 && !record->tree && tree)
		record->tree = file_copy(tree);
	ret = ret ?: resolve(record, path, err);
	free(path);
	return ret;
}

static json_t *text_or_null(const char *text)
{
	return text ? out_string(text) : json_null();
}

static json_t *row(size_t i, void *context)
{
	struct listing *listing = context;
	const char *file = listing->files[i], *state = "ok";
	char name[IMAGE_NAME_SIZE], wrong[sizeof(struct ovl_error) + 128] = "";
	json_t *users = json_array(), *rules = json_array();
	struct policy about;
	struct record record;
	struct ovl_error err = { 0 };

	if (examine(listing, file, &record, &err) < 0)
		snprintf(wrong, sizeof(wrong), "cannot %s %s: %s", err.verb, err.object,
			 err.reason ?: strerror(err.errnum));
	if (!image_name_whole(file, name)) {
		snprintf(wrong, sizeof(wrong), "its file's name is no name of an image");
	} else {
		policy_about(&listing->policy, name, &about);
		json_decref(rules);
		rules = rules_of(&about, users);
		free(about.lines);
	}
	if (wrong[0] && err.errnum == EACCES) {
		state = "unknown"; /* to who is not root */
	} else if (wrong[0]) {
		state = "broken";
		listing->is_broken = true;
	} else if (is_stale(store_of(listing, record.tree), &record, name)) {
		state = "stale";
	}
	return json_pack("{s:o, s:s, s:o, s:o, s:b, s:o, s:o, s:o, s:o, s:o}", "name",
			 out_string(file), "state", state, "tree", text_or_null(record.tree),
			 "layer", text_or_null(record.layers), "is_exact", record.is_exact,
			 "digest", text_or_null(record.digest), "source",
			 text_or_null(record.source), "users", users, "rules", rules, "wrong",
			 out_string(wrong));
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int run(struct call *call, struct ovl_error *err)
{
	struct listing listing = { .dir = { -1, RECORDS }, .above = "", .err = err };
	int ret = policy_read(&listing.policy, err);

	if (ret < 0)
		return ret;
	listing.dir.fd = ovl_beneath_open_trusted(RECORDS, err);
	if (listing.dir.fd < 0 && listing.dir.fd != -ENOENT)
		return listing.dir.fd;
	if (listing.dir.fd >= 0)
		ret = file_each(&listing.dir, ".", add_file, &listing, err);
	if (ret < 0)
		return ret;
	if (listing.file_count)
		qsort(listing.files, listing.file_count, sizeof(char *), compare);
	out_rows(&call->out, columns, sizeof(columns) / sizeof(columns[0]), listing.file_count, row,
		 &listing);
	return listing.is_broken;
}

const struct verb cmd_published = {
	.name = "published",
	.arguments = "",
	.summary = "what is published, whether it still holds, and for whom",
	.run = run,
};
