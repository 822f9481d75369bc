/* SPDX-License-Identifier: MIT */
/*
 * What is asked of ovlinit: the ovl. words of the kernel command line and the options of a script,
 * which have the same names. Pure: parses text, touches nothing.
 */
#ifndef INIT_WORDS_H
#define INIT_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "ovl/error.h"

/* Those of the kernel command line come first. */
enum word {
	WORD_ROOT,
	WORD_ROOTFSTYPE,
	WORD_TREE,
	WORD_STACK,
	WORD_UPPER,
	WORD_INIT,
	WORD_WAIT,
	WORD_FALLBACK,
	WORD_ONFAIL,
	WORD_DEBUG,
	WORD_NEWROOT, /* from here on only options of a script */
	WORD_SWITCH,
	WORD_CMDLINE,
	WORD_HELP,
	WORD_VERSION,
	WORD_COUNT,
};

struct words {
	const char *value[WORD_COUNT]; /* NULL: not said. "": a word without a value that was */
	const char *kernel_init;       /* the kernel's own init=, or NULL */
	char **init_args; /* what follows "--" in a script's arguments, NULL-terminated, or NULL */
};

/* An upper as ovl.upper= describes it. */
struct upper_words {
	enum { UPPER_NONE, UPPER_TMPFS, UPPER_DEVICE, UPPER_DIRECTORY } kind;
	/* Of a tmpfs, as mount(8) takes it, or "": the kernel's default, half of the memory. */
	char size[16];
	/* A path, UUID= or LABEL=; "" but for UPPER_DEVICE. */
	char device[256];
	/* The directory: on the device, or with UPPER_DIRECTORY of the running system. Part of the word that was parsed. */
	const char *path;
};

/*
 * Reads the kernel command line text, which it cuts into words that *words then points to. Words
 * end at white space, which double quotes keep, and "--" ends them all, as for the kernel. An unknown or repeated ovl.
 * word, or one with no value, is -EINVAL in *err; the others are read all the same, since a fallback
 * may be among them. Of a repeated word the first counts.
 */
int words_parse_cmdline(struct words *words, char *text, struct ovl_error *err);

/* Reads the arguments of a script, "--NAME VALUE" or "--NAME=VALUE", from argv[1] on. 0 or -EINVAL. */
int words_parse_args(struct words *words, char **argv, struct ovl_error *err);

/* What is said in over replaces what is said in *words. */
void words_merge(struct words *words, const struct words *over);

/*
 * Looks at every value that is there and for those that must be: 0, or -EINVAL naming the first that
 * is wrong. is_script: tree and upper may be of the running system.
 */
int words_check(const struct words *words, bool is_script, struct ovl_error *err);

/* Parses an upper, which words_check has passed; NULL text: the default, a tmpfs. */
int words_parse_upper(struct upper_words *upper, const char *text, struct ovl_error *err);

/* ovl.wait= in seconds; 10 if it is not said, or wrong. */
unsigned int words_wait(const struct words *words);

/* What follows prefix in text, or NULL if text does not begin with it. */
const char *words_after(const char *text, const char *prefix);

#endif
