/* SPDX-License-Identifier: MIT */
/* Whether two things of one name in two views are the same, as engines compare them for their `diff` (format, section 4). */
#ifndef CTL_SAME_H
#define CTL_SAME_H

#include "view.h"

struct same {
	const struct view *old, *new;
	bool is_podmans; /* by the rules of containers/storage, else Docker's */
};

/* path: of both, without a slash in front. */
bool same_thing(const struct same *same, const char *path, const struct view_entry *old,
		const struct view_entry *new);

/* Two times of modification. */
bool same_time(const struct same *same, const struct timespec *a, const struct timespec *b);

#endif
