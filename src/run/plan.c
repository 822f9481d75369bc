/* SPDX-License-Identifier: MIT */
/*
 * Decides what a launch will mount.
 *
 * MUST 1. There is a generated lower above the stack, so that a single layer can be mounted
 *         read-only.  (T09)
 * MUST 2. The private tmpfs has a size and a number of inodes.  (T44)
 */
#include <stdio.h>

#include "plan.h"

#define BYTES_PER_INODE 4096
#define INODES_MIN	64

int plan_make(struct launch_plan *plan, const struct caller *caller, const struct request *request,
	      const struct grant *grant, const struct ovl_stack *stack, struct ovl_error *err)
{
	uint64_t size = request->read_only ? INODES_MIN * BYTES_PER_INODE : grant->tmpfs_size;
	uint64_t inodes = size / BYTES_PER_INODE;

	plan->caller = caller;
	plan->request = request;
	plan->grant = grant;
	plan->stack = stack;
	plan->overlay = (struct ovl_overlay){ .stack = stack, .generated = RUN_TOP };
	/* At the kernel's limit the empty directory gives way: with --bare the view is the same. */
	if (stack->depth == OVL_DEPTH_MAX && request->bare)
		plan->overlay.generated = NULL;
	if (!request->read_only) {
		plan->overlay.upperdir = RUN_UPPER;
		plan->overlay.workdir = RUN_WORK;
	}
	snprintf(plan->tmpfs_options, sizeof(plan->tmpfs_options),
		 "mode=0700,size=%llu,nr_inodes=%llu", (unsigned long long)size,
		 (unsigned long long)(inodes < INODES_MIN ? INODES_MIN : inodes));
	plan->default_command[0] = "/bin/sh";
	plan->default_command[1] = NULL;
	plan->command = request->command[0] ? request->command : plan->default_command;
	return ovl_overlay_check(&plan->overlay, err);
}
