/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "unit.h"

#include "args.h"

static struct request request;
static struct ovl_error err;

#define PARSE(...)                                                                      \
	args_parse((int)(sizeof((char *[]){ __VA_ARGS__, NULL }) / sizeof(char *)) - 1, \
		   (char *[]){ __VA_ARGS__, NULL }, &request, &err)

static void operands(void **state)
{
	char *argv[] = { "ovlrun", "-r", "ID", "cmd", "-r", "--help", NULL };

	(void)state;
	assert_int_equal(args_parse(6, argv, &request, &err), 0);
	assert_string_equal(request.image, "ID");
	assert_true(request.read_only);
	assert_string_equal(request.command[0], "cmd");
	assert_string_equal(request.command[1], "-r");
	assert_string_equal(request.command[2], "--help");
	assert_null(request.command[3]);
}

static void explicit_layers(void **state)
{
	char *argv[] = { "ovlrun", "--layers=A:B", "cmd", NULL };

	(void)state;
	assert_int_equal(args_parse(3, argv, &request, &err), 0);
	assert_null(request.image);
	assert_string_equal(request.layers, "A:B");
	assert_string_equal(request.command[0], "cmd");
}

static void end_of_options(void **state)
{
	char *argv[] = { "ovlrun", "--", "-r", NULL };

	(void)state;
	assert_int_equal(args_parse(3, argv, &request, &err), 0);
	assert_string_equal(request.image, "-r");
	assert_false(request.read_only);
}

static void actions(void **state)
{
	(void)state;
	assert_int_equal(PARSE("ovlrun", "--help"), 0);
	assert_int_equal(request.action, ACTION_HELP);
	assert_int_equal(PARSE("ovlrun", "-V"), 0);
	assert_int_equal(request.action, ACTION_VERSION);
}

static void sizes(void **state)
{
	static const struct {
		const char *text;
		uint64_t size;
	} good[] = { { "1", 1 },	  { "4096", 4096 },	{ "64k", 65536 },
		     { "16M", 16777216 }, { "1g", 1073741824 }, { "1048576g", UINT64_C(1) << 50 } };
	static const char *const bad[] = { "",
					   "0",
					   "0k",
					   "-1",
					   "+1",
					   " 1",
					   "1kk",
					   "1t",
					   "1.5",
					   "k",
					   "1 ",
					   "0x10",
					   "1048577g",
					   "99999999999999999999999999",
					   "18446744073709551616" };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(PARSE("ovlrun", "--tmpfs-size", (char *)good[i].text, "ID"), 0);
		assert_true(request.tmpfs_size == good[i].size);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(PARSE("ovlrun", "--tmpfs-size", (char *)bad[i], "ID"), -EINVAL);
}

static void refused(void **state)
{
	(void)state;
	assert_int_equal(args_parse(0, (char *[]){ NULL }, &request, &err), -EINVAL);
	assert_int_equal(PARSE("ovlrun"), -EINVAL);
	assert_int_equal(PARSE("ovlrun", "-r"), -EINVAL);
	assert_int_equal(PARSE("ovlrun", "-x", "ID"), -EINVAL);
	assert_int_equal(PARSE("ovlrun", "--no-such", "ID"), -EINVAL);
	assert_int_equal(PARSE("ovlrun", "--bare=1", "ID"), -EINVAL);
	assert_int_equal(PARSE("ovlrun", "-t"), -EINVAL);
	assert_int_equal(PARSE("ovlrun", "-C", "tmp", "ID"), -EINVAL);
	assert_int_equal(PARSE("ovlrun", "-C", "", "ID"), -EINVAL);
	assert_int_equal(PARSE("ovlrun", "-e", "=x", "ID"), -EINVAL);
	assert_int_equal(PARSE("ovlrun", "-e", "", "ID"), -EINVAL);
	assert_int_equal(PARSE("ovlrun", "--json", "ID"), -EINVAL);
	assert_int_equal(PARSE("ovlrun", "-r", "--tmpfs-size=1m", "ID"), -EINVAL);
}

static void many_variables(void **state)
{
	char *argv[2 * REQUEST_ENV_MAX + 6] = { "ovlrun" };
	int argc = 1;

	(void)state;
	for (int i = 0; i <= REQUEST_ENV_MAX; i++) {
		argv[argc++] = "-e";
		argv[argc++] = "A=b";
	}
	argv[argc++] = "ID";
	assert_int_equal(args_parse(argc, argv, &request, &err), -E2BIG);
	assert_int_equal(args_parse(argc - 2, argv + 2, &request, &err), 0);
	assert_int_equal(request.env_count, REQUEST_ENV_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(operands),	  cmocka_unit_test(explicit_layers),
		cmocka_unit_test(end_of_options), cmocka_unit_test(actions),
		cmocka_unit_test(sizes),	  cmocka_unit_test(refused),
		cmocka_unit_test(many_variables),
	};

	return cmocka_run_group_tests_name("args", tests, NULL, NULL);
}
