/* SPDX-License-Identifier: MIT */
/*
 * One line of the policy.
 *
 * MUST 1. What is not understood is an error, not a line skipped. (T10, unit: test_policy bad)
 */
#include <errno.h>
#include <string.h>

#include "image.h"
#include "ovl/ident.h"
#include "rule.h"

/* In the order of enum feature. */
static const char *const features[] = {
	"writable", "bind", "userns", "unshare", "dev", "keep-fd", NULL,
};

int rule_fail(const struct rule_line *line, const char *reason, struct ovl_error *err)
{
	return ovl_fail(err, EINVAL, "understand", reason, NULL, "%s:%u", line->file, line->number);
}

const char *rule_feature_name(enum feature feature)
{
	return features[__builtin_ctz(feature)];
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

/* Each of these returns what is wrong with what it parses, or NULL. */
static const char *parse_who(struct rule *rule, struct word word)
{
	bool is_group = word.len > 0 && word.at[0] == ':';

	if (is_group)
		word_skip(&word, 1);
	if (word.len == 0)
		return "a user, :group or * is missing";
	rule->who = is_group ? WHO_GROUP : word_is(word, "*") ? WHO_ALL : WHO_USER;
	rule->who_word = word;
	return NULL;
}

static const char *parse_what(struct rule *rule, struct word *rest)
{
	struct word kind = next_word(rest), word;

	rule->what = WHAT_ANY;
	if (word_is(kind, "any"))
		return NULL;
	rule->what = word_is(kind, "image") ? WHAT_IMAGE : WHAT_LAYER;
	if (rule->what == WHAT_LAYER && !word_is(kind, "layer"))
		return "`any`, `image NAME` or `layer ID` is missing";
	rule->what_word = word = next_word(rest);
	if (rule->what == WHAT_IMAGE && !image_pattern_is_valid(word.at, word.len))
		return "not the name of an image";
	if (rule->what == WHAT_LAYER && !ovl_id_is_valid(word.at, word.len))
		return "not a cache-id";
	return NULL;
}

static const char *parse_may(struct rule *rule, struct word list)
{
	if (list.len == 0)
		return "`may` names no feature";
	return word_to_bits(list, features, &rule->features) ? NULL : "unknown feature";
}

static const char *parse_limit(struct rule *rule, struct word list)
{
	struct word key = word_cut(&list, '=');

	if (!word_is(key, "tmpfs") || !word_to_size(list, &rule->tmpfs_limit))
		return "`limit` takes tmpfs=SIZE";
	return NULL;
}

static const char *parse_rule(struct rule *rule, struct word rest)
{
	const char *wrong = parse_who(rule, next_word(&rest)) ?: parse_what(rule, &rest);
	struct word word;

	rule->tmpfs_limit = RULE_TMPFS_LIMIT;
	while (!wrong && (word = next_word(&rest)).len > 0) {
		if (!rule->is_deny && word_is(word, "may"))
			wrong = parse_may(rule, next_word(&rest));
		else if (!rule->is_deny && word_is(word, "limit"))
			wrong = parse_limit(rule, next_word(&rest));
		else
			wrong = "unknown word";
	}
	return wrong;
}

static const char *parse_line(struct rule_line *line, struct word rest)
{
	struct word word = next_word(&rest);

	if (word.len == 0)
		return NULL;
	if (word_is(word, "tree")) {
		line->tree = next_word(&rest);
		if (line->tree.len == 0 || line->tree.at[0] != '/' || next_word(&rest).len > 0)
			return "`tree` takes one absolute path";
		return line->tree.len > RULE_TREE_MAX ? "the path is too long" : NULL;
	}
	line->is_rule = true;
	line->rule.is_deny = word_is(word, "deny");
	if (!line->rule.is_deny && !word_is(word, "permit"))
		return "unknown word";
	return parse_rule(&line->rule, rest);
}

int rule_parse_line(struct rule_line *line, struct word *text, struct ovl_error *err)
{
	bool is_finished = memchr(text->at, '\n', text->len);
	struct word rest = word_cut(text, '\n');
	const char *wrong;

	*line = (struct rule_line){ .file = line->file, .number = line->number + 1 };
	if (!is_finished)
		wrong = "the last line is not finished";
	else if (memchr(rest.at, '\0', rest.len))
		wrong = "it holds a NUL byte";
	else
		wrong = parse_line(line, rest);
	return wrong ? rule_fail(line, wrong, err) : 0;
}
