/* SPDX-License-Identifier: MIT */
/*
 * A verb of ovlctl: one cmd_NAME.c each, listed in main.c, which makes the usage text and parses options by what is here.
 */
#ifndef CTL_VERB_H
#define CTL_VERB_H

#include "out.h"
#include "ovl/error.h"

#define VERB_OPTIONS_MAX 12

struct verb_option {
	const char *name;     /* without the dashes */
	char letter;	      /* short form, or 0 */
	const char *argument; /* its name in the usage text; NULL: a flag */
	const char *help;
};

struct call;

struct verb {
	const char *name, *arguments, *summary;
	int min, max; /* number of operands */
	int (*run)(struct call *call, struct ovl_error *err);
	struct verb_option options
		[VERB_OPTIONS_MAX]; /* its own, beside the common ones; ends at a NULL name */
};

/* One call of a verb. */
struct call {
	const struct verb *verb;
	const char *root; /* --root DIR: a tree or an engine's root; NULL: the usual one */
	struct out out;
	const char *
		value[VERB_OPTIONS_MAX]; /* of the verb's options; "" for a flag; NULL: not given */
	int argc;			 /* operands */
	char **argv;
};

/* The value of the verb's option name, which it must have: NULL if it was not given. */
const char *call_option(const struct call *call, const char *name);

/*
 * A verb's run returns 0: yes, or nothing to say against it; 1: no, or there are differences or findings; or -errno with *err
 * filled in, which makes the exit status 2.
 */
extern const struct verb cmd_ls, cmd_tree, cmd_images, cmd_containers, cmd_inspect, cmd_info,
	cmd_diff, cmd_du, cmd_ps, cmd_check, cmd_allow, cmd_revoke, cmd_published, cmd_mount,
	cmd_umount;

#endif
