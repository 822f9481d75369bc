/* SPDX-License-Identifier: MIT */
/* Stage "process": from whatever the caller left to a process that can be reasoned about. */
#ifndef RUN_PROCESS_H
#define RUN_PROCESS_H

#include <signal.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "ovl/error.h"

/* The calls about ids are made by number, which on 32-bit machines are those of 16-bit ids. */
_Static_assert(sizeof(long) == 8, "a 64-bit machine is needed");

/* What the caller is and had. Written once by process_sanitize, const from then on. */
struct caller {
	uid_t uid; /* his real ids */
	gid_t gid;
	const gid_t *groups; /* supplementary ones, never touched: group_count of them */
	int group_count;
	bool is_privileged;   /* the program runs with effective uid 0 */
	mode_t umask;	      /* his own, given back to the payload, */
	struct rlimit nofile; /* as are these: soft and hard limits in the units of getrlimit */
	struct rlimit core;
	struct sigaction xfsz; /* and the disposition of SIGXFSZ */
};

/*
 * Descriptors 0-2 open and no directories, all others closed; umask 022; SIGXFSZ ignored; no core,
 * descriptors enough; if effective uid is 0: all ids 0 and not dumpable.
 * The signal mask and the other dispositions are left as they are: nothing here waits or handles.
 * Returns 0 or -errno; on failure the process must exit.
 */
int process_sanitize(struct caller *caller, struct ovl_error *err);

/* Gives umask, limits and SIGXFSZ back to what *caller says. Called when privileges are gone. */
int process_restore(const struct caller *caller, struct ovl_error *err);

#endif
