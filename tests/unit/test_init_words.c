/* SPDX-License-Identifier: MIT */
/* Words of the kernel command line and options of ovlinit. */
#include <errno.h>

#include "unit.h"

#include "words.h"

static char *text;

static int parse(struct words *words, struct ovl_error *err, const char *line)
{
	free(text);
	text = unit_copy(line, strlen(line) + 1);
	*words = (struct words){ 0 };
	*err = (struct ovl_error){ 0 };
	return words_parse_cmdline(words, text, err);
}

static void cmdline(void **state)
{
	struct words words;
	struct ovl_error err;

	(void)state;
	assert_int_equal(
		parse(&words, &err,
		      " quiet ovl.root=UUID=ab-cd\tovl.stack=A:B root=/dev/sda1 ovl.debug "
		      "ovl.upper=\"LABEL=my disk:/a\" init=/bin/x init=/bin/sh ovl.wait=3\n"),
		0);
	assert_string_equal(words.value[WORD_ROOT], "UUID=ab-cd");
	assert_string_equal(words.value[WORD_STACK], "A:B");
	assert_string_equal(words.value[WORD_UPPER], "LABEL=my disk:/a");
	assert_string_equal(words.value[WORD_DEBUG], "");
	assert_string_equal(words.kernel_init, "/bin/sh");
	assert_null(words.value[WORD_TREE]);
	assert_int_equal(words_wait(&words), 3);
	assert_int_equal(words_check(&words, false, &err), 0);
}

static void other_words(void **state)
{
	struct words words;
	struct ovl_error err;

	(void)state;
	assert_int_equal(parse(&words, &err, "ovlx=1 xovl.root=/dev/a OVL.root=/dev/b initx=/c"),
			 0);
	for (int i = 0; i < WORD_COUNT; i++)
		assert_null(words.value[i]);
	assert_null(words.kernel_init);
	assert_int_equal(parse(&words, &err, ""), 0);
	assert_int_equal(parse(&words, &err, " \t\n"), 0);
	assert_int_equal(parse(&words, &err, "ovl.stack=A -- ovl.stack=B ovl.nonsense"), 0);
	assert_string_equal(words.value[WORD_STACK], "A");
	assert_int_equal(parse(&words, &err, "\"ovl.stack=A B"), 0); /* no end of the quotes */
	assert_string_equal(words.value[WORD_STACK], "A B");
}

/* What is wrong is told, the first of it, and the rest is read. */
static void wrong_words(void **state)
{
	static const struct {
		const char *line, *object;
	} bad[] = {
		{ "ovl.stak=A ovl.fallback=F", "ovl.stak=A" },
		{ "ovl.stack=A ovl.stack=B ovl.fallback=F", "ovl.stack=B" },
		{ "ovl.stack= ovl.fallback=F", "ovl.stack=" },
		{ "ovl.stack ovl.fallback=F", "ovl.stack" },
		{ "ovl.debug=1 ovl.fallback=F", "ovl.debug=1" },
		{ "ovl. ovl.fallback=F", "ovl." },
		{ "ovl.=x ovl.fallback=F", "ovl.=x" },
		{ "ovl.newroot=/x ovl.fallback=F", "ovl.newroot=/x" },
		{ "ovl.switch ovl.fallback=F", "ovl.switch" },
		{ "ovl.stac=A ovl.fallback=F", "ovl.stac=A" },
		{ "ovl.stack2=A ovl.fallback=F", "ovl.stack2=A" },
		{ "ovl.first=1 ovl.second=2 ovl.fallback=F", "ovl.first=1" },
	};
	struct words words;
	struct ovl_error err;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		assert_int_equal(parse(&words, &err, bad[i].line), -EINVAL);
		assert_string_equal(err.object, bad[i].object);
		assert_string_equal(words.value[WORD_FALLBACK], "F");
	}
	assert_int_equal(parse(&words, &err, "ovl.stack=A ovl.stack=B"), -EINVAL);
	assert_string_equal(words.value[WORD_STACK], "A");
}

static void long_line(void **state)
{
	static char line[4096];
	struct words words;
	struct ovl_error err;

	(void)state;
	memset(line, 'x', sizeof(line) - 1);
	assert_int_equal(parse(&words, &err, line), 0);
	memcpy(line, "ovl.stack=", 10);
	assert_int_equal(parse(&words, &err, line), 0);
	assert_int_equal(strlen(words.value[WORD_STACK]), sizeof(line) - 1 - 10);
	memset(line, '"', sizeof(line) - 1);
	assert_int_equal(parse(&words, &err, line), 0);
}

static int args(struct words *words, struct ovl_error *err, const char *const *argv)
{
	*words = (struct words){ 0 };
	return words_parse_args(words, (char **)argv, err);
}

static void script(void **state)
{
	static const char *const good[] = { "ovlinit", "--newroot", "/mnt",	 "--tree=/t",
					    "--stack", "A",	    "--switch",	 "--debug",
					    "--",      "single",    "--newroot", NULL };
	static const char *const bad[][5] = {
		{ "ovlinit", "--newroot", NULL },
		{ "ovlinit", "--newroot=", NULL },
		{ "ovlinit", "--newroot", "", NULL },
		{ "ovlinit", "--stack", "A", "--stack=B", NULL },
		{ "ovlinit", "stack", NULL },
		{ "ovlinit", "-s", NULL },
		{ "ovlinit", "--stacks", "A", NULL },
		{ "ovlinit", "--switch=1", NULL },
		{ "ovlinit", "", NULL },
	};
	struct words words, over = { 0 };
	struct ovl_error err;

	(void)state;
	assert_int_equal(args(&words, &err, good), 0);
	assert_string_equal(words.value[WORD_NEWROOT], "/mnt");
	assert_string_equal(words.value[WORD_TREE], "/t");
	assert_string_equal(words.value[WORD_STACK], "A");
	assert_non_null(words.value[WORD_SWITCH]);
	assert_string_equal(words.init_args[0], "single");
	assert_string_equal(words.init_args[1], "--newroot");
	assert_int_equal(words_check(&words, true, &err), 0);
	assert_int_equal(words_check(&words, false, &err), -EINVAL); /* no device */
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_int_equal(args(&words, &err, bad[i]), -EINVAL);
	assert_int_equal(args(&words, &err, (const char *const[]){ NULL }), 0);

	parse(&words, &err, "ovl.stack=A ovl.tree=/w");
	over.value[WORD_STACK] = "B";
	words_merge(&words, &over);
	assert_string_equal(words.value[WORD_STACK], "B");
	assert_string_equal(words.value[WORD_TREE], "/w");
}

static void values(void **state)
{
	static const char *const good[] = {
		"ovl.root=LABEL=x",
		"ovl.root=initramfs",
		"ovl.root=initramfs:/a.img",
		"ovl.root=/dev/sda1 ovl.upper=none ovl.onfail=shell ovl.wait=9999 ovl.init=/x",
		"ovl.root=/dev/sda1 ovl.upper=UUID=1-2:state ovl.onfail=halt ovl.wait=0",
		"ovl.root=/dev/sda1 ovl.onfail=reboot ovl.upper=tmpfs",
	};
	static const char *const bad[] = {
		"",
		"ovl.root=sda1",
		"ovl.root=/",
		"ovl.root=UUID=",
		"ovl.root=LABEL=",
		"ovl.root=PARTUUID=1",
		"ovl.root=initramfs:",
		"ovl.root=initramfs:a.img",
		"ovl.root=/dev/a init=sh",
		"ovl.root=initramfsx",
		"ovl.root=/dev/a ovl.wait=10000",
		"ovl.root=/dev/a ovl.wait=-1",
		"ovl.root=/dev/a ovl.wait=1s",
		"ovl.root=/dev/a ovl.onfail=Shell",
		"ovl.root=/dev/a ovl.init=sh",
		"ovl.root=/dev/a ovl.upper=/state",
		"ovl.root=/dev/a ovl.upper=tmpfs:",
		"ovl.tree=/t",
	};
	struct words words;
	struct ovl_error err;
	char line[256];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(good) + COUNT_OF(bad); i++) {
		bool is_good = i < COUNT_OF(good);

		snprintf(line, sizeof(line), "ovl.stack=A %s",
			 is_good ? good[i] : bad[i - COUNT_OF(good)]);
		assert_int_equal(parse(&words, &err, line), 0);
		assert_int_equal(words_check(&words, false, &err), is_good ? 0 : -EINVAL);
	}
	assert_int_equal(parse(&words, &err, "ovl.root=/dev/a"), 0);
	assert_int_equal(words_check(&words, false, &err), -EINVAL); /* no stack */
	assert_int_equal(words_wait(&words), 10);
}

static void uppers(void **state)
{
	static const struct {
		const char *text;
		int kind;
		const char *size, *device, *path;
	} good[] = {
		{ NULL, UPPER_TMPFS, "", "", NULL },
		{ "tmpfs", UPPER_TMPFS, "", "", NULL },
		{ "tmpfs:64m", UPPER_TMPFS, "64m", "", NULL },
		{ "tmpfs:25%", UPPER_TMPFS, "25%", "", NULL },
		{ "tmpfs:1000000", UPPER_TMPFS, "1000000", "", NULL },
		{ "none", UPPER_NONE, "", "", NULL },
		{ "/dev/vda:/state", UPPER_DEVICE, "", "/dev/vda", "/state" },
		{ "/dev/disk/by-path/pci-0:1:state/a", UPPER_DEVICE, "",
		  "/dev/disk/by-path/pci-0:1", "state/a" },
		{ "LABEL=my disk:/s", UPPER_DEVICE, "", "LABEL=my disk", "/s" },
		{ "/srv/state", UPPER_DIRECTORY, "", "", "/srv/state" },
	};
	static const char *const bad[] = {
		"",
		"tmpfs:",
		"tmpfs:m",
		"tmpfs:64mm",
		"tmpfs:64m,mode=777",
		"tmpfs:-1",
		"tmpfs:0",
		"tmpfs:0x10",
		"tmpfs:999999999999",
		"memory",
		"/dev/vda:",
		":/state",
		"UUID=:/state",
		"state:/x",
		"/dev/vda:../x",
		"/dev/vda:/a/../b",
		"/srv/../x",
		"none:1",
	};
	struct upper_words upper;
	struct ovl_error err;
	char line[400];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		assert_int_equal(words_parse_upper(&upper, good[i].text, &err), 0);
		assert_int_equal(upper.kind, good[i].kind);
		assert_string_equal(upper.size, good[i].size);
		assert_string_equal(upper.device, good[i].device);
		if (good[i].path)
			assert_string_equal(upper.path, good[i].path);
	}
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_int_equal(words_parse_upper(&upper, bad[i], &err), -EINVAL);
	memset(line, 'd', sizeof(line));
	line[0] = '/';
	memcpy(line + 300, ":/x", 4);
	assert_int_equal(words_parse_upper(&upper, line, &err), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cmdline),     cmocka_unit_test(other_words),
		cmocka_unit_test(wrong_words), cmocka_unit_test(long_line),
		cmocka_unit_test(script),      cmocka_unit_test(values),
		cmocka_unit_test(uppers),
	};

	return cmocka_run_group_tests_name("ovlinit's words", tests, NULL, NULL);
}
