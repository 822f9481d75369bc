/* SPDX-License-Identifier: MIT */
/* ovlctl allow: publishes an image under a name, and says who may use it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "config.h"
#include "offer.h"
#include "ovl/tree.h"
#include "publish.h"
#include "verdict.h"

#define TREE_MAX 1023 /* bytes of a tree's path that ovlrun takes */
#define OURS	 POLICY_DIR "/" POLICY_OURS

/* The name as people write it to ovlrun. */
static const char *plain_name(const char *name)
{
	const char *plain = store_short_name(name);

	return strncmp(plain, "localhost/", 10) == 0 ? plain + 10 : plain;
}

/* The engine's name of the image that NAME is, or NULL: it was named otherwise. */
static const char *engine_name(const struct image *image, const char *name)
{
	char wanted[IMAGE_NAME_SIZE];

	if (!image || !image_name_whole(plain_name(name), wanted))
		return NULL;
	for (unsigned int i = 0; i < image->name_count; i++) {
		if (strcmp(plain_name(image->names[i]), wanted) == 0)
			return image->names[i];
	}
	return NULL;
}

static int choose_name(struct offer *offer, const struct call *call, const struct named *named,
		       struct ovl_error *err)
{
	const char *as = call_option(call, "as"), *known = engine_name(named->image, call->argv[0]);

	offer->record.source = file_copy(known ?: call->argv[0]);
	if (!as && !known)
		return ovl_fail(err, EINVAL, "publish",
				"it is no name of an image by which people could ask for it",
				"give it one: --as NAME", "%s", call->argv[0]);
	/* A rule has the name whole. */
	if (!image_name_whole(as ?: store_short_name(call->argv[0]), offer->name) ||
	    strlen(offer->name) > IMAGE_NAME_MAX)
		return ovl_fail(err, EINVAL, "publish as",
				"it is no name that a record can have: see ovlrun.conf(5)",
				"give it another: --as NAME", "%s",
				as ?: store_short_name(call->argv[0]));
	return 0;
}

/* Docker's layer of a container, in a tree without metadata too. */
static bool has_init(const struct store *store, unsigned int layer)
{
	char id[OVL_ID_MAX + sizeof("-init")];

	snprintf(id, sizeof(id), "%s-init", store->layers[layer].id);
	return store_layer(store, id) != NO_LAYER;
}

/* Refuses what ovlrun would not mount, or what changes. */
static int check_launchable(const struct store *store, const struct named *named, const char *name,
			    struct stack *stack, struct ovl_error *err)
{
	enum layer_kind kind;
	struct ovl_tree tree;
	int ret;

	if (named->image && named->image->wrong)
		return ovl_cannot(err, EBADMSG, "publish", name, named->image->wrong);
	ret = ovl_tree_open(&tree, store->tree.path, err);
	if (ret < 0)
		return ret;
	close(tree.fd);
	ret = store_use(store, named, name, stack, err);
	if (ret < 0)
		return ret;
	kind = store->layers[named->layer].kind;
	if (named->container || kind == LAYER_CONTAINER || kind == LAYER_INIT ||
	    has_init(store, named->layer) || layer_is_mounted(store, &store->layers[named->layer]))
		return ovl_fail(err, EBUSY, "publish", "a container changes",
				"commit it to an image, and publish that", "%s", name);
	if (strlen(store->tree.path) > TREE_MAX)
		return ovl_cannot(err, ENAMETOOLONG, "publish", name,
				  "ovlrun takes no tree with so long a path");
	return 0;
}

/* Tells what `check` finds in the layers, so that nobody is surprised by what he offers. */
static void warn(const struct out *out, const struct store *store, const struct stack *stack)
{
	struct check check = { .store = store };

	if (out->is_quiet)
		return;
	for (unsigned int i = 0; i < stack->count; i++)
		check_content(&check, stack->layers[i]);
	check_sort(&check);
	for (unsigned int i = 0; i < check.count; i++) {
		const struct finding *finding = &check.findings[i];

		out_note(out, "%s: %s/%s: %s; %s", severity_names[rule_severity(finding->rule)],
			 store->tree.path, finding->object, finding->what,
			 rule_remedy(finding->rule));
	}
}

static int make_record(struct offer *offer, const struct store *store, const struct named *named,
		       struct ovl_error *err)
{
	json_t *config = NULL;
	const char *wrong;

	offer->record.tree = file_copy(store->tree.path);
	offer->record.layers = store->layers[named->layer].id;
	if (named->image) {
		config = config_load(store, named->image->id, &wrong, err);
		if (!config)
			return -err->errnum;
		offer->record.digest = file_alloc(STORE_DIGEST_LEN + 1);
		strcat(strcpy(offer->record.digest, "sha256:"), named->image->id);
	}
	offer->text = record_text(&offer->record, json_object_get(config, "config"), err);
	json_decref(config);
	return offer->text ? 0 : -err->errnum;
}

static const char *record_path(const char *name)
{
	const struct dir records = { -1, RECORD_DIR };

	return file_path(&records, name);
}

/* The rules as they shall be, in a draft. */
static int draft_rules(const struct publish *publish, const struct offer *offer,
		       struct ovl_error *err)
{
	struct policy ours = { 0 };
	int ret = policy_read_ours(&ours, err);

	/* What is wrong already is shown by its own number of line. */
	if (ret == 0 && ours.count)
		ret = verdict_ask(OURS, OURS, err);
	if (ret < 0)
		return ret;
	for (unsigned int i = 0; i < offer->user_count; i++) {
		policy_remove(&ours, &offer->users[i], offer->name);
		policy_add(&ours, &offer->users[i], offer->name, offer->features, offer->limit);
	}
	return publish_draft(publish, DRAFT_POLICY, policy_text(&ours), err)
		       ?: verdict_ask(publish_draft_path(DRAFT_POLICY), OURS, err);
}

/* The record comes first: what a rule permits is then there. */
static int write_offer(const struct publish *publish, const struct offer *offer,
		       struct ovl_error *err)
{
	int ret = publish_draft(publish, DRAFT_RECORD, offer->text, err);

	if (ret == 0 && offer->user_count)
		ret = draft_rules(publish, offer, err);
	if (ret == 0)
		ret = publish_commit(publish, DRAFT_RECORD, record_path(offer->name), err);
	if (ret == 0 && offer->user_count)
		ret = publish_commit(publish, DRAFT_POLICY, POLICY_OURS, err);
	return ret;
}

/* Says who may use it now, and what else in the policy stands against what was asked for. */
static void tell(const struct out *out, const struct offer *offer)
{
	struct policy whole = { 0 }, about;
	struct ovl_error err;

	if (verdict_ask(NULL, NULL, &err) < 0)
		out_note(out, "warning: ovlrun finds fault with the policy %s", err.object);
	if (policy_read(&whole, &err) < 0)
		return;
	policy_about(&whole, offer->name, &about);
	for (unsigned int i = 0; i < about.count; i++) {
		const struct line *line = &about.lines[i];

		out_note(out, "%s: %s %s use it (%s:%u)", offer->name,
			 line->who.is_all ? "everybody" : line->who.text,
			 line->kind == LINE_PERMIT ? "may" : "may not", line->file, line->number);
	}
	if (about.count == 0)
		out_note(out,
			 "%s: there is no rule that lets anybody use it; --users says who, * is "
			 "everybody",
			 offer->name);
}

static int run(struct call *call, struct ovl_error *err)
{
	struct publish publish;
	struct offer offer = { 0 };
	struct store store;
	struct named named;
	struct stack stack;
	int ret = offer_parse(call, &offer, err) ?: store_open(&store, call->root, err)
		  ?: store_name(&store, call->argv[0], &named, err)
		  ?: check_launchable(&store, &named, call->argv[0], &stack, err)
		  ?: choose_name(&offer, call, &named, err)
		  ?: make_record(&offer, &store, &named, err);

	if (ret < 0)
		return ret;
	warn(&call->out, &store, &stack);
	ret = publish_begin(&publish, true, err) ?: write_offer(&publish, &offer, err);
	publish_end(&publish);
	if (ret == 0)
		tell(&call->out, &offer);
	return ret;
}

const struct verb cmd_allow = {
	.name = "allow",
	.arguments = "NAME",
	.summary = "publish an image, and say who may launch it",
	.min = 1,
	.max = 1,
	.run = run,
	.options = {
		{ "as", 0, "NAME", "the name to publish it under; a layer needs one" },
		{ "users", 'u', "WHO,...", "users, :groups, numbers; * is everybody" },
		{ "may", 'm', "FEATURE,...", "writable, bind, userns, unshare, dev, keep-fd" },
		{ "limit", 'l', "tmpfs=SIZE", "the most that --tmpfs-size may ask for" },
	},
};
