/* SPDX-License-Identifier: MIT */
/* The stages that act on a plan: isolate, mount, rootfs, payload. One file each. */
#ifndef RUN_STAGES_H
#define RUN_STAGES_H

#include "plan.h"

/*
 * A new mount namespace, charged to the caller, in which nothing propagates out or in. Before the
 * tree is opened: a descriptor from the old namespace could not be mounted from (EINVAL).
 */
int isolate_mounts(const struct caller *caller, struct ovl_error *err);

/*
 * Mounts the private tmpfs on RUN_DIR, which is made if missing, and on it the overlay on RUN_ROOT.
 * treefd: the tree's descriptor, opened in this namespace.
 */
int mount_launch(const struct launch_plan *plan, int treefd, struct ovl_error *err);

/* Makes RUN_ROOT the root directory and leaves nothing of the old one. */
int rootfs_enter(struct ovl_error *err);

/*
 * Runs the plan's command as the caller, when privileges are gone. env: the caller's environment.
 * Returns only on failure, with the exit status to use in *status.
 */
int payload_exec(const struct launch_plan *plan, char **env, int *status, struct ovl_error *err);

#endif
