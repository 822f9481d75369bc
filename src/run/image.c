/* SPDX-License-Identifier: MIT */
/*
 * Images by name.
 *
 * MUST 1. A name that passes cannot leave the records' directory as a path. (T43, unit: test_image)
 * MUST 2. Patterns match whole components; only a trailing '*' matches more. (T03)
 * MUST 3. A record that is not understood to the last line is refused. (T10)
 */
#include <errno.h>
#include <string.h>

#include "image.h"

#define LATEST ":latest"

#define DIGITS "0123456789"
#define LOWER  "abcdefghijklmnopqrstuvwxyz" DIGITS
#define ALNUM  LOWER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* Length of a component of a name at s, or of a tag; 0: there is none. */
static size_t run_length(const char *s, bool is_tag)
{
	if (strspn(s, is_tag ? ALNUM "_" : LOWER) == 0)
		return 0;
	return strspn(s, is_tag ? ALNUM "._-" : LOWER "._-");
}

/* True if ":..." at s is the port of a registry: digits before a '/'. */
static size_t port_length(const char *s)
{
	size_t len = 1 + strspn(s + 1, DIGITS);

	return len > 1 && s[len] == '/' ? len : 0;
}

bool image_name_normalise(const char *name, char out[IMAGE_NAME_SIZE])
{
	size_t len = strlen(name);
	const char *s = name;

	if (len > IMAGE_NAME_MAX)
		return false;
	for (bool is_first = true;; is_first = false) {
		size_t n = run_length(s, false);

		if (n == 0)
			return false;
		s += n;
		if (is_first && *s == ':')
			s += port_length(s);
		if (*s != '/')
			break;
		s++;
	}
	memcpy(out, name, len + 1);
	if (*s == '\0') {
		memcpy(out + len, LATEST, sizeof(LATEST));
		return true;
	}
	len = run_length(s + 1, true);
	return *s == ':' && len > 0 && s[1 + len] == '\0';
}

bool image_pattern_is_valid(const char *pattern, size_t len)
{
	char name[IMAGE_NAME_MAX + 1], whole[IMAGE_NAME_SIZE];

	if (len == 0 || len > IMAGE_NAME_MAX || memchr(pattern, 0, len))
		return false;
	memcpy(name, pattern, len);
	name[len] = '\0';
	/* What stands before a '*' is the beginning of a name: something can be put in its place.
	 */
	if (name[len - 1] == '*')
		name[len - 1] = 'a';
	return image_name_normalise(name, whole);
}

bool image_name_matches(const char *pattern, size_t len, const char *name)
{
	bool has_star = len > 0 && pattern[len - 1] == '*';

	if (has_star)
		len--;
	if (strncmp(pattern, name, len) != 0)
		return false;
	if (has_star)
		return !strchr(name + len, '/');
	return name[len] == '\0' || strcmp(name + len, LATEST) == 0;
}

/* Undoes "\n" and "\\" in place. False for any other use of '\'. */
static bool unescape(char *text)
{
	char *out = text;

	for (; *text; text++) {
		char c = *text;

		if (c == '\\') {
			c = *++text;
			if (c == 'n')
				c = '\n';
			else if (c != '\\')
				return false;
		}
		*out++ = c;
	}
	*out = '\0';
	return true;
}

static const char *set_once(const char **field, const char *value)
{
	if (*field)
		return "given twice";
	*field = value;
	return NULL;
}

static const char *set_path(const char **field, const char *value)
{
	return value[0] == '/' ? set_once(field, value) : "not an absolute path";
}

/* Puts one word into the command, at the end of the entrypoint or at its own. */
static const char *add_word(struct image *image, bool is_entrypoint, char *value)
{
	unsigned int at = is_entrypoint ? image->entrypoint_count++ : image->command_count;

	if (image->command_count == IMAGE_COMMAND_MAX)
		return "too many";
	memmove(image->command + at + 1, image->command + at,
		(image->command_count++ - at) * sizeof(image->command[0]));
	image->command[at] = value;
	return NULL;
}

/* Takes one line; returns what is wrong with it, or NULL. */
static const char *take(struct image *image, const char *key, char *value)
{
	if (!unescape(value))
		return "a '\\' that is neither \\n nor \\\\";
	if (strcmp(key, "tree") == 0)
		return set_path(&image->tree, value);
	if (strcmp(key, "workdir") == 0)
		return set_path(&image->workdir, value);
	if (strcmp(key, "layer") == 0 || strcmp(key, "layers") == 0) {
		image->is_exact = key[5] == 's';
		return set_once(&image->layers, value);
	}
	if (strcmp(key, "env") == 0) {
		if (value[0] == '=' || !strchr(value, '='))
			return "not VAR=VALUE";
		if (image->env_count == IMAGE_ENV_MAX)
			return "too many";
		image->env[image->env_count++] = value;
		return NULL;
	}
	if (strcmp(key, "entrypoint") == 0 || strcmp(key, "cmd") == 0)
		return add_word(image, key[0] == 'e', value);
	return strcmp(key, "digest") == 0 || strcmp(key, "user") == 0 ? NULL : "unknown word";
}

int image_parse(struct image *image, char *text, size_t len, const char *file,
		struct ovl_error *err)
{
	unsigned int number = 1;
	char *value, *end;

	*image = (struct image){ 0 };
	if (memchr(text, '\0', len))
		return ovl_cannot(err, EINVAL, "understand", file, "it holds a NUL byte");
	if (len > 0 && text[len - 1] != '\n')
		return ovl_cannot(err, EINVAL, "understand", file, "its last line is not finished");
	for (char *line = text; (end = strchr(line, '\n')); line = end + 1, number++) {
		const char *wrong = NULL;

		*end = '\0';
		value = line + strcspn(line, " ");
		if (value < end)
			*value++ = '\0';
		if (line < end && line[0] != '#')
			wrong = take(image, line, value);
		if (wrong)
			return ovl_fail(err, EINVAL, "understand", wrong, NULL, "%s:%u", file,
					number);
	}
	return image->layers ? 0 : ovl_cannot(err, EINVAL, "understand", file, "it names no layer");
}
