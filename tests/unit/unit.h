/* SPDX-License-Identifier: MIT */
/* What cmocka.h wants before it, and makers of what the tests hand in. */
#ifndef UNIT_H
#define UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define HEXFF "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
#define BK25  "0123456789abcdefghijklmno"
#define LINK  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

/* The n-th link: 26 characters that end in n, written in base 26. */
static inline const char *unit_link(unsigned int n)
{
	static char link[27];

	memset(link, 'A', 26);
	for (int i = 25; n > 0; i--, n /= 26)
		link[i] = (char)('A' + n % 26);
	return link;
}

/* A copy of exactly len bytes on the heap, so that a read past them is seen. To be freed. */
static inline char *unit_copy(const char *text, size_t len)
{
	char *copy = malloc(len ? len : 1);

	assert_non_null(copy);
	memcpy(copy, text, len);
	return copy;
}

#endif
