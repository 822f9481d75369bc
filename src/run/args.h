/* SPDX-License-Identifier: MIT */
/*
 * Stage "args": from argv to a request. Pure: touches no file, no environment, no id.
 * Everything in a request is untrusted; what is used of it is checked where it is used.
 */
#ifndef RUN_ARGS_H
#define RUN_ARGS_H

#include <stdbool.h>
#include <stdint.h>

#include "ovl/error.h"
#include "image.h"

#define REQUEST_ENV_MAX	  256 /* -e options */
#define REQUEST_BIND_MAX  64  /* -b options */
#define REQUEST_FD_MAX	  16  /* --keep-fd options */
#define REQUEST_UPPER_MAX 128 /* bytes of the name of an upper layer */

enum request_action { ACTION_RUN, ACTION_HELP, ACTION_VERSION, ACTION_CHECK_POLICY };
enum request_kind { REQUEST_IMAGE, REQUEST_LAYER, REQUEST_LAYERS };
enum request_dev { DEV_MINIMAL, DEV_HOST, DEV_NONE };

/* Bits of request->unshare, in the order of args_namespaces. */
enum request_namespace {
	NAMESPACE_PID = 1 << 0,
	NAMESPACE_IPC = 1 << 1,
	NAMESPACE_UTS = 1 << 2,
	NAMESPACE_NET = 1 << 3,
	NAMESPACE_CGROUP = 1 << 4,
};
#define NAMESPACE_COUNT 5
extern const char *const args_namespaces[NAMESPACE_COUNT + 1]; /* ends with NULL */

/* The names of enum request_dev; ends with NULL. */
extern const char *const args_devs[];

/* One -b: absolute paths, not looked at otherwise. */
struct bind {
	const char *source;	 /* on the host */
	const char *destination; /* in the new root */
	bool read_only;
};

/* The strings are argv's, of which those of -b are cut in place. */
struct request {
	enum request_action action;
	const char *tree; /* -t, or NULL: the policy's first */
	enum request_kind kind;
	const char
		*name; /* the operand NAME|ID or the list of -l; with --check-policy FILE or NULL */
	char image[IMAGE_NAME_SIZE]; /* REQUEST_IMAGE: the name in full, with its tag */
	const char *upper;	     /* -w, valid by args_upper_is_valid, or NULL */
	unsigned int features;	     /* asked for: enum feature */
	const char *chdir;	     /* -C, absolute, or NULL */
	char **command; /* rest of argv, NULL-terminated; command[0] NULL: the default */
	const char *env[REQUEST_ENV_MAX]; /* -e, VAR or VAR=VAL, VAR not empty */
	struct bind bind[REQUEST_BIND_MAX];
	int keep_fd[REQUEST_FD_MAX]; /* above 2, ascending, each once */
	unsigned int env_count, bind_count, keep_fd_count;
	uint64_t tmpfs_size;  /* bytes, 0: the default */
	unsigned int unshare; /* enum request_namespace */
	const char *hostname; /* a valid one, or NULL */
	const char *caps;     /* what root's payload keeps, unparsed; NULL: the default */
	enum request_dev dev;
	bool userns, no_proc, no_sys, bare, home, new_session, privileged;
	bool read_only, keep_env, dry_run, json, verbose, quiet;
};

/* argv: argc strings and a NULL. Returns 0, or -EINVAL for what cannot be understood. */
int args_parse(int argc, char **argv, struct request *request, struct ovl_error *err);

/*
 * True if name can name an upper layer: [A-Za-z0-9][A-Za-z0-9._-]*, REQUEST_UPPER_MAX bytes at
 * most. So it is one component of a path, and not hidden.
 */
bool args_upper_is_valid(const char *name);

/* The usage text: made here, because it says what args_parse takes. Static. */
const char *args_usage(void);

#endif
