/* SPDX-License-Identifier: MIT */
/*
 * The command line.
 *
 * MUST 1. Options end at the first operand: what follows belongs to the payload. (cli.bats)
 * MUST 2. An argument that is not understood is refused, never guessed. (cli.bats, unit: test_args)
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "args.h"
#include "ovl/ident.h"
#include "rule.h"
#include "word.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

const char *const args_namespaces[] = { "pid", "ipc", "uts", "net", "cgroup", NULL };
const char *const args_devs[] = { "minimal", "host", "none", NULL };

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

static int refuse(struct ovl_error *err, const char *verb, const char *object, const char *reason)
{
	return ovl_cannot(err, EINVAL, verb, object, reason);
}

#define ALNUM "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

/* True if text is 1 to max of the characters. */
static bool is_made_of(const char *text, size_t max, const char *characters)
{
	size_t len = strspn(text, characters);

	return len > 0 && len <= max && text[len] == '\0';
}

bool args_upper_is_valid(const char *name)
{
	return !strchr("._-", name[0]) && is_made_of(name, REQUEST_UPPER_MAX, ALNUM "._-");
}

/* Each of these takes the argument of an option, and returns what is wrong with it, or NULL. */
static const char *take_size(struct request *request, char *text)
{
	return word_to_size(word_of(text), &request->tmpfs_size)
		       ? NULL
		       : "not a number of bytes with k, m or g";
}

static const char *take_env(struct request *request, char *text)
{
	if (text[0] == '=' || text[0] == '\0')
		return "it has no name";
	if (request->env_count == REQUEST_ENV_MAX)
		return "too many -e options (256)";
	request->env[request->env_count++] = text;
	return NULL;
}

static const char *take_bind(struct request *request, char *text)
{
	struct bind bind = { .source = text, .destination = text };
	char *colon = strchr(text, ':');
	char *mode = colon ? strchr(colon + 1, ':') : NULL;

	if (request->bind_count == REQUEST_BIND_MAX)
		return "too many -b options (64)";
	if (mode && strcmp(mode, ":ro") != 0)
		return "it is not SRC, SRC:DST or SRC:DST:ro";
	if (colon)
		bind.destination = colon + 1;
	if (bind.source[0] != '/' || bind.destination[0] != '/')
		return "not an absolute path";
	if (colon)
		*colon = '\0';
	if (mode)
		*mode = '\0';
	bind.read_only = mode;
	request->bind[request->bind_count++] = bind;
	return NULL;
}

static const char *take_unshare(struct request *request, char *text)
{
	return word_to_bits(word_of(text), args_namespaces, &request->unshare)
		       ? NULL
		       : "the names are pid, ipc, uts, net and cgroup";
}

static const char *take_dev(struct request *request, char *text)
{
	int i = word_find(word_of(text), args_devs);

	if (i < 0)
		return "it is minimal, host or none";
	request->dev = i;
	if (i == DEV_HOST)
		request->features |= FEATURE_DEV;
	return NULL;
}

static const char *take_fd(struct request *request, char *text)
{
	unsigned int at = request->keep_fd_count;
	int *fds = request->keep_fd;
	id_t n;

	if (!word_to_id(word_of(text), &n) || n < 3 || n > INT32_MAX)
		return "not a number above 2; 0 to 2 are always passed on";
	while (at > 0 && fds[at - 1] > (int)n)
		at--;
	if (at > 0 && fds[at - 1] == (int)n)
		return NULL;
	if (request->keep_fd_count == REQUEST_FD_MAX)
		return "too many (16)";
	memmove(fds + at + 1, fds + at, (request->keep_fd_count++ - at) * sizeof(int));
	fds[at] = (int)n;
	return NULL;
}

/* An option sets a flag, the action or a text; or a function takes its argument. */
static const struct option {
	char name[sizeof("check-policy")]; /* no pointer: each costs a relocation at the start */
	char letter;			   /* or 0 */
	unsigned int feature;		   /* what the policy has to grant for it */
	enum { FLAG, ACTION, TEXT, TAKE } kind;
	size_t field; /* of struct request; or the action */
	const char *(*take)(struct request *request, char *text);
	const char *verb; /* what cannot be done where take finds something wrong */
} options[] = {
#define FIELD(name) offsetof(struct request, name)
	{ "tree", 't', 0, TEXT, FIELD(tree), NULL, NULL },
	{ "layers", 'l', 0, TEXT, FIELD(name), NULL, NULL },
	{ "read-only", 'r', 0, FLAG, FIELD(read_only), NULL, NULL },
	{ "writable", 'w', FEATURE_WRITABLE, TEXT, FIELD(upper), NULL, NULL },
	{ "tmpfs-size", 0, 0, TAKE, 0, take_size, "use size" },
	{ "bind", 'b', FEATURE_BIND, TAKE, 0, take_bind, "bind" },
	{ "home", 0, FEATURE_BIND, FLAG, FIELD(home), NULL, NULL },
	{ "chdir", 'C', 0, TEXT, FIELD(chdir), NULL, NULL },
	{ "env", 'e', 0, TAKE, 0, take_env, "set variable" },
	{ "keep-env", 'E', 0, FLAG, FIELD(keep_env), NULL, NULL },
	{ "unshare", 0, FEATURE_UNSHARE, TAKE, 0, take_unshare, "unshare" },
	{ "hostname", 0, 0, TEXT, FIELD(hostname), NULL, NULL },
	{ "userns", 'u', FEATURE_USERNS, FLAG, FIELD(userns), NULL, NULL },
	{ "dev", 0, 0, TAKE, 0, take_dev, "make /dev" },
	{ "no-proc", 0, 0, FLAG, FIELD(no_proc), NULL, NULL },
	{ "no-sys", 0, 0, FLAG, FIELD(no_sys), NULL, NULL },
	{ "bare", 0, 0, FLAG, FIELD(bare), NULL, NULL },
	{ "keep-fd", 0, FEATURE_KEEP_FD, TAKE, 0, take_fd, "pass on descriptor" },
	{ "new-session", 0, 0, FLAG, FIELD(new_session), NULL, NULL },
	{ "caps", 0, 0, TEXT, FIELD(caps), NULL, NULL },
	{ "privileged", 0, 0, FLAG, FIELD(privileged), NULL, NULL },
	{ "check-policy", 0, 0, ACTION, ACTION_CHECK_POLICY, NULL, NULL },
	{ "dry-run", 'n', 0, FLAG, FIELD(dry_run), NULL, NULL },
	{ "json", 0, 0, FLAG, FIELD(json), NULL, NULL },
	{ "verbose", 'v', 0, FLAG, FIELD(verbose), NULL, NULL },
	{ "quiet", 'q', 0, FLAG, FIELD(quiet), NULL, NULL },
	{ "version", 'V', 0, ACTION, ACTION_VERSION, NULL, NULL },
	{ "help", 'h', 0, ACTION, ACTION_HELP, NULL, NULL },
#undef FIELD
};

static const struct option *find_option(struct word name, char letter)
{
	for (size_t i = 0; i < COUNT(options); i++) {
		if (letter ? options[i].letter == letter : word_is(name, options[i].name))
			return &options[i];
	}
	return NULL;
}

static int fail_option(const char *reason, const char *name, struct ovl_error *err)
{
	return ovl_fail(err, EINVAL, "understand", reason, SEE_HELP, "option %s", name);
}

/*
 * Does what the option says that is written as name. text: what is joined to it, or NULL: its
 * argument is then the next of the words.
 */
static int apply(struct request *request, const struct option *option, const char *name, char *text,
		 char ***words, struct ovl_error *err)
{
	const char *wrong = NULL;
	char *field;

	if (!option)
		return fail_option("no such option", name, err);
	if (text && option->kind < TEXT)
		return fail_option("it takes no argument", name, err);
	if (!text && option->kind >= TEXT)
		text = *(*words)++;
	if (!text && option->kind >= TEXT)
		return fail_option("it needs an argument", name, err);
	field = (char *)request + option->field;
	request->features |= option->feature;
	if (option->kind == FLAG)
		*(bool *)field = true;
	else if (option->kind == ACTION)
		request->action = (unsigned int)option->field;
	else if (option->kind == TEXT)
		*(const char **)field = text;
	else
		wrong = option->take(request, text);
	return wrong ? refuse(err, option->verb, text, wrong) : 0;
}

/* "--NAME" or "--NAME=ARGUMENT". */
static int parse_long(struct request *request, char *word, char ***words, struct ovl_error *err)
{
	struct word name = word_of(word + 2);
	char *text = strchr(word, '=');

	if (text)
		name.len = (size_t)(text++ - name.at);
	return apply(request, find_option(name, 0), word, text, words, err);
}

/* "-x", "-xyz" or "-xARGUMENT". */
static int parse_letters(struct request *request, char *word, char ***words, struct ovl_error *err)
{
	const struct option *option;
	int ret;

	do {
		char name[] = { '-', *++word, '\0' };
		bool has_text;

		option = find_option((struct word){ 0 }, *word);
		has_text = option && option->kind >= TEXT && word[1];
		ret = apply(request, option, name, has_text ? word + 1 : NULL, words, err);
	} while (ret == 0 && option->kind == FLAG && word[1]);
	return ret;
}

static int check_combination(const struct request *request, struct ovl_error *err)
{
	if (request->chdir && request->chdir[0] != '/')
		return refuse(err, "use directory", request->chdir, "not an absolute path");
	if (request->hostname && !(request->unshare & NAMESPACE_UTS))
		return refuse(err, "use", "--hostname", "it goes with --unshare uts");
	if (request->hostname && !is_made_of(request->hostname, 64, ALNUM ".-"))
		return refuse(err, "use host name", request->hostname,
			      "1 to 64 letters, digits, '.' and '-'");
	if (request->bare && request->features & (FEATURE_BIND | FEATURE_DEV))
		return refuse(err, "use", request->features & FEATURE_BIND ? "--bind" : "--dev",
			      "nothing is mounted inside with --bare");
	if (request->json && !request->dry_run)
		return refuse(err, "use", "--json", "it goes with --dry-run");
	if (request->read_only && request->upper)
		return refuse(err, "use", "--writable", "a read-only launch has no upper layer");
	/* The rule that permits an image permits its layers in the tree that its record names. */
	if (request->tree && request->kind == REQUEST_IMAGE)
		return refuse(err, "use", "--tree", "an image lies in the tree its record names");
	if (request->upper && !args_upper_is_valid(request->upper))
		return refuse(err, "use upper layer", request->upper,
			      "a name is letters, digits, '.', '_' and '-', 128 at most");
	return 0;
}

/* What the operand, or -l, asks for. A name of an image never looks like a cache-id or link. */
static int classify(struct request *request, const char *operand, struct ovl_error *err)
{
	size_t len = operand ? strlen(operand) : 0;

	if (request->name) {
		request->kind = REQUEST_LAYERS;
		return 0;
	}
	if (!operand)
		return ovl_fail(err, EINVAL, "start", "no NAME, no ID and no -l given", SEE_HELP,
				"a launch");
	request->name = operand;
	request->kind = REQUEST_LAYER;
	if (ovl_id_is_valid(operand, len) || ovl_link_is_valid(operand, len))
		return 0;
	request->kind = REQUEST_IMAGE;
	if (!image_name_normalise(operand, request->image))
		return ovl_fail(err, EINVAL, "use", "no image has such a name, and no layer",
				"as in alpine:3.19; a layer is named by its cache-id or link", "%s",
				operand);
	return 0;
}

int args_parse(int argc, char **argv, struct request *request, struct ovl_error *err)
{
	char **words = argv + 1;
	int ret = 0;

	memset(request, 0, sizeof(*request));
	if (argc < 1) /* execve with an empty argv, which older kernels allow */
		return refuse(err, "start", "ovlrun", "no arguments, not even a name");
	while (*words && (*words)[0] == '-' && (*words)[1] != '\0') {
		char *word = *words++;

		if (strcmp(word, "--") == 0)
			break;
		ret = word[1] == '-' ? parse_long(request, word, &words, err)
				     : parse_letters(request, word, &words, err);
		if (ret < 0 || request->action == ACTION_HELP || request->action == ACTION_VERSION)
			return ret;
	}
	if (request->action == ACTION_CHECK_POLICY) {
		request->name = words[0];
		if (words[0] && words[1])
			return refuse(err, "use", words[1], "--check-policy takes one FILE");
		return 0;
	}
	ret = classify(request, words[0], err);
	if (ret < 0)
		return ret;
	request->command = words + (request->kind == REQUEST_LAYERS ? 0 : 1);
	return check_combination(request, err);
}
