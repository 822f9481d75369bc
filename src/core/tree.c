/* SPDX-License-Identifier: MIT */
/*
 * Reads an overlay2 tree without believing it.
 *
 * MUST 1. The tree, l/ and every layer's directory, and of the layers that are named `link` and
 *         `lower`, are owned by root and writable by nobody else. (T10)
 * MUST 2. l/LINK is a symlink to exactly ../<cache-id>/diff, and that is a real directory. (T06)
 * MUST 3. `link` and `lower` are opened without following or blocking, are regular, bounded, and
 *         match their grammar to the last byte. (T07)
 * MUST 4. Only ENOENT means that a layer has no parent. (T07)
 * MUST 5. Names reach the file system only after they matched ident.h, so that "<id>/diff" cannot
 *         mean anything else; the one symlink they could meet, <id> itself, is refused. (T04, T06)
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "ovl/beneath.h"
#include "ovl/tree.h"

#define LINK_NAME	 (2 + OVL_LINK_LEN + 1)		       /* "l/LINK" */
#define LINK_TARGET_SIZE (OVL_ID_MAX + sizeof("..//diff") + 1) /* one more than any target has */
#define FILE_NAME	 (OVL_ID_MAX + sizeof("/lower"))

/* "<a><b>" into name, which has room for both. No printf: three names a layer are made here. */
static void join(char *name, const char *a, const char *b)
{
	size_t len = strlen(a);

	memcpy(name, a, len);
	memcpy(name + len, b, strlen(b) + 1);
}

static int fail(const struct ovl_tree *tree, const char *name, int errnum, const char *verb,
		const char *reason, struct ovl_error *err)
{
	bool is_damage = errnum == EBADMSG || errnum == EINVAL || errnum == ENOENT;

	return ovl_fail(err, errnum, verb, reason, is_damage ? OVL_DAMAGED : NULL, "%s/%s",
			tree->path, name);
}

/* Examines the directory name: it may be no symlink to one. */
static int stat_dir(const struct ovl_tree *tree, const char *name, struct stat *st,
		    struct ovl_error *err)
{
	if (fstatat(tree->fd, name, st, AT_SYMLINK_NOFOLLOW) < 0)
		return fail(tree, name, errno, "find", NULL, err);
	return S_ISDIR(st->st_mode) ? 0 : fail(tree, name, EBADMSG, "use", "not a directory", err);
}

static int check_dir(const struct ovl_tree *tree, const char *name, struct ovl_error *err)
{
	struct stat st;
	int ret = stat_dir(tree, name, &st, err);

	if (ret == -ENOENT)
		err->hint = NULL; /* there may never have been a layer of the name asked for */
	if (ret == 0 && ovl_beneath_untrusted(&st))
		ret = fail(tree, name, EPERM, "trust", ovl_beneath_untrusted(&st), err);
	return ret;
}

/* Reads the small file name into buf, size bytes at most. Returns its length or -errno. */
static ssize_t read_file(const struct ovl_tree *tree, const char *name, char *buf, size_t size,
			 struct ovl_error *err)
{
	int fd = ovl_beneath_open(tree->fd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	const char *slash = strchr(name, '/');
	struct ovl_file file = { .hint = OVL_DAMAGED };
	char path[OVL_ERROR_OBJECT];

	snprintf(path, sizeof(path), "%s/%s", tree->path, name);
	file.path = path;
	/*
	 * Docker 23.0.8 to 25.0.3 wrote `lower` 0666 whatever the umask was. That is harmless where
	 * nobody else can reach the file: the bits of this one file are forgiven in a closed tree.
	 */
	if (tree->is_closed && slash && strcmp(slash, "/lower") == 0)
		file.closed_dir = tree->path;
	return ovl_beneath_read(fd, &file, buf, size, err);
}

static int refuse_mount_program(const struct ovl_tree *tree, struct ovl_error *err)
{
	static const char name[] = ".has-mount-program";
	char word[8] = "";
	ssize_t len;

	if (faccessat(tree->fd, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : fail(tree, name, errno, "examine", NULL, err);
	len = read_file(tree, name, word, sizeof(word) - 1, err);
	if (len < 0)
		return (int)len;
	if (strncmp(word, "true", 4) == 0)
		return ovl_fail(err, EOPNOTSUPP, "use tree",
				"its deletions are written for a mount program (fuse-overlayfs)",
				"only trees written by the kernel's overlay can be used", "%s",
				tree->path);
	return 0;
}

int ovl_tree_open(struct ovl_tree *tree, const char *path, struct ovl_error *err)
{
	struct stat st = { 0 };
	int ret;

	tree->path = path;
	tree->fd = ovl_beneath_open_trusted(path, err);
	if (tree->fd < 0)
		return tree->fd;
	ret = fstat(tree->fd, &st) < 0 ? ovl_cannot(err, errno, "examine", path, NULL)
				       : check_dir(tree, "l", err);
	if (ret == -ENOENT)
		ret = ovl_fail(err, ENOENT, "use tree", "it has no l/ directory",
			       "name the directory that holds l/, such as .../docker/overlay2",
			       "%s", path);
	/* Searchable neither by others nor by a group other than root's. */
	tree->is_closed = !(st.st_mode & S_IXOTH) && (!(st.st_mode & S_IXGRP) || st.st_gid == 0);
	ret = ret ?: refuse_mount_program(tree, err);
	if (ret < 0) {
		close(tree->fd);
		tree->fd = -1;
	}
	return ret;
}

/* Reads l/LINK into id: the cache-id of its target ../<id>/diff. */
static int read_link(const struct ovl_tree *tree, const char *link, char id[OVL_ID_MAX + 1],
		     struct ovl_error *err)
{
	char name[LINK_NAME], target[LINK_TARGET_SIZE];
	const size_t around = strlen("../") + strlen("/diff");
	ssize_t len;

	join(name, "l/", link);
	len = readlinkat(tree->fd, name, target, sizeof(target));
	if (len < 0)
		return fail(tree, name, errno, "read", errno == EINVAL ? "not a symlink" : NULL,
			    err);
	if ((size_t)len <= around || memcmp(target, "../", 3) != 0 ||
	    memcmp(target + len - 5, "/diff", 5) != 0 ||
	    !ovl_id_is_valid(target + 3, (size_t)len - around))
		return fail(tree, name, EBADMSG, "use", "its target is not ../<cache-id>/diff",
			    err);
	memcpy(id, target + 3, (size_t)len - around);
	id[(size_t)len - around] = '\0';
	return 0;
}

/* Reads <id>/link into link. */
static int read_link_file(const struct ovl_tree *tree, const char *id, char link[OVL_LINK_LEN + 1],
			  struct ovl_error *err)
{
	char name[FILE_NAME];
	ssize_t len;

	join(name, id, "/link");
	len = read_file(tree, name, link, OVL_LINK_LEN, err);
	if (len < 0)
		return (int)len;
	if (!ovl_link_is_valid(link, (size_t)len))
		return fail(tree, name, EBADMSG, "read", "not a link (26 characters A-Z2-7)", err);
	link[OVL_LINK_LEN] = '\0';
	return 0;
}

/* Checks the directories of a layer whose names are known. */
static int check_layer(const struct ovl_tree *tree, const char *id, struct ovl_error *err)
{
	struct stat diff;
	char name[FILE_NAME];

	join(name, id, "/diff");
	return check_dir(tree, id, err) ?: stat_dir(tree, name, &diff, err);
}

/* A layer that the caller named: both directions, <id>/link and l/LINK, must agree. */
static int resolve_named(const struct ovl_tree *tree, struct ovl_layer *layer,
			 struct ovl_error *err)
{
	char id[OVL_ID_MAX + 1], link[OVL_LINK_LEN + 1];
	int ret = layer->id[0] ? 0 : read_link(tree, layer->link, layer->id, err);

	ret = ret ?: check_layer(tree, layer->id, err)
		  ?: read_link_file(tree, layer->id, link, err)
		  ?: read_link(tree, link, id, err);
	if (ret < 0)
		return ret;
	if (strcmp(id, layer->id) != 0 || (layer->link[0] && strcmp(link, layer->link) != 0))
		return fail(tree, layer->id, EBADMSG, "use", "its link file and l/ disagree", err);
	memcpy(layer->link, link, sizeof(link));
	return 0;
}

static int add_lowers(const struct ovl_tree *tree, struct ovl_stack *stack, struct ovl_error *err)
{
	static char text[OVL_LOWER_MAX]; /* on the stack four pages would be cleared for it */
	const char *id = stack->layer[0].id;
	char name[FILE_NAME];
	ssize_t len;

	join(name, id, "/lower");
	len = read_file(tree, name, text, sizeof(text), err);
	if (len == -ENOENT)
		return 0;
	return len < 0 ? (int)len : ovl_stack_parse_lower(stack, text, (size_t)len, id, err);
}

int ovl_tree_resolve(const struct ovl_tree *tree, struct ovl_stack *stack, bool with_lowers,
		     struct ovl_error *err)
{
	unsigned int named = stack->depth;
	int ret = 0;

	for (unsigned int i = 0; i < stack->depth && ret == 0; i++) {
		struct ovl_layer *layer = &stack->layer[i];

		ret = i < named ? resolve_named(tree, layer, err)
				: read_link(tree, layer->link, layer->id, err)
					  ?: check_layer(tree, layer->id, err);
		if (i == 0 && ret == 0 && with_lowers)
			ret = add_lowers(tree, stack, err);
	}
	return ret ?: ovl_stack_check_unique(stack, err);
}

bool ovl_tree_layer_is_mounted(const struct ovl_tree *tree, const char *id)
{
	char name[OVL_ID_MAX + sizeof("/merged")];
	struct stat home, merged;
	struct statfs fs;
	bool is_mounted = false;
	int fd;

	join(name, id, "/merged");
	fd = openat(tree->fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0) {
		/* The tree itself may lie on an overlay. */
		is_mounted = fstatfs(fd, &fs) == 0 && fs.f_type == OVERLAYFS_SUPER_MAGIC &&
			     fstat(fd, &merged) == 0 && fstat(tree->fd, &home) == 0 &&
			     merged.st_dev != home.st_dev;
		close(fd);
	}
	return is_mounted;
}

int ovl_tree_verify_links(const struct ovl_tree *tree, const struct ovl_stack *stack,
			  struct ovl_error *err)
{
	char id[OVL_ID_MAX + 1];

	for (unsigned int i = 0; i < stack->depth; i++) {
		const struct ovl_layer *layer = &stack->layer[i];

		if (read_link(tree, layer->link, id, err) < 0 || strcmp(id, layer->id) != 0)
			return ovl_fail(err, ESTALE, "use", "it changed during the launch", NULL,
					"%s/l/%s", tree->path, layer->link);
	}
	return 0;
}
