/* SPDX-License-Identifier: MIT */
/* The configuration of an image, as the engine keeps it. */
#ifndef CTL_CONFIG_H
#define CTL_CONFIG_H

#include "store.h"

/*
 * Reads that of the image with this id, 64 hex digits, which must be the digest of its bytes. Returns its JSON, a
 * reference of the caller's; else NULL with *err filled in and in *wrong, static, what is to be said of the image.
 */
json_t *config_load(const struct store *store, const char *id, const char **wrong,
		    struct ovl_error *err);

#endif
