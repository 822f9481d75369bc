/* SPDX-License-Identifier: MIT */
/* Asks ovlrun itself what it thinks of a policy. */
#ifndef CTL_CHECKER_H
#define CTL_CHECKER_H

#include "ovl/error.h"

/*
 * Runs `ovlrun --check-policy [file]`, the ovlrun beside this program or that of the system. 0: it has nothing against it, or
 * there is no ovlrun; -EINVAL, with its first complaint as the object: file is shown as shown.
 */
int checker_ask(const char *file, const char *shown, struct ovl_error *err);

#endif
