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

#define PROCESS_LIMITS 3

/* What the caller is and had. Written once by process_sanitize, const from then on. */
struct caller {
	uid_t uid; /* his real ids */
	gid_t gid;
	const gid_t *groups; /* supplementary ones, never touched: group_count of them */
	int group_count;
	bool is_privileged; /* the program runs with effective uid 0 */
	const char *cwd;    /* his working directory, absolute, or NULL if that cannot be told */
	mode_t umask;	    /* his own, given back to the payload, */
	struct rlimit limits[PROCESS_LIMITS]; /* as are these, of process.c's list, */
	struct sigaction xfsz;		      /* and the disposition of SIGXFSZ */
};

/*
 * Descriptors 0-2 open and no directories; umask 022; SIGXFSZ ignored; no core, descriptors enough;
 * if effective uid is 0: all ids 0 and not dumpable. Other descriptors are still open:
 * process_keep. The signal mask and the other dispositions are left as they are: nothing here waits
 * or handles. Returns 0 or -errno; on failure the process must exit.
 */
int process_sanitize(struct caller *caller, struct ovl_error *err);

/*
 * Closes all descriptors above 2 but the count ones of keep, in any order; -1 is passed over.
 */
int process_close(const int *keep, unsigned int count, struct ovl_error *err);

/*
 * The same for those that the caller wants to keep: each must be open, and no directory nor opened
 * with O_PATH, which would lead out of the image. -EBADF.
 */
int process_keep(const int *keep, unsigned int count, struct ovl_error *err);

/*
 * fork(2) with clone(2)'s flags, for a child that only this process waits for: without an exit signal it
 * stays until waitpid(pid, NULL, __WALL) has seen its end, even where the caller ignores SIGCHLD, so
 * that its number cannot become another's.
 */
pid_t process_clone(int flags);

/* Gives umask, limits and SIGXFSZ back to what *caller says. Called when privileges are gone. */
int process_restore(const struct caller *caller, struct ovl_error *err);

#endif
