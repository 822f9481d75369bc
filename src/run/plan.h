/* SPDX-License-Identifier: MIT */
/*
 * Stage "plan": the whole truth about a launch before anything of it is mounted. Pure.
 */
#ifndef RUN_PLAN_H
#define RUN_PLAN_H

#include "ovl/lowerdir.h"
#include "args.h"
#include "idmap.h"
#include "policy.h"
#include "process.h"

/* Root's, 0700; the private tmpfs is mounted on it, in the new mount namespace only. */
#define RUN_PARENT "/run"
#define RUN_NAME   "ovlrun"
#define RUN_DIR	   RUN_PARENT "/" RUN_NAME

/* On the private tmpfs. */
#define RUN_TOP RUN_DIR "/top" /* the generated topmost lower */
#define RUN_STATE \
	RUN_DIR "/state" /* a persistent upper's directory, bound here: its own path is long */
#define RUN_PROBE     RUN_DIR "/probe" /* where a second use of it is tried */
#define RUN_UPPER     RUN_DIR "/upper" /* the ephemeral upper */
#define RUN_WORK      RUN_DIR "/work"
#define RUN_ROOT      RUN_DIR "/root"	   /* where the overlay is mounted */
#define RUN_TREE      RUN_DIR "/tree"	   /* the tree with its ids mapped, for -u */
#define RUN_DEV	      RUN_DIR "/dev"	   /* the minimal /dev */
#define RUN_TMP	      RUN_DIR "/tmp"	   /* /tmp of a read-only launch */
#define RUN_MASK      RUN_DIR "/mask"	   /* an empty directory, */
#define RUN_MASK_FILE RUN_DIR "/mask-file" /* and an empty file */

/* Files made for the caller that begin with the host's lines about him. */
#define NAMES_COUNT 2
extern const char *const plan_names[NAMES_COUNT];

#define PLAN_BIND_MAX (3 + REQUEST_BIND_MAX + 1) /* the host's files, -b, --home */

struct plan_bind {
	struct bind to;
	int fd; /* O_PATH, opened as the caller; -1 until it is, or if the host has no such file */
	bool is_dir;
	bool is_own; /* a file of the host's that the launch has by itself: it may be missing */
};

struct launch_plan {
	const struct caller *caller;
	const struct request *request;
	const struct grant *grant;
	const char *tree;	   /* its path */
	const struct image *image; /* of an image launch, or NULL */
	const struct ovl_stack *stack;
	const struct idmap *idmap; /* of -u, or NULL */
	struct ovl_overlay overlay;
	char tmpfs_options[80]; /* data of the private tmpfs */
	enum request_dev dev;
	bool has_proc, has_sys, has_names, has_tmp;
	bool has_masks; /* parts of /proc and /sys are closed to root */
	struct plan_bind bind[PLAN_BIND_MAX];
	unsigned int bind_count;
	const char *chdir;   /* to start in, or NULL: / */
	bool chdir_is_asked; /* by the caller: then it must be there */
	char *default_command[2];
	char **command; /* NULL-terminated */
};

/*
 * Fills *plan, which refers to all the others. idmap: that of -u, or NULL; home: the caller's home
 * directory or NULL, for --home. -E2BIG if the stack and its top are too deep.
 */
int plan_make(struct launch_plan *plan, const struct caller *caller, const struct request *request,
	      const struct grant *grant, const struct image *image, const char *tree,
	      const struct ovl_stack *stack, const struct idmap *idmap, const char *home,
	      struct ovl_error *err);

/* Writes the plan to descriptor fd, as lines for people or as one JSON object. -errno of write. */
int plan_print(const struct launch_plan *plan, int fd, bool json, struct ovl_error *err);

#endif
