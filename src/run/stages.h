/* SPDX-License-Identifier: MIT */
/* The stages that act on a plan: isolate, mount, rootfs, payload. One file each. */
#ifndef RUN_STAGES_H
#define RUN_STAGES_H

#include "names.h"
#include "plan.h"

/*
 * A new mount namespace, charged to the caller, in which nothing propagates out or in, and what
 * other namespaces the request names. Before the tree is opened: a descriptor from the old
 * namespace could not be mounted from (EINVAL). A new network has its loopback device up.
 */
int isolate(const struct caller *caller, const struct request *request, struct ovl_error *err);

/*
 * Opens the sources of the plan's binds as the caller would, and says which are directories.
 * -EACCES for a directory that he may not search.
 */
int binds_open(struct launch_plan *plan, struct ovl_error *err);

/*
 * Mounts the private tmpfs on RUN_DIR, which is made if missing, and on it the overlay on RUN_ROOT.
 * treefd: the tree's descriptor, opened in this namespace; usernsfd: that of -u, or -1.
 */
int mount_launch(const struct launch_plan *plan, int treefd, int usernsfd, struct name_files *names,
		 struct ovl_error *err);

/*
 * Mounts what the plan has inside RUN_ROOT, makes that the root directory and leaves nothing of the
 * old one.
 */
int rootfs_enter(const struct launch_plan *plan, struct name_files *names, struct ovl_error *err);

/* The entry "NAME=VALUE" of env, or NULL. */
char *payload_variable(char **env, const char *name);

/*
 * Runs the plan's command as the caller, when privileges are gone. env: the caller's environment.
 * Returns only on failure, with the exit status to use in *status; or 1 where a process of its own
 * ran the command, with its status.
 */
int payload_exec(const struct launch_plan *plan, char **env, int *status, struct ovl_error *err);

#endif
