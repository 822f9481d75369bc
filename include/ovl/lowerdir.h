/* SPDX-License-Identifier: MIT */
/*
 * The description of one overlay mount and its option string. Plain data and pure functions.
 */
#ifndef OVL_LOWERDIR_H
#define OVL_LOWERDIR_H

#include <stdbool.h>
#include <stddef.h>

#include "ovl/stack.h"

/*
 * The most that mount(2) takes as data: it copies one page and needs the last byte for NUL; what is
 * longer is cut without an error (fs/namespace.c, copy_mount_options). The page is 4096 bytes
 * wherever this is built; a larger one only leaves room unused.
 */
#define OVL_PAGE_DATA_MAX 4095

/* Room for the longest data of a valid overlay: all lowers, the three paths, the options. */
#define OVL_DATA_SIZE (OVL_LOWER_MAX + 1024)

#define OVL_PATH_MAX \
	255 /* bytes of generated, upperdir, workdir: what one fsconfig string holds \
	     */

struct ovl_overlay {
	const struct ovl_stack *stack; /* resolved; its links are used, relative to the tree */
	const char *generated;	       /* absolute path of a lower above the stack, or NULL */
	const char *upperdir;	       /* absolute path, or NULL: a read-only mount */
	const char *workdir;	       /* set exactly if upperdir is */
	bool index;		       /* index=on: the kernel refuses a second use of upperdir */
};

/* Number of lower directories the kernel will see. */
unsigned int ovl_overlay_depth(const struct ovl_overlay *overlay);

/*
 * The rules that hold whatever the caller believed: every link matches its alphabet, every path is
 * absolute, short and made of [A-Za-z0-9/_-], so without "..", upperdir and workdir come together,
 * and there are 1 (2 without an upper: the kernel refuses one) to 500 lowers. 0, -EINVAL or -E2BIG.
 */
int ovl_overlay_check(const struct ovl_overlay *overlay, struct ovl_error *err);

/*
 * Writes the data string for mount(2) into data (size bytes, OVL_DATA_SIZE always suffices for a
 * checked overlay): the safety options first, so that no cut could lose them, then lowerdir,
 * upperdir, workdir. Returns the length without NUL - over OVL_PAGE_DATA_MAX it must not be given
 * to mount(2) - or -E2BIG if it does not fit size.
 */
int ovl_overlay_data(const struct ovl_overlay *overlay, char *data, size_t size);

/* A text in the making. len goes on counting where size is too small; no NUL is put behind it. */
struct ovl_writer {
	char *data;
	size_t size, len;
};

/* Appends text, or as much of it as fits. No printf: 500 layers pass here. */
void ovl_put(struct ovl_writer *w, const char *text);

/* Appends "l/LINK:l/LINK...": a stack as lowerdir= and a layer's `lower` file have it. */
void ovl_put_lowers(struct ovl_writer *w, const struct ovl_stack *stack);

#endif
