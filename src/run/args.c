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

/* Long options without a letter; above every character. */
enum { OPT_TMPFS_SIZE = 256, OPT_BARE, OPT_JSON };

static const struct option long_options[] = {
	{ "tree", required_argument, NULL, 't' },
	{ "layers", required_argument, NULL, 'l' },
	{ "read-only", no_argument, NULL, 'r' },
	{ "tmpfs-size", required_argument, NULL, OPT_TMPFS_SIZE },
	{ "chdir", required_argument, NULL, 'C' },
	{ "env", required_argument, NULL, 'e' },
	{ "keep-env", no_argument, NULL, 'E' },
	{ "bare", no_argument, NULL, OPT_BARE },
	{ "dry-run", no_argument, NULL, 'n' },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "verbose", no_argument, NULL, 'v' },
	{ "quiet", no_argument, NULL, 'q' },
	{ "version", no_argument, NULL, 'V' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

const char *args_usage(void)
{
	return "usage: ovlrun [OPTION...] ID [COMMAND [ARG...]]\n"
	       "       ovlrun [OPTION...] -l ID[:ID...] [COMMAND [ARG...]]\n"
	       "\n"
	       "Run COMMAND (default /bin/sh) on the layers of an overlay2 tree.\n"
	       "ID is a layer's cache-id or link; alone it stands for itself and all its lower "
	       "layers,\n"
	       "with -l for exactly the layers named, uppermost first.\n"
	       "\n"
	       "  -t, --tree DIR         the overlay2 tree (default: the first of "
	       "/etc/ovlrun.conf)\n"
	       "  -l, --layers ID[:ID]   exactly these layers\n"
	       "  -r, --read-only        no upper layer; the default is one in memory, gone at the "
	       "end\n"
	       "      --tmpfs-size SIZE  size of that upper: bytes, or with k, m, g\n"
	       "  -C, --chdir DIR        start in DIR of the image (default /)\n"
	       "  -e, --env VAR[=VAL]    set VAR, or pass on the caller's\n"
	       "  -E, --keep-env         keep the caller's environment but its dangerous "
	       "variables\n"
	       "      --bare             only the overlay, nothing mounted inside it\n"
	       "  -n, --dry-run          print the launch plan and stop; with --json as JSON\n"
	       "  -v, --verbose          say what is done\n"
	       "  -q, --quiet            no hints\n"
	       "  -V, --version          print the version\n"
	       "  -h, --help             print this\n"
	       "\n"
	       "Exit status: the command's own; 125 ovlrun failed or refused; 126 the command "
	       "cannot be\n"
	       "run; 127 it was not found.\n";
}

#define SEE_HELP "`ovlrun --help` lists the options"

static int parse_size(const char *text, uint64_t *size, struct ovl_error *err)
{
	const char *p = text;
	unsigned int shift = 0;
	uint64_t n = 0;

	for (; *p >= '0' && *p <= '9' && n < (UINT64_C(1) << 40); p++)
		n = n * 10 + (uint64_t)(*p - '0');
	if (*p == 'k' || *p == 'K')
		shift = 10;
	else if (*p == 'm' || *p == 'M')
		shift = 20;
	else if (*p == 'g' || *p == 'G')
		shift = 30;
	if (shift)
		p++;
	/* 0 would mean "no limit" to tmpfs; a petabyte is more than anybody can mean. */
	if (*p != '\0' || n == 0 || n > (UINT64_C(1) << 50) >> shift)
		return ovl_fail(err, EINVAL, "use size", "not a number of bytes with k, m or g",
				NULL, "%s", text);
	*size = n << shift;
	return 0;
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

static int parse_option(int option, struct request *request, struct ovl_error *err)
{
	switch (option) {
	case 't':
		request->tree = optarg;
		return 0;
	case 'l':
		request->layers = optarg;
		return 0;
	case 'r':
		request->read_only = true;
		return 0;
	case OPT_TMPFS_SIZE:
		return parse_size(optarg, &request->tmpfs_size, err);
	case 'C':
		request->chdir = optarg;
		return 0;
	case 'e':
		return add_env(request, optarg, err);
	case 'E':
		request->keep_env = true;
		return 0;
	case OPT_BARE:
		request->bare = true;
		return 0;
	case 'n':
		request->dry_run = true;
		return 0;
	case OPT_JSON:
		request->json = true;
		return 0;
	case 'v':
		request->verbose = true;
		return 0;
	case 'q':
		request->quiet = true;
		return 0;
	default:
		return -EINVAL;
	}
}

static int check_combination(const struct request *request, struct ovl_error *err)
{
	if (!request->image && !request->layers)
		return ovl_fail(err, EINVAL, "start", "no ID and no -l given", SEE_HELP,
				"a launch");
	if (request->chdir && request->chdir[0] != '/')
		return ovl_fail(err, EINVAL, "use directory", "not an absolute path", NULL, "%s",
				request->chdir);
	if (request->json && !request->dry_run)
		return ovl_fail(err, EINVAL, "use", "it goes with --dry-run", NULL, "--json");
	if (request->read_only && request->tmpfs_size)
		return ovl_fail(err, EINVAL, "use", "a read-only launch has no upper layer", NULL,
				"--tmpfs-size");
	return 0;
}

int args_parse(int argc, char **argv, struct request *request, struct ovl_error *err)
{
	int option, ret;

	memset(request, 0, sizeof(*request));
	if (argc < 1) /* execve with an empty argv, which older kernels allow */
		return ovl_fail(err, EINVAL, "start", "no arguments, not even a name", NULL,
				"ovlrun");
	opterr = 0;
	optind = 1;
	/* '+': stop at the first operand; ':': tell a missing argument from an unknown option. */
	while ((option = getopt_long(argc, argv, "+:t:l:rC:e:EnvqVh", long_options, NULL)) != -1) {
		if (option == 'h' || option == 'V') {
			request->action = option == 'h' ? ACTION_HELP : ACTION_VERSION;
			return 0;
		}
		if (option == ':' || option == '?')
			return ovl_fail(err, EINVAL, "understand",
					option == ':' ? "it needs an argument" : "no such option",
					SEE_HELP, "option %s", argv[optind - 1]);
		ret = parse_option(option, request, err);
		if (ret < 0)
			return ret;
	}
	if (!request->layers && optind < argc)
		request->image = argv[optind++];
	request->command = argv + optind;
	return check_combination(request, err);
}
