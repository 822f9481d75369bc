/* SPDX-License-Identifier: MIT */
/*
 * The policy: parsing and deciding.
 *
 * MUST 1. No grant without a rule; root alone needs none.  (T01)
 * MUST 2. Paths are compared whole, never by prefix.  (T03)
 * MUST 3. Denied and absent look the same.  (T02)
 * MUST 4. What is not understood is an error, not a line skipped.  (T10)
 */
#include <errno.h>
#include <string.h>

#include "policy.h"

#define TMPFS_DEFAULT (UINT64_C(512) << 20) /* bytes; also the most a caller may ask for */

static int parse_line(struct policy *policy, char *line, const char *file, unsigned int number,
		      struct ovl_error *err)
{
	const char *blank = " \t";
	char *word, *path, *save = NULL;

	line[strcspn(line, "#")] = '\0';
	word = strtok_r(line, blank, &save);
	if (!word)
		return 0;
	path = strtok_r(NULL, blank, &save);
	if (strcmp(word, "tree") != 0)
		return ovl_fail(err, EINVAL, "understand", "unknown word", NULL, "%s:%u: %s", file,
				number, word);
	if (!path || path[0] != '/' || strtok_r(NULL, blank, &save))
		return ovl_fail(err, EINVAL, "understand", "`tree` takes one absolute path", NULL,
				"%s:%u", file, number);
	if (policy->tree_count == POLICY_TREES_MAX)
		return ovl_fail(err, E2BIG, "understand", "too many trees", NULL, "%s:%u", file,
				number);
	policy->trees[policy->tree_count++] = path;
	return 0;
}

int policy_parse(struct policy *policy, char *text, size_t len, const char *file,
		 struct ovl_error *err)
{
	unsigned int number = 0;

	policy->tree_count = 0;
	if (memchr(text, '\0', len))
		return ovl_fail(err, EINVAL, "understand", "it holds a NUL byte", NULL, "%s", file);
	if (len > 0 && text[len - 1] != '\n')
		return ovl_fail(err, EINVAL, "understand", "its last line is not finished", NULL,
				"%s", file);
	for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
		int ret;

		*end = '\0';
		ret = parse_line(policy, line, file, ++number, err);
		if (ret < 0)
			return ret;
	}
	return 0;
}

int policy_decide(const struct policy *policy, const struct caller *caller,
		  const struct request *request, struct grant *grant, struct ovl_error *err)
{
	const char *tree = request->tree;
	bool is_granted = caller->uid == 0;

	if (!tree && policy->tree_count > 0)
		tree = policy->trees[0];
	if (!tree)
		return ovl_fail(err, EACCES, "choose", "the policy names none",
				"name one with -t, or ask the administrator for a `tree` line in "
				"/etc/ovlrun.conf",
				"a tree");
	for (unsigned int i = 0; i < policy->tree_count && !is_granted; i++)
		is_granted = strcmp(policy->trees[i], tree) == 0;
	if (!is_granted)
		return ovl_fail(err, EACCES, "use tree", "not there, or not permitted",
				"ask the administrator for a `tree` line in /etc/ovlrun.conf", "%s",
				tree);
	if (request->tmpfs_size > TMPFS_DEFAULT && caller->uid != 0)
		return ovl_fail(err, EACCES, "use", "more than the 512m that are permitted", NULL,
				"--tmpfs-size");
	grant->tree = tree;
	grant->tmpfs_size = request->tmpfs_size ? request->tmpfs_size : TMPFS_DEFAULT;
	return 0;
}
