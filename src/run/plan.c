/* SPDX-License-Identifier: MIT */
/*
 * Decides what a launch will mount.
 *
 * MUST 1. There is a generated lower above the stack (but with --bare at the kernel's limit of
 * 500), so that a single layer can be mounted read-only.  (T09) MUST 2. The private tmpfs has a
 * size and a number of inodes.  (T44)
 */
#include <stdio.h>

#include "plan.h"

#define BYTES_PER_INODE 4096
#define INODES_MIN	64

int plan_make(struct launch_plan *plan, const struct caller *caller, const struct request *request,
	      const struct grant *grant, const struct image *image, const char *tree,
	      const struct ovl_stack *stack, struct ovl_error *err)
{
	bool on_tmpfs = !request->read_only && !request->upper;
	uint64_t size = !on_tmpfs ? INODES_MIN * BYTES_PER_INODE : grant->tmpfs_size;
	uint64_t inodes = size / BYTES_PER_INODE;

	plan->caller = caller;
	plan->request = request;
	plan->grant = grant;
	plan->image = image;
	plan->tree = tree;
	plan->stack = stack;
	plan->overlay = (struct ovl_overlay){ .stack = stack, .generated = RUN_TOP };
	/* At the kernel's limit the empty directory gives way: with --bare the view is the same. */
	if (stack->depth == OVL_DEPTH_MAX && request->bare)
		plan->overlay.generated = NULL;
	if (on_tmpfs) {
		plan->overlay.upperdir = RUN_UPPER;
		plan->overlay.workdir = RUN_WORK;
	} else if (request->upper) {
		/* index=on compares the topmost lower with the one of the first use: it is kept
		 * too. */
		plan->overlay.generated = RUN_STATE "/top";
		plan->overlay.upperdir = RUN_STATE "/diff";
		plan->overlay.workdir = RUN_STATE "/work";
		plan->overlay.index = true;
	}
	snprintf(plan->tmpfs_options, sizeof(plan->tmpfs_options),
		 "mode=0700,size=%llu,nr_inodes=%llu", (unsigned long long)size,
		 (unsigned long long)(inodes < INODES_MIN ? INODES_MIN : inodes));
	plan->default_command[0] = "/bin/sh";
	plan->default_command[1] = NULL;
	plan->command = plan->default_command;
	if (request->command[0])
		plan->command = request->command;
	else if (image && image->command[0])
		plan->command = (char **)image->command;
	plan->chdir_is_asked = request->chdir;
	plan->chdir = request->chdir;
	if (!plan->chdir && image)
		plan->chdir = image->workdir;
	return ovl_overlay_check(&plan->overlay, err);
}
