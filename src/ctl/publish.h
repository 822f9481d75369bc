/* SPDX-License-Identifier: MIT */
/*
 * Changes beneath /etc/ovlrun.d that are there as a whole or not at all, whenever the writer is killed.
 *
 * A file is written beside the policy under a name that ovlrun passes over, synced, and renamed to its place. One ovlctl at a
 * time does that; what a killed one left is removed by the next.
 */
#ifndef CTL_PUBLISH_H
#define CTL_PUBLISH_H

#include <stdbool.h>

#include "file.h"

enum draft { DRAFT_POLICY, DRAFT_RECORD };

struct publish {
	struct dir dir; /* /etc/ovlrun.d; fd -1: it is not there */
	int lock;
};

/* Waits for its turn. make: makes the directories. 0 or -errno; publish_end ends it in both cases. */
int publish_begin(struct publish *publish, bool make, struct ovl_error *err);
void publish_end(struct publish *publish);

/* Writes text to a draft. */
int publish_draft(const struct publish *publish, enum draft draft, const char *text,
		  struct ovl_error *err);
const char *publish_draft_path(enum draft draft);

/* Puts a draft to path beneath the directory, whose own directories are made. */
int publish_commit(const struct publish *publish, enum draft draft, const char *path,
		   struct ovl_error *err);

/* Removes path and the directories that held nothing else. 1: removed, 0: there was none. */
int publish_remove(const struct publish *publish, const char *path, struct ovl_error *err);

#endif
