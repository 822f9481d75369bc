/* SPDX-License-Identifier: MIT */
/*
 * Images by name: names, patterns, records. Pure.
 *
 * A name is components of [a-z0-9._-] joined by '/', each beginning with a letter or digit, the
 * first perhaps with ":PORT", and then ":TAG" of [A-Za-z0-9_.-]; without a tag it means ":latest".
 * (The grammar of OCI references, less what no registry uses.) So it can be a path below the
 * records' directory: no "..", no empty component, nothing hidden.
 *
 * A record is lines `key value`: tree, layer or layers, digest, env, workdir, entrypoint, cmd,
 * user. ovlrun.conf(5) describes them.
 */
#ifndef RUN_IMAGE_H
#define RUN_IMAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "ovl/error.h"

#define IMAGE_NAME_MAX	  128		       /* bytes of a name as it is given */
#define IMAGE_NAME_SIZE	  (IMAGE_NAME_MAX + 8) /* with ":latest" and NUL */
#define IMAGE_RECORD_MAX  65536		       /* bytes of a record */
#define IMAGE_ENV_MAX	  512		       /* env lines */
#define IMAGE_COMMAND_MAX 512		       /* entrypoint and cmd lines */

/* What a record says. The strings are the record's text. */
struct image {
	const char *tree;   /* absolute, or NULL: the policy's first */
	const char *layers; /* a cache-id, or with is_exact several joined by ':' */
	bool is_exact;	    /* exactly these layers; else one with all its lowers */
	const char *workdir;
	const char *env[IMAGE_ENV_MAX];	      /* VAR=VALUE */
	char *command[IMAGE_COMMAND_MAX + 1]; /* entrypoint, then cmd; NULL-terminated */
	unsigned int env_count, entrypoint_count, command_count;
};

/* Copies name into out, with ":latest" if it has no tag. False if it is no name. */
bool image_name_normalise(const char *name, char out[IMAGE_NAME_SIZE]);

/* True if pattern (len bytes) is a name, or the beginning of one with a trailing '*'. */
bool image_pattern_is_valid(const char *pattern, size_t len);

/*
 * True if the valid pattern (len bytes) matches the normalised name. A trailing '*' stands for the
 * rest of the last component, tag included, never for a '/'; a pattern without it and without a tag
 * means
 * ":latest".
 */
bool image_name_matches(const char *pattern, size_t len, const char *name);

/*
 * Parses a record: text, len bytes followed by a NUL, is changed in place and referred to by
 * *image. -EINVAL for what is not understood, naming file and line.
 */
int image_parse(struct image *image, char *text, size_t len, const char *file,
		struct ovl_error *err);

#endif
