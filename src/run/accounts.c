/* SPDX-License-Identifier: MIT */
/*
 * Users and groups by name.
 *
 * MUST 1. A number that is no number, or an entry that is none, names nobody. (unit: test_accounts)
 * MUST 2. No name of the caller is left out. (unit: test_accounts many)
 */
#include <errno.h>

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

int accounts_collect(struct accounts *accounts, struct word passwd, struct word group,
		     const struct caller *caller, struct ovl_error *err)
{
	accounts->of[false].text = passwd;
	accounts->of[true].text = group;
	for (int is_group = 0; is_group < 2; is_group++) {
		struct names *names = &accounts->of[is_group];
		struct word text = names->text, name;
		id_t id;

		names->count = 0;
		while (next_entry(&text, &name, &id)) {
			if (is_group ? !accounts_has_group(caller, id) : id != caller->uid)
				continue;
			if (names->count == ACCOUNTS_NAMES_MAX)
				return ovl_cannot(err, E2BIG, "look up", "the caller's names",
						  "more than 1024 names");
			names->his[names->count++] = name;
		}
	}
	return 0;
}

bool accounts_is_caller(const struct accounts *accounts, struct word name, bool is_group)
{
	const struct names *names = &accounts->of[is_group];

	for (size_t i = 0; i < names->count; i++) {
		if (word_same(names->his[i], name))
			return true;
	}
	return false;
}

bool accounts_has(const struct accounts *accounts, struct word name, bool is_group)
{
	struct word text = accounts->of[is_group].text, found;
	id_t id;

	while (next_entry(&text, &found, &id)) {
		if (word_same(found, name))
			return true;
	}
	return false;
}
