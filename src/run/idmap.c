/* SPDX-License-Identifier: MIT */
/*
 * The id map of -u.
 *
 * MUST 1. No id outside the caller's own and his lines of /etc/subuid and /etc/subgid is mapped,
 *         and root's never. (T51, unit: test_idmap)
 */
#include <errno.h>
#include <stdio.h>

#include "idmap.h"

/* A leading zero makes an octal number for some readers of these files. */
static bool to_id(struct word word, id_t *id)
{
	return (word.len < 2 || word.at[0] != '0') && word_to_id(word, id);
}

static bool is_owner(struct word owner, const struct caller *caller,
		     const struct accounts *accounts)
{
	id_t id;

	return to_id(owner, &id) ? id == caller->uid : accounts_is_caller(accounts, owner, false);
}

/* Writes the map of the caller's own id and of his ranges. Returns what is wrong, or NULL. */
static const char *make(char *map, bool *has_ranges, id_t own, struct word text,
			const struct caller *caller, const struct accounts *accounts)
{
	int len = snprintf(map, IDMAP_SIZE, "0 %u 1\n", own);
	id_t inside = 1;

	while (text.len > 0) {
		struct word line = word_cut(&text, '\n'), owner = word_cut(&line, ':');
		struct word first = word_cut(&line, ':');
		id_t start, count;

		if (!is_owner(owner, caller, accounts))
			continue;
		if (!to_id(first, &start) || !to_id(line, &count) || count == 0 ||
		    count > UINT32_MAX - start || count > UINT32_MAX - inside)
			return "a line is not OWNER:START:COUNT";
		if (start == 0 || (own >= start && own - start < count))
			return "a range takes in root's id or your own";
		len += snprintf(map + len, IDMAP_SIZE - (size_t)len, "%u %u %u\n", inside, start,
				count);
		if (len >= IDMAP_SIZE)
			return "too many ranges of yours";
		inside += count;
	}
	*has_ranges = inside > 1;
	return NULL;
}

int idmap_make(struct idmap *map, const struct caller *caller, const struct accounts *accounts,
	       struct word subuid, struct word subgid, struct ovl_error *err)
{
	const char *wrong = make(map->uid, &map->has_uids, caller->uid, subuid, caller, accounts);

	if (wrong)
		return ovl_cannot(err, EINVAL, "use ids of", "/etc/subuid", wrong);
	wrong = make(map->gid, &map->has_gids, caller->gid, subgid, caller, accounts);
	return wrong ? ovl_cannot(err, EINVAL, "use ids of", "/etc/subgid", wrong) : 0;
}
