/* SPDX-License-Identifier: MIT */
/* Whether an engine runs on a storage root, and keeping it off. */
#ifndef CTL_ENGINE_H
#define CTL_ENGINE_H

#include "store.h"

/*
 * 0: no engine has store's root open, and none can take the locks until this process ends. -EBUSY: one runs, named in *err.
 *
 * Docker: the process of its pid file has something beneath the root open, or one of the databases there that a daemon
 * locks (flock, by bbolt) is locked. containers/storage: storage.lock and layers.lock, which all that writes must have
 * (fcntl), are locked. Who writes to a tree without metadata cannot be known.
 */
int engine_keep_off(const struct store *store, struct ovl_error *err);

#endif
