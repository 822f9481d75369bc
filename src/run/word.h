/* SPDX-License-Identifier: MIT */
/* Pieces of a text that is not changed: how the policy and the account files are read. Pure. */
#ifndef RUN_WORD_H
#define RUN_WORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A string of len bytes, not terminated. */
struct word {
	const char *at;
	size_t len;
};

/* The whole of text. */
struct word word_of(const char *text);

/* True if the two have the same bytes. */
bool word_same(struct word a, struct word b);

/* True if word is text. */
bool word_is(struct word word, const char *text);

/* True if word is a decimal number below 2^32 - 1, which is then in *id. */
bool word_to_id(struct word word, id_t *id);

/*
 * True if word is a size: a decimal number, not 0, of bytes or with k, m, g of KiB, MiB, GiB, a
 * pebibyte at most. It is then in *size, in bytes.
 */
bool word_to_size(struct word word, uint64_t *size);

/* Takes the first n bytes off *text, which has as many. */
void word_skip(struct word *text, size_t n);

/* Cuts *text at the first of the byte and returns what stands before; *text is what is behind. */
struct word word_cut(struct word *text, char byte);

/* Which of names, which end with NULL, word is, counted from 0; or -1. */
int word_find(struct word word, const char *const *names);

/*
 * True if list is one or more of names, which end with NULL, joined by ','. Then bit N of *bits is
 * set for each that is name N.
 */
bool word_to_bits(struct word list, const char *const *names, unsigned int *bits);

#endif
