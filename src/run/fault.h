/* SPDX-License-Identifier: MIT */
/*
 * Points between the stages where a test build (-DOVL_FAULT_POINTS, never the shipped one:
 * packaging/check-binary.sh refuses it) can be held or ended, so that races are tested without
 * chance.
 *
 * OVL_FAULT=STAGE:stop stops the process behind that stage, :die kills it, :sleep holds it for a
 * second.
 */
#ifndef RUN_FAULT_H
#define RUN_FAULT_H

#ifdef OVL_FAULT_POINTS
void fault_point(const char *stage);
#else
#define fault_point(stage) ((void)0)
#endif

#endif
