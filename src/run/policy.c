/* SPDX-License-Identifier: MIT */
/*
 * The policy: rules, caller and request in, grant out.
 *
 * MUST 1. No grant without a rule; root alone needs none. (T01)
 * MUST 2. Names, paths and layers are compared whole; the one wildcard is image.c's. (T03)
 * MUST 3. Denied and absent look the same: nothing here looks whether a thing exists. (T02)
 * MUST 4. A denial never turns into nothing: not by a link in place of a cache-id, not by a name
 *         that cannot be looked up. (It denies a layer by its id or link; an image of the same
 *         layer is denied by its name.) (unit: test_policy)
 */
#include <errno.h>
#include <string.h>

#include "image.h"
#include "policy.h"
#include "ovl/ident.h"

/* True if the -l list names the layer, or a link, which could be any layer's. */
static bool list_may_name(const char *list, struct word id)
{
	struct word rest = { list, strlen(list) };

	while (rest.len > 0) {
		struct word name = word_cut(&rest, ':');

		if (ovl_link_is_valid(name.at, name.len) || word_same(name, id))
			return true;
	}
	return false;
}

static bool what_matches(const struct rule *rule, const struct request *request)
{
	if (rule->what == WHAT_ANY)
		return true;
	if ((rule->what == WHAT_IMAGE) != (request->kind == REQUEST_IMAGE))
		return false;
	if (rule->what == WHAT_IMAGE)
		return image_name_matches(rule->what_word.at, rule->what_word.len, request->image);
	if (rule->is_deny)
		return list_may_name(request->name, rule->what_word);
	return request->kind == REQUEST_LAYER && word_is(rule->what_word, request->name);
}

/* 1 yes, 0 no; -ENOENT: no, because there is no such name. */
static int who_matches(const struct rule *rule, const struct accounts *accounts,
		       const struct caller *caller)
{
	bool is_group = rule->who == WHO_GROUP;
	id_t id;

	if (rule->who == WHO_ALL)
		return 1;
	if (word_to_id(rule->who_word, &id))
		return is_group ? accounts_has_group(caller, id) : id == caller->uid;
	if (accounts_is_caller(accounts, rule->who_word, is_group))
		return 1;
	/* Only a denial, or --check-policy, pays for the longer look. */
	return !rule->is_deny || accounts_has(accounts, rule->who_word, is_group) ? 0 : -ENOENT;
}

#define NO_SUCH_NAME "no such user or group in /etc/passwd or /etc/group: write its number"

/* Goes through the lines of a policy. Zero, but for the policy, before the first. */
struct reader {
	const struct policy *policy;
	unsigned int count; /* of the files begun */
	struct word rest;   /* of the one in hand */
	struct rule_line line;
};

/* Takes the next line: 1, 0 if there is none, or what rule_parse_line says. */
static int next_line(struct reader *reader, struct ovl_error *err)
{
	while (reader->rest.len == 0) {
		const struct policy_text *text = &reader->policy->texts[reader->count];

		if (reader->count++ == reader->policy->count)
			return 0;
		reader->rest = (struct word){ text->text, text->len };
		reader->line = (struct rule_line){ .file = text->file };
	}
	return rule_parse_line(&reader->line, &reader->rest, err) ?: 1;
}

/* What was found on the way through the rules. */
struct verdict {
	struct word first_tree;
	bool tree_is_offered; /* the one that was asked for */
	bool is_permitted;
	struct rule_line line; /* if it is: the last that matched */
};

static int consider(struct verdict *verdict, const struct rule_line *line,
		    const struct accounts *accounts, const struct caller *caller,
		    const struct request *request, struct ovl_error *err)
{
	id_t id;
	int ret;

	if (line->tree.len > 0) {
		if (verdict->first_tree.len == 0)
			verdict->first_tree = line->tree;
		if (request->tree && word_is(line->tree, request->tree))
			verdict->tree_is_offered = true;
	}
	/* Root needs no rule. */
	if (caller->uid == 0 || !line->is_rule)
		return 0;
	/* Whether the account files are read must not tell what the rules are about. */
	if (!accounts && line->rule.who != WHO_ALL && !word_to_id(line->rule.who_word, &id))
		return -EAGAIN;
	/* A denial of what nothing permitted so far says nothing new. */
	if (!what_matches(&line->rule, request) || (line->rule.is_deny && !verdict->is_permitted))
		return 0;
	ret = who_matches(&line->rule, accounts, caller);
	if (ret == -ENOENT)
		return rule_fail(line, NO_SUCH_NAME, err);
	if (ret > 0) {
		verdict->is_permitted = !line->rule.is_deny;
		verdict->line = *line;
	}
	return 0;
}

static int refuse(const struct request *request, struct ovl_error *err)
{
	static const char *const verbs[] = { "use image", "use layer", "use layers" };

	return ovl_fail(err, EACCES, verbs[request->kind], "not there, or not permitted",
			"ask the administrator for a `permit` rule in /etc/ovlrun.conf", "%s",
			request->kind == REQUEST_IMAGE ? request->image : request->name);
}

static int check_features(unsigned int wanted, const struct rule *rule, struct ovl_error *err)
{
	unsigned int missing = wanted & ~rule->features;

	if (missing == 0)
		return 0;
	return ovl_fail(err, EACCES, "use feature", "the policy does not grant it",
			"ask the administrator to add it to the rule's `may`", "%s",
			rule_feature_name((enum feature)(missing & -missing)));
}

/* Fills the tree and the sizes in. */
static int settle(struct grant *grant, const struct verdict *verdict, const struct request *request,
		  uint64_t limit, struct ovl_error *err)
{
	struct word tree = verdict->first_tree;

	if (request->tree)
		tree = (struct word){ request->tree, strlen(request->tree) };
	if (tree.len > RULE_TREE_MAX)
		return ovl_cannot(err, ENAMETOOLONG, "use tree", request->tree, NULL);
	if (request->tmpfs_size > limit)
		return ovl_fail(err, EACCES, "use --tmpfs-size", "more than the policy permits",
				NULL, "%llu", (unsigned long long)request->tmpfs_size);
	*grant = (struct grant){ .file = verdict->line.file, .line = verdict->line.number };
	if (tree.len > 0)
		memcpy(grant->tree, tree.at, tree.len);
	grant->tmpfs_size = limit < RULE_TMPFS_LIMIT ? limit : RULE_TMPFS_LIMIT;
	if (request->tmpfs_size)
		grant->tmpfs_size = request->tmpfs_size;
	return 0;
}

int policy_decide(const struct policy *policy, const struct accounts *accounts,
		  const struct caller *caller, const struct request *request, struct grant *grant,
		  struct ovl_error *err)
{
	struct reader reader = { .policy = policy };
	struct verdict verdict = { 0 };
	int ret;

	while ((ret = next_line(&reader, err)) > 0) {
		ret = consider(&verdict, &reader.line, accounts, caller, request, err);
		if (ret < 0)
			break;
	}
	if (caller->uid == 0) {
		if (ret < 0)
			verdict.first_tree.len = 0;
		return settle(grant, &verdict, request, UINT64_MAX, err) ?: ret < 0;
	}
	if (ret < 0)
		return ret;
	if (!verdict.is_permitted)
		return refuse(request, err);
	if (request->tree && !verdict.tree_is_offered)
		return ovl_fail(err, EACCES, "use tree", "not there, or not permitted",
				"ask the administrator for a `tree` line in /etc/ovlrun.conf", "%s",
				request->tree);
	return check_features(request->features, &verdict.line.rule, err)
		       ?: settle(grant, &verdict, request, verdict.line.rule.tmpfs_limit, err);
}

unsigned int policy_check(const struct policy *policy, const struct accounts *accounts,
			  void (*report)(const struct ovl_error *err, void *data), void *data)
{
	static const struct caller nobody = { .uid = (uid_t)-1, .gid = (gid_t)-1 };
	struct reader reader = { .policy = policy };
	struct ovl_error err;
	unsigned int wrong = 0;
	int ret;

	while ((ret = next_line(&reader, &err)) != 0) {
		reader.line.rule.is_deny = true; /* to be told of unknown names */
		if (ret > 0 && reader.line.is_rule &&
		    who_matches(&reader.line.rule, accounts, &nobody) == -ENOENT)
			ret = rule_fail(&reader.line, NO_SUCH_NAME, &err);
		if (ret < 0) {
			wrong++;
			report(&err, data);
		}
	}
	return wrong;
}
