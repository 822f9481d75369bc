/* SPDX-License-Identifier: MIT */
/*
 * The upper layer: a directory that holds diff and work, on a tmpfs, a device or (from a script) in the
 * running system. It is bound to LAYOUT_STATE, whatever its own path is.
 *
 * In two steps, so that a boot which fails leaves no trace on the disk: upper_look only reads; upper_ready writes, and
 * is called when nothing is left that could be refused.
 *
 * An upper may be used with another stack than the one it was made on: that is what an update is, and the kernel allows
 * it where index, metacopy and redirect_dir are off (Documentation/filesystems/overlayfs.rst, "Changes to underlying
 * filesystems"), as they are here.
 */
#ifndef INIT_UPPER_H
#define INIT_UPPER_H

#include <limits.h>
#include <stdbool.h>
#include <time.h>

#include "ovl/error.h"
#include "words.h"

struct upper {
	struct upper_words words;
	char dir[PATH_MAX]; /* the directory that holds diff and work */
	bool has_diff;	    /* it has been used before: what it holds is at LAYOUT_STATE/diff */
};

/*
 * Finds the upper that words describe, and what it holds. Its directory and the ancestors must be root's and writable
 * by nobody else: who can put a diff there is root in the booted system.
 */
int upper_look(struct upper *upper, const struct timespec *deadline, struct ovl_error *err);

/* Makes it writable, and what is missing of it; a new diff is like the directory like, the root of the stack. */
int upper_ready(struct upper *upper, const char *like, struct ovl_error *err);

/* Makes a disk that upper_ready() has made writable read-only again, also for a script that has it mounted. */
void upper_close(void);

#endif
