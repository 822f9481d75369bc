/* SPDX-License-Identifier: MIT */
/* One layer's directory, for check_stack.c, which goes through the layers. */
#ifndef CTL_CHECK_LAYER_H
#define CTL_CHECK_LAYER_H

#include "check.h"

void check_directory(struct check *check, const struct layer *layer);

#endif
