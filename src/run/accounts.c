/* SPDX-License-Identifier: MIT */
/*
 * Users and groups by name.
 *
 * MUST 1. A number that is no number, or an entry that is none, names nobody.  (unit:
 * test_accounts) MUST 2. No name of the caller is left out.  (unit: test_accounts many)
 */
#include <errno.h>
#include <string.h>

#include "accounts.h"

/* The next entry "name:x:ID:..." of text; false at its end. A line that is none is passed over. */
static bool next_entry(struct word *text, struct word *name, id_t *id)
{
	while (text->len > 0) {
		struct word line = word_cut(text, '\n'), number;

		*name = word_cut(&line, ':');
		word_cut(&line, ':');
		number = word_cut(&line, ':');
		if (name->len > 0 && word_to_id(number, id))
			return true;
	}
	return false;
}

static bool is_uid(const struct caller *caller, id_t id)
{
	return id == caller->uid;
}

bool accounts_has_group(const struct caller *caller, id_t id)
{
	if (id == caller->gid)
		return true;
	for (int i = 0; i < caller->group_count; i++) {
		if (caller->groups[i] == id)
			return true;
	}
	return false;
}

static int collect(struct word text, const struct caller *caller,
		   bool (*is_his)(const struct caller *, id_t), struct word *names, size_t *count,
		   struct ovl_error *err)
{
	struct word name;
	id_t id;

	*count = 0;
	while (next_entry(&text, &name, &id)) {
		if (!is_his(caller, id))
			continue;
		if (*count == ACCOUNTS_NAMES_MAX)
			return ovl_fail(err, E2BIG, "look up", "more than 1024 names", NULL,
					"the caller's names");
		names[(*count)++] = name;
	}
	return 0;
}

int accounts_collect(struct accounts *accounts, struct word passwd, struct word group,
		     const struct caller *caller, struct ovl_error *err)
{
	int ret;

	accounts->passwd = passwd;
	accounts->group = group;
	ret = collect(passwd, caller, is_uid, accounts->users, &accounts->user_count, err);
	if (ret == 0)
		ret = collect(group, caller, accounts_has_group, accounts->groups,
			      &accounts->group_count, err);
	return ret;
}

bool accounts_is_caller(const struct accounts *accounts, struct word name, bool is_group)
{
	const struct word *names = is_group ? accounts->groups : accounts->users;
	size_t count = is_group ? accounts->group_count : accounts->user_count;

	for (size_t i = 0; i < count; i++) {
		if (word_same(names[i], name))
			return true;
	}
	return false;
}

bool accounts_has(const struct accounts *accounts, struct word name, bool is_group)
{
	struct word text = is_group ? accounts->group : accounts->passwd, found;
	id_t id;

	while (next_entry(&text, &found, &id)) {
		if (word_same(found, name))
			return true;
	}
	return false;
}
