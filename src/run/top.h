/* SPDX-License-Identifier: MIT */
/* The generated topmost lower: what an image may lack, and what covers its symlinks. */
#ifndef RUN_TOP_H
#define RUN_TOP_H

#include <sys/stat.h>

#include "plan.h"

/*
 * Makes the directory name in dirfd with the mode and owner of *like, or mends it if a launch that
 * was killed left it.
 */
int top_make_dir(int dirfd, const char *name, const struct stat *like, struct ovl_error *err);

/* What the root directory of the plan's stack looks like, in the tree treefd. */
int top_look_root(const struct launch_plan *plan, int treefd, struct stat *st,
		  struct ovl_error *err);

/*
 * Makes the generated lower, the directory name in dirfd, with the mode and owner of the image's
 * own root, and in it, unless the launch is bare, what the plan mounts on: /dev, /proc, /sys, /tmp,
 * files in /etc, and for a read-only launch the destinations of binds. A directory that the image
 * has gets the image's mode and owner: nothing becomes readable that was not.
 */
int top_make(const struct launch_plan *plan, int treefd, int dirfd, const char *name,
	     struct ovl_error *err);

#endif
