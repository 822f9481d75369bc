/* SPDX-License-Identifier: MIT */
/* The rules, and findings against them. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

#define RESTORE "restore it from a backup, or delete what uses the layer and pull it again"
#define DELETE	"delete it while no engine runs"
#define REFUSED "a launch refuses it (EPERM); a copy of it has no mark"
#define LOOK	"look where it comes from before using the image"

const char *const severity_names[] = { "error", "warning", "note" };

static const struct {
	const char *name;
	enum severity severity;
	const char *remedy;
} rules[RULES] = {
	[RULE_TREE] = { "tree", SEVERITY_ERROR, "name the tree's real path" },
	[RULE_UNTRUSTED] = { "untrusted", SEVERITY_ERROR,
			     "make it root's and writable by nobody else, if nobody else wrote "
			     "it" },
	[RULE_MOUNT_PROGRAM] = { "mount-program", SEVERITY_ERROR,
				 "ovlrun cannot use it; pull the images without a mount program" },
	[RULE_LAYER] = { "layer", SEVERITY_ERROR, RESTORE },
	[RULE_DIFF] = { "diff", SEVERITY_ERROR, RESTORE },
	[RULE_ACCESS_LIST] = { "access-list", SEVERITY_ERROR,
			       "setfacl -b it, if what the list denies may be seen" },
	[RULE_LINK_FILE] = { "link-file", SEVERITY_ERROR, RESTORE },
	[RULE_LINK_MISSING] = { "link-missing", SEVERITY_ERROR,
				"`ovlctl check --repair` makes it where a layer claims it" },
	[RULE_LINK_TARGET] = { "link-target", SEVERITY_ERROR,
			       "find out who made it; delete it, then `ovlctl check --repair`" },
	[RULE_LINK_DISAGREES] = { "link-disagrees", SEVERITY_ERROR,
				  "find out which is right; delete the other link" },
	[RULE_LOWER_FILE] = { "lower-file", SEVERITY_ERROR, RESTORE },
	[RULE_LAYER_TWICE] = { "layer-twice", SEVERITY_ERROR, RESTORE },
	[RULE_DEPTH_KERNEL] = { "depth", SEVERITY_ERROR, "build the image with fewer layers" },
	[RULE_IMAGE] = { "image", SEVERITY_ERROR, "remove the image and pull it again" },
	[RULE_REACHABLE] = { "reachable", SEVERITY_WARNING,
			     "chmod 0710 the tree: the policy is no promise as long as it is "
			     "open" },
	[RULE_MODE] = { "mode", SEVERITY_WARNING, "give it the mode that the engine gives it" },
	[RULE_STRANGER] = { "stranger", SEVERITY_WARNING, DELETE },
	[RULE_LEFTOVER] = { "leftover", SEVERITY_WARNING, DELETE },
	[RULE_LINK_USELESS] = { "link-useless", SEVERITY_WARNING, DELETE },
	[RULE_LINK_DANGLING] = { "link-dangling", SEVERITY_WARNING,
				 "`ovlctl check --repair` removes it" },
	[RULE_LOWER_PARENT] = { "lower-parent", SEVERITY_WARNING, RESTORE },
	[RULE_CYCLE] = { "cycle", SEVERITY_WARNING, RESTORE },
	[RULE_DEPTH_ENGINE] = { "depth-engine", SEVERITY_WARNING,
				"build the image with fewer layers" },
	[RULE_COMMITTED] = { "committed", SEVERITY_WARNING, "replace it by an empty file" },
	[RULE_READ_ONLY] = { "read-only", SEVERITY_WARNING,
			     "delete the file `committed` while no engine runs" },
	[RULE_WORK] = { "work", SEVERITY_WARNING, "make it: mkdir -m 0700" },
	[RULE_WORK_DEEP] = { "work-deep", SEVERITY_WARNING,
			     "empty work/work while the container is stopped" },
	[RULE_VOLATILE] = { "volatile", SEVERITY_WARNING,
			    "what was written may be torn: delete the container, or the mark" },
	[RULE_MERGED] = { "merged", SEVERITY_WARNING,
			  "look what it is: a mount hides it; then delete it" },
	[RULE_METADATA] = { "metadata", SEVERITY_WARNING,
			    "remove the images that use it and pull them again" },
	[RULE_CONTAINER] = { "container", SEVERITY_WARNING, "remove the container" },
	[RULE_INCOMPLETE] = { "incomplete", SEVERITY_WARNING, "delete the layer; never use it" },
	[RULE_ORPHAN] = { "orphan", SEVERITY_WARNING,
			  "the engine never deletes it; do so while it is stopped" },
	[RULE_REDIRECT] = { "redirect", SEVERITY_WARNING, REFUSED },
	[RULE_METACOPY] = { "metacopy", SEVERITY_WARNING, REFUSED },
	[RULE_DEVICE] = { "device", SEVERITY_WARNING, LOOK },
	[RULE_WH_FILE] = { "wh-file", SEVERITY_WARNING, "delete it with what it was to hide" },
	[RULE_WHITEOUT_LOST] = { "whiteout-lost", SEVERITY_WARNING,
				 "its directory lacks the mark opaque=x" },
	[RULE_UNREADABLE] = { "unreadable", SEVERITY_WARNING, "look at it by hand" },
	[RULE_GROUP] = { "group", SEVERITY_NOTE, "see that none of them is a user's" },
	[RULE_DIFF_MODE] = { "diff-mode", SEVERITY_NOTE, "it is the root directory of launches" },
	[RULE_UNKNOWN_FILE] = { "unknown-file", SEVERITY_NOTE, "no engine puts it there" },
	[RULE_UNCOMMITTED] = { "uncommitted", SEVERITY_NOTE,
			       "usual on trees of Docker before 19.03.3" },
	[RULE_MERGED_EMPTY] = { "merged-empty", SEVERITY_NOTE, "usual before Docker 17.12" },
	[RULE_OTHER_PARENT] = { "other-parent", SEVERITY_NOTE, "the tree's is what is mounted" },
	[RULE_UPPER_REDIRECT] = { "redirect", SEVERITY_NOTE, REFUSED },
	[RULE_UPPER_METACOPY] = { "metacopy", SEVERITY_NOTE, REFUSED },
	[RULE_WHITEOUT_XATTR] = { "whiteout-xattr", SEVERITY_NOTE, "hides only since Linux 6.7" },
	[RULE_OPAQUE] = { "opaque", SEVERITY_NOTE, "the kernel ignores it" },
	[RULE_SET_ID] = { "set-id", SEVERITY_NOTE, "without effect in launches, which are nosuid" },
};

const char *rule_name(enum rule rule)
{
	return rules[rule].name;
}

const char *rule_remedy(enum rule rule)
{
	return rules[rule].remedy;
}

enum severity rule_severity(enum rule rule)
{
	return rules[rule].severity;
}

void check_found(struct check *check, enum rule rule, const char *object, const char *format, ...)
{
	struct finding *finding;
	va_list arguments;
	char what[512];

	va_start(arguments, format);
	vsnprintf(what, sizeof(what), format, arguments);
	va_end(arguments);
	check->findings = file_grow(check->findings, check->count, sizeof(*finding));
	finding = &check->findings[check->count++];
	*finding = (struct finding){ rule, file_copy(object), file_copy(what), NULL };
}

static bool ends_in(const char *text, const char *end)
{
	size_t len = strlen(text), tail = strlen(end);

	return len >= tail && strcmp(text + len - tail, end) == 0;
}

/* The rule behind an error of core/tree.c: by what it concerns. */
static enum rule rule_of(const struct ovl_error *err, const char *object)
{
	if (err->errnum == EPERM)
		return RULE_UNTRUSTED;
	if (err->errnum == E2BIG)
		return RULE_DEPTH_KERNEL;
	if (ends_in(object, "/diff"))
		return RULE_DIFF;
	if (ends_in(object, "/link"))
		return RULE_LINK_FILE;
	if (ends_in(object, "/lower"))
		return RULE_LOWER_FILE;
	if (strncmp(object, "l/", 2) == 0)
		return err->errnum == ENOENT ? RULE_LINK_MISSING : RULE_LINK_TARGET;
	if (err->errnum == ELOOP)
		return RULE_LAYER_TWICE;
	return err->errnum == EBADMSG && strcmp(err->verb, "use") == 0 && err->reason &&
			       strstr(err->reason, "disagree")
		       ? RULE_LINK_DISAGREES
		       : RULE_LAYER;
}

void check_refused(struct check *check, const struct ovl_error *err, const char *layer)
{
	size_t len = strlen(check->tree.path);
	const char *object = err->object, *reason = err->reason ?: strerror(err->errnum);

	if (strncmp(object, check->tree.path, len) == 0 && object[len] == '/')
		object += len + 1;
	if (!layer || strncmp(object, layer, strlen(layer)) == 0)
		check_found(check, rule_of(err, object), object, "%s", reason);
	else
		check_found(check, rule_of(err, object), object, "%s (for %s)", reason, layer);
}

static int compare(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;
	int order = (int)rules[x->rule].severity - (int)rules[y->rule].severity;

	order = order ?: strcmp(x->object, y->object);
	return order ?: (int)x->rule - (int)y->rule;
}

void check_sort(struct check *check)
{
	if (check->count)
		qsort(check->findings, check->count, sizeof(*check->findings), compare);
}
