/* SPDX-License-Identifier: MIT */
/* The user namespace of -u. */
#ifndef RUN_USERNS_H
#define RUN_USERNS_H

#include "idmap.h"

/*
 * Makes a user namespace that belongs to the caller (and is charged to him) with the ids of map.
 * Returns its descriptor. For as long as that takes a process holds it; call it before the process
 * that calls has a new pid namespace for its children. Needs /proc.
 */
int userns_make(const struct caller *caller, const struct idmap *map, struct ovl_error *err);

/*
 * Mounts the directory treefd on target, with its ids mapped as the user namespace has them: what
 * root owns there appears to belong to the caller, who is root inside. (mount_setattr(2),
 * Linux 5.12; layers of an overlay may be such from 5.19.) Returns a descriptor of target. -EINVAL
 * or -EPERM where the tree's file system cannot do that.
 */
int userns_map_tree(int usernsfd, int treefd, const char *target, struct ovl_error *err);

#endif
