/* SPDX-License-Identifier: MIT */
/*
 * Stage "policy": what this caller may do. Parsing and deciding are pure; policy_file.c reads.
 *
 * So far the policy is a list of trees: /etc/ovlrun.conf with lines `tree /absolute/path`, blank
 * lines and comments from '#'. Everybody may launch on a tree it names; without the file only root.
 */
#ifndef RUN_POLICY_H
#define RUN_POLICY_H

#include <stdbool.h>
#include <stddef.h>

#include "args.h"
#include "process.h"

#define POLICY_FILE	 "/etc/ovlrun.conf"
#define POLICY_SIZE_MAX	 65536 /* bytes of the file */
#define POLICY_TREES_MAX 16

struct policy {
	const char *trees[POLICY_TREES_MAX]; /* into the text parsed */
	unsigned int tree_count;
};

/* What the caller may do: decided once, const from then on. */
struct grant {
	const char *tree;    /* absolute path of the tree */
	uint64_t tmpfs_size; /* bytes for the ephemeral upper */
};

/*
 * Parses text: len bytes followed by a NUL, changed in place and referred to by *policy.
 * -EINVAL for anything that is not understood, naming file and line.
 */
int policy_parse(struct policy *policy, char *text, size_t len, const char *file,
		 struct ovl_error *err);

/*
 * Decides. Root may use any tree; others those of the policy, compared as whole strings.
 * -EACCES says the same of a tree that is not there and of one that is not granted.
 */
int policy_decide(const struct policy *policy, const struct caller *caller,
		  const struct request *request, struct grant *grant, struct ovl_error *err);

/*
 * Reads and parses POLICY_FILE into text (POLICY_SIZE_MAX + 1 bytes). It must be a regular file,
 * not reached by a symlink, owned by root, writable by nobody else: asked of the open descriptor.
 * A missing file is an empty policy.
 */
int policy_load(struct policy *policy, char *text, struct ovl_error *err);

#endif
