/* SPDX-License-Identifier: MIT */
/* The minimal /dev of a launch. */
#ifndef RUN_DEV_H
#define RUN_DEV_H

#include "plan.h"

/*
 * Makes RUN_DEV: nodes, links, shm, and a devpts of its own on pts. With -u what root owns there
 * belongs to the caller, who is root inside.
 */
int dev_make(const struct launch_plan *plan, struct ovl_error *err);

#endif
