/* SPDX-License-Identifier: MIT */
/*
 * The policy of ovlrun, as ovlrun.conf(5) has it: read whole, to tell what it says of an image; and the one file of it that
 * ovlctl writes.
 */
#ifndef CTL_POLICY_H
#define CTL_POLICY_H

#include "who.h"

#define POLICY_DIR  "/etc/ovlrun.d"
#define POLICY_OURS "ovlctl.conf" /* in POLICY_DIR */

enum line_kind {
	LINE_OTHER, /* empty, a comment, or not understood: ovlrun --check-policy tells */
	LINE_TREE,
	LINE_PERMIT,
	LINE_DENY,
};

struct line {
	const char *file; /* its path */
	unsigned int number;
	char *text; /* the whole of it */
	enum line_kind kind;
	char *tree;	/* of LINE_TREE */
	struct who who; /* of the others */
	bool is_any;	/* permits or denies everything */
	char *image;	/* the pattern of one about images, or NULL */
	char *features; /* what it grants: "bind,writable", or "" */
	char *limit;	/* "tmpfs=SIZE", or "" */
};

struct policy {
	struct line *lines;
	unsigned int count;
};

/* Appends the lines of all files, in the order in which they count. */
int policy_read(struct policy *policy, struct ovl_error *err);

/* Appends the lines of the file that ovlctl writes, if there is one. */
int policy_read_ours(struct policy *policy, struct ovl_error *err);

/* Puts a line at number `at` of them. */
void policy_insert(struct policy *policy, unsigned int at, const char *file, unsigned int number,
		   const char *text);

/*
 * The rules that decide who may use an image, in their order: without those that a later one for the same or for everybody
 * makes void.
 */
void policy_about(const struct policy *policy, const char *image, struct policy *about);

/* Changes of the file that ovlctl writes. Rules for everybody come first, then those for groups, then users: the last counts. */
void policy_add(struct policy *ours, const struct who *who, const char *image, const char *features,
		const char *limit);

/* Takes the rules for image away, all or those for who. Returns how many there were. */
unsigned int policy_remove(struct policy *ours, const struct who *who, const char *image);

/* What the file is to hold; NULL if nothing is left. */
char *policy_text(const struct policy *ours);

#endif
