/* SPDX-License-Identifier: MIT */
/*
 * One line of the policy.
 *
 * MUST 1. What is not understood is an error, not a line skipped.  (T10, unit: test_policy bad)
 */
#include <errno.h>
#include <string.h>

#include "image.h"
#include "ovl/ident.h"
#include "rule.h"

static const struct {
	const char *name;
	enum feature feature;
} features[] = {
	{ "writable", FEATURE_WRITABLE }, { "bind", FEATURE_BIND }, { "userns", FEATURE_USERNS },
	{ "unshare", FEATURE_UNSHARE },	  { "dev", FEATURE_DEV },   { "keep-fd", FEATURE_KEEP_FD },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

int rule_fail(const struct rule_line *line, const char *reason, struct ovl_error *err)
{
	return ovl_fail(err, EINVAL, "understand", reason, NULL, "%s:%u", line->file, line->number);
}

const char *rule_feature_name(enum feature feature)
{
	size_t i = 0;

	while (features[i].feature != feature)
		i++;
	return features[i].name;
}

static bool begins_blank(struct word text)
{
	return text.len > 0 && (text.at[0] == ' ' || text.at[0] == '\t');
}

/* The next word of text; empty at its end. */
static struct word next_word(struct word *text)
{
	struct word word;

	while (begins_blank(*text))
		word_skip(text, 1);
	if (text->len > 0 && text->at[0] == '#') /* a comment, but not within a word */
		text->len = 0;
	word = *text;
	while (text->len > 0 && !begins_blank(*text))
		word_skip(text, 1);
	word.len -= text->len;
	return word;
}

static int parse_who(struct rule_line *line, struct word word, struct ovl_error *err)
{
	bool is_group = word.len > 0 && word.at[0] == ':';

	if (is_group)
		word_skip(&word, 1);
	if (word.len == 0)
		return rule_fail(line, "a user, :group or * is missing", err);
	line->rule.who = is_group ? WHO_GROUP : word_is(word, "*") ? WHO_ALL : WHO_USER;
	line->rule.who_word = word;
	return 0;
}

static int parse_what(struct rule_line *line, struct word *rest, struct ovl_error *err)
{
	struct rule *rule = &line->rule;
	struct word kind = next_word(rest), word;

	rule->what = WHAT_ANY;
	if (word_is(kind, "any"))
		return 0;
	rule->what = word_is(kind, "image") ? WHAT_IMAGE : WHAT_LAYER;
	if (rule->what == WHAT_LAYER && !word_is(kind, "layer"))
		return rule_fail(line, "`any`, `image NAME` or `layer ID` is missing", err);
	rule->what_word = word = next_word(rest);
	if (rule->what == WHAT_IMAGE && !image_pattern_is_valid(word.at, word.len))
		return rule_fail(line, "not the name of an image", err);
	if (rule->what == WHAT_LAYER && !ovl_id_is_valid(word.at, word.len))
		return rule_fail(line, "not a cache-id", err);
	return 0;
}

static int parse_may(struct rule_line *line, struct word list, struct ovl_error *err)
{
	if (list.len == 0)
		return rule_fail(line, "`may` names no feature", err);
	if (list.at[list.len - 1] == ',')
		return rule_fail(line, "unknown feature", err);
	while (list.len > 0) {
		struct word name = word_cut(&list, ',');
		size_t i = 0;

		while (i < COUNT(features) && !word_is(name, features[i].name))
			i++;
		if (i == COUNT(features))
			return rule_fail(line, "unknown feature", err);
		line->rule.features |= features[i].feature;
	}
	return 0;
}

static int parse_limit(struct rule_line *line, struct word list, struct ovl_error *err)
{
	struct word key, value = list;

	key = word_cut(&value, '=');
	if (!word_is(key, "tmpfs") || !word_to_size(value, &line->rule.tmpfs_limit))
		return rule_fail(line, "`limit` takes tmpfs=SIZE", err);
	return 0;
}

static int parse_rule(struct rule_line *line, struct word rest, struct ovl_error *err)
{
	int ret = parse_who(line, next_word(&rest), err) ?: parse_what(line, &rest, err);
	struct word word;

	line->is_rule = true;
	line->rule.tmpfs_limit = RULE_TMPFS_LIMIT;
	while (ret == 0 && (word = next_word(&rest)).len > 0) {
		if (!line->rule.is_deny && word_is(word, "may"))
			ret = parse_may(line, next_word(&rest), err);
		else if (!line->rule.is_deny && word_is(word, "limit"))
			ret = parse_limit(line, next_word(&rest), err);
		else
			ret = rule_fail(line, "unknown word", err);
	}
	return ret;
}

int rule_parse_line(struct rule_line *line, struct word *text, struct ovl_error *err)
{
	bool is_finished = memchr(text->at, '\n', text->len);
	struct word rest = word_cut(text, '\n'), word;

	*line = (struct rule_line){ .file = line->file, .number = line->number + 1 };
	if (!is_finished)
		return rule_fail(line, "the last line is not finished", err);
	if (memchr(rest.at, '\0', rest.len))
		return rule_fail(line, "it holds a NUL byte", err);
	word = next_word(&rest);
	if (word.len == 0)
		return 0;
	if (word_is(word, "tree")) {
		line->tree = next_word(&rest);
		if (line->tree.len == 0 || line->tree.at[0] != '/' || next_word(&rest).len > 0)
			return rule_fail(line, "`tree` takes one absolute path", err);
		if (line->tree.len > RULE_TREE_MAX)
			return rule_fail(line, "the path is too long", err);
		return 0;
	}
	line->rule.is_deny = word_is(word, "deny");
	if (!line->rule.is_deny && !word_is(word, "permit"))
		return rule_fail(line, "unknown word", err);
	return parse_rule(line, rest, err);
}
