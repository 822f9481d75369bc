/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "unit.h"

#include "policy.h"

static struct policy policy;
static struct ovl_error err;
static char text[1024];

static int parse(const char *source)
{
	strcpy(text, source);
	return policy_parse(&policy, text, strlen(source), "conf", &err);
}

static void good(void **state)
{
	(void)state;
	assert_int_equal(parse(""), 0);
	assert_int_equal(policy.tree_count, 0);
	assert_int_equal(parse("# comment\n\n \t\ntree /a # why\n\ttree\t/b \n"), 0);
	assert_int_equal(policy.tree_count, 2);
	assert_string_equal(policy.trees[0], "/a");
	assert_string_equal(policy.trees[1], "/b");
}

static void bad(void **state)
{
	static const struct {
		const char *text, *at;
	} rows[] = {
		{ "tree\n", "conf:1" },	      { "\ntree a\n", "conf:2" },
		{ "tree /a /b\n", "conf:1" }, { "tree /a\nTREE /b\n", "conf:2: TREE" },
		{ "trees /a\n", "conf:1" },   { "tree /a", "conf" },
		{ "permit *\n", "conf:1" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(parse(rows[i].text), -EINVAL);
		assert_non_null(strstr(err.object, rows[i].at));
	}
	memcpy(text, "tree /a\0\n", 9);
	assert_int_equal(policy_parse(&policy, text, 9, "conf", &err), -EINVAL);
}

static void T03_whole_paths(void **state)
{
	static const char *const others[] = { "/s2", "/", "/s/", "/s/x", "s", "", "//s" };
	struct caller user = { .uid = 1000, .gid = 1000 }, root = { 0 };
	struct request request = { .tree = "/s" };
	struct grant grant;

	(void)state;
	assert_int_equal(parse("tree /s\n"), 0);
	assert_int_equal(policy_decide(&policy, &user, &request, &grant, &err), 0);
	assert_string_equal(grant.tree, "/s");
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		request.tree = others[i];
		assert_int_equal(policy_decide(&policy, &user, &request, &grant, &err), -EACCES);
		assert_int_equal(policy_decide(&policy, &root, &request, &grant, &err), 0);
	}
}

static void defaults(void **state)
{
	struct caller user = { .uid = 1000, .gid = 1000 }, root = { 0 };
	struct request request = { 0 };
	struct grant grant;

	(void)state;
	assert_int_equal(parse(""), 0);
	assert_int_equal(policy_decide(&policy, &user, &request, &grant, &err), -EACCES);
	assert_int_equal(policy_decide(&policy, &root, &request, &grant, &err), -EACCES);
	assert_int_equal(parse("tree /s\ntree /t\n"), 0);
	assert_int_equal(policy_decide(&policy, &user, &request, &grant, &err), 0);
	assert_string_equal(grant.tree, "/s");
	assert_true(grant.tmpfs_size == UINT64_C(512) << 20);
	request.tmpfs_size = (UINT64_C(512) << 20) + 1;
	assert_int_equal(policy_decide(&policy, &user, &request, &grant, &err), -EACCES);
	assert_int_equal(policy_decide(&policy, &root, &request, &grant, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good),
		cmocka_unit_test(bad),
		cmocka_unit_test(T03_whole_paths),
		cmocka_unit_test(defaults),
	};

	return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
