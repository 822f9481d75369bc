/* SPDX-License-Identifier: MIT */
/* What ovlrun says on standard error. The only printing besides help, version and the plan. */
#ifndef RUN_DIAG_H
#define RUN_DIAG_H

#include <stdbool.h>
#include <stddef.h>

#include "ovl/error.h"

/* Exit statuses of ovlrun itself, as docker run, env and chroot have them. */
enum {
	EXIT_REFUSED = 125,    /* ovlrun failed or refused */
	EXIT_CANNOT_RUN = 126, /* the command was found and cannot be run */
	EXIT_NOT_FOUND = 127,  /* the command was not found */
};

/*
 * Copies text into out (size bytes, always terminated) with every byte that could move a terminal
 * or forge a log line, and those of `also`, written as \xNN, and '\' as \\. What does not fit ends
 * in
 * "...".
 */
void diag_escape(char *out, size_t size, const char *text, const char *also);

/* "ovlrun: cannot VERB OBJECT: REASON", and "ovlrun: hint: ..." unless quiet or there is none. */
void diag_error(const struct ovl_error *err, bool quiet);

/* "ovlrun: LABEL: TEXT", TEXT escaped. */
void diag_note(const char *label, const char *text);

#endif
