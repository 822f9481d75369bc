/* SPDX-License-Identifier: MIT */
/*
 * Whom a rule means. ovlrun knows only the local /etc/passwd and /etc/group: users and groups of a directory are written as
 * numbers.
 */
#ifndef CTL_WHO_H
#define CTL_WHO_H

#include <stdbool.h>
#include <stdint.h>

#include "ovl/error.h"

struct who {
	bool is_all, is_group;
	char *text; /* as the policy has it: NAME, :GROUP, a number, or * */
	int64_t id; /* -1: everybody, or nobody has this name */
};

/* Whom the word of a rule, or of a command, means. -ENOENT: there is no such user or group; *who is filled in all the same. */
int who_parse(struct who *who, const char *word, struct ovl_error *err);

bool who_same(const struct who *a, const struct who *b);

/* 0 for everybody, 1 for a group, 2 for a user: the narrower one counts. */
int who_rank(const struct who *who);

#endif
