/* SPDX-License-Identifier: MIT */
/*
 * ovlctl mount: the merged view of a stack, for an administrator.
 *
 * Everything is made in a mount namespace of this process alone, on a tmpfs there, and only the overlay is taken to the
 * directory, by descriptors. So whenever it is killed nothing is left, and nothing but that overlay is to be undone: the tmpfs
 * lives as long as the overlay needs it, seen by nobody.
 *
 * MUST 1. Read-only, unless --rw names a container's own layer, which nothing is built on and nothing has mounted, under no
 *         name and in no namespace. (ctl-mount.bats)
 * MUST 2. The layers are those that the core has checked; it mounts them with nosuid and nodev. (ctl-mount.bats)
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <linux/mount.h>

#include "mounts.h"
#include "ovl/beneath.h"
#include "ovl/mount.h"
#include "ovl/tree.h"
#include "verb.h"

#define PLACE	   "/run" /* is there on every system; a tmpfs covers it */
#define OWN_TOP	   MOUNTS_OWN "/top"
#define OWN_MERGED MOUNTS_OWN "/merged"
#define OWN_WORK   MOUNTS_OWN "/work" /* of no overlay */
#define ACL_SIZE   4096

struct work {
	const struct store *store;
	const struct layer *layer; /* the uppermost */
	bool is_writable;
	int dirfd,
		namespacefd; /* of the namespace that it is mounted in: the directory, and itself */
	char own[sizeof(MOUNTS_OWN "/") + OVL_ID_MAX],
		upper[OVL_PATH_MAX]; /* where the layer is bound, and its diff */
	struct ovl_tree tree;
	struct ovl_stack stack;
};

/* No layer, image or other container has it below: what is written there nobody else sees. */
static bool is_own_layer(const struct store *store, unsigned int number)
{
	const struct layer *layer = &store->layers[number];

	for (unsigned int i = 0; i < store->layer_count; i++) {
		if (store->layers[i].parent == number)
			return false;
	}
	return layer->kind == LAYER_CONTAINER && layer->users == 1 && !layer->is_committed;
}

static int is_entry(const char *name, void *context)
{
	(void)name;
	(void)context;
	return 1;
}

/* What would make the kernel refuse the work directory, or take it for read-only. */
static int check_work(const struct work *work, struct ovl_error *err)
{
	const struct dir *tree = &work->store->tree;
	char path[PATH_MAX];
	int fd, ret;

	snprintf(path, sizeof(path), "%s/work", work->layer->id);
	fd = ovl_beneath_open(tree->fd, path, O_PATH | O_DIRECTORY);
	if (fd < 0)
		return ovl_fail(err, -fd, "open", NULL, NULL, "%s/%s", tree->path, path);
	close(fd);
	snprintf(path, sizeof(path), "%s/work/work/incompat", work->layer->id);
	ret = file_each(tree, path, is_entry, NULL, err);
	if (ret <= 0)
		return ret;
	return ovl_fail(err, EUCLEAN, "write to", "it was volatile, and not unmounted in order",
			"what it holds may be incomplete; the container is writable again without "
			"this directory",
			"%s/%s", tree->path, path);
}

/* Whether the layer may be mounted as is asked, as far as it can be told without a mount. */
static int check_use(const struct work *work, const char *name, struct ovl_error *err)
{
	if (!work->is_writable)
		return 0;
	if (!is_own_layer(work->store, (unsigned int)(work->layer - work->store->layers)))
		return ovl_fail(
			err, EPERM, "write to", "it is no container's own layer",
			"mount it without --rw; `ovlrun` gives each session a layer of its own",
			"%s", name);
	return check_work(work, err);
}

/* Goes into a mount namespace of its own, and reads the stack there: descriptors of another could not be mounted. */
static int enter(struct work *work, struct ovl_error *err)
{
	int ret;

	work->namespacefd = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	if (work->namespacefd < 0 || unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return ovl_cannot(err, errno, "make", "a mount namespace",
				  errno == EPERM ? "only root can mount" : NULL);
	ret = ovl_tree_open(&work->tree, work->store->tree.path, err);
	if (ret < 0)
		return ret;
	return ovl_stack_add(&work->stack, work->layer->id, strlen(work->layer->id), err)
		       ?: ovl_tree_resolve(&work->tree, &work->stack, true, err);
}

static int copy_acl(int from, const char *to, const char *name)
{
	char acl[ACL_SIZE];
	ssize_t len = fgetxattr(from, name, acl, sizeof(acl));

	if (len < 0)
		return errno == ENODATA || errno == EOPNOTSUPP ? 0 : -1;
	return setxattr(to, name, acl, (size_t)len, 0);
}

/* The generated topmost lower: without an upper the kernel wants two, and its attributes are those of the whole. */
static int make_top(const struct work *work, struct ovl_error *err)
{
	char diff[OVL_ID_MAX + sizeof("/diff")];
	struct stat like;
	int ret = 0, fd;

	snprintf(diff, sizeof(diff), "%s/diff", work->stack.layer[0].id);
	fd = ovl_beneath_open(work->tree.fd, diff, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return ovl_cannot(err, -fd, "open", diff, NULL);
	if (fstat(fd, &like) < 0)
		ret = ovl_cannot(err, errno, "examine", diff, NULL);
	else if (mkdir(OWN_TOP, 0700) < 0 || chown(OWN_TOP, like.st_uid, like.st_gid) < 0 ||
		 chmod(OWN_TOP, like.st_mode & 07777) < 0)
		ret = ovl_cannot(err, errno, "make", OWN_TOP, NULL);
	else if (copy_acl(fd, OWN_TOP, "system.posix_acl_access") < 0 ||
		 copy_acl(fd, OWN_TOP, "system.posix_acl_default") < 0)
		ret = ovl_cannot(err, errno, "copy the access list of", diff, NULL);
	close(fd);
	return ret;
}

/*
 * Makes the place, with the layer bound there, so that its upper and work directory have plain names: links there lead to other
 * mounts, where the kernel takes no work directory, or stay in the layer.
 */
static int prepare(const struct work *work, struct ovl_error *err)
{
	int fd = ovl_beneath_open(work->tree.fd, work->layer->id, O_PATH | O_DIRECTORY);
	int ret = 0;

	if (fd < 0)
		return ovl_cannot(err, -fd, "open", work->layer->id, NULL);
	if (mount("ovlctl", PLACE, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") < 0 ||
	    mkdir(MOUNTS_OWN, 0700) < 0 || mkdir(OWN_MERGED, 0700) < 0 ||
	    mkdir(OWN_WORK, 0700) < 0 || mkdir(work->own, 0700) < 0 || fchdir(fd) < 0 ||
	    mount(".", work->own, NULL, MS_BIND, NULL) < 0)
		ret = ovl_cannot(err, errno, "make", MOUNTS_OWN, NULL);
	close(fd);
	return ret;
}

/*
 * 1 if the layer is the upper of an overlay, in whatever namespace and under whatever name: the kernel keeps that with the
 * directory itself, and tells it to a mount that cannot be. With index=on it first refuses a directory in use, and then this
 * work directory, since it lies in another mount. Nothing is written.
 */
static int is_in_use(const struct work *work, struct ovl_error *err)
{
	char options[OVL_PATH_MAX * 2];

	snprintf(options, sizeof(options),
		 "index=on,lowerdir=" OWN_MERGED ",upperdir=%s,workdir=" OWN_WORK, work->upper);
	if (mount("ovlctl", OWN_MERGED, "overlay", 0, options) == 0)
		return ovl_cannot(err, EPROTO, "examine", work->layer->id, NULL);
	if (errno != EBUSY && errno != EINVAL)
		return ovl_cannot(err, errno, "examine", work->layer->id, NULL);
	return errno == EBUSY;
}

static bool is_layer(const struct work *work, const struct overlay *overlay, const char *path)
{
	unsigned int layer = mounts_layer(work->store, overlay, path);

	return layer != NO_LAYER && &work->store->layers[layer] == work->layer;
}

/* Told of an overlay: does another one write to the layer, or see what is to be written to it? */
static int is_other(const struct overlay *overlay, void *context)
{
	const struct work *work = context;
	bool is = false;

	if (overlay->is_foreign || (overlay->pid == 0 && strcmp(overlay->point, OWN_MERGED) == 0))
		return 0;
	if (overlay->upper)
		is = is_layer(work, overlay, overlay->upper);
	for (unsigned int i = 0; work->is_writable && !is && i < overlay->lower_count; i++)
		is = is_layer(work, overlay, overlay->lowers[i]);
	return is;
}

static int fail_busy(const char *name, struct ovl_error *err)
{
	return ovl_fail(err, EBUSY, "write to", "it is mounted already",
			"stop the container; `ovlctl ps` tells who has it", "%s", name);
}

static int mount_readonly(struct work *work, const char *name, const struct out *out,
			  struct ovl_error *err)
{
	struct ovl_overlay overlay = { .stack = &work->stack, .generated = OWN_TOP };
	bool is_partial;
	int ret = mounts_all(is_other, work, &is_partial, err);

	if (ret > 0)
		out_note(out, "%s is in use: what is written there meanwhile may be seen, or not",
			 name);
	return ret < 0 ? ret :
			 make_top(work, err)
				 ?: ovl_mount_overlay(&overlay, work->tree.fd, OWN_MERGED, err);
}

static int mount_writable(struct work *work, const char *name, struct ovl_error *err)
{
	struct ovl_overlay overlay = { .stack = &work->stack };
	char below[OVL_PATH_MAX];
	bool is_partial;
	int ret = is_in_use(work, err);

	snprintf(below, sizeof(below), "%s/work", work->own);
	overlay.upperdir = work->upper;
	overlay.workdir = below;
	work->stack.depth--;
	memmove(work->stack.layer, work->stack.layer + 1,
		work->stack.depth * sizeof(work->stack.layer[0]));
	/*
	 * Looks again, for those that have it as a lower, too. Whoever mounts it from now on finds this mount; but with
	 * index=off, as engines have it, the kernel only warns them.
	 */
	if (ret == 0)
		ret = ovl_mount_overlay(&overlay, work->tree.fd, OWN_MERGED, err)
			      ?: mounts_all(is_other, work, &is_partial, err);
	return ret > 0 ? fail_busy(name, err) : ret;
}

/* Mounts the overlay at OWN_MERGED. */
static int compose(struct work *work, const char *name, const struct out *out,
		   struct ovl_error *err)
{
	int ret;

	snprintf(work->own, sizeof(work->own), MOUNTS_OWN "/%s", work->layer->id);
	snprintf(work->upper, sizeof(work->upper), MOUNTS_OWN "/%s/diff", work->layer->id);
	ret = prepare(work, err)
		      ?: work->is_writable ? mount_writable(work, name, err)
					   : mount_readonly(work, name, out, err);
	return ret ?: ovl_tree_verify_links(&work->tree, &work->stack, err);
}

/* Takes the overlay to where it is wanted. */
static int attach(const struct work *work, const char *dir, struct ovl_error *err)
{
	const unsigned int empty = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
	int fd = (int)syscall(SYS_open_tree, AT_FDCWD, OWN_MERGED,
			      OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	int ret = 0;

	if (fd < 0 || setns(work->namespacefd, CLONE_NEWNS) < 0 ||
	    syscall(SYS_move_mount, fd, "", work->dirfd, "", empty) < 0)
		ret = ovl_cannot(err, errno, "mount on", dir,
				 errno == ENOSYS ? "it needs Linux 5.2" : NULL);
	if (fd >= 0)
		close(fd);
	return ret;
}

static int run(struct call *call, struct ovl_error *err)
{
	static struct work work;
	const char *name = call->argv[0], *dir = call->argv[1];
	struct named named;
	struct store store;
	struct stack stack;
	int ret = store_open(&store, call->root, err) ?: store_name(&store, name, &named, err)
		  ?: store_use(&store, &named, name, &stack, err);

	if (ret < 0)
		return ret;
	work.store = &store;
	work.layer = &store.layers[named.layer];
	work.is_writable = call_option(call, "rw") != NULL;
	work.dirfd = mounts_open_dir(dir, "mount on", err);
	if (work.dirfd < 0)
		return work.dirfd;
	return check_use(&work, name, err) ?: enter(&work, err)
		       ?: compose(&work, name, &call->out, err) ?: attach(&work, dir, err);
}

const struct verb cmd_mount = {
	.name = "mount",
	.arguments = "NAME|ID DIR",
	.summary = "the merged view of an image, a container or a layer, on a directory",
	.min = 2,
	.max = 2,
	.run = run,
	.options = { { "rw", 'w', NULL, "write to a container that is stopped" } },
};
