/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "ovl/ident.h"

static bool id(const char *s)
{
	return ovl_id_is_valid(s, strlen(s));
}

static bool link_is(const char *s)
{
	return ovl_link_is_valid(s, strlen(s));
}

static void accepted(void **state)
{
	(void)state;
	assert_true(id(HEX64));
	assert_true(id(HEX64 "-init"));
	assert_true(id(BK25));
	assert_true(link_is(LINK));
	assert_true(link_is("ABCDEFGHIJKLMNOPQRST234567"));
}

static void lengths(void **state)
{
	char text[128];

	(void)state;
	memset(text, '0', sizeof(text));
	for (size_t len = 0; len < sizeof(text); len++)
		assert_int_equal(ovl_id_is_valid(text, len), len == 25 || len == 64);
	memset(text, 'A', sizeof(text));
	for (size_t len = 0; len < sizeof(text); len++)
		assert_int_equal(ovl_link_is_valid(text, len), len == 26);
}

static void suffixes(void **state)
{
	static const char *const bad[] = { HEX64 "-Init", HEX64 "-initx",
					   HEX64 "-ini",  HEX64 "init",
					   HEX64 "\n",	  BK25 "-init",
					   "-init",	  "" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(id(bad[i]));
}

/* Every value of a byte at every place: exactly the alphabet passes. */
static void every_byte(void **state)
{
	(void)state;
	for (int c = 0; c < 256; c++) {
		bool digit = c >= '0' && c <= '9';
		char text[65];

		for (size_t at = 0; at < 64; at++) {
			memcpy(text, HEX64, 65);
			text[at] = (char)c;
			assert_int_equal(ovl_id_is_valid(text, 64),
					 digit || (c >= 'a' && c <= 'f'));
		}
		for (size_t at = 0; at < 25; at++) {
			memcpy(text, BK25, 26);
			text[at] = (char)c;
			assert_int_equal(ovl_id_is_valid(text, 25),
					 digit || (c >= 'a' && c <= 'z'));
		}
		for (size_t at = 0; at < 26; at++) {
			memcpy(text, LINK, 27);
			text[at] = (char)c;
			assert_int_equal(ovl_link_is_valid(text, 26),
					 (c >= 'A' && c <= 'Z') || (c >= '2' && c <= '7'));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepted),
		cmocka_unit_test(lengths),
		cmocka_unit_test(suffixes),
		cmocka_unit_test(every_byte),
	};

	return cmocka_run_group_tests_name("ident", tests, NULL, NULL);
}
