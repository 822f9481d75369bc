/* SPDX-License-Identifier: MIT */
/* What the first process finds missing: /proc, /sys, /dev, /run, standard descriptors, modules. */
#ifndef INIT_EARLY_H
#define INIT_EARLY_H

#include "ovl/error.h"

/*
 * Mounts what is not mounted yet, makes the directories for it, opens the console, and takes the initramfs' / for root: a cpio
 * may have been made by anybody.
 */
int early_mount(struct ovl_error *err);

/*
 * Loads every file in /lib/modules/ovl (256 at most), again until nothing more loads, since the order of names is not that of
 * dependencies. Compressed ones where the kernel can (Linux 5.17, CONFIG_MODULE_DECOMPRESS). What does not load is noted: it
 * may not be needed.
 */
void early_load_modules(void);

#endif
