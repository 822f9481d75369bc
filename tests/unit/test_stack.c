/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "unit.h"

#include "ovl/stack.h"

static struct ovl_stack stack;
static struct ovl_error err;

static int fresh(void **state)
{
	(void)state;
	memset(&stack, 0, sizeof(stack));
	return 0;
}

static void parse_explicit(void **state)
{
	(void)state;
	assert_int_equal(ovl_stack_parse(&stack, HEX64 ":" LINK ":" BK25, &err), 0);
	assert_int_equal(stack.depth, 3);
	assert_string_equal(stack.layer[0].id, HEX64);
	assert_string_equal(stack.layer[0].link, "");
	assert_string_equal(stack.layer[1].link, LINK);
	assert_string_equal(stack.layer[1].id, "");
	assert_string_equal(stack.layer[2].id, BK25);
}

static void refuse_explicit(void **state)
{
	static const char *const bad[] = {
		"",
		":",
		LINK ":",
		":" LINK,
		LINK "::" LINK,
		LINK "\n",
		LINK ",upperdir=/tmp/u",
		LINK "\\:",
		"../" LINK,
		"l/" LINK,
		HEX64 ":" HEX64 "x",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		stack.depth = 0;
		assert_int_equal(ovl_stack_parse(&stack, bad[i], &err), -EINVAL);
	}
}

/* Writes the `lower` text for links first, first + 1, ...; returns its length. */
static size_t make_lower(char *text, unsigned int first, unsigned int count)
{
	size_t len = 0;

	for (unsigned int i = 0; i < count; i++)
		len += (size_t)sprintf(text + len, "%sl/%s", i ? ":" : "", unit_link(first + i));
	return len;
}

static void lower_lengths(void **state)
{
	static char text[OVL_LOWER_MAX + 64];

	(void)state;
	assert_int_equal(make_lower(text, 0, 1), 28);
	assert_int_equal(make_lower(text, 0, 2), 57);
	assert_int_equal(make_lower(text, 0, 500), OVL_LOWER_MAX);
	for (unsigned int n = 1; n <= 500; n += 83) {
		/* Exactly n entries on the heap, so that a read past the end is seen. */
		size_t len = make_lower(text, 0, n);
		char *exact = malloc(len);

		memcpy(exact, text, len);
		stack.depth = 0;
		assert_int_equal(ovl_stack_parse_lower(&stack, exact, len, "x", &err), 0);
		assert_int_equal(stack.depth, n);
		assert_string_equal(stack.layer[n - 1].link, unit_link(n - 1));
		free(exact);
	}
}

static void lower_depth(void **state)
{
	static char text[OVL_LOWER_MAX + 64];
	size_t len = make_lower(text, 0, 500);

	(void)state;
	assert_int_equal(ovl_stack_add(&stack, HEX64, 64, &err), 0);
	assert_int_equal(ovl_stack_parse_lower(&stack, text, len, "x", &err), -E2BIG);
	assert_non_null(strstr(err.reason, "max depth exceeded"));
	assert_non_null(strstr(err.reason, "500"));
}

static void refuse_lower(void **state)
{
	static const struct {
		const char *text;
		size_t len;
	} bad[] = {
#define BAD(s) { s, sizeof(s) - 1 }
		BAD(""),
		BAD("l/" LINK "\n"),
		BAD("l/" LINK ":"),
		BAD(":l/" LINK),
		BAD("l/" LINK "::l/" LINK),
		BAD("l/" LINK ":l/" LINK "\n"),
		BAD("l/" LINK " l/" LINK),
		BAD("L/" LINK),
		BAD("l:" LINK),
		BAD("../../../../../../../../../x"),
		BAD("/etc/etc/etc/etc/etc/etc/etc"),
		BAD("l/../x/ABCDEFGHIJKLMNOPQRSTU"),
		BAD("l/ABCDEFGHIJKLMNOPQRSTUVWXY\0"),
		BAD("l/abcdefghijklmnopqrstuvwxyz"),
#undef BAD
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		stack.depth = 0;
		assert_int_equal(ovl_stack_parse_lower(&stack, bad[i].text, bad[i].len, "x", &err),
				 -EBADMSG);
	}
}

static void unique(void **state)
{
	(void)state;
	assert_int_equal(ovl_stack_parse(&stack, HEX64 ":" BK25, &err), 0);
	assert_int_equal(ovl_stack_check_unique(&stack, &err), 0);
	assert_int_equal(ovl_stack_add(&stack, HEX64, 64, &err), 0);
	assert_int_equal(ovl_stack_check_unique(&stack, &err), -ELOOP);
	assert_string_equal(err.object, HEX64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(parse_explicit, fresh),
		cmocka_unit_test_setup(refuse_explicit, fresh),
		cmocka_unit_test_setup(lower_lengths, fresh),
		cmocka_unit_test_setup(lower_depth, fresh),
		cmocka_unit_test_setup(refuse_lower, fresh),
		cmocka_unit_test_setup(unique, fresh),
	};

	return cmocka_run_group_tests_name("stack", tests, NULL, NULL);
}
