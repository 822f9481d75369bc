/* SPDX-License-Identifier: MIT */
/* Image records: what ovlrun knows of an image (ovlrun.conf(5)). Made of an image's config, and read. */
#ifndef CTL_RECORD_H
#define CTL_RECORD_H

#include "file.h"

#define RECORD_DIR  "images" /* in the policy's directory */
#define RECORD_SIZE 65536    /* bytes at most */

struct record {
	char *tree, *layers, *digest; /* NULL: not given */
	bool is_exact;		      /* layers: all of them, not only the uppermost */
	char *source; /* the engine's name of the image, if ovlctl wrote the record */
};

/*
 * The text of a record: record's fields and what config, the object "config" of an image's configuration or NULL, says of
 * environment, directory, command and user. NULL, with *err naming the value, if a record cannot hold it.
 */
char *record_text(const struct record *record, const json_t *config, struct ovl_error *err);

/* Reads the record in path beneath dir. -EINVAL, or what the reading gave, for what ovlrun would refuse. */
int record_read(struct record *record, const struct dir *dir, const char *path,
		struct ovl_error *err);

#endif
