/* SPDX-License-Identifier: MIT */
/* Image records. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record.h"

#define SOURCE	  "# by ovlctl, of "
#define LINES_MAX 512 /* env lines; lines of the command */

/* A line with the value as it is in a record: "\n" and "\\" stand for newline and backslash. */
static void put(FILE *out, const char *key, const char *value)
{
	fprintf(out, "%s ", key);
	for (; *value; value++) {
		if (*value == '\n' || *value == '\\')
			putc('\\', out);
		putc(*value == '\n' ? 'n' : *value, out);
	}
	putc('\n', out);
}

static int refuse(const char *field, const char *reason, struct ovl_error *err)
{
	return ovl_cannot(err, EINVAL, "publish the image's", field, reason);
}

/* A list of texts; null is none. *count goes on counting. */
static int put_list(FILE *out, const json_t *config, const char *field, const char *key,
		    unsigned int *count, struct ovl_error *err)
{
	const json_t *list = json_object_get(config, field), *item;
	size_t i;

	if (list && !json_is_null(list) && !json_is_array(list))
		return refuse(field, "it is no list", err);
	json_array_foreach(list, i, item)
	{
		const char *value = json_plain(item);

		if (!value)
			return refuse(field, "it holds what is no text", err);
		if (strcmp(key, "env") == 0 && (value[0] == '=' || !strchr(value, '=')))
			return ovl_cannot(err, EINVAL, "publish the image's variable", value,
					  "it is not VAR=VALUE");
		if (++*count > LINES_MAX)
			return refuse(field, "a record holds 512 variables and words of a command",
				      err);
		put(out, key, value);
	}
	return 0;
}

static int put_config(FILE *out, const json_t *config, struct ovl_error *err)
{
	const char *workdir = json_text(config, "WorkingDir"), *user = json_text(config, "User");
	unsigned int variables = 0, words = 0;
	int ret = put_list(out, config, "Env", "env", &variables, err);

	if (ret < 0)
		return ret;
	if (workdir && workdir[0] && workdir[0] != '/')
		return ovl_cannot(err, EINVAL, "publish the image's WorkingDir", workdir,
				  "it is not an absolute path");
	if (workdir && workdir[0])
		put(out, "workdir", workdir);
	ret = put_list(out, config, "Entrypoint", "entrypoint", &words, err)
		      ?: put_list(out, config, "Cmd", "cmd", &words, err);
	if (user && user[0])
		put(out, "user", user);
	return ret;
}

char *record_text(const struct record *record, const json_t *config, struct ovl_error *err)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	int ret;

	if (record->source && !strchr(record->source, '\n'))
		fprintf(out, SOURCE "%s\n", record->source);
	put(out, "tree", record->tree);
	put(out, "layer", record->layers);
	if (record->digest)
		put(out, "digest", record->digest);
	ret = put_config(out, config, err);
	fclose(out);
	if (ret == 0 && size > RECORD_SIZE)
		ret = refuse("configuration", "a record has 64 KiB at most", err);
	if (ret == 0)
		return text;
	free(text);
	return NULL;
}

/* In place; false for any other use of '\'. */
static bool unescape(char *text)
{
	char *out = text;

	for (; *text; text++) {
		if (*text != '\\') {
			*out++ = *text;
			continue;
		}
		text++;
		if (*text != 'n' && *text != '\\')
			return false;
		*out++ = *text == 'n' ? '\n' : '\\';
	}
	*out = '\0';
	return true;
}

static const char *set(char **field, const char *value)
{
	if (*field)
		return "given twice";
	*field = file_copy(value);
	return NULL;
}

struct counts {
	unsigned int variables, words;
	char *workdir;
};

/* Takes a line in; returns what ovlrun has against it, or NULL. */
static const char *take(struct record *record, struct counts *counts, const char *key, char *value)
{
	bool is_path = strcmp(key, "tree") == 0 || strcmp(key, "workdir") == 0;

	if (!unescape(value))
		return "a '\\' that is neither \\n nor \\\\";
	if (is_path && value[0] != '/')
		return "not an absolute path";
	if (is_path)
		return set(key[0] == 't' ? &record->tree : &counts->workdir, value);
	if (strcmp(key, "layer") == 0 || strcmp(key, "layers") == 0) {
		record->is_exact = key[5] == 's';
		return set(&record->layers, value);
	}
	if (strcmp(key, "digest") == 0) {
		record->digest = file_copy(value);
		return NULL;
	}
	if (strcmp(key, "env") == 0) {
		if (value[0] == '=' || !strchr(value, '='))
			return "not VAR=VALUE";
		return ++counts->variables > LINES_MAX ? "too many" : NULL;
	}
	if (strcmp(key, "entrypoint") == 0 || strcmp(key, "cmd") == 0)
		return ++counts->words > LINES_MAX ? "too many" : NULL;
	return strcmp(key, "user") == 0 ? NULL : "unknown word";
}

int record_read(struct record *record, const struct dir *dir, const char *path,
		struct ovl_error *err)
{
	struct counts counts = { 0 };
	unsigned int number = 1;
	size_t len;
	char *text = file_load(dir, path, RECORD_SIZE, &len, err), *end;
	char *file = file_path(dir, path);

	*record = (struct record){ 0 };
	if (!text)
		return -err->errnum;
	if (strlen(text) != len || (len > 0 && text[len - 1] != '\n'))
		return ovl_cannot(err, EINVAL, "understand", file,
				  "it holds a NUL byte, or its last line is not finished");
	for (char *line = text; (end = strchr(line, '\n')); line = end + 1, number++) {
		const char *wrong = NULL;
		char *value;

		*end = '\0';
		if (strncmp(line, SOURCE, strlen(SOURCE)) == 0)
			record->source = file_copy(line + strlen(SOURCE));
		if (line[0] == '#' || line[0] == '\0')
			continue;
		value = line + strcspn(line, " ");
		if (*value)
			*value++ = '\0';
		wrong = take(record, &counts, line, value);
		if (wrong)
			return ovl_fail(err, EINVAL, "understand", wrong, NULL, "%s:%u", file,
					number);
	}
	free(text);
	if (!record->layers)
		return ovl_cannot(err, EINVAL, "understand", file, "it names no layer");
	return 0;
}
