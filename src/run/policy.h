/* SPDX-License-Identifier: MIT */
/*
 * Stage "policy": what this caller may do. Pure: rules, caller and request in, grant out;
 * policy_file.c reads.
 *
 *   tree PATH
 *   permit WHO WHAT [may FEATURE,...] [limit tmpfs=SIZE]
 *   deny WHO WHAT
 *
 * WHO: `*`, USER, :GROUP, UID, :GID. WHAT: `any`, `image PATTERN`, `layer CACHE-ID`. The last rule
 * that matches decides alone; no match denies. Root needs no rule. ovlrun.conf(5) tells the rest.
 */
#ifndef RUN_POLICY_H
#define RUN_POLICY_H

#include <stdbool.h>
#include <stddef.h>

#include "accounts.h"
#include "args.h"
#include "rule.h"

#define POLICY_FILES_MAX 65 /* ovlrun.conf and 64 of ovlrun.d */

/* One file of the policy: len bytes, no terminator. */
struct policy_text {
	const char *file; /* its path, for messages */
	const char *text;
	size_t len;
};

struct policy {
	struct policy_text texts[POLICY_FILES_MAX];
	unsigned int count;
};

/* What the caller may do: decided once, const from then on. */
struct grant {
	char tree[RULE_TREE_MAX + 1]; /* the tree asked for or the first offered; empty: none */
	uint64_t tmpfs_size;	      /* bytes for the ephemeral upper */
	const char *file;	      /* the rule that decided; NULL for root */
	unsigned int line;
};

/*
 * Decides. 0, or for root 1 if the policy is wrong, with *err saying why: he is granted what he
 * asked for all the same, but gets no default tree from it. -EAGAIN if a rule names a user or group
 * and accounts is NULL: call again with them. -EINVAL for what is not understood, naming file and
 * line; -EACCES if nothing permits, in the same words whether the thing exists or not.
 */
int policy_decide(const struct policy *policy, const struct accounts *accounts,
		  const struct caller *caller, const struct request *request, struct grant *grant,
		  struct ovl_error *err);

/*
 * Looks at every line: calls report, with data, once for each that is wrong. accounts may not be
 * NULL: a name that is not in them is wrong. Returns how many are.
 */
unsigned int policy_check(const struct policy *policy, const struct accounts *accounts,
			  void (*report)(const struct ovl_error *err, void *data), void *data);

#endif
