/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "unit.h"

#include "accounts.h"

static struct accounts accounts;
static struct ovl_error err;
static char *passwd_copy, *group_copy;

static const gid_t alice_groups[] = { 27, 2000 };
static const struct caller alice = {
	.uid = 1000, .gid = 1000, .groups = alice_groups, .group_count = 2
};

static int setup(void **state)
{
	(void)state;
	passwd_copy = group_copy = NULL;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(passwd_copy);
	free(group_copy);
	return 0;
}

static int collect(const char *passwd, const char *group, const struct caller *caller)
{
	free(passwd_copy);
	free(group_copy);
	passwd_copy = unit_copy(passwd, strlen(passwd));
	group_copy = unit_copy(group, strlen(group));
	return accounts_collect(&accounts, (struct word){ passwd_copy, strlen(passwd) },
				(struct word){ group_copy, strlen(group) }, caller, &err);
}

static bool is_user(const char *name)
{
	return accounts_is_caller(&accounts, (struct word){ name, strlen(name) }, false);
}

static bool is_group(const char *name)
{
	return accounts_is_caller(&accounts, (struct word){ name, strlen(name) }, true);
}

static bool has(const char *name, bool group)
{
	return accounts_has(&accounts, (struct word){ name, strlen(name) }, group);
}

static void names_of_the_caller(void **state)
{
	(void)state;
	assert_int_equal(collect("root:x:0:0::/root:/bin/sh\nalice:x:1000:1000:A:/h:/bin/sh\n"
				 "al:x:1000:1000:A:/h:/bin/sh\nbob:x:1001:1001:::\n",
				 "alice:x:1000:\nsudo:x:27:\nscience:x:2000:\nstaff:x:50:alice\n",
				 &alice),
			 0);
	assert_int_equal(accounts.of[false].count, 2);
	assert_int_equal(accounts.of[true].count, 3);
	assert_true(is_user("alice"));
	assert_true(is_user("al"));
	assert_false(is_user("bob"));
	assert_false(is_user("science"));
	assert_true(is_group("alice"));
	assert_true(is_group("sudo"));
	assert_true(is_group("science"));
	assert_false(is_group("staff"));
	assert_false(is_group("bob"));
}

static void names_are_whole(void **state)
{
	static const char *const others[] = { "",      "a",	 "alic",   "alicex",
					      "Alice", " alice", "alice ", "alice:" };

	(void)state;
	assert_int_equal(collect("alice:x:1000:1000:::\n", "", &alice), 0);
	for (size_t i = 0; i < COUNT_OF(others); i++) {
		assert_false(is_user(others[i]));
		assert_false(has(others[i], false));
	}
}

static void known_names(void **state)
{
	(void)state;
	assert_int_equal(collect("bob:x:1001:1001:::\n", "staff:x:50:\n", &alice), 0);
	assert_true(has("bob", false));
	assert_false(has("bob", true));
	assert_true(has("staff", true));
	assert_false(has("staff", false));
	assert_false(has("alice", false));
}

/* What is no entry names nobody, and does not hide the entries behind it. */
static void no_entries(void **state)
{
	static const char *const lines[] = {
		"",
		":",
		"::",
		":::",
		":x:1000:1000:::",
		"alice",
		"alice:",
		"alice:x",
		"alice:x:",
		"alice:x::1000:::",
		"alice:1000",
		"alice:1000:",
		"alice::x1000:",
		"alice:x:1000x:",
		"alice:x: 1000:",
		"alice:x:+1000:",
		"alice:x:-1:",
		"alice:x:4294968296:", /* 2^32 + 1000 */
		"alice:x:00000001000:",
		"alice x 1000",
		"+::::::",
		"+",
		"-alice",
		"+alice::::::",
		"+@net:x:1000:1000:::",
		"# alice:x:1000:1000:::",
		" alice:x:1000:1000:::",
	};
	char text[128];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(lines); i++) {
		snprintf(text, sizeof(text), "%s\nlast:x:1000:\n", lines[i]);
		assert_int_equal(collect(text, text, &alice), 0);
		if (is_user("alice") || has("alice", false) || is_group("alice") || is_user(""))
			fail_msg("an entry: '%s'", lines[i]);
		assert_true(is_user("last"));
		assert_true(is_group("last"));
	}
}

/* -1 is the id of nobody: it must not be found through an overflow or an entry that says so. */
static void no_id(void **state)
{
	struct caller nobody = { .uid = (uid_t)-1, .gid = (gid_t)-1 };

	(void)state;
	assert_int_equal(collect("a:x:4294967295:\nb:x:-1:\nc:x::\n", "a:x:4294967295:\n", &nobody),
			 0);
	assert_int_equal(accounts.of[false].count, 0);
	assert_int_equal(accounts.of[true].count, 0);
}

static void last_line_unfinished(void **state)
{
	(void)state;
	assert_int_equal(collect("bob:x:1001:1001:::\nalice:x:1000", "science:x:2000", &alice), 0);
	assert_true(is_user("alice"));
	assert_true(is_group("science"));
}

static void empty(void **state)
{
	(void)state;
	assert_int_equal(collect("", "", &alice), 0);
	assert_int_equal(accounts.of[false].count, 0);
	assert_int_equal(accounts.of[true].count, 0);
	assert_false(is_user(""));
	assert_false(has("", false));
}

/* Collecting anew forgets the caller before. */
static void again(void **state)
{
	struct caller bob = { .uid = 1001, .gid = 1001 };
	static const char passwd[] = "alice:x:1000:\nbob:x:1001:\n";

	(void)state;
	assert_int_equal(collect(passwd, passwd, &alice), 0);
	assert_int_equal(collect(passwd, passwd, &bob), 0);
	assert_true(is_user("bob"));
	assert_false(is_user("alice"));
	assert_false(is_group("alice"));
}

/* count lines "nI:x:ID:" into text. */
static char *make(unsigned int count, unsigned int id)
{
	char *text = malloc(32 * count + 32);
	size_t len = 0;

	assert_non_null(text);
	text[0] = '\0';
	for (unsigned int i = 0; i < count; i++)
		len += (size_t)sprintf(text + len, "n%u:x:%u:\n", i, id);
	return text;
}

static void many(void **state)
{
	char *users = make(1024, 1000), *too_many = make(1025, 1000), *others = make(3000, 7);

	(void)state;
	assert_int_equal(collect(users, users, &alice), 0);
	assert_true(is_user("n0"));
	assert_true(is_user("n1023"));
	assert_true(is_group("n1023"));
	assert_int_equal(collect(too_many, users, &alice), -E2BIG);
	assert_int_equal(collect(users, too_many, &alice), -E2BIG);
	assert_int_equal(err.errnum, E2BIG);
	/* Only the caller's count. */
	assert_int_equal(collect(others, others, &alice), 0);
	assert_true(has("n2999", false));
	free(users);
	free(too_many);
	free(others);
}

static void groups_of_the_kernel(void **state)
{
	(void)state;
	assert_true(accounts_has_group(&alice, 1000));
	assert_true(accounts_has_group(&alice, 27));
	assert_true(accounts_has_group(&alice, 2000));
	assert_false(accounts_has_group(&alice, 0));
	assert_false(accounts_has_group(&alice, 28));
	assert_false(accounts_has_group(&(struct caller){ .uid = 5, .gid = 6 }, 5));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(names_of_the_caller),
		TEST(names_are_whole),
		TEST(known_names),
		TEST(no_entries),
		TEST(no_id),
		TEST(last_line_unfinished),
		TEST(empty),
		TEST(again),
		TEST(many),
		TEST(groups_of_the_kernel),
	};

	return cmocka_run_group_tests_name("accounts", tests, NULL, NULL);
}
