/* SPDX-License-Identifier: MIT */
/* A copy of the program that cannot be changed. */
#ifndef RUN_SEALED_H
#define RUN_SEALED_H

#include "ovl/error.h"

/*
 * For root: runs the program again from a sealed copy in memory, unless it runs from one or there
 * is no /proc. A payload of root's may open what runs it through /proc/PID/exe, or have the kernel
 * run it as the interpreter of a script, and could otherwise overwrite the installed file
 * (CVE-2019-5736). Returns 0 to go on, or -errno.
 */
int sealed_run(char **argv, char **env, struct ovl_error *err);

#endif
