/* SPDX-License-Identifier: MIT */
/*
 * ovlctl: looks at overlay2 trees, and publishes what is in them. For administrators and the curious; never setuid.
 *
 * Here are the table of verbs, the usage text made of it, and the parser of options.
 */
#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "verb.h"

static const struct verb *const verbs[] = {
	&cmd_info,    &cmd_images, &cmd_containers, &cmd_ls,	 &cmd_tree,
	&cmd_inspect, &cmd_diff,   &cmd_check,	    &cmd_du,	 &cmd_ps,
	&cmd_mount,   &cmd_umount, &cmd_allow,	    &cmd_revoke, &cmd_published,
};

#define VERBS (sizeof(verbs) / sizeof(verbs[0]))

/* Every verb has these, in front of its own. */
static const struct verb_option common[] = {
	{ "root", 'r', "DIR",
	  "a tree, or an engine's root (default: the policy's, Docker's or Podman's)" },
	{ "json", 'j', NULL, "for programs" },
	{ "quiet", 'q', NULL, "the first column only" },
	{ "no-trunc", 0, NULL, "whole ids" },
	{ "help", 'h', NULL, "this text" },
};

#define COMMON (sizeof(common) / sizeof(common[0]))

static void print_usage(FILE *file)
{
	fputs("Usage: ovlctl VERB [OPTION...] [ARGUMENT...]\n"
	      "Looks at overlay2 trees - Docker's, Podman's or others - and publishes what is in "
	      "them.\n\n",
	      file);
	for (size_t i = 0; i < VERBS; i++)
		fprintf(file, "  %-11s %-18s %s\n", verbs[i]->name, verbs[i]->arguments,
			verbs[i]->summary);
	fputs("\n`ovlctl VERB --help` has the options of each. See ovlctl(8).\n", file);
}

static void print_option(const struct verb_option *option)
{
	char text[64];

	snprintf(text, sizeof(text), "--%s%s%s", option->name, option->argument ? " " : "",
		 option->argument ?: "");
	if (option->letter)
		printf("  -%c, %-22s %s\n", option->letter, text, option->help);
	else
		printf("      %-22s %s\n", text, option->help);
}

static void print_verb(const struct verb *verb)
{
	printf("Usage: ovlctl %s [OPTION...] %s\n%s\n\n", verb->name, verb->arguments,
	       verb->summary);
	for (size_t i = 0; i < VERB_OPTIONS_MAX && verb->options[i].name; i++)
		print_option(&verb->options[i]);
	for (size_t i = 0; i < COMMON; i++)
		print_option(&common[i]);
}

const char *call_option(const struct call *call, const char *name)
{
	for (size_t i = 0; i < VERB_OPTIONS_MAX && call->verb->options[i].name; i++) {
		if (strcmp(call->verb->options[i].name, name) == 0)
			return call->value[i];
	}
	abort();
}

enum common_option { OPTION_ROOT, OPTION_JSON, OPTION_QUIET, OPTION_LONG, OPTION_HELP };

static void take_common(struct call *call, size_t number)
{
	if (number == OPTION_ROOT)
		call->root = optarg;
	call->out.is_json = call->out.is_json || number == OPTION_JSON;
	call->out.is_quiet = call->out.is_quiet || number == OPTION_QUIET;
	call->out.is_long = call->out.is_long || number == OPTION_LONG;
}

static int misused(const char *before, const char *what, const char *after)
{
	char *safe = out_escaped(what);

	fprintf(stderr, "ovlctl: %s%s%s\n", before, safe, after);
	free(safe);
	return 2;
}

/* Fills in the options: 0; 1: help was asked for, and is printed; 2 after a message. */
static int parse(struct call *call, int argc, char **argv)
{
	struct option options[COMMON + VERB_OPTIONS_MAX + 1] = { 0 };
	char letters[2 * (COMMON + VERB_OPTIONS_MAX) + 2] = ":";
	size_t count = 0;
	int found;

	for (size_t i = 0; i < COMMON + VERB_OPTIONS_MAX; i++) {
		const struct verb_option *option =
			i < COMMON ? &common[i] : &call->verb->options[i - COMMON];

		if (!option->name)
			break;
		/* The value is a number that no letter has: where the option is in the tables. */
		options[count++] = (struct option){ option->name, option->argument != NULL, NULL,
						    256 + (int)i };
		if (option->letter)
			strcat(strncat(letters, &option->letter, 1), option->argument ? ":" : "");
	}
	while ((found = getopt_long(argc, argv, letters, options, NULL)) != -1) {
		size_t number = (size_t)found - 256;

		if (found == '?' || found == ':') {
			char letter[] = { '-', (char)optopt, '\0' };

			return misused(found == ':' ? "option '" : "unrecognized option '",
				       optopt > 0 && optopt < 256 ? letter : argv[optind - 1],
				       found == ':' ? "' requires an argument" : "'");
		}
		for (size_t i = 0; found < 256 && i < count; i++) {
			const struct verb_option *option =
				i < COMMON ? &common[i] : &call->verb->options[i - COMMON];

			if (option->letter == found)
				number = i;
		}
		if (number == OPTION_HELP) {
			print_verb(call->verb);
			return 1;
		}
		if (number < COMMON)
			take_common(call, number);
		else
			call->value[number - COMMON] = optarg ?: "";
	}
	call->argc = argc - optind;
	call->argv = argv + optind;
	return 0;
}

/* The exit status. */
static int run(int argc, char **argv, struct ovl_error *err)
{
	struct call call = { 0 };
	int ret;

	if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "help") == 0) {
		print_usage(argc < 2 ? stderr : stdout);
		return argc < 2 ? 2 : 0;
	}
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
		puts("ovlctl " OVL_VERSION);
		return 0;
	}
	for (size_t i = 0; i < VERBS && !call.verb; i++) {
		if (strcmp(verbs[i]->name, argv[1]) == 0)
			call.verb = verbs[i];
	}
	if (!call.verb)
		return misused("there is no verb ", argv[1],
			       "\novlctl: hint: `ovlctl --help` lists the verbs");
	ret = parse(&call, argc - 1, argv + 1);
	if (ret > 0)
		return ret == 1 ? 0 : ret;
	if (call.argc < call.verb->min || call.argc > call.verb->max) {
		fprintf(stderr, "ovlctl: usage: ovlctl %s [OPTION...] %s\n", call.verb->name,
			call.verb->arguments);
		return 2;
	}
	ret = call.verb->run(&call, err);
	if (ret < 0)
		out_error(err);
	return ret < 0 ? 2 : ret;
}

int main(int argc, char **argv)
{
	struct ovl_error err = { 0 };
	int status;

	setlocale(LC_CTYPE, "");
	status = run(argc, argv, &err);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		ovl_cannot(&err, errno ?: EIO, "write", "the output", NULL);
		out_error(&err);
		return 2;
	}
	return status;
}
