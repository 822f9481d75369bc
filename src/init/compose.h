/* SPDX-License-Identifier: MIT */
/* Composes a root file system: from words to an overlay on a directory. */
#ifndef INIT_COMPOSE_H
#define INIT_COMPOSE_H

#include <stdbool.h>
#include <time.h>

#include "ovl/error.h"
#include "words.h"

struct composition {
	const struct words *words;
	const char *newroot; /* absolute path of the directory it is mounted on */
	bool is_switch;	     /* the initramfs will be emptied: nothing of it may be mounted */
	const char *init;    /* what it must hold to be booted, or NULL: not asked */
	const char *stack;   /* as ovl.stack= has it */
	const char *upper;   /* as ovl.upper= has it, or NULL: the default */
	const struct timespec *deadline; /* for devices to appear */
};

/*
 * Mounts the device of the tree, checks the layers as ovlrun does, and mounts the overlay with the directories
 * that a booted system needs, neither nosuid nor nodev. Everything that can be refused is looked at before a disk is
 * made writable, init in a read-only view of the very same layers too.
 * Returns 0, or -errno; then everything is undone, and it may be called again.
 */
int compose(const struct composition *composition, struct ovl_error *err);

#endif
