/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "diag.h"

static void T47_escape(void **state)
{
	char out[64];

	(void)state;
	diag_escape(out, sizeof(out), "plain /path-1.2", "");
	assert_string_equal(out, "plain /path-1.2");
	diag_escape(out, sizeof(out), "a\nb\033[1m\\n\x7f\xff", "");
	assert_string_equal(out, "a\\x0ab\\x1b[1m\\\\n\\x7f\\xff");
}

/* Nothing is written past any size, the result is always terminated, and a cut is visible. */
static void cut(void **state)
{
	char out[128];
	char text[65];

	(void)state;
	memset(text, '\n', 64);
	text[64] = '\0';
	for (size_t size = 8; size < sizeof(out) - 1; size++) {
		memset(out, '#', sizeof(out));
		diag_escape(out, size, text, "");
		assert_true(strlen(out) < size);
		assert_int_equal(out[size], '#');
		assert_string_equal(out + strlen(out) - 3, "...");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(T47_escape),
		cmocka_unit_test(cut),
	};

	return cmocka_run_group_tests_name("diag", tests, NULL, NULL);
}
