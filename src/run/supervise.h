/* SPDX-License-Identifier: MIT */
/* Processes beside the payload: for a new pid namespace or session. */
#ifndef RUN_SUPERVISE_H
#define RUN_SUPERVISE_H

#include "args.h"
#include "attach.h"
#include "process.h"

/*
 * Starts pid 1 of the new pid namespace, which mounts that namespace's /proc (no other process can:
 * fs/proc/root.c takes the mounter's own namespace) and gives up all privileges. It ends with the
 * calling process. root: where to mount, or NULL. -errno, of the mount too.
 */
int supervise_start_init(const struct caller *caller, const struct new_root *root,
			 struct ovl_error *err);

/*
 * When privileges are gone: forks, where the request wants it, the process that becomes the
 * payload, and starts its new session. 0 in the process that goes on to the payload; 1 in the one
 * that waited for it, with its exit status in *status (128 + N for death by signal N). Until then
 * that one passes signals on, and stops when the payload does. -errno on failure.
 */
int supervise(const struct request *request, int *status, struct ovl_error *err);

#endif
