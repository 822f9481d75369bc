/* SPDX-License-Identifier: MIT */
/* /etc/passwd and /etc/group inside: the host's lines about the caller, then the image's own. */
#ifndef RUN_NAMES_H
#define RUN_NAMES_H

#include "attach.h"
#include "process.h"

/* Descriptors of one of the two files; -1 where there is none. */
struct names_file {
	int host, image;
	int made; /* the new one, writable */
};
struct name_files {
	struct names_file file[2];
};

/*
 * Makes the new files, empty, on the private tmpfs, root's. While the process has root's own
 * credentials.
 */
int names_make(struct name_files *names, struct ovl_error *err);

/*
 * Opens the host's and the image's files: with the caller's credentials and nothing more. Of a
 * file that the caller cannot read nothing is taken: what is put over it has his own lines only.
 */
void names_open(struct name_files *names, const struct new_root *root);

/* Puts the new files, still empty, over the image's. */
int names_attach(const struct new_root *root, struct ovl_error *err);

/*
 * Fills the new files, when privileges are gone. user and home: for a caller whom the host's file
 * does not know; NULL or what is no name stands for "user" and "/".
 */
int names_fill(const struct name_files *names, const struct caller *caller, const char *user,
	       const char *home, struct ovl_error *err);

#endif
