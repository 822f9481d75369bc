/* SPDX-License-Identifier: MIT */
/* ovlrun: runs a payload on the layers of an overlay2 tree. The list of the stages of a launch. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ovl/tree.h"
#include "audit.h"
#include "diag.h"
#include "fault.h"
#include "policy_file.h"
#include "privs.h"
#include "sealed.h"
#include "stages.h"
#include "userns.h"

extern char **environ;

/*
 * Too large for the stack; each is written by one stage and const from then on. Side by side, what
 * a launch touches of them lies on few pages.
 */
static struct {
	struct request request; /* zero until parsed: an early error is not quiet */
	struct grant grant;
	struct launch_plan plan;
	struct ovl_stack stack;
	struct idmap idmap;
	struct name_files names;
	int usernsfd; /* of -u, while it is needed, or -1 */
} launch;
static struct image image;

/* What root is told when it can be said. */
static struct ovl_error policy_error; /* of a policy that stops everybody else */
static const char *changing;	      /* the cache-id of a running container's layer */

/* The drop, behind which things can be said. */
static int give_up(const struct caller *caller, struct ovl_error *err)
{
	const struct request *request = &launch.request;
	int keep[REQUEST_FD_MAX + 1 + 3 * NAMES_COUNT];
	unsigned int count = 0;
	int ret;

	/* What is open besides is not needed any more, and it would be the caller's to look into.
	 */
	for (; count < request->keep_fd_count; count++)
		keep[count] = request->keep_fd[count];
	keep[count++] = launch.usernsfd;
	for (unsigned int i = 0; i < NAMES_COUNT && launch.plan.has_names; i++) {
		keep[count++] = launch.names.file[i].host;
		keep[count++] = launch.names.file[i].image;
		keep[count++] = launch.names.file[i].made;
	}
	ret = process_close(keep, count, err) ?: privs_drop(caller, err);
	if (ret < 0)
		return ret;
	if (policy_error.errnum) {
		diag_error(&policy_error, false);
		diag_note("note", "the policy is wrong: nobody but root is served");
		policy_error.errnum = 0;
	}
	if (changing && !request->quiet)
		diag_note("warning: a running container is writing to this layer", changing);
	changing = NULL;
	return 0;
}

/* Stage "policy". */
static int ask_policy(const struct caller *caller, struct ovl_error *err)
{
	const struct request *request = &launch.request;
	int ret = policy_ask(caller, request, &launch.grant, err);

	if (ret > 0) { /* he is root, and is told when that can be done */
		policy_error = *err;
		ret = 0;
	}
	if (ret == 0 && request->kind == REQUEST_IMAGE)
		ret = policy_load_image(request->image, &image, err);
	return ret;
}

/* Stage "tree": opens the tree and resolves the layers. */
static int resolve(const struct caller *caller, struct ovl_tree *tree, struct ovl_error *err)
{
	const struct request *request = &launch.request;
	const char *path = image.tree ? image.tree : launch.grant.tree;
	const char *layers = request->kind == REQUEST_IMAGE ? image.layers : request->name;
	bool is_exact = request->kind == REQUEST_LAYERS || image.is_exact;
	unsigned int named;
	int ret;

	if (path[0] == '\0')
		return ovl_fail(err, ENOENT, "choose", "the policy offers none",
				"name one with -t, or write a `tree` line into /etc/ovlrun.conf",
				"a tree");
	ret = is_exact ? ovl_stack_parse(&launch.stack, layers, err)
		       : ovl_stack_add(&launch.stack, layers, strlen(layers), err);
	if (ret == 0)
		ret = ovl_tree_open(tree, path, err);
	if (ret == -ENOENT && !err->hint)
		err->hint = "is the path of the tree right, and has its engine run here?";
	named = launch.stack.depth;
	if (ret == 0)
		ret = ovl_tree_resolve(tree, &launch.stack, !is_exact, err);
	/* A user has no grant for such a layer, unless it is one that equals root's. */
	for (unsigned int i = 0; ret == 0 && caller->uid == 0 && i < named; i++) {
		if (ovl_tree_layer_is_mounted(tree, launch.stack.layer[i].id))
			changing = launch.stack.layer[i].id;
	}
	return ret;
}

/* The namespace of -u. Before a new pid namespace: the process that holds it would be its first. */
static int make_userns(const struct caller *caller, struct ovl_error *err)
{
	int ret = policy_load_idmap(caller, &launch.idmap, err);

	if (ret == 0 && !launch.request.dry_run)
		ret = userns_make(caller, &launch.idmap, err);
	if (ret > 0)
		launch.usernsfd = ret;
	return ret < 0 ? ret : 0;
}

/* From the request to the plan. Leaves the tree's descriptor in tree->fd. */
static int prepare(const struct caller *caller, struct ovl_tree *tree, struct ovl_error *err)
{
	const struct request *request = &launch.request;
	const char *home = payload_variable(environ, "HOME");
	int ret = privs_reduce(caller, request, err);

	fault_point("privs");
	if (ret == 0)
		ret = ask_policy(caller, err);
	fault_point("policy");
	if (ret == 0 && request->userns)
		ret = make_userns(caller, err);
	if (ret == 0)
		ret = isolate(caller, request, err);
	fault_point("isolate");
	if (ret == 0)
		ret = resolve(caller, tree, err);
	fault_point("tree");
	if (ret < 0)
		return ret;
	return plan_make(&launch.plan, caller, request, &launch.grant, image.layers ? &image : NULL,
			 tree->path, &launch.stack, request->userns ? &launch.idmap : NULL,
			 home ? home + strlen("HOME=") : NULL, err)
		       ?: binds_open(&launch.plan, err);
}

static int enter_userns(struct ovl_error *err)
{
	int ret = privs_enter_userns(launch.usernsfd, err);

	if (ret == 0 && !launch.request.quiet && !(launch.idmap.has_uids && launch.idmap.has_gids))
		diag_note("note",
			  "you have no ranges in /etc/subuid and /etc/subgid: files of others "
			  "than root show as nobody's, and installing packages mostly fails");
	return ret;
}

static int fill_names(const struct caller *caller, struct ovl_error *err)
{
	const char *user = payload_variable(environ, "USER");
	const char *home = payload_variable(environ, "HOME");

	return names_fill(&launch.names, caller, user ? user + strlen("USER=") : NULL,
			  home ? home + strlen("HOME=") : NULL, err);
}

/* From the plan to a process without privileges inside the new root. */
static int enter(const struct caller *caller, const struct ovl_tree *tree, int auditfd,
		 struct ovl_error *err)
{
	struct name_files *names = &launch.names;
	int ret = mount_launch(&launch.plan, tree->fd, launch.usernsfd, names, err);

	fault_point("mount");
	if (ret == 0)
		ret = ovl_tree_verify_links(tree, &launch.stack, err);
	if (ret == 0)
		ret = rootfs_enter(&launch.plan, names, err);
	fault_point("rootfs");
	if (ret < 0)
		return ret;
	audit(auditfd, caller, &launch.request, &launch.plan, NULL);
	ret = give_up(caller, err);
	fault_point("drop");
	if (ret == 0 && launch.plan.has_names)
		ret = fill_names(caller, err);
	return ret < 0 || !launch.plan.idmap ? ret : enter_userns(err);
}

/* Returns an exit status; a launch that succeeds does not return. */
static int run(const struct caller *caller, struct ovl_error *err)
{
	const struct request *request = &launch.request;
	int auditfd = audit_open(), status = EXIT_REFUSED;
	struct ovl_tree tree;
	int ret = prepare(caller, &tree, err);

	if (ret == 0 && request->dry_run) {
		if (give_up(caller, err) == 0 &&
		    plan_print(&launch.plan, STDOUT_FILENO, request->json, err) == 0)
			status = err->errnum = 0;
		return status;
	}
	if (ret == 0)
		ret = enter(caller, &tree, auditfd, err);
	if (ret < 0)
		audit(auditfd, caller, request, NULL, err);
	else if ((!request->verbose || plan_print(&launch.plan, STDERR_FILENO, false, err) == 0) &&
		 payload_exec(&launch.plan, environ, &status, err) > 0)
		err->errnum = 0; /* of something that was allowed to fail, such as a missing file */
	return status;
}

static void report(const struct ovl_error *err, void *data)
{
	(void)data;
	diag_error(err, true);
}

/* The actions that need no privilege, done as the caller. Returns an exit status. */
static int answer(const struct request *request, struct ovl_error *err)
{
	const char *text =
		request->action == ACTION_HELP ? args_usage() : "ovlrun " OVL_VERSION "\n";

	if (request->action == ACTION_CHECK_POLICY)
		exit(policy_check_file(request->name, report, NULL) == 0 ? 0 : EXIT_REFUSED);
	if (write(STDOUT_FILENO, text, strlen(text)) == (ssize_t)strlen(text))
		return 0;
	ovl_cannot(err, EIO, "write", "standard output", NULL);
	return EXIT_REFUSED;
}

int main(int argc, char **argv)
{
	struct request *request = &launch.request;
	struct ovl_error err = { 0 }, ignored;
	struct caller caller = { 0 }; /* nobody privileged, until it is known who */
	int status = EXIT_REFUSED;

	launch.usernsfd = -1;
	if ((getuid() != 0 || sealed_run(argv, environ, &err) == 0) &&
	    process_sanitize(&caller, &err) == 0 && args_parse(argc, argv, request, &err) == 0 &&
	    process_keep(request->keep_fd,
			 request->action == ACTION_RUN ? request->keep_fd_count : 0, &err) == 0) {
		fault_point("process");
		if (request->action == ACTION_RUN)
			status = run(&caller, &err);
		else if (give_up(&caller, &err) == 0)
			status = answer(request, &err);
	}
	if (err.errnum && give_up(&caller, &ignored) == 0)
		diag_error(&err, request->quiet);
	return status;
}
