/* SPDX-License-Identifier: MIT */
/*
 * The generated topmost lower.
 *
 * MUST 1. A directory in it that the image has too has the image's mode and owner. (rootfs.bats)
 * MUST 2. A layer is looked at beneath its own directory, through no symlink. (T31)
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "ovl/beneath.h"
#include "top.h"

int top_make_dir(int dirfd, const char *name, const struct stat *like, struct ovl_error *err)
{
	bool is_new = mkdirat(dirfd, name, like->st_mode & 07777) == 0;
	struct stat st;

	if (!is_new && (errno != EEXIST || fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
			!S_ISDIR(st.st_mode)))
		return ovl_cannot(err, errno, "make directory", name, NULL);
	if (((!is_new || like->st_uid != 0 || like->st_gid != 0) &&
	     fchownat(dirfd, name, like->st_uid, like->st_gid, AT_SYMLINK_NOFOLLOW) < 0) ||
	    /* What the umask and mkdir(2) leave out, and chown(2) takes away. */
	    ((!is_new || (like->st_mode & 07022) != 0) &&
	     fchmodat(dirfd, name, like->st_mode & 07777, 0) < 0))
		return ovl_cannot(err, errno, "make directory", name, NULL);
	return 0;
}

/* True if a directory of the layer's path, those on the way to its last name, hides what lower layers have. */
static bool is_hidden_below(char *path, size_t start)
{
	char value;
	struct stat st;
	bool is_hidden = false;

	for (char *slash = strchr(path + start, '/'); slash && !is_hidden;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		is_hidden = lstat(path, &st) == 0 &&
			    (!S_ISDIR(st.st_mode) ||
			     (lgetxattr(path, "trusted.overlay.opaque", &value, 1) == 1 &&
			      value == 'y'));
		*slash = '/';
	}
	return is_hidden;
}

/*
 * What the uppermost layer that has name says of it; its number, from the first to look at on, is left in
 * *layer. False if none has, or an upper one hides it. The tree is the working directory.
 */
static bool look(const struct ovl_stack *stack, const char *name, unsigned int *layer,
		 struct stat *st)
{
	char path[OVL_ID_MAX + sizeof("/diff/") + PATH_MAX];

	for (; *layer < stack->depth; ++*layer) {
		int start = snprintf(path, sizeof(path), "%s/diff", stack->layer[*layer].id), fd;

		snprintf(path + start, sizeof(path) - (size_t)start, "%s%s", *name ? "/" : "",
			 name);
		fd = ovl_beneath_open(AT_FDCWD, path, O_PATH);
		if (fd < 0 && *name && is_hidden_below(path, (size_t)start + 1))
			return false;
		if (fd < 0)
			continue;
		if (fstat(fd, st) < 0)
			st->st_mode = 0;
		close(fd);
		/* A whiteout is a character device 0:0 (Documentation/filesystems/overlayfs.rst). */
		return !(S_ISCHR(st->st_mode) && st->st_rdev == 0);
	}
	return false;
}

/* True for a directory of which mode and owner say all. */
static bool is_plain_dir(const struct ovl_stack *stack, unsigned int layer, const char *name,
			 const struct stat *st)
{
	char path[OVL_ID_MAX + sizeof("/diff/") + PATH_MAX];

	snprintf(path, sizeof(path), "%s/diff/%s", stack->layer[layer].id, name);
	return S_ISDIR(st->st_mode) && lgetxattr(path, "system.posix_acl_access", NULL, 0) < 0 &&
	       lgetxattr(path, "system.posix_acl_default", NULL, 0) < 0;
}

int top_look_root(const struct launch_plan *plan, int treefd, struct stat *st,
		  struct ovl_error *err)
{
	unsigned int first = 0;

	if (fchdir(treefd) < 0 || !look(plan->stack, "", &first, st))
		return ovl_cannot(err, ESTALE, "use", "the top layer",
				  "it changed during the launch");
	if (is_plain_dir(plan->stack, first, "", st))
		return 0;
	return ovl_cannot(err, EOPNOTSUPP, "use", "the image",
			  "its root directory has an access list");
}

static const struct stat usual = { .st_mode = 0755 };

/* An empty file to mount on. */
static int make_file(int dirfd, const char *name, struct ovl_error *err)
{
	if (mknodat(dirfd, name, S_IFREG | 0644, 0) < 0 && errno != EEXIST)
		return ovl_cannot(err, errno, "make", name, NULL);
	return 0;
}

/* Makes the directory name in dirfd, which is closed, and opens it. */
static int enter(int dirfd, const char *name, const struct stat *like, struct ovl_error *err)
{
	int fd, ret = top_make_dir(dirfd, name, like, err);

	if (ret < 0)
		return ret;
	fd = openat(dirfd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return ovl_cannot(err, errno, "open", name, NULL);
	close(dirfd);
	return fd;
}

/*
 * Makes path, absolute, with the directories on the way, one in the other, unless the image has it.
 * Where the image has a symlink, a file or an access list on the way nothing is made: there the
 * image decides.
 */
static int add(const struct launch_plan *plan, int topfd, const char *path, bool is_dir,
	       struct ovl_error *err)
{
	const char *at = path + strspn(path, "/");
	char prefix[PATH_MAX], name[NAME_MAX + 1];
	size_t used = 0;
	int fd = fcntl(topfd, F_DUPFD_CLOEXEC, 0), ret = 0;

	if (fd < 0)
		return ovl_cannot(err, errno, "make", path, NULL);
	while (ret >= 0 && *at) {
		size_t len = strcspn(at, "/");
		unsigned int first = 0;
		bool is_last, is_there;
		struct stat st;

		if (len > NAME_MAX || used + len + 2 > sizeof(prefix))
			return ovl_cannot(err, ENAMETOOLONG, "make", path, NULL);
		if (len <= 2 && strncmp(at, "..", len) == 0)
			return ovl_cannot(err, EINVAL, "make", path, "no '.' or '..' can be made");
		snprintf(name, sizeof(name), "%.*s", (int)len, at);
		used += (size_t)snprintf(prefix + used, sizeof(prefix) - used, "%s%s",
					 used ? "/" : "", name);
		at += len + strspn(at + len, "/");
		is_last = *at == '\0';
		is_there = look(plan->stack, prefix, &first, &st);
		if (is_there && (is_last || !is_plain_dir(plan->stack, first, prefix, &st)))
			break;
		if (is_last && !is_dir)
			ret = make_file(fd, name, err);
		else
			ret = fd = enter(fd, name, is_there ? &st : &usual, err);
	}
	if (fd >= 0)
		close(fd);
	return ret < 0 ? ret : 0;
}

/*
 * The files that are mounted in /etc. What the image has in place of the host's is covered: often a
 * symlink. Only a persistent upper, which is for launches with and without them, keeps a file.
 */
static int add_etc(const struct launch_plan *plan, int topfd, struct ovl_error *err)
{
	unsigned int first = 0; /* no layer above has /etc */
	struct stat st;
	bool is_there = look(plan->stack, "etc", &first, &st);
	int ret;

	if (is_there && !is_plain_dir(plan->stack, first, "etc", &st))
		return 0;
	ret = top_make_dir(topfd, "etc", is_there ? &st : &usual, err);
	for (unsigned int i = 0; ret == 0 && i < plan->bind_count && plan->bind[i].is_own; i++) {
		const char *path = plan->bind[i].to.destination + 1;
		unsigned int at = first;

		if (plan->bind[i].fd >= 0 &&
		    !(plan->request->upper && look(plan->stack, path, &at, &st) &&
		      S_ISREG(st.st_mode)))
			ret = make_file(topfd, path, err);
	}
	for (size_t i = 0; ret == 0 && i < NAMES_COUNT && plan->has_names; i++) {
		unsigned int at = first;

		if (!is_there || !look(plan->stack, plan_names[i] + 1, &at, &st) ||
		    S_ISLNK(st.st_mode))
			ret = make_file(topfd, plan_names[i] + 1, err);
	}
	return ret;
}

/*
 * A directory that is mounted over, whatever the image has there. A persistent upper is also for launches
 * that leave the image's own: there a directory of the image's does.
 */
static int add_over(const struct launch_plan *plan, int topfd, const char *name, bool is_covered,
		    struct ovl_error *err)
{
	unsigned int first = 0;
	struct stat st;

	if (plan->request->upper)
		is_covered = !look(plan->stack, name, &first, &st) || !S_ISDIR(st.st_mode);
	return is_covered ? top_make_dir(topfd, name, &usual, err) : 0;
}

int top_make(const struct launch_plan *plan, int treefd, int dirfd, const char *name,
	     struct ovl_error *err)
{
	const struct request *request = plan->request;
	struct stat st;
	int fd, ret = top_look_root(plan, treefd, &st, err) ?: top_make_dir(dirfd, name, &st, err);

	if (ret < 0 || request->bare)
		return ret;
	fd = openat(dirfd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return ovl_cannot(err, errno, "open", name, NULL);
	ret = add_over(plan, fd, "dev", plan->dev != DEV_NONE, err)
		?: add_over(plan, fd, "proc", plan->has_proc, err)
		?: add_over(plan, fd, "sys", plan->has_sys, err)
		?: (plan->has_tmp ? top_make_dir(fd, "tmp", &usual, err) : 0)
		?: add_etc(plan, fd, err);
	for (unsigned int i = 0; ret == 0 && request->read_only && i < plan->bind_count; i++) {
		if (!plan->bind[i].is_own)
			ret = add(plan, fd, plan->bind[i].to.destination, plan->bind[i].is_dir,
				  err);
	}
	close(fd);
	return ret;
}
