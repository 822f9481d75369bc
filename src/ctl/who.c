/* SPDX-License-Identifier: MIT */
/* Users and groups by name and number. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "who.h"

#define ID_DIGITS 10

/* The id, or -1; the last number of 32 bits is none. */
static int64_t number(const char *text)
{
	size_t len = strlen(text);
	long long id;

	if (len == 0 || len > ID_DIGITS || strspn(text, "0123456789") != len)
		return -1;
	id = strtoll(text, NULL, 10);
	return id < UINT32_MAX ? id : -1;
}

/* The id of a name in the local file, or -1. */
static int64_t local(const char *name, bool is_group)
{
	FILE *file = fopen(is_group ? "/etc/group" : "/etc/passwd", "re");
	const struct passwd *user;
	const struct group *group;
	int64_t id = -1;

	while (file && id < 0 && is_group && (group = fgetgrent(file)))
		id = strcmp(group->gr_name, name) == 0 ? (int64_t)group->gr_gid : -1;
	while (file && id < 0 && !is_group && (user = fgetpwent(file)))
		id = strcmp(user->pw_name, name) == 0 ? (int64_t)user->pw_uid : -1;
	if (file)
		fclose(file);
	return id;
}

/* The same wherever the system looks. */
static int64_t anywhere(const char *name, bool is_group)
{
	const struct passwd *user = is_group ? NULL : getpwnam(name);
	const struct group *group = is_group ? getgrnam(name) : NULL;

	return user ? (int64_t)user->pw_uid : group ? (int64_t)group->gr_gid : -1;
}

static void set_number(struct who *who)
{
	char text[ID_DIGITS + 2];

	snprintf(text, sizeof(text), "%s%lld", who->is_group ? ":" : "", (long long)who->id);
	who->text = file_copy(text);
}

int who_parse(struct who *who, const char *word, struct ovl_error *err)
{
	const char *name = word + (word[0] == ':');

	*who = (struct who){ .is_group = word[0] == ':', .text = file_copy(word), .id = -1 };
	if (strcmp(word, "*") == 0) {
		who->is_all = true;
		return 0;
	}
	who->id = number(name);
	if (who->id >= 0) {
		set_number(who);
		return 0;
	}
	/* What the policy's grammar takes for something else cannot be written there. */
	if (name[0] && !strpbrk(name, " \t\n#:,") && strspn(name, "0123456789*") == 0)
		who->id = local(name, who->is_group);
	if (who->id >= 0)
		return 0;
	who->id = name[0] ? anywhere(name, who->is_group) : -1;
	if (who->id < 0)
		return ovl_fail(err, ENOENT, who->is_group ? "find group" : "find user",
				"there is none of this name",
				"--users takes users, :groups, numbers, and * for everybody", "%s",
				name);
	set_number(who);
	return 0;
}

bool who_same(const struct who *a, const struct who *b)
{
	if (a->is_all || b->is_all || a->is_group != b->is_group)
		return a->is_all && b->is_all;
	return strcmp(a->text, b->text) == 0 || (a->id >= 0 && a->id == b->id);
}

int who_rank(const struct who *who)
{
	return who->is_all ? 0 : who->is_group ? 1 : 2;
}
