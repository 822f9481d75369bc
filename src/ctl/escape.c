/* SPDX-License-Identifier: MIT */
/* What of a text may reach a terminal. */
#include <stdio.h>
#include <string.h>

#include "file.h"
#include "out.h"

/*
 * Characters that no terminal gets: control, what has no width or turns the direction of writing, so that a name could look
 * like another, lines and paragraphs, and what UTF-8 does not have. In order.
 */
static const unsigned int hidden[][2] = {
	{ 0, 0x1f },	      { 0x7f, 0x9f },	    { 0xad, 0xad },	  { 0x34f, 0x34f },
	{ 0x61c, 0x61c },     { 0x115f, 0x1160 },   { 0x17b4, 0x17b5 },	  { 0x180b, 0x180f },
	{ 0x200b, 0x200f },   { 0x2028, 0x202e },   { 0x2060, 0x206f },	  { 0x3164, 0x3164 },
	{ 0xd800, 0xdfff },   { 0xfe00, 0xfe0f },   { 0xfeff, 0xfeff },	  { 0xffa0, 0xffa0 },
	{ 0xfff0, 0xfffb },   { 0x13430, 0x1343f }, { 0x1bca0, 0x1bca3 }, { 0x1d173, 0x1d17a },
	{ 0xe0000, 0xe0fff }, { 0x110000, ~0u },
};

/* Bytes of the valid UTF-8 sequence of a printable character at text, or 0. */
static size_t printable(const unsigned char *text)
{
	static const unsigned int least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	/* As many bytes as ones in front. */
	size_t len = text[0] < 0x80 ? 1 : (size_t)__builtin_clz(~((unsigned int)text[0] << 24));
	unsigned int character = text[0] < 0x80 ? text[0] : text[0] & (0x7fu >> len);

	if (text[0] >= 0x80 && (len < 2 || len > 4))
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		character = character << 6 | (text[i] & 0x3f);
	}
	if (character < least[len])
		return 0;
	for (size_t i = 0; hidden[i][0] <= character; i++) {
		if (character <= hidden[i][1])
			return 0;
	}
	return len;
}

char *out_escaped(const char *text)
{
	char *out = file_alloc(4 * strlen(text) + 1), *end = out;

	for (const unsigned char *at = (const unsigned char *)text; *at;) {
		size_t len = printable(at);

		if (len == 0) {
			end += sprintf(end, "\\x%02x", *at++);
		} else {
			memcpy(end, at, len);
			end += len;
			at += len;
		}
	}
	return out;
}
