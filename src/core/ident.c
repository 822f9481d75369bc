/* SPDX-License-Identifier: MIT */
/*
 * Matchers for cache-ids and links.
 *
 * MUST 1. No byte outside [0-9a-z-] passes as a cache-id, none outside [A-Z2-7] as a link. (unit:
 *         test_ident every_byte; T04)
 * MUST 2. The length is exact: nothing may follow a valid prefix. (unit: test_ident lengths)
 */
#include <string.h>

#include "ovl/ident.h"

#define ID_HEX_LEN	64
#define ID_BUILDKIT_LEN 25

static bool all_between(const char *s, size_t len, char a, char b, char c, char d)
{
	bool all = true;

	/* No way out in the middle: a valid name, the common case, is through sooner. */
	for (size_t i = 0; i < len; i++)
		all &= (s[i] >= a && s[i] <= b) | (s[i] >= c && s[i] <= d);
	return all;
}

bool ovl_id_is_valid(const char *s, size_t len)
{
	if (len == ID_BUILDKIT_LEN)
		return all_between(s, len, '0', '9', 'a', 'z');
	if (len == OVL_ID_MAX && memcmp(s + ID_HEX_LEN, "-init", 5) == 0)
		len = ID_HEX_LEN;
	return len == ID_HEX_LEN && all_between(s, len, '0', '9', 'a', 'f');
}

bool ovl_link_is_valid(const char *s, size_t len)
{
	return len == OVL_LINK_LEN && all_between(s, len, 'A', 'Z', '2', '7');
}
