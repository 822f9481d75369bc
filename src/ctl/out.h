/* SPDX-License-Identifier: MIT */
/*
 * What ovlctl prints: tables for people, JSON for programs, both from the same rows.
 *
 * A row is a JSON object. The table shows some of its fields under titles; --json prints the whole. Rows are made one at a
 * time, so that a tree of many thousand layers takes no memory for them.
 *
 * Nothing that comes from a disk reaches a terminal as it is: control bytes and what is no UTF-8 are shown as \xNN, in JSON
 * as JSON escapes them.
 */
#ifndef CTL_OUT_H
#define CTL_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <jansson.h>

#include "ovl/error.h"

enum column_kind {
	COLUMN_TEXT,  /* as it is; null: "-" */
	COLUMN_SHORT, /* an id, cut to 12 characters unless --no-trunc */
	COLUMN_BYTES, /* 1.5 MiB */
	COLUMN_AGE,   /* seconds since 1970, as "3 days" */
	COLUMN_COUNT, /* a number */
	COLUMN_LIST,  /* an array of texts, joined by ", " */
	COLUMN_FEW,   /* the same, cut to the first unless --no-trunc: "a, b and 7 more" */
};

struct column {
	const char *title; /* as the table has it */
	const char *key;   /* of the row's field */
	enum column_kind kind;
};

struct out {
	bool is_json, is_quiet, is_long; /* --json, --quiet: only the first column, --no-trunc */
};

/* Prints count rows. row(i, context) makes one, a reference that is given away; NULL: there is none with this number. */
void out_rows(const struct out *out, const struct column *columns, size_t column_count,
	      size_t count, json_t *(*row)(size_t i, void *context), void *context);

/* Prints one object: as JSON, or as lines "Title: text" of the fields in columns that it has; --quiet: the text of the first. */
void out_object(const struct out *out, json_t *object, const struct column *columns,
		size_t column_count);

/* text with what must not reach a terminal escaped, in memory of the caller's. */
char *out_escaped(const char *text);

/* Prints it so. */
void out_text(FILE *file, const char *text);

/* An id, cut to what is enough for people unless is_long, in memory of the caller's; not escaped. */
char *out_id(const char *id, bool is_long);

/* "1.5 MiB", in memory of the caller's. */
char *out_bytes(json_int_t bytes);

/* A number of bytes or seconds, or null if it is negative: not known. */
json_t *out_number(json_int_t number);

/* A JSON string of just these bytes; only if they are no UTF-8, as out_escaped() has them, since JSON has none for them. */
json_t *out_string(const char *text);

/* True if standard output is a terminal that may be coloured: no NO_COLOR, no TERM=dumb. */
bool out_is_coloured(void);

/* "ovlctl: TEXT" on standard error, unless --quiet; for what is neither data nor an error. */
void out_note(const struct out *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "ovlctl: cannot VERB OBJECT: REASON" and the hint, on standard error. */
void out_error(const struct ovl_error *err);

#endif
