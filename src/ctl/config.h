/* SPDX-License-Identifier: MIT */
/* The configuration of an image, as the engine keeps it. */
#ifndef CTL_CONFIG_H
#define CTL_CONFIG_H

#include "store.h"

/* Its JSON, a reference of the caller's; NULL with *err filled in, also if it does not have the digest that names it. */
json_t *config_load(const struct store *store, const struct image *image, struct ovl_error *err);

#endif
