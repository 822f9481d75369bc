/* SPDX-License-Identifier: MIT */
/* Words of the kernel command line and options of a script. */
#include <errno.h>
#include <string.h>

#include "words.h"

#define WAIT_DEFAULT 10
#define WAIT_DIGITS  4

static const char *const names[WORD_COUNT] = {
	[WORD_ROOT] = "root",	    [WORD_ROOTFSTYPE] = "rootfstype",
	[WORD_TREE] = "tree",	    [WORD_STACK] = "stack",
	[WORD_UPPER] = "upper",	    [WORD_INIT] = "init",
	[WORD_WAIT] = "wait",	    [WORD_FALLBACK] = "fallback",
	[WORD_ONFAIL] = "onfail",   [WORD_DEBUG] = "debug",
	[WORD_NEWROOT] = "newroot", [WORD_SWITCH] = "switch",
	[WORD_CMDLINE] = "cmdline", [WORD_HELP] = "help",
	[WORD_VERSION] = "version",
};

static bool is_flag(int word)
{
	return word == WORD_DEBUG || word >= WORD_SWITCH;
}

static int refuse(struct ovl_error *err, const char *what, const char *reason, const char *hint)
{
	return ovl_fail(err, EINVAL, "use", reason, hint, "%s", what);
}

/* A word whose value is wrong. */
static int refuse_value(struct ovl_error *err, int word, const char *value, const char *reason,
			const char *hint)
{
	return ovl_fail(err, EINVAL, "use", reason, hint, "%s=%s", names[word], value);
}

/* The word among the first count whose name is the len bytes at name, or count. */
static int find(const char *name, size_t len, int count)
{
	int word = 0;

	while (word < count && (strlen(names[word]) != len || memcmp(names[word], name, len) != 0))
		word++;
	return word;
}

/* text: the whole word, for messages; value: behind its '=', or NULL if there is none. */
static int set(struct words *words, int word, const char *text, const char *value,
	       struct ovl_error *err)
{
	if (words->value[word])
		return refuse(err, text, "it is said twice", NULL);
	if (is_flag(word) ? value != NULL : !value || !*value)
		return refuse(err, text, is_flag(word) ? "it takes no value" : "it needs a value",
			      NULL);
	words->value[word] = value ?: "";
	return 0;
}

/* Cuts the next word off *text, without its double quotes, or returns NULL. */
static char *next_word(char **text)
{
	char *from = *text + strspn(*text, " \t\n"), *to = from, *word = from;
	bool is_quoted = false;

	if (!*from)
		return NULL;
	for (; *from && (is_quoted || !strchr(" \t\n", *from)); from++) {
		if (*from == '"')
			is_quoted = !is_quoted;
		else
			*to++ = *from;
	}
	*text = *from ? from + 1 : from;
	*to = '\0';
	return word;
}

int words_parse_cmdline(struct words *words, char *text, struct ovl_error *err)
{
	struct ovl_error other;
	char *word;
	int ret = 0;

	while ((word = next_word(&text)) && strcmp(word, "--") != 0) {
		struct ovl_error *first = ret == 0 ? err : &other; /* the first error is told */
		const char *name = words_after(word, "ovl.");
		size_t len = name ? strcspn(name, "=") : 0;
		int found = name ? find(name, len, WORD_NEWROOT) : WORD_NEWROOT, one = 0;

		if (!name)
			words->kernel_init = words_after(word, "init=") ?: words->kernel_init;
		else if (found == WORD_NEWROOT)
			one = refuse(first, word, "no such word",
				     "ovlinit(8) lists the words that begin with ovl.");
		else
			one = set(words, found, word, name[len] ? name + len + 1 : NULL, first);
		ret = ret ?: one;
	}
	return ret;
}

int words_parse_args(struct words *words, char **argv, struct ovl_error *err)
{
	int ret = 0;

	while (ret == 0 && *argv && *++argv) {
		const char *option = *argv, *name = words_after(option, "--");
		size_t len = name ? strcspn(name, "=") : 0;
		int word = name ? find(name, len, WORD_COUNT) : WORD_COUNT;

		if (strcmp(option, "--") == 0) {
			words->init_args = argv + 1;
			return 0;
		}
		if (word == WORD_COUNT)
			return refuse(err, option, "no such option", "`ovlinit --help` lists them");
		if (is_flag(word) || name[len])
			ret = set(words, word, option, name[len] ? name + len + 1 : NULL, err);
		else
			ret = set(words, word, option, argv[1] ? *++argv : NULL, err);
	}
	return ret;
}

void words_merge(struct words *words, const struct words *over)
{
	for (int word = 0; word < WORD_COUNT; word++)
		words->value[word] = over->value[word] ?: words->value[word];
	words->init_args = over->init_args ?: words->init_args;
}

const char *words_after(const char *text, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(text, prefix, len) == 0 ? text + len : NULL;
}

static bool is_device(const char *text)
{
	const char *after = words_after(text, "UUID=") ?: words_after(text, "LABEL=");

	return after ? *after != '\0' : text[0] == '/' && text[1] != '\0';
}

static bool is_number(const char *text, size_t digits)
{
	size_t len = strspn(text, "0123456789");

	return len > 0 && len <= digits && text[len] == '\0';
}

/* Digits with at most one of the letters that the kernel's memparse() and tmpfs know. */
static bool is_size(const char *text)
{
	size_t len = strspn(text, "0123456789");

	return len > 0 && len < 12 && text[0] != '0' &&
	       (!text[len] || (strchr("kKmMgG%", text[len]) && !text[len + 1]));
}

/* Nothing in a path may lead up. */
static bool has_dotdot(const char *path)
{
	while (*path && !(path[0] == '.' && path[1] == '.'))
		path++;
	return *path != '\0';
}

int words_parse_upper(struct upper_words *upper, const char *text, struct ovl_error *err)
{
	const char *size = text ? words_after(text, "tmpfs:") : NULL;
	const char *colon = text ? strrchr(text, ':') : NULL;

	*upper = (struct upper_words){ .kind = UPPER_TMPFS };
	if (!text || strcmp(text, "tmpfs") == 0)
		return 0;
	if (strcmp(text, "none") == 0) {
		upper->kind = UPPER_NONE;
		return 0;
	}
	if (size) {
		if (!is_size(size))
			return refuse_value(err, WORD_UPPER, text, "not a size",
					    "such as tmpfs:64m or tmpfs:25%");
		memcpy(upper->size, size, strlen(size) + 1);
		return 0;
	}
	if (colon && colon[1] && (size_t)(colon - text) < sizeof(upper->device)) {
		memcpy(upper->device, text, (size_t)(colon - text));
		upper->kind = UPPER_DEVICE;
		upper->path = colon + 1;
		if (is_device(upper->device) && !has_dotdot(upper->path))
			return 0;
	} else if (!colon && text[0] == '/' && !has_dotdot(text)) {
		upper->kind = UPPER_DIRECTORY;
		upper->path = text;
		return 0;
	}
	return refuse_value(err, WORD_UPPER, text, "not an upper layer",
			    "tmpfs, tmpfs:SIZE, none or DEVICE:PATH");
}

static int check_root(const char *root, struct ovl_error *err)
{
	const char *file = words_after(root, "initramfs");

	if (file ? !*file || words_after(file, ":/") : is_device(root))
		return 0;
	return refuse_value(err, WORD_ROOT, root, "not a device",
			    "a path in /dev, UUID=, LABEL=, or initramfs[:FILE]");
}

int words_check(const struct words *words, bool is_script, struct ovl_error *err)
{
	const char *const *value = words->value;
	const char *onfail = value[WORD_ONFAIL];
	const char *init = value[WORD_INIT] ?: words->kernel_init;
	struct upper_words upper;
	int ret;

	if (!value[WORD_STACK])
		return refuse(err, "no stack", "nothing says which layers",
			      "ovl.stack=ID on the kernel command line, or --stack ID");
	if (!value[WORD_ROOT] && !(is_script && value[WORD_TREE]))
		return refuse(err, "no root", "nothing says which device has the tree",
			      "ovl.root=DEVICE on the kernel command line, or --tree DIR of a "
			      "mounted one");
	if (value[WORD_WAIT] && !is_number(value[WORD_WAIT], WAIT_DIGITS))
		return refuse_value(err, WORD_WAIT, value[WORD_WAIT],
				    "not a number of seconds up to 9999", NULL);
	if (onfail && strcmp(onfail, "shell") != 0 && strcmp(onfail, "reboot") != 0 &&
	    strcmp(onfail, "halt") != 0)
		return refuse_value(err, WORD_ONFAIL, onfail, "neither shell, reboot nor halt",
				    NULL);
	if (init && init[0] != '/')
		return refuse_value(err, WORD_INIT, init, "not an absolute path", NULL);
	ret = value[WORD_ROOT] ? check_root(value[WORD_ROOT], err) : 0;
	ret = ret ?: words_parse_upper(&upper, value[WORD_UPPER], err);
	if (ret == 0 && upper.kind == UPPER_DIRECTORY && !is_script)
		ret = refuse_value(err, WORD_UPPER, upper.path, "an upper without a device",
				   "DEVICE:PATH");
	return ret;
}

unsigned int words_wait(const struct words *words)
{
	const char *text = words->value[WORD_WAIT];
	unsigned int seconds = 0;

	if (!text || !is_number(text, WAIT_DIGITS))
		return WAIT_DEFAULT;
	for (; *text; text++)
		seconds = seconds * 10 + (unsigned int)(*text - '0');
	return seconds;
}
