/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <unistd.h>

#include "unit.h"

#include "plan.h"

static struct ovl_stack stack;
static struct request request;
static struct grant grant;
static struct image image;
static struct caller caller;
static struct launch_plan plan;
static struct ovl_error err;
static char *words[8];
static char printed[65536];

static int fresh(void **state)
{
	(void)state;
	memset(&stack, 0, sizeof(stack));
	memset(&image, 0, sizeof(image));
	memset(&plan, '#', sizeof(plan));
	memset(words, 0, sizeof(words));
	stack.depth = 1;
	strcpy(stack.layer[0].id, HEX64);
	strcpy(stack.layer[0].link, LINK);
	request = (struct request){ .kind = REQUEST_LAYER, .name = HEX64, .command = words };
	grant = (struct grant){
		.tree = "/t", .tmpfs_size = 1048576, .file = "/etc/ovlrun.conf", .line = 7
	};
	caller = (struct caller){ .uid = 1000, .gid = 100 };
	return 0;
}

static int make(const struct image *of)
{
	return plan_make(&plan, &caller, &request, &grant, of, "/t", &stack, NULL, NULL, &err);
}

static const char *print(bool json)
{
	FILE *file = tmpfile();
	size_t len;

	assert_non_null(file);
	assert_int_equal(plan_print(&plan, fileno(file), json, &err), 0);
	rewind(file);
	len = fread(printed, 1, sizeof(printed) - 1, file);
	printed[len] = '\0';
	fclose(file);
	return printed;
}

static void contains(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no '%s' in:\n%s", part, text);
}

static void ephemeral_upper(void **state)
{
	(void)state;
	assert_int_equal(make(NULL), 0);
	assert_string_equal(plan.overlay.generated, RUN_TOP);
	assert_string_equal(plan.overlay.upperdir, RUN_UPPER);
	assert_string_equal(plan.overlay.workdir, RUN_WORK);
	assert_false(plan.overlay.index);
	assert_string_equal(plan.tmpfs_options, "mode=0700,size=1048576,nr_inodes=256");
}

static void T44_limits(void **state)
{
	static const struct {
		uint64_t size;
		const char *options;
	} rows[] = {
		{ 1, "mode=0700,size=1,nr_inodes=256" },
		{ 1048576, "mode=0700,size=1048576,nr_inodes=256" },
		{ 1052672, "mode=0700,size=1052672,nr_inodes=257" },
		{ UINT64_C(1) << 50, "mode=0700,size=1125899906842624,nr_inodes=274877906944" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		grant.tmpfs_size = rows[i].size;
		assert_int_equal(make(NULL), 0);
		assert_string_equal(plan.tmpfs_options, rows[i].options);
	}
}

static void T09_read_only(void **state)
{
	(void)state;
	request.read_only = true;
	assert_int_equal(make(NULL), 0);
	assert_string_equal(plan.overlay.generated, RUN_TOP); /* makes a single layer two */
	assert_null(plan.overlay.upperdir);
	assert_null(plan.overlay.workdir);
	assert_string_equal(plan.tmpfs_options, "mode=0700,size=1048576,nr_inodes=256");
}

static void persistent_upper(void **state)
{
	(void)state;
	request.upper = "work";
	assert_int_equal(make(NULL), 0);
	assert_string_equal(plan.overlay.generated, RUN_STATE "/top");
	assert_string_equal(plan.overlay.upperdir, RUN_STATE "/diff");
	assert_string_equal(plan.overlay.workdir, RUN_STATE "/work");
	assert_true(plan.overlay.index);
	assert_string_equal(plan.tmpfs_options, "mode=0700,size=1048576,nr_inodes=256");
}

static void depth(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < OVL_DEPTH_MAX; i++)
		strcpy(stack.layer[i].link, unit_link(i));
	stack.depth = 499;
	assert_int_equal(make(NULL), 0);
	stack.depth = 500;
	assert_int_equal(make(NULL), -E2BIG);
	request.bare = true;
	assert_int_equal(make(NULL), 0);
	assert_null(plan.overlay.generated);
	stack.depth = 499;
	assert_int_equal(make(NULL), 0);
	assert_non_null(plan.overlay.generated);
}

static void command(void **state)
{
	char *asked[] = { "ls", "-l", NULL };

	(void)state;
	assert_int_equal(make(NULL), 0);
	assert_string_equal(plan.command[0], "/bin/sh");
	assert_null(plan.command[1]);
	assert_int_equal(make(&image), 0); /* an image without a command */
	assert_string_equal(plan.command[0], "/bin/sh");
	image.command[0] = "entry";
	image.command[1] = "cmd";
	assert_int_equal(make(&image), 0);
	assert_string_equal(plan.command[0], "entry");
	assert_string_equal(plan.command[1], "cmd");
	assert_null(plan.command[2]);
	request.command = asked;
	assert_int_equal(make(&image), 0);
	assert_ptr_equal(plan.command, asked);
}

static void directory(void **state)
{
	(void)state;
	assert_int_equal(make(&image), 0);
	assert_null(plan.chdir);
	assert_false(plan.chdir_is_asked);
	image.workdir = "/image";
	assert_int_equal(make(&image), 0);
	assert_string_equal(plan.chdir, "/image");
	assert_false(plan.chdir_is_asked);
	request.chdir = "/asked";
	assert_int_equal(make(&image), 0);
	assert_string_equal(plan.chdir, "/asked");
	assert_true(plan.chdir_is_asked);
}

static void print_for_people(void **state)
{
	static const char wanted[] =
		"tree        /t\n"
		"depth       1\n"
		"layers      " HEX64 "\n"
		"mount       mount(2)\n"
		"flags       nosuid,nodev\n"
		"data        index=off,redirect_dir=nofollow,metacopy=off,lowerdir=" RUN_TOP
		":l/" LINK ",upperdir=" RUN_UPPER ",workdir=" RUN_WORK "\n";

	(void)state;
	assert_int_equal(make(NULL), 0);
	assert_memory_equal(print(false), wanted, sizeof(wanted) - 1);
	contains(printed, "\nupper       tmpfs\n");
	contains(printed, "\nuid         1000\ngid         100\n");
	contains(printed, "\ncwd         /\n");
	contains(printed, "\nrule        /etc/ovlrun.conf:7\n");
	contains(printed, "\ncommand     [\"/bin/sh\"]\n");
	assert_null(strstr(printed, "no containment"));
	request.upper = "work";
	assert_int_equal(make(NULL), 0);
	contains(print(false), "\nupper       work\n");
	request.upper = NULL;
	request.read_only = true;
	assert_int_equal(make(NULL), 0);
	contains(print(false), "\nupper       none\n");
	contains(printed, "\nflags       nosuid,nodev,ro\n");
}

static void print_root(void **state)
{
	(void)state;
	caller.uid = 0;
	grant.file = NULL;
	assert_int_equal(make(NULL), 0);
	contains(print(false), "\nnote        a launch by root is no containment\n");
	contains(printed, "\nrule        root");
}

static void print_image(void **state)
{
	(void)state;
	request.kind = REQUEST_IMAGE;
	strcpy(request.image, "alpine:latest");
	assert_int_equal(make(&image), 0);
	assert_memory_equal(print(false), "image       alpine:latest\n", 26);
	assert_memory_equal(print(true), "{\"image\":\"alpine:latest\",\"tree\":\"/t\",", 37);
}

static void print_json_whole(void **state)
{
	static const char wanted[] =
		"{\"tree\":\"/t\",\"depth\":2,\"layers\":[{\"id\":\"" HEX64 "\",\"link\":\"" LINK
		"\"},{\"id\":\"" BK25 "\",\"link\":\"AAAAAAAAAAAAAAAAAAAAAAAAAB\"}],"
		"\"mount\":\"mount(2)\",\"flags\":\"nosuid,nodev,ro\",\"data\":\"index=off,"
		"redirect_dir=nofollow,metacopy=off,lowerdir=" RUN_TOP ":l/" LINK
		":l/AAAAAAAAAAAAAAAAAAAAAAAAAB\",\"length\":127,\"upper\":\"none\",\"tmpfs\":"
		"\"mode=0700,size=1048576,nr_inodes=256\",\"dev\":\"minimal\",\"proc\":\"host\","
		"\"sys\":\"host\",\"binds\":[[\"/etc/resolv.conf\",\"/etc/resolv.conf\",\"ro\"],"
		"[\"/etc/hosts\",\"/etc/hosts\",\"ro\"],[\"/etc/hostname\",\"/etc/"
		"hostname\",\"ro\"]],"
		"\"unshare\":[],\"uid\":1000,\"gid\":100,\"cwd\":\"/w\","
		"\"rule\":\"/etc/ovlrun.conf:7\",\"command\":[\"ls\",\"-l\",\"\"]}\n";

	(void)state;
	stack.depth = 2;
	strcpy(stack.layer[1].id, BK25);
	strcpy(stack.layer[1].link, unit_link(1));
	request.read_only = true;
	request.chdir = "/w";
	words[0] = "ls";
	words[1] = "-l";
	words[2] = "";
	assert_int_equal(make(NULL), 0);
	assert_string_equal(print(true), wanted);
}

/* What the argument text becomes in JSON. */
static void T47_json_strings(void **state)
{
	static const struct {
		char *text, *json;
	} rows[] = {
		{ "plain", "plain" },
		{ "a\"b\\c/", "a\\\"b\\\\c/" },
		{ "\n\t\r\b\033[1m", "\\u000a\\u0009\\u000d\\u0008\\u001b[1m" },
		{ "\x01\x1f \x7f", "\\u0001\\u001f \\u007f" },
		/* UTF-8 passes: 2, 3, 4 bytes, the first and the last of each length. */
		{ "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
		{ "\xc2\xa0\xdf\xbf", "\xc2\xa0\xdf\xbf" },
		{ "\xe0\xa0\x80\xe2\x82\xac\xef\xbf\xbf", "\xe0\xa0\x80\xe2\x82\xac\xef\xbf\xbf" },
		{ "\xed\x9f\xbf\xee\x80\x80", "\xed\x9f\xbf\xee\x80\x80" },
		{ "\xf0\x90\x80\x80\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf",
		  "\xf0\x90\x80\x80\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf" },
		/* Bytes that are none, one by one. */
		{ "\x80", "\\udc80" },
		{ "a\xff"
		  "b",
		  "a\\udcffb" },
		{ "\xc0\xaf", "\\udcc0\\udcaf" }, /* too long a form of '/' */
		{ "\xc1\xbf", "\\udcc1\\udcbf" },
		{ "\xe0\x80\xaf", "\\udce0\\udc80\\udcaf" },
		{ "\xe0\x9f\xbf", "\\udce0\\udc9f\\udcbf" },
		{ "\xf0\x8f\xbf\xbf", "\\udcf0\\udc8f\\udcbf\\udcbf" },
		{ "\xed\xa0\x80", "\\udced\\udca0\\udc80" }, /* a surrogate */
		{ "\xed\xbf\xbf", "\\udced\\udcbf\\udcbf" },
		{ "\xf4\x90\x80\x80", "\\udcf4\\udc90\\udc80\\udc80" }, /* past U+10FFFF */
		{ "\xf5\x80\x80\x80", "\\udcf5\\udc80\\udc80\\udc80" },
		{ "\xf8\x88\x80\x80\x80", "\\udcf8\\udc88\\udc80\\udc80\\udc80" },
		/* Control characters of Latin-1, which a terminal may obey. */
		{ "\xc2\x9b"
		  "1m",
		  "\\udcc2\\udc9b1m" },
		{ "\xc2\x80\xc2\x9f", "\\udcc2\\udc80\\udcc2\\udc9f" },
		/* Cut short, at the end and before another. */
		{ "\xc3", "\\udcc3" },
		{ "\xe2\x82", "\\udce2\\udc82" },
		{ "\xf0\x9f\x98", "\\udcf0\\udc9f\\udc98" },
		{ "\xc3"
		  "a",
		  "\\udcc3a" },
		{ "\xe2\x82"
		  "a",
		  "\\udce2\\udc82a" },
		{ "\xe2\xc3\xbc", "\\udce2\xc3\xbc" },
		{ "\xf0\x9f\x98\xc3\xbc", "\\udcf0\\udc9f\\udc98\xc3\xbc" },
	};
	char wanted[256];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		/* Exactly the string on the heap: a character cut short is not read past. */
		char *exact = unit_copy(rows[i].text, strlen(rows[i].text) + 1);

		words[0] = exact;
		assert_int_equal(make(NULL), 0);
		snprintf(wanted, sizeof(wanted), ",\"command\":[\"%s\"]}\n", rows[i].json);
		contains(print(true), wanted);
		snprintf(wanted, sizeof(wanted), "\ncommand     [\"%s\"]\n", rows[i].json);
		contains(print(false), wanted);
		free(exact);
	}
}

static void T47_lines_are_escaped(void **state)
{
	(void)state;
	request.chdir = "/a\nrule  /forged:1\033[1m\\\xff";
	assert_int_equal(make(NULL), 0);
	contains(print(false), "\ncwd         /a\\x0arule  /forged:1\\x1b[1m\\\\\\xff\n");
	contains(print(true), "\"cwd\":\"/a\\u000arule  /forged:1\\u001b[1m\\\\\\udcff\"");
}

/* A plan that is longer than the printer's buffer arrives whole. */
static void print_long(void **state)
{
	static char word[20000];

	(void)state;
	memset(word, 'w', sizeof(word) - 1);
	words[0] = word;
	for (unsigned int i = 0; i < 300; i++) {
		strcpy(stack.layer[i].id, HEX64);
		strcpy(stack.layer[i].link, unit_link(i));
	}
	stack.depth = 300;
	assert_int_equal(make(NULL), 0);
	print(false);
	contains(printed, "\nmount       fsopen, lowerdir+\n");
	assert_non_null(strstr(printed, word));
	assert_string_equal(printed + strlen(printed) - 5, "ww\"]\n");
	for (unsigned int i = 0; i < 300; i++)
		contains(printed, stack.layer[i].link);
}

static void print_fails(void **state)
{
	FILE *full = fopen("/dev/full", "w");

	(void)state;
	assert_int_equal(make(NULL), 0);
	assert_int_equal(plan_print(&plan, -1, true, &err), -EBADF);
	if (!full)
		skip();
	assert_int_equal(plan_print(&plan, fileno(full), false, &err), -ENOSPC);
	assert_string_equal(err.verb, "write");
	fclose(full);
}

#define TEST(f) cmocka_unit_test_setup(f, fresh)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(ephemeral_upper),
		TEST(T44_limits),
		TEST(T09_read_only),
		TEST(persistent_upper),
		TEST(depth),
		TEST(command),
		TEST(directory),
		TEST(print_for_people),
		TEST(print_root),
		TEST(print_image),
		TEST(print_json_whole),
		TEST(T47_json_strings),
		TEST(T47_lines_are_escaped),
		TEST(print_long),
		TEST(print_fails),
	};

	return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
