/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "word.h"

static struct word of(const char *text)
{
	return (struct word){ text, strlen(text) };
}

static void whole(void **state)
{
	(void)state;
	assert_true(word_is(of("any"), "any"));
	assert_true(word_is(of(""), ""));
	assert_false(word_is(of("an"), "any"));
	assert_false(word_is(of("anyx"), "any"));
	assert_false(word_is(of("Any"), "any"));
	assert_false(word_is((struct word){ "any\0x", 5 }, "any"));
}

static void ids(void **state)
{
	static const struct {
		const char *text;
		uint32_t id;
	} good[] = {
		{ "0", 0 },
		{ "00", 0 },
		{ "1000", 1000 },
		{ "01000", 1000 },
		{ "0000001000", 1000 },
		{ "2147483648", 2147483648 },
		{ "4294967294", 4294967294 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		id_t id = 77;

		assert_true(word_to_id(of(good[i].text), &id));
		assert_int_equal(id, good[i].id);
	}
}

static void no_ids(void **state)
{
	static const char *const bad[] = {
		"",	      "4294967295",  "4294967296",
		"4294968296", "9999999999",  "00000000001",
		"+1",	      "-1",	     " 1",
		"1 ",	      "1x",	     "x1",
		"0x10",	      "1.0",	     "1\n",
		"1:",	      "1/",	     ":",
		"\xb2",	      "12345678901", "18446744073709551616",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		id_t id;

		if (word_to_id(of(bad[i]), &id))
			fail_msg("taken for an id: '%s'", bad[i]);
	}
}

/* A word ends where it says: what stands behind it is neither read nor taken. */
static void id_length(void **state)
{
	char *exact = unit_copy("123", 3);
	id_t id;

	(void)state;
	assert_true(word_to_id((struct word){ exact, 3 }, &id));
	assert_int_equal(id, 123);
	assert_true(word_to_id((struct word){ "1234", 2 }, &id));
	assert_int_equal(id, 12);
	assert_false(word_to_id((struct word){ "1\0002", 3 }, &id));
	free(exact);
}

static void sizes(void **state)
{
	static const struct {
		const char *text;
		uint64_t size;
	} good[] = {
		{ "1", 1 },
		{ "4096", 4096 },
		{ "1k", 1024 },
		{ "1K", 1024 },
		{ "16m", UINT64_C(16) << 20 },
		{ "16M", UINT64_C(16) << 20 },
		{ "1g", UINT64_C(1) << 30 },
		{ "1G", UINT64_C(1) << 30 },
		{ "010", 10 },
		{ "1125899906842624", UINT64_C(1) << 50 },
		{ "1099511627776k", UINT64_C(1) << 50 },
		{ "1073741824m", UINT64_C(1) << 50 },
		{ "1048576g", UINT64_C(1) << 50 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		uint64_t size;

		assert_true(word_to_size(of(good[i].text), &size));
		assert_true(size == good[i].size);
	}
}

static void no_sizes(void **state)
{
	static const char *const bad[] = {
		"",
		"0",
		"00",
		"0k",
		"0g",
		"k",
		"g",
		"kk",
		"1kk",
		"k1",
		"1t",
		"1b",
		"1kb",
		"1KiB",
		"-1",
		"+1",
		" 1",
		"1 ",
		"1 k",
		"1.5g",
		"0x10",
		"1e3",
		"1125899906842625",
		"1099511627777k",
		"1073741825m",
		"1048577g",
		"17179869184g",
		"9999999999999999g",
		"18014398509481985k",
		"18446744073709551616",
		"18446744073709551617",
		"99999999999999999999999999",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		uint64_t size;

		if (word_to_size(of(bad[i]), &size))
			fail_msg("taken for a size: '%s'", bad[i]);
	}
}

/* strchr finds the NUL of its string too: a NUL byte is no unit. */
static void size_nul(void **state)
{
	uint64_t size;

	(void)state;
	assert_false(word_to_size((struct word){ "1\0", 2 }, &size));
	assert_true(word_to_size((struct word){ "12k", 2 }, &size));
	assert_true(size == 12);
}

static void cut(void **state)
{
	char *exact = unit_copy("a,,bc", 5);
	struct word text = { exact, 5 }, head;

	(void)state;
	head = word_cut(&text, ',');
	assert_true(word_is(head, "a"));
	head = word_cut(&text, ',');
	assert_true(word_is(head, ""));
	assert_int_equal(text.len, 2);
	head = word_cut(&text, ',');
	assert_true(word_is(head, "bc"));
	assert_int_equal(text.len, 0);
	head = word_cut(&text, ',');
	assert_int_equal(head.len, 0);
	text = (struct word){ NULL, 0 };
	head = word_cut(&text, ',');
	assert_int_equal(head.len, 0);
	free(exact);
}

/* The separator at the very end takes the rest away, and is not read past. */
static void cut_end(void **state)
{
	char *exact = unit_copy("ab\n", 3);
	struct word text = { exact, 3 };

	(void)state;
	assert_true(word_is(word_cut(&text, '\n'), "ab"));
	assert_int_equal(text.len, 0);
	assert_ptr_equal(text.at, exact + 3);
	free(exact);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole),     cmocka_unit_test(ids),   cmocka_unit_test(no_ids),
		cmocka_unit_test(id_length), cmocka_unit_test(sizes), cmocka_unit_test(no_sizes),
		cmocka_unit_test(size_nul),  cmocka_unit_test(cut),   cmocka_unit_test(cut_end),
	};

	return cmocka_run_group_tests_name("word", tests, NULL, NULL);
}
