/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <getopt.h>

#include "unit.h"

#include "args.h"
#include "rule.h"

static struct request request;
static struct ovl_error err;

/* getopt keeps its place within a word: a process parses once, this one often. */
static int parse(int argc, char **argv)
{
	optind = 0;
	getopt(1, (char *[]){ "x", NULL }, "+");
	return args_parse(argc, argv, &request, &err);
}

#define PARSE(...)                                                                 \
	parse((int)(sizeof((char *[]){ __VA_ARGS__, NULL }) / sizeof(char *)) - 1, \
	      (char *[]){ __VA_ARGS__, NULL })

static void operands(void **state)
{
	char *argv[] = { "ovlrun", "-r", "alpine:3", "cmd", "-r", "--help", "--", NULL };

	(void)state;
	assert_int_equal(parse(7, argv), 0);
	assert_int_equal(request.action, ACTION_RUN);
	assert_int_equal(request.kind, REQUEST_IMAGE);
	assert_string_equal(request.name, "alpine:3");
	assert_true(request.read_only);
	assert_ptr_equal(request.command, argv + 3);
	assert_null(request.command[4]);
}

static void no_command(void **state)
{
	char *argv[] = { "ovlrun", "alpine", NULL };

	(void)state;
	assert_int_equal(parse(2, argv), 0);
	assert_null(request.command[0]);
}

static void explicit_layers(void **state)
{
	char *argv[] = { "ovlrun", "--layers=A:B", "cmd", NULL };

	(void)state;
	assert_int_equal(parse(3, argv), 0);
	assert_int_equal(request.kind, REQUEST_LAYERS);
	assert_string_equal(request.name, "A:B");
	assert_string_equal(request.image, "");
	assert_ptr_equal(request.command, argv + 2);
	assert_int_equal(PARSE("ovlrun", "-l", "A"), 0);
	assert_int_equal(request.kind, REQUEST_LAYERS);
	assert_null(request.command[0]);
}

static void kinds(void **state)
{
	static const struct {
		char *operand;
		enum request_kind kind;
		const char *image;
	} rows[] = {
		{ HEX64, REQUEST_LAYER, "" },
		{ HEX64 "-init", REQUEST_LAYER, "" },
		{ BK25, REQUEST_LAYER, "" },
		{ LINK, REQUEST_LAYER, "" },
		{ "alpine", REQUEST_IMAGE, "alpine:latest" },
		{ "alpine:3.19", REQUEST_IMAGE, "alpine:3.19" },
		{ "localhost:5000/x", REQUEST_IMAGE, "localhost:5000/x:latest" },
		/* One byte off is a name of an image, and never a layer. */
		{ HEX64 "0", REQUEST_IMAGE, HEX64 "0:latest" },
		{ BK25 "p", REQUEST_IMAGE, BK25 "p:latest" },
		{ HEX64 ":latest", REQUEST_IMAGE, HEX64 ":latest" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_int_equal(PARSE("ovlrun", rows[i].operand), 0);
		assert_int_equal(request.kind, rows[i].kind);
		assert_string_equal(request.name, rows[i].operand);
		assert_string_equal(request.image, rows[i].image);
	}
}

static void T43_no_names(void **state)
{
	static char *const bad[] = { "",    "..", "../a", "/a",	    "a/", "a b",
				     "a\n", "A",  ".a",	  LINK "A", "a:", "a," };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		assert_int_equal(PARSE("ovlrun", bad[i]), -EINVAL);
		assert_string_equal(err.verb, "use");
		assert_string_equal(err.object, bad[i]);
		assert_string_equal(err.reason, "no image has such a name, and no layer");
	}
}

static void end_of_options(void **state)
{
	(void)state;
	assert_int_equal(PARSE("ovlrun", "--", "a", "-r"), 0);
	assert_string_equal(request.name, "a");
	assert_string_equal(request.command[0], "-r");
	assert_false(request.read_only);
	/* Behind "--" a word is the operand, whatever it looks like. */
	assert_int_equal(PARSE("ovlrun", "--", "-r"), -EINVAL);
	assert_string_equal(err.object, "-r");
	assert_int_equal(PARSE("ovlrun", "--", "--help"), -EINVAL);
	assert_int_equal(PARSE("ovlrun", "--"), -EINVAL);
}

static void every_option(void **state)
{
	(void)state;
	assert_int_equal(PARSE("ovlrun", "-t", "/a", "-l", "X", "-C", "/w", "-e", "A=b", "-e", "C",
			       "-Envq", "--json", "--bare", "--tmpfs-size", "1m", "cmd"),
			 0);
	assert_string_equal(request.tree, "/a");
	assert_string_equal(request.name, "X");
	assert_string_equal(request.chdir, "/w");
	assert_int_equal(request.env_count, 2);
	assert_string_equal(request.env[0], "A=b");
	assert_string_equal(request.env[1], "C");
	assert_true(request.keep_env && request.dry_run && request.verbose && request.quiet);
	assert_true(request.json && request.bare);
	assert_false(request.read_only);
	assert_null(request.upper);
	assert_int_equal(request.features, 0);
	assert_true(request.tmpfs_size == 1048576);
	assert_int_equal(PARSE("ovlrun", "--tree=/a", "--layers", "X", "--chdir=/w", "--env=A",
			       "--keep-env", "--dry-run", "--verbose", "--quiet", "--read-only"),
			 0);
	assert_string_equal(request.tree, "/a");
	assert_string_equal(request.chdir, "/w");
	assert_string_equal(request.env[0], "A");
	assert_true(request.keep_env && request.dry_run && request.verbose && request.quiet);
	assert_true(request.read_only);
	assert_false(request.json || request.bare);
	assert_int_equal(PARSE("ovlrun", "a"), 0);
	assert_null(request.tree);
	assert_null(request.chdir);
	assert_int_equal(request.env_count, 0);
	assert_int_equal(request.tmpfs_size, 0);
	assert_false(request.keep_env || request.dry_run || request.verbose || request.quiet ||
		     request.read_only || request.json || request.bare);
}

static void actions(void **state)
{
	(void)state;
	assert_int_equal(PARSE("ovlrun", "--help"), 0);
	assert_int_equal(request.action, ACTION_HELP);
	assert_int_equal(PARSE("ovlrun", "-rh", "--no-such"), 0);
	assert_int_equal(request.action, ACTION_HELP);
	assert_int_equal(PARSE("ovlrun", "-V"), 0);
	assert_int_equal(request.action, ACTION_VERSION);
	assert_int_equal(PARSE("ovlrun", "--version"), 0);
	assert_int_equal(request.action, ACTION_VERSION);
	assert_int_equal(PARSE("ovlrun", "--no-such", "--help"), -EINVAL);
}

static void check_policy(void **state)
{
	(void)state;
	assert_int_equal(PARSE("ovlrun", "--check-policy"), 0);
	assert_int_equal(request.action, ACTION_CHECK_POLICY);
	assert_null(request.name);
	assert_int_equal(PARSE("ovlrun", "--check-policy", "/tmp/../x y"), 0);
	assert_int_equal(request.action, ACTION_CHECK_POLICY);
	assert_string_equal(request.name, "/tmp/../x y");
	/* A second file would not be looked at. */
	assert_int_equal(PARSE("ovlrun", "--check-policy", "a", "b"), -EINVAL);
}

static void upper(void **state)
{
	static char *const good[] = { "a", "0", "Z", "a.b", "a-b_c.d", "a..", "work-1" };
	static char *const bad[] = { "",     ".",   "..",  ".a",  "-a",	 "_a",	"/",	    "a/b",
				     "../a", "a b", "a\n", "a,b", "a:b", "a\\", "\xc3\xa4", "a*" };
	char text[130];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		assert_int_equal(PARSE("ovlrun", "-w", good[i], "a"), 0);
		assert_string_equal(request.upper, good[i]);
		assert_int_equal(request.features, FEATURE_WRITABLE);
	}
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		assert_int_equal(PARSE("ovlrun", "-w", bad[i], "a"), -EINVAL);
		assert_string_equal(err.verb, "use upper layer");
		assert_string_equal(err.object, bad[i]);
	}
	memset(text, 'a', sizeof(text));
	text[129] = '\0';
	assert_int_equal(PARSE("ovlrun", "--writable", text, "a"), -EINVAL);
	text[128] = '\0';
	assert_int_equal(PARSE("ovlrun", "--writable", text, "a"), 0);
}

/* Every value of a byte: exactly the alphabet of an upper layer's name passes. */
static void upper_every_byte(void **state)
{
	(void)state;
	for (int c = 1; c < 256; c++) {
		bool alnum =
			(c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

		assert_int_equal(args_upper_is_valid((char[]){ (char)c, '\0' }), alnum);
		assert_int_equal(args_upper_is_valid((char[]){ 'a', (char)c, '\0' }),
				 alnum || c == '.' || c == '_' || c == '-');
	}
}

static void sizes(void **state)
{
	static const struct {
		char *text;
		uint64_t size;
	} good[] = { { "1", 1 },	  { "4096", 4096 },	{ "64k", 65536 },
		     { "16M", 16777216 }, { "1g", 1073741824 }, { "1048576g", UINT64_C(1) << 50 } };
	static char *const bad[] = { "",    "0",  "0k",	 "-1",	 "+1",	    " 1",
				     "1kk", "1t", "1.5", "0x10", "1048577g" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		assert_int_equal(PARSE("ovlrun", "--tmpfs-size", good[i].text, "a"), 0);
		assert_true(request.tmpfs_size == good[i].size);
	}
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		assert_int_equal(PARSE("ovlrun", "--tmpfs-size", bad[i], "a"), -EINVAL);
		assert_string_equal(err.verb, "use size");
		assert_string_equal(err.object, bad[i]);
	}
}

/* A long option is its whole name: its beginning may mean another option one day. */
static void whole_long_names(void **state)
{
	static char *const short_forms[] = { "--read-onl", "--r",	"--dry",  "--bar", "--he",
					     "--vers",	   "--check-p", "--verb", "--v" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(short_forms); i++) {
		assert_int_equal(PARSE("ovlrun", "-n", short_forms[i], "a"), -EINVAL);
		assert_string_equal(err.verb, "understand");
		assert_string_equal(err.reason, "no such option");
		assert_non_null(strstr(err.object, short_forms[i]));
	}
	assert_int_equal(PARSE("ovlrun", "--tre", "/a", "-l", "X"), -EINVAL);
	assert_int_equal(PARSE("ovlrun", "--tre=/a", "-l", "X"), -EINVAL);
	assert_int_equal(PARSE("ovlrun", "--tree", "--tree", "-l", "X"), 0);
	assert_string_equal(request.tree, "--tree");
	assert_int_equal(PARSE("ovlrun", "--tree=--tre", "-l", "X"), 0);
	assert_string_equal(request.tree, "--tre");
	assert_int_equal(PARSE("ovlrun", "--env", "a=b", "--env=c=d", "x"), 0);
	assert_string_equal(request.env[1], "c=d");
}

#define WORDS(...)                          \
	{                                   \
		"ovlrun", __VA_ARGS__, NULL \
	}

/* What is refused, and that the message names the option that is wrong. */
static void binds(void **state)
{
	char one[] = "/a", two[] = "/a:/b", three[] = "/a/b:/c d/:ro";
	char *argv[] = { "ovlrun", "-b", one, "--bind", two, "-b", three, "a", NULL };

	(void)state;
	assert_int_equal(parse(8, argv), 0);
	assert_int_equal(request.bind_count, 3);
	assert_string_equal(request.bind[0].source, "/a");
	assert_string_equal(request.bind[0].destination, "/a");
	assert_string_equal(request.bind[1].destination, "/b");
	assert_false(request.bind[1].read_only);
	assert_string_equal(request.bind[2].source, "/a/b");
	assert_string_equal(request.bind[2].destination, "/c d/");
	assert_true(request.bind[2].read_only);
	assert_int_equal(request.features, FEATURE_BIND);
	for (const char *const *bad =
		     (const char *const[]){ "", "a", "/a:b", ":/b", "/a:", "/a:/b:rw", "/a:/b:ro:x",
					    "/a::ro", NULL };
	     *bad; bad++) {
		char text[32];

		strcpy(text, *bad);
		if (PARSE("ovlrun", "-b", text, "a") != -EINVAL)
			fail_msg("taken: %s", *bad);
	}
}

static void lists(void **state)
{
	(void)state;
	assert_int_equal(PARSE("ovlrun", "--unshare", "net,pid,pid", "--dev=none", "a"), 0);
	assert_int_equal(request.unshare, NAMESPACE_NET | NAMESPACE_PID);
	assert_int_equal(request.dev, DEV_NONE);
	assert_int_equal(request.features, FEATURE_UNSHARE);
	assert_int_equal(PARSE("ovlrun", "--dev", "host", "a"), 0);
	assert_int_equal(request.features, FEATURE_DEV);
	for (const char *const *bad = (const char *const[]){ "", ",", "pid,", ",pid", "pid,,net",
							     "user", "PID", "pid net", NULL };
	     *bad; bad++)
		assert_int_equal(PARSE("ovlrun", "--unshare", (char *)*bad, "a"), -EINVAL);
	assert_int_equal(PARSE("ovlrun", "--dev", "all", "a"), -EINVAL);
	assert_int_equal(PARSE("ovlrun", "--bare", "--dev", "host", "a"), -EINVAL);
	assert_int_equal(PARSE("ovlrun", "--bare", "--home", "a"), -EINVAL);
}

static void descriptors(void **state)
{
	(void)state;
	assert_int_equal(PARSE("ovlrun", "--keep-fd", "9", "--keep-fd=3", "--keep-fd=9", "a"), 0);
	assert_true(request.keep_fd_count >= 2);
	assert_int_equal(request.features, FEATURE_KEEP_FD);
	for (const char *const *bad =
		     (const char *const[]){ "", "-1", "x", "3x", "0", "1", "2", "4294967295",
					    "2147483648", " 3", NULL };
	     *bad; bad++) {
		int ret = PARSE("ovlrun", "--keep-fd", (char *)*bad, "a");

		if (ret != -EINVAL)
			fail_msg("taken: '%s'", *bad);
	}
}

static void host_names(void **state)
{
	(void)state;
	assert_int_equal(PARSE("ovlrun", "--unshare=uts", "--hostname=a-1.b", "a"), 0);
	assert_string_equal(request.hostname, "a-1.b");
	assert_int_equal(PARSE("ovlrun", "--hostname=a", "a"), -EINVAL);
	assert_int_equal(PARSE("ovlrun", "--unshare=uts", "--hostname=", "a"), -EINVAL);
	assert_int_equal(PARSE("ovlrun", "--unshare=uts", "--hostname=a b", "a"), -EINVAL);
	assert_int_equal(PARSE("ovlrun", "--unshare=uts", "--hostname=" HEX64, "a"), 0);
	assert_int_equal(PARSE("ovlrun", "--unshare=uts", "--hostname=" HEX64 "x", "a"), -EINVAL);
}

static void refused(void **state)
{
	static const struct {
		char *argv[8];
		const char *object, *reason;
	} rows[] = {
		{ WORDS("-r"), "a launch", "no NAME, no ID and no -l given" },
		{ WORDS("-x", "a"), "option -x", "no such option" },
		{ WORDS("-rx", "a"), "option -x", "no such option" },
		{ WORDS("-r", "-x", "a"), "option -x", "no such option" },
		/* getopt has not left the word when a letter within it is wrong. */
		{ WORDS("--bare", "-xr", "a"), "option -x", "no such option" },
		{ WORDS("--tree", "/--a", "-xr", "a"), "option -x", "no such option" },
		{ WORDS("-xr", "a"), "option -x", "no such option" },
		{ WORDS("--no-such", "a"), "option --no-such", "no such option" },
		{ WORDS("-r", "--no-such=1", "a"), "option --no-such=1", "no such option" },
		{ WORDS("--tre", "/x", "-l", "X"), "option --tre", "no such option" },
		{ WORDS("--bare=1", "a"), "option --bare=1", "it takes no argument" },
		{ WORDS("-t"), "option -t", "it needs an argument" },
		{ WORDS("-rt"), "option -t", "it needs an argument" },
		{ WORDS("--bare", "-t"), "option -t", "it needs an argument" },
		{ WORDS("--tree"), "option --tree", "it needs an argument" },
		{ WORDS("-r", "--layers"), "option --layers", "it needs an argument" },
		{ WORDS("-C", "tmp", "a"), "tmp", "not an absolute path" },
		{ WORDS("-C", "", "a"), "", "not an absolute path" },
		{ WORDS("-e", "=x", "a"), "=x", "it has no name" },
		{ WORDS("-e", "", "a"), "", "it has no name" },
		{ WORDS("--json", "a"), "--json", "it goes with --dry-run" },
		{ WORDS("-r", "-w", "x", "a"), "--writable",
		  "a read-only launch has no upper layer" },
		{ WORDS("-t", "/a", "alpine"), "--tree",
		  "an image lies in the tree its record names" },
	};

	(void)state;
	assert_int_equal(parse(0, (char *[]){ NULL }), -EINVAL);
	assert_int_equal(PARSE("ovlrun"), -EINVAL);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char *argv[8];
		int argc = 0;

		while (rows[i].argv[argc])
			argc++;
		memcpy(argv, rows[i].argv, sizeof(argv));
		assert_int_equal(parse(argc, argv), -EINVAL);
		assert_int_equal(err.errnum, EINVAL);
		assert_string_equal(err.object, rows[i].object);
		assert_string_equal(err.reason, rows[i].reason);
	}
}

/* A tree goes with layers, in every spelling. */
static void tree_and_layers(void **state)
{
	(void)state;
	assert_int_equal(PARSE("ovlrun", "-t", "/a", HEX64), 0);
	assert_int_equal(PARSE("ovlrun", "-t", "/a", LINK), 0);
	assert_int_equal(PARSE("ovlrun", "-t", "/a", "-l", LINK ":" HEX64), 0);
	assert_string_equal(request.tree, "/a");
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
	argv[argc++] = "a";
	assert_int_equal(parse(argc, argv), -EINVAL);
	assert_int_equal(parse(argc - 2, argv + 2), 0);
	assert_int_equal(request.env_count, REQUEST_ENV_MAX);
}

/* The usage text names every option there is. */
static void usage(void **state)
{
	static const char *const names[] = {
		"-t, --tree ",	  "-l, --layers ",   "-r, --read-only ", "-w, --writable ",
		"--tmpfs-size ",  "-C, --chdir ",    "-e, --env ",	 "-E, --keep-env ",
		"--bare ",	  "--check-policy ", "-n, --dry-run ",	 "--json",
		"-v, --verbose ", "-q, --quiet ",    "-V, --version ",	 "-h, --help ",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++)
		assert_non_null(strstr(args_usage(), names[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(operands),
		cmocka_unit_test(no_command),
		cmocka_unit_test(explicit_layers),
		cmocka_unit_test(kinds),
		cmocka_unit_test(T43_no_names),
		cmocka_unit_test(end_of_options),
		cmocka_unit_test(every_option),
		cmocka_unit_test(actions),
		cmocka_unit_test(check_policy),
		cmocka_unit_test(upper),
		cmocka_unit_test(upper_every_byte),
		cmocka_unit_test(sizes),
		cmocka_unit_test(whole_long_names),
		cmocka_unit_test(binds),
		cmocka_unit_test(lists),
		cmocka_unit_test(descriptors),
		cmocka_unit_test(host_names),
		cmocka_unit_test(refused),
		cmocka_unit_test(tree_and_layers),
		cmocka_unit_test(many_variables),
		cmocka_unit_test(usage),
	};

	return cmocka_run_group_tests_name("args", tests, NULL, NULL);
}
