/* SPDX-License-Identifier: MIT */
/* Reads the policy's files. Nothing is decided here: lines that are not understood are ovlrun's to refuse. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "image_name.h"
#include "policy.h"

#define ETC	     "/etc"
#define DIR_NAME     "ovlrun.d"
#define POLICY_BYTES (1u << 20) /* what ovlrun takes of all files together */

/* The next word, which is ended in place; NULL at the end or a comment. */
static char *next_word(char **rest)
{
	char *word = *rest + strspn(*rest, " \t");

	if (*word == '\0' || *word == '#')
		return NULL;
	*rest = word + strcspn(word, " \t");
	if (**rest)
		*(*rest)++ = '\0';
	return word;
}

static char *joined(char *list, const char *more)
{
	char *text = file_alloc(strlen(list) + strlen(more) + 2);

	sprintf(text, "%s%s%s", list, *list ? "," : "", more);
	return text;
}

/* permit and deny, behind this word. False if it is not understood. */
static bool parse_rule(struct line *line, char *rest)
{
	char *who = next_word(&rest), *what = next_word(&rest), *word;
	struct ovl_error ignored;

	if (!who || !what)
		return false;
	who_parse(&line->who, who, &ignored); /* a name that nobody has any more is still one */
	line->is_any = strcmp(what, "any") == 0;
	line->features = line->limit = "";
	if (!line->is_any) {
		word = next_word(&rest);
		if (!word)
			return false;
		line->image = strcmp(what, "image") == 0 ? word : NULL;
	}
	while ((word = next_word(&rest))) {
		char *value = next_word(&rest);

		if (value && strcmp(word, "may") == 0)
			line->features = joined(line->features, value);
		else if (value && strcmp(word, "limit") == 0)
			line->limit = value;
		else
			return false;
	}
	return true;
}

static void parse(struct line *line)
{
	char *rest = file_copy(line->text), *word = next_word(&rest);

	if (!word)
		return;
	if (strcmp(word, "tree") == 0 && (line->tree = next_word(&rest)))
		line->kind = LINE_TREE;
	else if (strcmp(word, "permit") == 0 && parse_rule(line, rest))
		line->kind = LINE_PERMIT;
	else if (strcmp(word, "deny") == 0 && parse_rule(line, rest))
		line->kind = LINE_DENY;
}

void policy_insert(struct policy *policy, unsigned int at, const char *file, unsigned int number,
		   const char *text)
{
	struct line *line;

	policy->lines = file_grow(policy->lines, policy->count, sizeof(*line));
	line = &policy->lines[at];
	memmove(line + 1, line, (policy->count++ - at) * sizeof(*line));
	*line = (struct line){ .file = file, .number = number, .text = file_copy(text) };
	parse(line);
}

/* One file beneath /etc; none has no lines. */
static int read_file(struct policy *policy, const struct dir *etc, const char *name,
		     struct ovl_error *err)
{
	size_t len;
	char *text = file_load(etc, name, POLICY_BYTES, &len, err), *rest = text, *line;
	const char *path = file_path(etc, name);

	if (!text)
		return err->errnum == ENOENT ? 0 : -err->errnum;
	if (strlen(text) != len)
		return ovl_cannot(err, EBADMSG, "read", path, "it holds a NUL byte");
	for (unsigned int number = 1; (line = strsep(&rest, "\n")) && (*line || rest); number++)
		policy_insert(policy, policy->count, path, number, line);
	free(text);
	return 0;
}

struct names {
	char **list;
	unsigned int count;
};

static int add_name(const char *name, void *context)
{
	struct names *names = context;
	size_t len = strlen(name);

	if (name[0] == '.' || len <= 5 || strcmp(name + len - 5, ".conf") != 0)
		return 0;
	names->list = file_grow(names->list, names->count, sizeof(char *));
	names->list[names->count] = file_alloc(len + sizeof(DIR_NAME) + 1);
	sprintf(names->list[names->count++], DIR_NAME "/%s", name);
	return 0;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int open_etc(struct dir *etc, struct ovl_error *err)
{
	*etc = (struct dir){ open(ETC, O_RDONLY | O_DIRECTORY | O_CLOEXEC), ETC };
	return etc->fd < 0 ? ovl_cannot(err, errno, "open", ETC, NULL) : 0;
}

int policy_read(struct policy *policy, struct ovl_error *err)
{
	struct names names = { 0 };
	struct dir etc;
	int ret = open_etc(&etc, err);

	if (ret < 0)
		return ret;
	ret = read_file(policy, &etc, "ovlrun.conf", err)
		      ?: file_each(&etc, DIR_NAME, add_name, &names, err);
	if (names.count)
		qsort(names.list, names.count, sizeof(char *), compare);
	for (unsigned int i = 0; ret == 0 && i < names.count; i++)
		ret = read_file(policy, &etc, names.list[i], err);
	close(etc.fd);
	return ret;
}

int policy_read_ours(struct policy *policy, struct ovl_error *err)
{
	struct dir etc;
	int ret = open_etc(&etc, err);

	if (ret < 0)
		return ret;
	ret = read_file(policy, &etc, DIR_NAME "/" POLICY_OURS, err);
	close(etc.fd);
	return ret;
}

static bool is_about(const struct line *line, const char *image)
{
	return (line->kind == LINE_PERMIT || line->kind == LINE_DENY) &&
	       (line->is_any || (line->image && image_name_matches(line->image, image)));
}

void policy_about(const struct policy *policy, const char *image, struct policy *about)
{
	*about = (struct policy){ .lines = file_alloc(policy->count * sizeof(*about->lines)) };
	for (unsigned int i = 0; i < policy->count; i++) {
		const struct line *line = &policy->lines[i];
		unsigned int kept = 0;

		if (!is_about(line, image))
			continue;
		for (unsigned int k = 0; k < about->count; k++) {
			if (!line->who.is_all && !who_same(&about->lines[k].who, &line->who))
				about->lines[kept++] = about->lines[k];
		}
		about->count = kept;
		about->lines[about->count++] = *line;
	}
}
