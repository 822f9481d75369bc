/* SPDX-License-Identifier: MIT */
/* One line of the policy. Pure. The grammar is in policy.h. */
#ifndef RUN_RULE_H
#define RUN_RULE_H

#include <stdbool.h>
#include <stdint.h>

#include "ovl/error.h"
#include "word.h"

#define RULE_TREE_MAX	 1023		       /* bytes of a tree's path */
#define RULE_TMPFS_LIMIT (UINT64_C(512) << 20) /* bytes: where a rule gives no limit */

enum feature {
	FEATURE_WRITABLE = 1 << 0,
	FEATURE_BIND = 1 << 1,
	FEATURE_USERNS = 1 << 2,
	FEATURE_UNSHARE = 1 << 3,
	FEATURE_DEV = 1 << 4,
	FEATURE_KEEP_FD = 1 << 5,
};

enum who { WHO_ALL, WHO_USER, WHO_GROUP };
enum what { WHAT_ANY, WHAT_IMAGE, WHAT_LAYER };

struct rule {
	bool is_deny;
	enum who who;
	struct word who_word; /* a name or a number, without the ':' of a group */
	enum what what;
	struct word what_word;
	unsigned int features; /* granted: enum feature */
	uint64_t tmpfs_limit;  /* bytes */
};

/* The words of this file point into the policy's text. */
struct rule_line {
	const char *file;    /* set by the caller, and number to 0, before the first line */
	unsigned int number; /* that of the line, for messages */
	struct word tree;    /* of a tree line, else empty */
	bool is_rule;
	struct rule rule;
};

/*
 * Takes the first line off *text and parses it into *line. -EINVAL for what is not understood,
 * naming file and line; *text is then behind that line.
 */
int rule_parse_line(struct rule_line *line, struct word *text, struct ovl_error *err);

/*
 * Fills *err with "cannot understand FILE:LINE: REASON" and returns -EINVAL. What the line says is
 * left out: who is refused may not be allowed to read it.
 */
int rule_fail(const struct rule_line *line, const char *reason, struct ovl_error *err);

/* The name of a feature, as the policy writes it. */
const char *rule_feature_name(enum feature feature);

#endif
