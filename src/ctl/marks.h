/* SPDX-License-Identifier: MIT */
/* What an administrator should know of an image before others get it: looks through a layer, following nothing. */
#ifndef CTL_MARKS_H
#define CTL_MARKS_H

#include "file.h"

enum mark {
	MARK_SETUID, /* or setgid, or with file capabilities */
	MARK_DEVICE,
	MARK_REDIRECT, /* overlay's redirect or metacopy */
	MARK_UNSEEN,   /* could not be looked at */
	MARKS,
};

struct marks {
	unsigned long count[MARKS];
	char *first[MARKS]; /* path of one, beneath the tree */
};

/* Adds what is in path, a directory beneath tree. */
void marks_look(struct marks *marks, const struct dir *tree, const char *path);

#endif
