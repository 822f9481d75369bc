/* SPDX-License-Identifier: MIT */
/*
 * Which storage drivers have data in a Docker root (format, section 13). Changing the driver hides the images of the old
 * one, and people then think that they are lost.
 */
#ifndef CTL_DRIVERS_H
#define CTL_DRIVERS_H

#include "file.h"

/*
 * Appends to list, for each driver with data in root, an object: "driver", "path" beneath the root, "entries" (what is in it), and
 * "metadata": whether there are images or containers that belong to it.
 */
int drivers_find(const struct dir *root, json_t *list, struct ovl_error *err);

/* The driver of most of the containers as their own configuration says, a string of the caller's, or NULL if there are none. */
char *drivers_of_containers(const struct dir *root);

/* What Docker's configuration asks for: "overlay2", "overlayfs" for the containerd store, or NULL: nothing, or err->errnum, if it cannot be read. */
char *drivers_configured(struct ovl_error *err);

#endif
