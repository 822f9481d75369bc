/* SPDX-License-Identifier: MIT */
/* Asks ovlrun itself what it thinks of a policy. */
#ifndef CTL_VERDICT_H
#define CTL_VERDICT_H

#include "ovl/error.h"

/*
 * Runs `ovlrun --check-policy [file]`, the ovlrun beside this program or that of the system. 0: it has nothing against it, or
 * there is no ovlrun; -EINVAL, with its first complaint as the object: file is shown as shown.
 */
int verdict_ask(const char *file, const char *shown, struct ovl_error *err);

#endif
