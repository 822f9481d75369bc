/* SPDX-License-Identifier: MIT */
/*
 * Users and groups by name, from the texts of /etc/passwd and /etc/group. Pure.
 *
 * No getpwnam: it would ask nscd, and there is no nsswitch in a static program. Directory users are
 * written by number; the caller's groups come from the kernel, never from here.
 */
#ifndef RUN_ACCOUNTS_H
#define RUN_ACCOUNTS_H

#include <stdbool.h>
#include <stddef.h>

#include "process.h"
#include "word.h"

#define ACCOUNTS_NAMES_MAX 1024 /* names of the caller and of his groups */

struct accounts {
	struct names {
		struct word text;		     /* of the file */
		struct word his[ACCOUNTS_NAMES_MAX]; /* the caller's of it */
		size_t count;
	} of[2]; /* users, groups: by is_group */
};

/*
 * Collects the names that the texts give to the caller's uid and to his groups. -E2BIG if there are
 * more than ACCOUNTS_NAMES_MAX: to leave one out could turn a denial into nothing.
 */
int accounts_collect(struct accounts *accounts, struct word passwd, struct word group,
		     const struct caller *caller, struct ovl_error *err);

/* True if name is one of the caller's: his own, or with is_group one of his groups'. */
bool accounts_is_caller(const struct accounts *accounts, struct word name, bool is_group);

/* True if the texts have the name at all. */
bool accounts_has(const struct accounts *accounts, struct word name, bool is_group);

/* True if the caller is in group id, by the kernel's word: his real one or a supplementary one. */
bool accounts_has_group(const struct caller *caller, id_t id);

#endif
