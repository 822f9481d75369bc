/* SPDX-License-Identifier: MIT */
/*
 * The command line.
 *
 * MUST 1. Options end at the first operand: what follows belongs to the payload.  (cli.bats)
 * MUST 2. An argument that is not understood is refused, never guessed.  (cli.bats, unit:
 * test_args)
 */
#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <string.h>

#include "args.h"
#include "ovl/ident.h"
#include "rule.h"
#include "word.h"

/* Long options without a letter; above every character. */
enum { OPT_TMPFS_SIZE = 256, OPT_BARE, OPT_JSON, OPT_CHECK_POLICY };

static const struct option long_options[] = {
	{ "tree", required_argument, NULL, 't' },
	{ "layers", required_argument, NULL, 'l' },
	{ "read-only", no_argument, NULL, 'r' },
	{ "writable", required_argument, NULL, 'w' },
	{ "tmpfs-size", required_argument, NULL, OPT_TMPFS_SIZE },
	{ "chdir", required_argument, NULL, 'C' },
	{ "env", required_argument, NULL, 'e' },
	{ "keep-env", no_argument, NULL, 'E' },
	{ "bare", no_argument, NULL, OPT_BARE },
	{ "check-policy", no_argument, NULL, OPT_CHECK_POLICY },
	{ "dry-run", no_argument, NULL, 'n' },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "verbose", no_argument, NULL, 'v' },
	{ "quiet", no_argument, NULL, 'q' },
	{ "version", no_argument, NULL, 'V' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

/* What people read is edited as text. The path is relative to the top, where make runs. */
__asm__(".section .rodata\n"
	"args_usage_text: .incbin \"src/run/usage.txt\"\n"
	".byte 0\n"
	".previous");
extern const char args_usage_text[] __attribute__((visibility("hidden")));

const char *args_usage(void)
{
	return args_usage_text;
}

#define SEE_HELP "`ovlrun --help` lists the options"

static int parse_size(const char *text, uint64_t *size, struct ovl_error *err)
{
	if (!word_to_size((struct word){ text, strlen(text) }, size))
		return ovl_fail(err, EINVAL, "use size", "not a number of bytes with k, m or g",
				NULL, "%s", text);
	return 0;
}

bool args_upper_is_valid(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len <= REQUEST_UPPER_MAX && !strchr("._-", name[0]) &&
	       strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") ==
		       len;
}

static int add_env(struct request *request, const char *text, struct ovl_error *err)
{
	if (text[0] == '=' || text[0] == '\0')
		return ovl_fail(err, EINVAL, "set variable", "it has no name", NULL, "%s", text);
	if (request->env_count == REQUEST_ENV_MAX)
		return ovl_fail(err, E2BIG, "set variable", "too many -e options (256)", NULL, "%s",
				text);
	request->env[request->env_count++] = text;
	return 0;
}

static int set(bool *flag)
{
	*flag = true;
	return 0;
}

static int parse_option(int option, struct request *request, struct ovl_error *err)
{
	switch (option) {
	case 't':
		request->tree = optarg;
		return 0;
	case 'l':
		request->name = optarg;
		return 0;
	case 'r':
		return set(&request->read_only);
	case 'w':
		request->upper = optarg;
		request->features |= FEATURE_WRITABLE;
		return 0;
	case OPT_TMPFS_SIZE:
		return parse_size(optarg, &request->tmpfs_size, err);
	case 'C':
		request->chdir = optarg;
		return 0;
	case 'e':
		return add_env(request, optarg, err);
	case 'E':
		return set(&request->keep_env);
	case OPT_BARE:
		return set(&request->bare);
	case OPT_CHECK_POLICY:
		request->action = ACTION_CHECK_POLICY;
		return 0;
	case 'n':
		return set(&request->dry_run);
	case OPT_JSON:
		return set(&request->json);
	case 'v':
		return set(&request->verbose);
	case 'q':
		return set(&request->quiet);
	default:
		return -EINVAL;
	}
}

static int check_combination(const struct request *request, struct ovl_error *err)
{
	if (request->chdir && request->chdir[0] != '/')
		return ovl_fail(err, EINVAL, "use directory", "not an absolute path", NULL, "%s",
				request->chdir);
	if (request->json && !request->dry_run)
		return ovl_fail(err, EINVAL, "use", "it goes with --dry-run", NULL, "--json");
	if (request->read_only && (request->tmpfs_size || request->upper))
		return ovl_fail(err, EINVAL, "use", "a read-only launch has no upper layer", NULL,
				request->upper ? "--writable" : "--tmpfs-size");
	/* The rule that permits an image permits its layers in the tree that its record names. */
	if (request->tree && request->kind == REQUEST_IMAGE)
		return ovl_fail(err, EINVAL, "use", "an image lies in the tree its record names",
				NULL, "--tree");
	if (request->upper && request->tmpfs_size)
		return ovl_fail(err, EINVAL, "use", "the upper layer of --writable is on disk",
				NULL, "--tmpfs-size");
	if (request->upper && !args_upper_is_valid(request->upper))
		return ovl_fail(err, EINVAL, "use upper layer",
				"a name is letters, digits, '.', '_' and '-', 128 at most", NULL,
				"%s", request->upper);
	return 0;
}

/* What the operand, or -l, asks for. A name of an image never looks like a cache-id or link. */
static int classify(struct request *request, const char *operand, struct ovl_error *err)
{
	if (request->name) {
		request->kind = REQUEST_LAYERS;
		return 0;
	}
	if (!operand)
		return ovl_fail(err, EINVAL, "start", "no NAME, no ID and no -l given", SEE_HELP,
				"a launch");
	request->name = operand;
	request->kind = REQUEST_LAYER;
	if (ovl_id_is_valid(operand, strlen(operand)) ||
	    ovl_link_is_valid(operand, strlen(operand)))
		return 0;
	request->kind = REQUEST_IMAGE;
	if (!image_name_normalise(operand, request->image))
		return ovl_fail(err, EINVAL, "use", "no image has such a name, and no layer",
				"as in alpine:3.19; a layer is named by its cache-id or link", "%s",
				operand);
	return 0;
}

/* getopt_long also takes the beginning of a long option's name, which a later option can make mean
 * another. */
static bool is_whole_name(const char *word, int index)
{
	return index < 0 || strcspn(word + 2, "=") == strlen(long_options[index].name);
}

static int fail_option(int option, const char *word, struct ovl_error *err)
{
	const char *reason = option == ':' ? "it needs an argument" : "no such option";
	bool is_long = strncmp(word, "--", 2) == 0;

	if (is_long)
		return ovl_fail(err, EINVAL, "understand", reason, SEE_HELP, "option %s", word);
	return ovl_fail(err, EINVAL, "understand", reason, SEE_HELP, "option -%c", optopt);
}

int args_parse(int argc, char **argv, struct request *request, struct ovl_error *err)
{
	int option, index, at, ret;

	memset(request, 0, sizeof(*request));
	if (argc < 1) /* execve with an empty argv, which older kernels allow */
		return ovl_fail(err, EINVAL, "start", "no arguments, not even a name", NULL,
				"ovlrun");
	opterr = 0;
	optind = 1;
	/* '+': stop at the first operand; ':': tell a missing argument from an unknown option. */
	while (index = -1, at = optind, /* the word it looks at */
	       (option = getopt_long(argc, argv, "+:t:l:rw:C:e:EnvqVh", long_options, &index)) !=
		       -1) {
		if (option == ':' || option == '?' || !is_whole_name(argv[at], index))
			return fail_option(option, argv[at], err);
		if (option == 'h' || option == 'V') {
			request->action = option == 'h' ? ACTION_HELP : ACTION_VERSION;
			return 0;
		}
		ret = parse_option(option, request, err);
		if (ret < 0)
			return ret;
	}
	if (request->action == ACTION_CHECK_POLICY) {
		request->name = argv[optind];
		if (request->name && argv[optind + 1])
			return ovl_fail(err, EINVAL, "use", "--check-policy takes one FILE", NULL,
					"%s", argv[optind + 1]);
		return 0;
	}
	ret = classify(request, argv[optind], err);
	if (ret < 0)
		return ret;
	request->command = argv + optind + (request->kind == REQUEST_LAYERS ? 0 : 1);
	return check_combination(request, err);
}
