/* SPDX-License-Identifier: MIT */
/* Names of published images. */
#include <stdio.h>
#include <string.h>

#include "image_name.h"

#define DIGITS	   "0123456789"
#define LOWER	   "abcdefghijklmnopqrstuvwxyz" DIGITS
#define ANY	   LOWER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define COMPONENT  LOWER "._-"
#define TAG	   ANY "._-"
#define TAG_BEGINS ANY "_"

bool image_name_whole(const char *name, char whole[IMAGE_NAME_SIZE])
{
	const char *at = name;
	bool is_first = true;

	if (strlen(name) > IMAGE_NAME_MAX)
		return false;
	for (;; at++, is_first = false) {
		size_t digits = 0;

		if (strspn(at, LOWER) == 0)
			return false;
		at += strspn(at, COMPONENT);
		if (is_first && *at == ':')
			digits = strspn(at + 1, DIGITS);
		if (digits > 0 && at[1 + digits] == '/')
			at += 1 + digits;
		if (*at != '/')
			break;
	}
	snprintf(whole, IMAGE_NAME_SIZE, "%s%s", name, *at ? "" : ":latest");
	return *at == '\0' || (*at == ':' && strspn(at + 1, TAG_BEGINS) > 0 &&
			       at[1 + strspn(at + 1, TAG)] == '\0');
}

bool image_name_matches(const char *pattern, const char *whole)
{
	size_t len = strlen(pattern);
	bool has_star = len > 0 && pattern[len - 1] == '*';
	const char *rest;

	len -= has_star;
	if (strncmp(pattern, whole, len) != 0)
		return false;
	rest = whole + len;
	if (has_star)
		return !strchr(rest, '/');
	return *rest == '\0' || strcmp(rest, ":latest") == 0;
}
