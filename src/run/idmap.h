/* SPDX-License-Identifier: MIT */
/*
 * Which ids exist inside the user namespace of -u: 0 is the caller, and 1 and so on are the
 * subordinate ids that /etc/subuid and /etc/subgid give him (subuid(5)). Pure.
 */
#ifndef RUN_IDMAP_H
#define RUN_IDMAP_H

#include "accounts.h"

#define IDMAP_SIZE 512 /* bytes of a map as text: at least 15 ranges */

/* Text for /proc/PID/uid_map and gid_map (user_namespaces(7)): lines "INSIDE OUTSIDE COUNT". */
struct idmap {
	char uid[IDMAP_SIZE], gid[IDMAP_SIZE];
	bool has_uids, has_gids; /* there are subordinate ones */
};

/*
 * Fills *map from the texts of the two files, lines "OWNER:START:COUNT" of which only those of the
 * caller, by name or number, count. -EINVAL for one of his that is not understood or takes in
 * root's id or his own, and if there are too many.
 */
int idmap_make(struct idmap *map, const struct caller *caller, const struct accounts *accounts,
	       struct word subuid, struct word subgid, struct ovl_error *err);

#endif
