/* SPDX-License-Identifier: MIT */
/*
 * Decides what a launch will mount.
 *
 * MUST 1. There is a generated lower above the stack (but with --bare at the kernel's limit of
 *         500), so that a single layer can be mounted read-only. (T09)
 * MUST 2. The private tmpfs has a size and a number of inodes. (T44)
 */
#include <errno.h>
#include <stdio.h>

#include "plan.h"

#define BYTES_PER_INODE 4096
#define INODES_MIN	256 /* some 50 are the program's own */

const char *const plan_names[NAMES_COUNT] = { "/etc/passwd", "/etc/group" };

static void add_bind(struct launch_plan *plan, struct bind bind, bool is_own)
{
	plan->bind[plan->bind_count++] = (struct plan_bind){ bind, -1, false, is_own };
}

static int plan_binds(struct launch_plan *plan, const char *home, struct ovl_error *err)
{
	static const char *const files[] = { "/etc/resolv.conf", "/etc/hosts", "/etc/hostname" };
	const struct request *request = plan->request;
	int count = request->unshare & NAMESPACE_UTS ? 2 : 3;

	if (request->bare || request->unshare & NAMESPACE_NET)
		count = 0;
	for (int i = 0; i < count; i++)
		add_bind(plan, (struct bind){ files[i], files[i], true }, true);
	for (unsigned int i = 0; i < request->bind_count; i++)
		add_bind(plan, request->bind[i], false);
	if (request->home && (!home || home[0] != '/'))
		return ovl_cannot(err, EINVAL, "bind", "--home", "HOME is not an absolute path");
	if (request->home)
		add_bind(plan, (struct bind){ home, home, false }, false);
	return 0;
}

/* What is mounted inside, besides binds. */
static void plan_inside(struct launch_plan *plan)
{
	const struct request *request = plan->request;

	plan->dev = request->bare ? DEV_NONE : request->dev;
	plan->has_proc = !request->bare && !request->no_proc;
	plan->has_sys = !request->bare && !request->no_sys;
	plan->has_tmp = !request->bare && request->read_only;
	plan->has_masks = !request->bare && plan->caller->uid == 0 && !request->privileged;
	/* Inside, root and who becomes root there find themselves in the image's own files. */
	plan->has_names = !request->bare && plan->caller->uid != 0 && !request->userns;
}

int plan_make(struct launch_plan *plan, const struct caller *caller, const struct request *request,
	      const struct grant *grant, const struct image *image, const char *tree,
	      const struct ovl_stack *stack, const struct idmap *idmap, const char *home,
	      struct ovl_error *err)
{
	bool on_tmpfs = !request->read_only && !request->upper;
	uint64_t size =
		!on_tmpfs && request->bare ? INODES_MIN * BYTES_PER_INODE : grant->tmpfs_size;
	uint64_t inodes = size / BYTES_PER_INODE;

	*plan = (struct launch_plan){
		.caller = caller,
		.request = request,
		.grant = grant,
		.image = image,
		.tree = tree,
		.stack = stack,
		.idmap = idmap,
		.overlay = { .stack = stack, .generated = RUN_TOP },
		.default_command = { "/bin/sh" },
		.command = plan->default_command,
		.chdir_is_asked = request->chdir,
		.chdir = request->chdir,
	};
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
	if (request->command[0])
		plan->command = request->command;
	else if (image && image->command[0])
		plan->command = (char **)image->command;
	if (!plan->chdir && image)
		plan->chdir = image->workdir;
	plan_inside(plan);
	return plan_binds(plan, home, err) ?: ovl_overlay_check(&plan->overlay, err);
}
