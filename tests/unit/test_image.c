/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "unit.h"

#include "image.h"

static struct image image;
static struct ovl_error err;
static char *record;

static void T43_good_names(void **state)
{
	static const struct {
		const char *name, *out;
	} rows[] = {
		{ "a", "a:latest" },
		{ "0", "0:latest" },
		{ "alpine", "alpine:latest" },
		{ "alpine:3.19", "alpine:3.19" },
		{ "alpine:latest", "alpine:latest" },
		{ "alpine:LATEST", "alpine:LATEST" },
		{ "alpine:_", "alpine:_" },
		{ "a_b-c.d:1-2.3_X", "a_b-c.d:1-2.3_X" },
		{ "library/alpine", "library/alpine:latest" },
		{ "ghcr.io/org/team/x:1", "ghcr.io/org/team/x:1" },
		{ "localhost:5000/x", "localhost:5000/x:latest" },
		{ "localhost:5000/a/x:2", "localhost:5000/a/x:2" },
		{ "localhost:5000", "localhost:5000" }, /* a tag */
		{ "a..b", "a..b:latest" },
		{ "a.", "a.:latest" },
	};
	char out[IMAGE_NAME_SIZE];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (!image_name_normalise(rows[i].name, out))
			fail_msg("refused: '%s'", rows[i].name);
		assert_string_equal(out, rows[i].out);
	}
}

static void T43_bad_names(void **state)
{
	static const char *const bad[] = {
		"",	    ".",	   "..",	 "../a",    "a/..",	 "a/../b",
		"a/.",	    "./a",	   "/",		 "/a",	    "a/",	 "a//b",
		".hidden",  "a/.hidden",   "-a",	 "_a",	    "a/-b",	 "a/_b",
		"A",	    "Alpine",	   "a/B",	 ":",	    ":1",	 "a:",
		"a:/b",	    "a:1/",	   "a:1:2",	 "a::1",    "a:.1",	 "a:-1",
		"a:1 ",	    " a",	   "a ",	 "a b",	    "a\n",	 "a\nb",
		"a\tb",	    "a:1\n",	   "a,b",	 "a*",	    "*",	 "a:*",
		"a=b",	    "a@sha256:0",  "a\\b",	 "a%2e",    "a;b",	 "a#b",
		"a\x7f",    "\xc3\xa4",	   "a:\xc3\xa4", "host:/x", "host:5a/x", "host:x/y",
		"a/b:80/c", "a:80/b:80/c", "a:80:1/b",	 "a:../b",  "a:..",	 "a:b/../c",
	};
	char out[IMAGE_NAME_SIZE];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		if (image_name_normalise(bad[i], out))
			fail_msg("taken: '%s'", bad[i]);
	}
}

/* Every value of a byte in a component and in a tag: exactly the alphabets pass. */
static void T43_every_byte(void **state)
{
	char out[IMAGE_NAME_SIZE], name[8];

	(void)state;
	for (int c = 1; c < 256; c++) {
		bool lower = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
		bool inner = lower || c == '.' || c == '_' || c == '-';
		bool upper = c >= 'A' && c <= 'Z';

		snprintf(name, sizeof(name), "%c", c);
		assert_int_equal(image_name_normalise(name, out), lower);
		snprintf(name, sizeof(name), "a%cb", c);
		assert_int_equal(image_name_normalise(name, out), inner || c == '/' || c == ':');
		snprintf(name, sizeof(name), "a:%c", c);
		assert_int_equal(image_name_normalise(name, out), lower || upper || c == '_');
		snprintf(name, sizeof(name), "a:b%c", c);
		assert_int_equal(image_name_normalise(name, out), inner || upper);
	}
}

static void T43_length(void **state)
{
	char out[IMAGE_NAME_SIZE], name[4097];

	(void)state;
	memset(name, 'a', sizeof(name));
	name[4096] = '\0';
	assert_false(image_name_normalise(name, out));
	name[129] = '\0';
	assert_false(image_name_normalise(name, out));
	name[128] = '\0';
	assert_true(image_name_normalise(name, out));
	assert_int_equal(strlen(out), 128 + strlen(":latest"));
	name[126] = ':';
	assert_true(image_name_normalise(name, out));
	assert_string_equal(out, name);
}

static void patterns(void **state)
{
	static const char *const good[] = { "*",
					    "a",
					    "a:1",
					    "a*",
					    "a:*",
					    "a:1*",
					    "org/*",
					    "ghcr.io/org/x:1*",
					    "localhost:5000/*",
					    "localhost:5000/x" };
	static const char *const bad[] = { "",	 "**",	 "*a",	  "a*b",  "a**", "*/a",	 "a/*/b",
					   "a?", "[a]*", "a *",	  "a\n*", "A",	 "../a", "a:",
					   "a/", "a,b",	 "a:1:2", "*:1",  "a\\*" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		if (!image_pattern_is_valid(good[i], strlen(good[i])))
			fail_msg("refused: '%s'", good[i]);
	}
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		if (image_pattern_is_valid(bad[i], strlen(bad[i])))
			fail_msg("taken: '%s'", bad[i]);
	}
	assert_false(image_pattern_is_valid("a\0*", 3));
}

static void pattern_length(void **state)
{
	char *pattern = malloc(129);

	(void)state;
	assert_non_null(pattern);
	memset(pattern, 'a', 129);
	assert_true(image_pattern_is_valid(pattern, 128));
	assert_false(image_pattern_is_valid(pattern, 129));
	pattern[127] = '*';
	assert_true(image_pattern_is_valid(pattern, 128));
	pattern[128] = '*';
	assert_false(image_pattern_is_valid(pattern, 129));
	free(pattern);
}

static void T03_patterns_match(void **state)
{
	static const struct {
		const char *pattern, *name; /* the name as a caller gives it */
		bool matches;
	} rows[] = {
		{ "alpine", "alpine", true },
		{ "alpine", "alpine:latest", true },
		{ "alpine:latest", "alpine", true },
		{ "alpine", "alpine:3", false },
		{ "alpine:3", "alpine", false },
		{ "alpine:3", "alpine:3", true },
		{ "alpine:3", "alpine:3.1", false },
		{ "alpine:3.1", "alpine:3", false },
		{ "alpine", "alpin", false },
		{ "alpin", "alpine", false },
		{ "alpine", "alpine-private", false },
		{ "alpine", "library/alpine", false },
		{ "library/alpine", "alpine", false },
		{ "library/alpine", "library/alpine", true },
		{ "a", "a:latest-1", false },
		{ "python:*", "python", true },
		{ "python:*", "python:3", true },
		{ "python:*", "python-private:1", false },
		{ "python:*", "python/private:1", false },
		{ "python*", "python", true },
		{ "python*", "python:3", true },
		{ "python*", "python-private:1", true },
		{ "python*", "python/x", false },
		{ "python*", "pytho", false },
		{ "python*", "x/python", false },
		{ "python:3*", "python:3.12", true },
		{ "python:3*", "python:2", false },
		{ "python:3*", "python", false },
		{ "python:l*", "python", true },
		{ "*", "alpine", true },
		{ "*", "alpine:3", true },
		{ "*", "org/alpine", false },
		{ "*", "localhost:5000/x", false },
		{ "org/*", "org/alpine:3", true },
		{ "org/*", "org", false },
		{ "org/*", "org/a/b", false },
		{ "org/*", "organs/a", false },
		{ "org*", "org/a", false },
		{ "ghcr.io/org/*", "ghcr.io/org/x", true },
		{ "ghcr.io/org/*", "ghcr.io/org/x/y", false },
		{ "ghcr.io/org/*", "ghcr.io/x", false },
		{ "localhost:*", "localhost:1", true },
		{ "localhost:*", "localhost:5000/x", false },
		{ "localhost:5000/*", "localhost:5000/x:1", true },
		{ "localhost:5000/x:1", "localhost:5000/x:1", true },
		{ "localhost:5000/x", "localhost:5000/x:1", false },
		{ "localhost:5000/x", "localhost:5001/x", false },
		/* The ':' of a port is no tag. */
		{ "localhost:5000/x", "localhost:5000/x", true },
		{ "localhost:5000/x", "localhost:5000/x:latest", true },
	};
	char name[IMAGE_NAME_SIZE];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		size_t len = strlen(rows[i].pattern);
		char *exact = unit_copy(rows[i].pattern, len);

		assert_true(image_pattern_is_valid(exact, len));
		assert_true(image_name_normalise(rows[i].name, name));
		if (image_name_matches(exact, len, name) != rows[i].matches)
			fail_msg("'%s' and '%s'", rows[i].pattern, rows[i].name);
		free(exact);
	}
}

static int no_record(void **state)
{
	(void)state;
	record = NULL;
	return 0;
}

static int free_record(void **state)
{
	(void)state;
	free(record);
	return 0;
}

static int parse_bytes(const char *text, size_t len)
{
	free(record);
	record = malloc(len + 1);
	assert_non_null(record);
	memcpy(record, text, len);
	record[len] = '\0';
	memset(&image, '#', sizeof(image));
	return image_parse(&image, record, len, "rec", &err);
}

static int parse(const char *text)
{
	return parse_bytes(text, strlen(text));
}

static void record_every_key(void **state)
{
	(void)state;
	assert_int_equal(parse("# from docker\n"
			       "tree /srv/overlay2\n"
			       "layer " HEX64 "\n"
			       "\n"
			       "digest sha256:00\n"
			       "env PATH=/bin:/usr/bin\n"
			       "env EMPTY=\n"
			       "env A=b=c d\n"
			       "workdir /home/a b\n"
			       "entrypoint /bin/tini\n"
			       "entrypoint --\n"
			       "cmd python3\n"
			       "cmd # no comment\n"
			       "user nobody\n"),
			 0);
	assert_string_equal(image.tree, "/srv/overlay2");
	assert_string_equal(image.layers, HEX64);
	assert_false(image.is_exact);
	assert_string_equal(image.workdir, "/home/a b");
	assert_int_equal(image.env_count, 3);
	assert_string_equal(image.env[0], "PATH=/bin:/usr/bin");
	assert_string_equal(image.env[1], "EMPTY=");
	assert_string_equal(image.env[2], "A=b=c d");
	assert_string_equal(image.command[0], "/bin/tini");
	assert_string_equal(image.command[1], "--");
	assert_string_equal(image.command[2], "python3");
	assert_string_equal(image.command[3], "# no comment");
	assert_null(image.command[4]);
}

static void record_smallest(void **state)
{
	(void)state;
	assert_int_equal(parse("layers " HEX64 ":" BK25 "\n"), 0);
	assert_string_equal(image.layers, HEX64 ":" BK25);
	assert_true(image.is_exact);
	assert_null(image.tree);
	assert_null(image.workdir);
	assert_int_equal(image.env_count, 0);
	assert_null(image.command[0]);
}

/* The entrypoint comes first in the command, wherever its lines stand. */
static void record_command_order(void **state)
{
	static const char *const orders[] = {
		"entrypoint e1\nentrypoint e2\ncmd c1\ncmd c2\n",
		"cmd c1\ncmd c2\nentrypoint e1\nentrypoint e2\n",
		"cmd c1\nentrypoint e1\ncmd c2\nentrypoint e2\n",
		"entrypoint e1\ncmd c1\nentrypoint e2\ncmd c2\n",
	};
	static const char *const wanted[] = { "e1", "e2", "c1", "c2" };
	char text[256];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(orders); i++) {
		snprintf(text, sizeof(text), "%slayer " HEX64 "\n", orders[i]);
		assert_int_equal(parse(text), 0);
		for (size_t k = 0; k < COUNT_OF(wanted); k++)
			assert_string_equal(image.command[k], wanted[k]);
		assert_null(image.command[4]);
	}
}

static void record_escapes(void **state)
{
	(void)state;
	assert_int_equal(parse("layer " HEX64 "\n"
			       "cmd a\\nb\n"
			       "cmd \\\\n\n"
			       "cmd \\\\\\\\\n"
			       "cmd \\n\n"
			       "cmd  two  \n"
			       "cmd\n"
			       "cmd \n"
			       "env A=\\n\\\\\n"),
			 0);
	assert_string_equal(image.command[0], "a\nb");
	assert_string_equal(image.command[1], "\\n");
	assert_string_equal(image.command[2], "\\\\");
	assert_string_equal(image.command[3], "\n");
	assert_string_equal(image.command[4], " two  ");
	assert_string_equal(image.command[5], "");
	assert_string_equal(image.command[6], "");
	assert_null(image.command[7]);
	assert_string_equal(image.env[0], "A=\n\\");
}

static void T10_record_bad(void **state)
{
	static const struct {
		const char *text, *object, *reason;
	} rows[] = {
		{ "", "rec", "it names no layer" },
		{ "tree /a\n", "rec", "it names no layer" },
		{ "layer x", "rec", "its last line is not finished" },
		{ "layer x\ncmd a", "rec", "its last line is not finished" },
		{ "layer x\nlayer x\n", "rec:2", "given twice" },
		{ "layer x\nlayers x\n", "rec:2", "given twice" },
		{ "layers x\n\nlayer x\n", "rec:3", "given twice" },
		{ "tree /a\ntree /a\nlayer x\n", "rec:2", "given twice" },
		{ "workdir /\n# c\nworkdir /\nlayer x\n", "rec:3", "given twice" },
		{ "tree a\nlayer x\n", "rec:1", "not an absolute path" },
		{ "tree\nlayer x\n", "rec:1", "not an absolute path" },
		{ "tree  /a\nlayer x\n", "rec:1", "not an absolute path" },
		{ "workdir a\nlayer x\n", "rec:1", "not an absolute path" },
		{ "workdir \nlayer x\n", "rec:1", "not an absolute path" },
		{ "env A\nlayer x\n", "rec:1", "not VAR=VALUE" },
		{ "env =a\nlayer x\n", "rec:1", "not VAR=VALUE" },
		{ "env\nlayer x\n", "rec:1", "not VAR=VALUE" },
		{ "cmd \\\nlayer x\n", "rec:1", "a '\\' that is neither \\n nor \\\\" },
		{ "cmd \\t\nlayer x\n", "rec:1", "a '\\' that is neither \\n nor \\\\" },
		{ "cmd a\\\\\\\nlayer x\n", "rec:1", "a '\\' that is neither \\n nor \\\\" },
		{ "user \\x\nlayer x\n", "rec:1", "a '\\' that is neither \\n nor \\\\" },
		{ "layer x\nvolume /a\n", "rec:2", "unknown word" },
		{ "layer x\nLayer x\n", "rec:2", "unknown word" },
		{ "layer x\nlay x\n", "rec:2", "unknown word" },
		{ "layer x\nlayerss x\n", "rec:2", "unknown word" },
		{ "layer x\n cmd a\n", "rec:2", "unknown word" },
		{ "layer x\n # c\n", "rec:2", "unknown word" },
		{ "layer x\n \n", "rec:2", "unknown word" },
		{ "layer x\ncmd\ta\n", "rec:2", "unknown word" },
		{ "layer x\r\n\r\n", "rec:2", "unknown word" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (parse(rows[i].text) != -EINVAL)
			fail_msg("taken: '%s'", rows[i].text);
		assert_int_equal(err.errnum, EINVAL);
		assert_string_equal(err.verb, "understand");
		assert_string_equal(err.object, rows[i].object);
		assert_string_equal(err.reason, rows[i].reason);
	}
}

static void record_nul(void **state)
{
	static const char text[] = "layer x\ncmd a\0b\n", last[] = "layer x\n\0";

	(void)state;
	assert_int_equal(parse_bytes(text, sizeof(text) - 1), -EINVAL);
	assert_string_equal(err.reason, "it holds a NUL byte");
	assert_int_equal(parse_bytes(last, sizeof(last) - 1), -EINVAL);
	assert_string_equal(err.reason, "it holds a NUL byte");
}

/* count lines, which go round through cycle, behind a layer. */
static int parse_lines(const char *const *cycle, size_t cycle_length, unsigned int count)
{
	static char text[65536];
	size_t len = (size_t)sprintf(text, "layer " HEX64 "\n");

	for (unsigned int i = 0; i < count; i++)
		len += (size_t)sprintf(text + len, "%s\n", cycle[i % cycle_length]);
	return parse(text);
}

static void record_too_many(void **state)
{
	static const char *const env[] = { "env A=b" }, *const both[] = { "cmd c", "entrypoint e" };

	(void)state;
	assert_int_equal(parse_lines(env, 1, IMAGE_ENV_MAX), 0);
	assert_int_equal(image.env_count, IMAGE_ENV_MAX);
	assert_int_equal(parse_lines(env, 1, IMAGE_ENV_MAX + 1), -EINVAL);
	assert_string_equal(err.reason, "too many");
	assert_string_equal(err.object, "rec:514");
	for (size_t n = 1; n <= 2; n++) {
		assert_int_equal(parse_lines(both, n, IMAGE_COMMAND_MAX), 0);
		assert_string_equal(image.command[IMAGE_COMMAND_MAX - 1], "c");
		assert_null(image.command[IMAGE_COMMAND_MAX]);
		assert_int_equal(parse_lines(both, n, IMAGE_COMMAND_MAX + 1), -EINVAL);
		assert_string_equal(err.reason, "too many");
	}
}

#define RECORD(f) cmocka_unit_test_setup_teardown(f, no_record, free_record)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(T43_good_names),
		cmocka_unit_test(T43_bad_names),
		cmocka_unit_test(T43_every_byte),
		cmocka_unit_test(T43_length),
		cmocka_unit_test(patterns),
		cmocka_unit_test(pattern_length),
		cmocka_unit_test(T03_patterns_match),
		RECORD(record_every_key),
		RECORD(record_smallest),
		RECORD(record_command_order),
		RECORD(record_escapes),
		RECORD(T10_record_bad),
		RECORD(record_nul),
		RECORD(record_too_many),
	};

	return cmocka_run_group_tests_name("image", tests, NULL, NULL);
}
