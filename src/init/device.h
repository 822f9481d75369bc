/* SPDX-License-Identifier: MIT */
/* Block devices: waits for one, recognizes and mounts it. */
#ifndef INIT_DEVICE_H
#define INIT_DEVICE_H

#include <stdbool.h>
#include <time.h>

#include "ovl/error.h"

#define DEVICE_PATH_SIZE 288 /* "/dev/" and a name, or a path of the user's */

/* The moment that is seconds from now (CLOCK_MONOTONIC). */
struct timespec device_deadline(unsigned int seconds);

/*
 * Waits until the device spec is there - a path, UUID=..., or LABEL=... - and writes its path. The
 * kernel tells of new devices by uevents; with none of them to be had (a kernel without networking) it is
 * looked again ten times a second. 0, or -ENODEV when the deadline passes.
 */
int device_wait(char path[DEVICE_PATH_SIZE], const char *spec, const struct timespec *deadline,
		struct ovl_error *err);

/*
 * Mounts the device path on target, which is made, read-only and with nothing of it usable but as a layer. type: of the
 * file system, or NULL: as the superblock says (probe.h).
 */
int device_mount(const char *path, const char *target, const char *type, struct ovl_error *err);

/*
 * Makes a loop device of the file and writes its path. Returns a descriptor of it, to be closed once it is
 * mounted: with the last user the kernel gives the device back.
 */
int device_loop(char path[DEVICE_PATH_SIZE], const char *file, struct ovl_error *err);

#endif
