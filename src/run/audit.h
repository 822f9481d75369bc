/* SPDX-License-Identifier: MIT */
/*
 * The record of launches and refusals in the system's log: one line each, facility authpriv,
 * through the socket /dev/log (syslog(3) has the format). A system without a log daemon has no
 * record, and no error.
 */
#ifndef RUN_AUDIT_H
#define RUN_AUDIT_H

#include "plan.h"

/*
 * Connects to the log. Before the root directory changes: what lies at /dev/log in an image is
 * never spoken to, which is why this is not syslog(3): that connects again by name. Returns a
 * descriptor, or -1.
 */
int audit_open(void);

/*
 * Records one line, while the process is root's: with a plan that its launch is mounted and about
 * to run, with NULL that the request came to nothing, and why (err). fd: audit_open's, perhaps -1.
 */
void audit(int fd, const struct caller *caller, const struct request *request,
	   const struct launch_plan *plan, const struct ovl_error *err);

#endif
