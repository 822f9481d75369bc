/* SPDX-License-Identifier: MIT */
/* What a layer takes: its files, measured. */
#ifndef CTL_MEASURE_H
#define CTL_MEASURE_H

#include "store.h"

/*
 * Bytes of the layer's files as Docker counts them (DiffSize): the sizes of all that are no directories, each inode once.
 * Follows nothing and crosses no mount; the working directory is another meanwhile. -errno if diff cannot be read, or what
 * is in it not to the end: directories in each other whose path is longer than 64 KiB (fts(3) in glibc). A directory that
 * may not be read counts nothing.
 */
int64_t measure_layer(const struct store *store, unsigned int layer, struct ovl_error *err);

#endif
