/* SPDX-License-Identifier: MIT */
/* Persistent upper layers of -w. */
#ifndef RUN_UPPER_H
#define RUN_UPPER_H

#include "plan.h"

#define STATE_PARENT "/var/lib"
#define STATE_NAME   "ovlrun" /* root's, 0700; and <uid>/<name> below it */

/*
 * Opens the directory of the plan's upper, making it if it is new, and compares what it was made on
 * with the plan's stack. No other launch can do so at the same time: the descriptor holds a
 * flock(2) until the payload is run, by when the kernel's own lock on the mounted upper has taken
 * its place. Call it in the new mount namespace, or the directory cannot be bound. Returns a
 * descriptor of the caller's; -EBUSY; -ESTALE if it was made on something else; -EOPNOTSUPP if its
 * file system cannot hold an upper; -EDQUOT if the caller has too many; -errno.
 */
int upper_open(const struct launch_plan *plan, int treefd, struct ovl_error *err);

/*
 * Proves that the kernel refuses a second use of the mounted upper, by trying one on target, a
 * directory. index=on is a wish that the kernel can drop without an error, and it does so for
 * layers without file handles or of one UUID (fs/overlayfs/super.c). As far as 6.18 it looks for
 * another user of the upper before it drops it, so the lock holds all the same; here it would be
 * seen if that changed. 0, or -EPROTO.
 */
int upper_prove_lock(const struct launch_plan *plan, int treefd, const char *target,
		     struct ovl_error *err);

#endif
