/* SPDX-License-Identifier: MIT */
/*
 * What `ovlctl check` finds, and the parts that look: each goes through one subject and adds its findings.
 *
 * The severities: an error is what ovlrun refuses, or an image that cannot be used; a warning is what an engine trips over,
 * what does not look as it should, or what a stranger can reach; a note is worth knowing and does not count.
 */
#ifndef CTL_CHECK_H
#define CTL_CHECK_H

#include <stdbool.h>

#include "ovl/tree.h"
#include "store.h"

enum severity { SEVERITY_ERROR, SEVERITY_WARNING, SEVERITY_NOTE };

/* In the order of the table in check.c, which has a rule's name, severity and remedy. */
enum rule {
	RULE_TREE,
	RULE_UNTRUSTED,
	RULE_MOUNT_PROGRAM,
	RULE_LAYER,
	RULE_DIFF,
	RULE_ACCESS_LIST,
	RULE_LINK_FILE,
	RULE_LINK_MISSING,
	RULE_LINK_TARGET,
	RULE_LINK_DISAGREES,
	RULE_LOWER_FILE,
	RULE_LAYER_TWICE,
	RULE_DEPTH_KERNEL,
	RULE_IMAGE,
	RULE_REACHABLE,
	RULE_MODE,
	RULE_STRANGER,
	RULE_LEFTOVER,
	RULE_LINK_USELESS,
	RULE_LINK_DANGLING,
	RULE_LOWER_PARENT,
	RULE_CYCLE,
	RULE_DEPTH_ENGINE,
	RULE_COMMITTED,
	RULE_READ_ONLY,
	RULE_WORK,
	RULE_WORK_DEEP,
	RULE_VOLATILE,
	RULE_MERGED,
	RULE_METADATA,
	RULE_CONTAINER,
	RULE_INCOMPLETE,
	RULE_ORPHAN,
	RULE_REDIRECT,
	RULE_METACOPY,
	RULE_DEVICE,
	RULE_WH_FILE,
	RULE_WHITEOUT_LOST,
	RULE_UNREADABLE,
	RULE_GROUP,
	RULE_DIFF_MODE,
	RULE_UNKNOWN_FILE,
	RULE_UNCOMMITTED,
	RULE_MERGED_EMPTY,
	RULE_OTHER_PARENT,
	RULE_UPPER_REDIRECT,
	RULE_UPPER_METACOPY,
	RULE_WHITEOUT_XATTR,
	RULE_OPAQUE,
	RULE_SET_ID,
	RULES,
};

struct finding {
	enum rule rule;
	char *object; /* a path relative to the tree or to the engine's root */
	char *what;
	const char *repair; /* what was done, or would be; NULL: nothing */
};

/* An entry of l/ that no layer's link file names. */
struct spare_link {
	char link[OVL_LINK_LEN + 1];
	bool is_needed; /* a lower file has it */
};

struct check {
	const struct store *store;
	struct ovl_tree tree; /* as ovlrun opens it */
	bool is_trusted;      /* it would open it */
	struct finding *findings;
	unsigned int count;
	struct spare_link *spare; /* sorted */
	unsigned int spare_count;
};

const char *rule_name(enum rule rule);
const char *rule_remedy(enum rule rule);
enum severity rule_severity(enum rule rule);
extern const char *const severity_names[];

void check_found(struct check *check, enum rule rule, const char *object, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* What the core refuses, as the core says it. layer: of whose stack, for what is in no layer's directory; or NULL. */
void check_refused(struct check *check, const struct ovl_error *err, const char *layer);

/* Errors first; each severity by object. */
void check_sort(struct check *check);

/* What is directly in the tree and in l/. Opens the tree; the others come after it. */
int check_tree(struct check *check, struct ovl_error *err);
/* Every layer's own files, and whether its stack can be launched. */
void check_layers(struct check *check);
/* What lies in the diff of one layer, by its number, that a launch shows otherwise than one would think, or not at all. */
void check_content(struct check *check, unsigned int layer);
int check_docker(struct check *check, struct ovl_error *err);
int check_podman(struct check *check, struct ovl_error *err);
/* Images that cannot be used, containers without layers, layers that nobody knows. */
void check_uses(struct check *check);

/*
 * Repairs what is certainly safe, or only says what it would do, in each finding's repair. The caller keeps engines off the
 * tree meanwhile. 0 or -errno.
 */
int repair(struct check *check, bool is_dry, struct ovl_error *err);

#endif
