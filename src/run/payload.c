/* SPDX-License-Identifier: MIT */
/*
 * Stage "payload": runs when privileges are gone, inside the new root.
 *
 * MUST 1. The environment is a fresh one, and dangerous variables come only by -e.  (T33)
 * MUST 2. The working directory is entered as the caller, inside the new root.  (T28)
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "diag.h"
#include "privs.h"
#include "stages.h"

#define PAYLOAD_ENV_MAX 4096 /* variables of the caller */
#define DEFAULT_PATH	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* Passed on from the caller; a name that ends in '*' stands for all that begin so. */
static const char *const passed_on[] = { "TERM", "LANG",  "LC_*",    "TZ", "HOME",
					 "USER", "SHELL", "LOGNAME", NULL };
/* Left out by --keep-env: they make an interpreter or loader run something. */
static const char *const dangerous[] = { "LD_*",     "GLIBC_TUNABLES", "BASH_ENV", "ENV", "IFS",
					 "BASHOPTS", "SHELLOPTS",      "PS4",	   NULL };

static bool is_listed(const char *entry, const char *const *names)
{
	size_t len = strcspn(entry, "=");

	for (; *names; names++) {
		size_t n = strlen(*names);
		bool is_prefix = (*names)[n - 1] == '*';

		if (is_prefix ? strncmp(entry, *names, n - 1) == 0
			      : n == len && strncmp(entry, *names, n) == 0)
			return true;
	}
	return false;
}

/* Sets entry ("VAR=VAL") in list, over an earlier one of the same name. */
static void set_entry(char **list, size_t *count, char *entry)
{
	size_t len = strcspn(entry, "=") + 1, i = 0;

	while (i < *count && strncmp(list[i], entry, len) != 0)
		i++;
	list[i] = entry;
	if (i == *count)
		(*count)++;
}

static char *find_entry(char **env, const char *name)
{
	size_t len = strlen(name);

	for (; *env; env++) {
		if (strncmp(*env, name, len) == 0 && (*env)[len] == '=')
			return *env;
	}
	return NULL;
}

static char **make_env(const struct request *request, const struct image *image, char **env,
		       struct ovl_error *err)
{
	static char *list[PAYLOAD_ENV_MAX + IMAGE_ENV_MAX + REQUEST_ENV_MAX +
			  2]; /* no malloc: it costs 0.3 ms */
	size_t count = 0;

	list[count++] = (char *)DEFAULT_PATH;
	for (size_t i = 0; env[i]; i++) {
		if (i == PAYLOAD_ENV_MAX) {
			ovl_fail(err, E2BIG, "pass on", "it has more than 4096 variables", NULL,
				 "the environment");
			return NULL;
		}
		if (strchr(env[i], '=') && (request->keep_env ? !is_listed(env[i], dangerous)
							      : is_listed(env[i], passed_on)))
			set_entry(list, &count, env[i]);
	}
	for (unsigned int i = 0; image && i < image->env_count; i++)
		set_entry(list, &count, (char *)image->env[i]);
	for (unsigned int i = 0; i < request->env_count; i++) {
		char *entry = (char *)request->env[i];

		if (!strchr(entry, '='))
			entry = find_entry(env, entry);
		if (entry)
			set_entry(list, &count, entry);
	}
	return list;
}

static int fail_exec(const char *path, int errnum, int *status, struct ovl_error *err)
{
	bool is_missing = errnum == ENOENT || errnum == ENOTDIR || errnum == ENAMETOOLONG;
	bool is_there = is_missing && access(path, F_OK) == 0;

	*status = is_missing ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN;
	return ovl_fail(err, errnum, "run", is_there ? "its interpreter is not in the image" : NULL,
			NULL, "%s", path);
}

/* Looks command up in the payload's own PATH, as execvp(3) does, and runs the first that can be. */
static int exec_in_path(char **command, char **env, int *status, struct ovl_error *err)
{
	const char *dir = find_entry(env, "PATH") + strlen("PATH=");
	char path[PATH_MAX];
	int denied = 0;

	for (;; dir++) {
		size_t len = strcspn(dir, ":");
		int errnum = ENAMETOOLONG;

		if (snprintf(path, sizeof(path), "%.*s%s%s", (int)len, dir, len ? "/" : "./",
			     command[0]) < (int)sizeof(path)) {
			execve(path, command, env);
			errnum = errno;
		}
		if (errnum == EACCES)
			denied = EACCES;
		else if ((errnum != ENOENT && errnum != ENOTDIR) || access(path, F_OK) == 0)
			return fail_exec(path, errnum, status, err);
		dir += len;
		if (*dir == '\0')
			return fail_exec(command[0], denied ? denied : ENOENT, status, err);
	}
}

int payload_exec(const struct launch_plan *plan, char **env, int *status, struct ovl_error *err)
{
	char **command = plan->command;
	char **payload_env = make_env(plan->request, plan->image, env, err);
	int ret;

	*status = EXIT_REFUSED;
	if (!payload_env)
		return -err->errnum;
	if (plan->chdir && chdir(plan->chdir) < 0) {
		ovl_fail(err, errno, "enter", NULL, "the directory must be in the image", "%s",
			 plan->chdir);
		if (plan->chdir_is_asked)
			return -err->errnum;
		if (!plan->request->quiet)
			diag_note("the image's own directory cannot be entered, so / it is",
				  plan->chdir);
	}
	ret = process_restore(plan->caller, err);
	if (ret < 0)
		return ret;
	if (!strchr(command[0], '/') && command[0][0] != '\0')
		return exec_in_path(command, payload_env, status, err);
	execve(command[0], command, payload_env);
	return fail_exec(command[0], errno, status, err);
}
