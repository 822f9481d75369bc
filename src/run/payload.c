/* SPDX-License-Identifier: MIT */
/*
 * Stage "payload": runs when privileges are gone, inside the new root.
 *
 * MUST 1. The environment is a fresh one, and dangerous variables come only by -e. (T33)
 * MUST 2. The working directory is entered as the caller, inside the new root. (T28)
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "diag.h"
#include "stages.h"
#include "supervise.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

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
		size_t n = strcspn(*names, "*");

		if (strncmp(entry, *names, n) == 0 && (n == len || (*names)[n] == '*'))
			return true;
	}
	return false;
}

/* Where list has the variable that entry begins with, or its end, a NULL. */
static char **find_entry(char **list, const char *entry)
{
	size_t len = strcspn(entry, "=");

	while (*list && (strncmp(*list, entry, len) != 0 || (*list)[len] != '='))
		list++;
	return list;
}

char *payload_variable(char **env, const char *name)
{
	return *find_entry(env, name);
}

/* Who the caller is inside a user namespace. */
static char *const roots[] = { "HOME=/root", "USER=root", "LOGNAME=root" };

/* The payload's, ends with NULL. No malloc: it costs 0.3 ms. */
static char *payload_env[1 + PAYLOAD_ENV_MAX + COUNT(roots) + IMAGE_ENV_MAX + REQUEST_ENV_MAX + 1];

static int make_env(const struct request *request, const struct image *image, char **env,
		    struct ovl_error *err)
{
	payload_env[0] = (char *)DEFAULT_PATH;
	for (size_t i = 0; env[i]; i++) {
		if (i == PAYLOAD_ENV_MAX)
			return ovl_cannot(err, E2BIG, "pass on", "the environment",
					  "it has more than 4096 variables");
		if (strchr(env[i], '=') && (request->keep_env ? !is_listed(env[i], dangerous)
							      : is_listed(env[i], passed_on)))
			*find_entry(payload_env, env[i]) = env[i];
	}
	for (size_t i = 0; request->userns && !request->keep_env && i < COUNT(roots); i++)
		*find_entry(payload_env, roots[i]) = roots[i];
	for (unsigned int i = 0; image && i < image->env_count; i++)
		*find_entry(payload_env, image->env[i]) = (char *)image->env[i];
	for (unsigned int i = 0; i < request->env_count; i++) {
		char *entry = (char *)request->env[i];

		if (!strchr(entry, '='))
			entry = payload_variable(env, entry);
		if (entry)
			*find_entry(payload_env, entry) = entry;
	}
	return 0;
}

static int fail_exec(const char *path, int errnum, int *status, struct ovl_error *err)
{
	bool is_missing = errnum == ENOENT || errnum == ENOTDIR || errnum == ENAMETOOLONG;
	bool is_there = is_missing && access(path, F_OK) == 0;

	*status = is_missing ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN;
	return ovl_cannot(err, errnum, "run", path,
			  is_there ? "its interpreter is not in the image" : NULL);
}

/* Looks command up in the payload's own PATH, as execvp(3) does, and runs the first that can be. */
static int exec_in_path(char **command, int *status, struct ovl_error *err)
{
	const char *dir = payload_variable(payload_env, "PATH") + strlen("PATH=");
	char path[PATH_MAX + 1]; /* what is cut has a length that the kernel refuses */
	int denied = 0, errnum;

	for (;; dir++) {
		size_t len = strcspn(dir, ":");

		snprintf(path, sizeof(path), "%.*s%s%s", (int)len, dir, len ? "/" : "./",
			 command[0]);
		execve(path, command, payload_env);
		errnum = errno;
		if (errnum == EACCES)
			denied = EACCES;
		else if ((errnum != ENOENT && errnum != ENOTDIR) || access(path, F_OK) == 0)
			return fail_exec(path, errnum, status, err);
		dir += len;
		if (*dir == '\0')
			return fail_exec(command[0], denied ? denied : ENOENT, status, err);
	}
}

/* Enters the directory asked for, else the caller's own, else the image's. It is in / already. */
static int enter_dir(const struct launch_plan *plan, struct ovl_error *err)
{
	const char *cwd = plan->caller->cwd;

	if (!plan->chdir_is_asked && cwd && strcmp(cwd, "/") != 0 && chdir(cwd) == 0)
		return 0;
	if (!plan->chdir || chdir(plan->chdir) == 0)
		return 0;
	if (plan->chdir_is_asked)
		return ovl_fail(err, errno, "enter", NULL, "the directory must be in the image",
				"%s", plan->chdir);
	if (!plan->request->quiet)
		diag_note("the image's own directory cannot be entered, so / it is", plan->chdir);
	return 0;
}

int payload_exec(const struct launch_plan *plan, char **env, int *status, struct ovl_error *err)
{
	char **command = plan->command;
	int ret;

	*status = EXIT_REFUSED;
	ret = make_env(plan->request, plan->image, env, err) ?: enter_dir(plan, err)
		?: process_restore(plan->caller, err) ?: supervise(plan->request, status, err);
	if (ret != 0)
		return ret;
	if (!strchr(command[0], '/') && command[0][0] != '\0')
		return exec_in_path(command, status, err);
	execve(command[0], command, payload_env);
	return fail_exec(command[0], errno, status, err);
}
