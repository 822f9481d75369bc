/* SPDX-License-Identifier: MIT */
/* Pieces of a text. */
#include <string.h>

#include "word.h"

bool word_same(struct word a, struct word b)
{
	return a.len == b.len && memcmp(a.at, b.at, a.len) == 0;
}

struct word word_of(const char *text)
{
	return (struct word){ text, strlen(text) };
}

bool word_is(struct word word, const char *text)
{
	return word_same(word, word_of(text));
}

/* True if the word is 1 to max decimal digits, which are then in *n; max is small enough for 64
 * bits. */
static bool to_number(struct word word, size_t max, uint64_t *n)
{
	*n = 0;
	if (word.len == 0 || word.len > max)
		return false;
	for (size_t i = 0; i < word.len; i++) {
		if (word.at[i] < '0' || word.at[i] > '9')
			return false;
		*n = *n * 10 + (uint64_t)(word.at[i] - '0');
	}
	return true;
}

bool word_to_id(struct word word, id_t *id)
{
	uint64_t n;

	if (!to_number(word, 10, &n))
		return false;
	*id = (id_t)n;
	return n < UINT32_MAX; /* the last number is no id: -1 */
}

bool word_to_size(struct word word, uint64_t *size)
{
	static const char units[] = "kKmMgG";
	const char *unit =
		word.len > 1 ? memchr(units, word.at[word.len - 1], sizeof(units) - 1) : NULL;
	unsigned int shift = unit ? 10 * (1 + (unsigned int)(unit - units) / 2) : 0;
	uint64_t n;

	if (unit)
		word.len--;
	if (!to_number(word, 16, &n))
		return false;
	*size = n << shift;
	/* 0 would mean "no limit" to tmpfs; a pebibyte is more than anybody can mean. */
	return n > 0 && n <= (UINT64_C(1) << 50) >> shift;
}

void word_skip(struct word *text, size_t n)
{
	text->at += n;
	text->len -= n;
}

struct word word_cut(struct word *text, char byte)
{
	const char *end = text->len ? memchr(text->at, byte, text->len) : NULL;
	struct word head = { text->at, end ? (size_t)(end - text->at) : text->len };

	word_skip(text, head.len + (end ? 1 : 0));
	return head;
}

int word_find(struct word word, const char *const *names)
{
	for (int i = 0; names[i]; i++) {
		if (word_is(word, names[i]))
			return i;
	}
	return -1;
}

bool word_to_bits(struct word list, const char *const *names, unsigned int *bits)
{
	bool is_last = false;

	while (!is_last) {
		size_t before = list.len;
		struct word name = word_cut(&list, ',');
		int i = word_find(name, names);

		if (i < 0)
			return false;
		*bits |= 1u << i;
		is_last = name.len == before;
	}
	return true;
}
