/* SPDX-License-Identifier: MIT */
/* ovlrun: runs a payload on the layers of an overlay2 tree. The list of the stages of a launch. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "ovl/tree.h"
#include "diag.h"
#include "privs.h"
#include "stages.h"

extern char **environ;

/*
 * Too large for the stack; each is written by one stage and const from then on. Side by side, what
 * a launch touches of them lies on few pages.
 */
static struct {
	struct request request; /* zero until parsed: an early error is not quiet */
	struct launch_plan plan;
	struct ovl_stack stack;
} launch;
static char policy_text[POLICY_SIZE_MAX + 1];

static int print(const char *text, struct ovl_error *err)
{
	if (write(STDOUT_FILENO, text, strlen(text)) != (ssize_t)strlen(text))
		return ovl_fail(err, EIO, "write", NULL, NULL, "standard output");
	return 0;
}

/* Stages "tree" and "plan". Leaves the tree's descriptor in tree->fd. */
static int plan_launch(const struct caller *caller, const struct grant *grant,
		       struct ovl_tree *tree, struct ovl_error *err)
{
	const struct request *request = &launch.request;
	struct ovl_stack *stack = &launch.stack;
	int ret = request->layers
			  ? ovl_stack_parse(stack, request->layers, err)
			  : ovl_stack_add(stack, request->image, strlen(request->image), err);

	if (ret == 0)
		ret = ovl_tree_open(tree, grant->tree, err);
	if (ret == 0)
		ret = ovl_tree_resolve(tree, stack, !request->layers, err);
	if (ret == 0)
		ret = plan_make(&launch.plan, caller, request, grant, stack, err);
	return ret;
}

/* Returns an exit status; a launch that succeeds does not return. */
static int run(const struct caller *caller, struct ovl_error *err)
{
	const struct request *request = &launch.request;
	struct policy policy;
	struct grant grant;
	struct ovl_tree tree;
	int status = EXIT_REFUSED;

	if (privs_reduce(caller, err) < 0 || policy_load(&policy, policy_text, err) < 0 ||
	    policy_decide(&policy, caller, request, &grant, err) < 0 ||
	    isolate_mounts(caller, err) < 0 || plan_launch(caller, &grant, &tree, err) < 0)
		return status;
	if (request->dry_run)
		return plan_print(&launch.plan, STDOUT_FILENO, request->json, err) < 0 ? status : 0;
	if (request->verbose && plan_print(&launch.plan, STDERR_FILENO, false, err) < 0)
		return status;
	if (mount_launch(&launch.plan, tree.fd, err) < 0 ||
	    ovl_tree_verify_links(&tree, &launch.stack, err) < 0 || rootfs_enter(err) < 0 ||
	    privs_drop(caller, err) < 0)
		return status;
	payload_exec(&launch.plan, environ, &status, err);
	return status;
}

int main(int argc, char **argv)
{
	struct request *request = &launch.request;
	struct ovl_error err = { 0 };
	struct caller caller;
	int status = EXIT_REFUSED;

	if (process_sanitize(&caller, &err) == 0 && args_parse(argc, argv, request, &err) == 0) {
		if (request->action == ACTION_HELP)
			status = print(args_usage(), &err) < 0 ? EXIT_REFUSED : 0;
		else if (request->action == ACTION_VERSION)
			status = print("ovlrun " OVL_VERSION "\n", &err) < 0 ? EXIT_REFUSED : 0;
		else
			status = run(&caller, &err);
	}
	if (status != 0)
		diag_error(&err, request->quiet);
	return status;
}
