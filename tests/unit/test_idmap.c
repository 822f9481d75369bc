/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "unit.h"

#include "idmap.h"

static struct accounts accounts;
static struct idmap map;
static struct ovl_error err;
static const struct caller rita = { .uid = 4321, .gid = 4322 };

static struct word text(const char *s)
{
	return (struct word){ s, strlen(s) };
}

static int make(const char *subuid, const char *subgid)
{
	assert_int_equal(accounts_collect(&accounts, text("rita:x:4321:4322::/:/bin/sh\n"),
					  text("rita:x:4322:\n"), &rita, &err),
			 0);
	memset(&map, '#', sizeof(map));
	return idmap_make(&map, &rita, &accounts, text(subuid), text(subgid), &err);
}

static void own_ids_only(void **state)
{
	static const char *const others[] = {
		"",	     "bob:100000:65536\n", "rita2:1:1\n",     "4322:5:5\n",
		"rit:1:1\n", "\n:1:1\n::\n",	   "04321:100000:5\n"
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(others); i++) {
		assert_int_equal(make(others[i], others[i]), 0);
		assert_string_equal(map.uid, "0 4321 1\n");
		assert_string_equal(map.gid, "0 4322 1\n");
		assert_false(map.has_uids || map.has_gids);
	}
}

static void ranges_in_their_order(void **state)
{
	(void)state;
	assert_int_equal(make("bob:1:9\nrita:200000:10\n4321:100000:65536\n", "rita:300000:1\n"),
			 0);
	assert_string_equal(map.uid, "0 4321 1\n1 200000 10\n11 100000 65536\n");
	assert_string_equal(map.gid, "0 4322 1\n1 300000 1\n");
	assert_true(map.has_uids && map.has_gids);
	assert_int_equal(make("rita:200000:10", ""), 0); /* the last line need not be finished */
	assert_string_equal(map.uid, "0 4321 1\n1 200000 10\n");
}

static void T51_ranges_that_must_not_be(void **state)
{
	static const char *const bad[] = {
		"rita:0:10\n",	    /* root's id */
		"rita:4321:1\n",    /* his own */
		"rita:4000:1000\n", /* his own within */
		"rita:100000:0\n",     "rita:100000\n",	 "rita\n",	     "rita::5\n",
		"rita:100000:\n",      "rita:-1:5\n",	 "rita:100000:x\n",  "rita:100000:5:6\n",
		"rita:4294967290:6\n", /* past the last id */
		"rita:0100000:5\n",    "rita: 1000:5\n", "rita:100000:5 \n", "rita:1e5:5\n",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		if (make(bad[i], "") != -EINVAL)
			fail_msg("taken: %s", bad[i]);
		assert_string_equal(err.object, "/etc/subuid");
	}
	/* Of groups it is his group's id that must not be in a range. */
	assert_int_equal(make("", "rita:4321:1\n"), 0);
	assert_int_equal(make("", "rita:4322:1\n"), -EINVAL);
	assert_string_equal(err.object, "/etc/subgid");
}

static void too_many(void **state)
{
	char lines[2000] = "";

	(void)state;
	for (int n = 0; n < 15; n++)
		snprintf(lines + strlen(lines), sizeof(lines) - strlen(lines), "rita:%d:100000\n",
			 100000 * (n + 1));
	assert_int_equal(make(lines, lines), 0);
	for (int n = 15; n < 60; n++)
		snprintf(lines + strlen(lines), sizeof(lines) - strlen(lines), "rita:%d:100000\n",
			 100000 * (n + 1));
	assert_int_equal(make(lines, lines), -EINVAL);
	assert_true(strlen(map.uid) < IDMAP_SIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_ids_only),
		cmocka_unit_test(ranges_in_their_order),
		cmocka_unit_test(T51_ranges_that_must_not_be),
		cmocka_unit_test(too_many),
	};

	return cmocka_run_group_tests_name("idmap", tests, NULL, NULL);
}
