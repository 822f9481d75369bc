/* SPDX-License-Identifier: MIT */
/* Reads the policy, the account files and image records, and asks policy.c and image.c about them.
 */
#ifndef RUN_POLICY_FILE_H
#define RUN_POLICY_FILE_H

#include "idmap.h"
#include "image.h"
#include "policy.h"

/* Compiled in: nothing that a caller does can name others. */
#define POLICY_FILE	"/etc/ovlrun.conf"
#define POLICY_DIR	"/etc/ovlrun.d"
#define IMAGES_DIR	POLICY_DIR "/images"
#define POLICY_SIZE_MAX 1048576 /* bytes of all files of the policy; and of each account file */

/*
 * Reads POLICY_FILE and POLICY_DIR/[!.]*.conf in the order of their bytes, all root's and writable
 * by nobody else, and decides as policy_decide does; 1 for root also if they cannot be read or
 * trusted. No file is a policy that permits nothing.
 */
int policy_ask(const struct caller *caller, const struct request *request, struct grant *grant,
	       struct ovl_error *err);

/*
 * Looks at file, or if it is NULL at the installed policy, with the rights that the process has,
 * and calls report for each thing that is wrong. Returns how many are.
 */
unsigned int policy_check_file(const char *file,
			       void (*report)(const struct ovl_error *err, void *data), void *data);

/*
 * Reads the record of the image with the normalised name; for NAME:latest the file NAME serves too.
 * The record and every directory on the way must be root's. -ENOENT if there is none.
 */
int policy_load_image(const char *name, struct image *image, struct ovl_error *err);

/* Reads /etc/subuid and /etc/subgid, which must be root's too, for idmap_make. No file: no ranges.
 */
int policy_load_idmap(const struct caller *caller, struct idmap *map, struct ovl_error *err);

#endif
