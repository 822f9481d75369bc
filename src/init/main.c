/* SPDX-License-Identifier: MIT */
/*
 * ovlinit: composes the root file system from the layers of an overlay2 tree and switches to it.
 *
 * As /init of an initramfs it does everything; with --newroot, from a script, what it is asked for. It runs
 * as root, is never setuid, and takes nothing from anybody else.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compose.h"
#include "device.h"
#include "dir.h"
#include "early.h"
#include "layout.h"
#include "onfail.h"
#include "report.h"
#include "switch.h"
#include "words.h"

#define INIT_DEFAULT "/sbin/init"

/* Command lines of kernels end at 4,096 bytes or before; only a bootconfig makes a longer one. */
#define CMDLINE_SIZE 4096

static const char usage[] =
	"Usage: ovlinit --newroot DIR [OPTION...] [--switch [-- ARG...]]\n"
	"Mounts layers of an overlay2 tree on DIR; as /init of an initramfs, boots from them.\n"
	"\n"
	"  --stack ID[:ID...]   a layer with all below it, or exactly these, uppermost first\n"
	"  --tree DIR           the tree: on the root device (default /overlay2), or mounted "
	"already\n"
	"  --root DEVICE        a path, UUID=, LABEL=, or initramfs[:FILE]: an image file\n"
	"  --rootfstype TYPE    its file system; default: what its superblock says\n"
	"  --upper UPPER        tmpfs[:SIZE] (default), none, DEVICE:PATH, or a directory\n"
	"  --fallback ID[:ID]   a second stack, if the first fails; its upper is in memory\n"
	"  --init PATH          must be there to be booted; default with --switch: /sbin/init\n"
	"  --wait SECONDS       for devices to appear (default 10)\n"
	"  --cmdline            also take what the kernel command line says: ovl.stack=ID and so "
	"on\n"
	"  --onfail WHAT        as process 1: shell, reboot or halt (default)\n"
	"  --switch             go on: leave the initramfs and start init with ARGs\n"
	"  --debug, --help, --version\n"
	"See ovlinit(8).\n";

/* Reads the kernel command line into *words, which point into a buffer here. */
static int read_cmdline(struct words *words, struct ovl_error *err)
{
	static char text[CMDLINE_SIZE + 1];
	int fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC), ret = 0;
	ssize_t len = fd < 0 ? -1 : read(fd, text, CMDLINE_SIZE);

	if (len < 0)
		ret = ovl_cannot(err, errno, "read", "/proc/cmdline", NULL);
	if (fd >= 0)
		close(fd);
	if (len < 0)
		return ret;
	if (len == CMDLINE_SIZE) {
		/* What was read may hold the fallback; its last word may be half. */
		while (len > 0 && !strchr(" \n", text[len - 1]))
			len--;
		ret = ovl_cannot(err, E2BIG, "use", "the kernel command line",
				 "it has more than 4,095 bytes");
	}
	text[len] = '\0';
	return words_parse_cmdline(words, text, ret < 0 ? &(struct ovl_error){ 0 } : err) ?: ret;
}

/* Composes the stack, or else the fallback. ret: what reading the words gave, with *err, if negative. */
static int compose_either(struct composition *c, int ret, struct ovl_error *err)
{
	const char *upper = c->words->value[WORD_UPPER], *fallback = c->words->value[WORD_FALLBACK];

	if (ret == 0) {
		report(REPORT_DEBUG, "composing %s", c->stack);
		ret = compose(c, err);
	}
	if (ret == 0 || !fallback)
		return ret;
	report_error(err);
	report(REPORT_NOTE, "trying the fallback stack %s; nothing that is written will be kept",
	       fallback);
	c->stack = fallback;
	c->upper = upper && strcmp(upper, "none") == 0 ? upper : NULL;
	if (c->init && c->init[0] != '/')
		c->init = INIT_DEFAULT;
	return compose(c, err);
}

/* Everything up to the start of init; returns only on an error, or when a script wants no more. */
static int boot(struct words *words, char **kernel_args, bool is_alone, struct ovl_error *err)
{
	bool is_switch = is_alone || words->value[WORD_SWITCH];
	struct words cmdline = { 0 };
	struct timespec deadline;
	struct composition c = { .words = words, .deadline = &deadline, .is_switch = is_switch };
	struct ovl_error other;
	int ret = is_switch ? early_mount(err) : 0, read = 0;

	/* Whatever failed: the words may say what then. */
	if (is_alone || words->value[WORD_CMDLINE]) {
		read = read_cmdline(&cmdline, ret < 0 ? &other : err);
		words_merge(&cmdline, words);
		*words = cmdline;
	}
	if (words->value[WORD_DEBUG])
		report_be_verbose();
	if (is_alone)
		early_load_modules();
	ret = ret ?: read ?: words_check(words, !is_alone, err);
	deadline = device_deadline(words_wait(words));
	c.newroot = words->value[WORD_NEWROOT];
	if (is_alone) {
		c.newroot = LAYOUT_NEWROOT;
		if (dir_make(LAYOUT_NEWROOT, 0755, err) < 0) /* the fallback needs it, too */
			return -err->errnum;
	}
	c.stack = words->value[WORD_STACK];
	c.upper = words->value[WORD_UPPER];
	c.init = words->value[WORD_INIT] ?: words->kernel_init;
	if (!c.init && (is_switch || words->value[WORD_CMDLINE]))
		c.init = INIT_DEFAULT;
	ret = compose_either(&c, ret, err);
	if (ret < 0 || !is_switch)
		return ret;
	report_to_console();
	report(REPORT_DEBUG, "starting %s", c.init);
	return switch_root(c.newroot, err)
		       ?: switch_exec(c.init, is_alone ? kernel_args : words->init_args, err);
}

static bool has_newroot(char **argv)
{
	for (; *argv && strcmp(*argv, "--") != 0; argv++) {
		if (words_after(*argv, "--newroot"))
			return true;
	}
	return false;
}

int main(int argc, char **argv)
{
	bool is_first = getpid() == 1, is_alone = is_first && !has_newroot(argv);
	static struct words words;
	static struct ovl_error err;
	int ret = is_alone || argc == 0 ? 0 : words_parse_args(&words, argv, &err);

	umask(022);
	if (words.value[WORD_HELP] || words.value[WORD_VERSION]) {
		const char *text = words.value[WORD_HELP] ? usage : "ovlinit " OVL_VERSION "\n";

		return write(STDOUT_FILENO, text, strlen(text)) < 0 ? 1 : 0;
	}
	if (ret == 0 && !is_alone && !words.value[WORD_NEWROOT])
		ret = ovl_cannot(&err, EINVAL, "start", "without --newroot DIR",
				 "only the first process boots a machine");
	if (ret == 0 && !is_alone && is_first != (words.value[WORD_SWITCH] != NULL))
		ret = ovl_cannot(&err, EINVAL, "use", is_first ? "no --switch" : "--switch",
				 is_first ? "when the first process ends, so does the machine"
					  : "only the first process can leave its root");
	ret = ret ?: boot(&words, argc > 0 ? argv + 1 : NULL, is_alone, &err);
	if (ret < 0)
		report_error(&err);
	if (ret < 0 && is_first)
		onfail(words.value[WORD_ONFAIL]);
	return ret < 0 ? 1 : 0;
}
