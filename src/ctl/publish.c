/* SPDX-License-Identifier: MIT */
/* Changes beneath /etc/ovlrun.d. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ovl/beneath.h"
#include "policy.h"
#include "publish.h"

/* Only root can open it: a lock of a directory could be held by everybody. */
#define LOCK "/run/ovlctl.lock"

/* ovlrun passes over what begins with a dot. */
static const char *const drafts[] = {
	[DRAFT_POLICY] = ".ovlctl.policy",
	[DRAFT_RECORD] = ".ovlctl.record",
};

#define DRAFTS (sizeof(drafts) / sizeof(drafts[0]))

static int fail(const struct publish *publish, const char *path, int errnum, const char *verb,
		struct ovl_error *err)
{
	return ovl_fail(err, errnum, verb, NULL, NULL, "%s/%s", publish->dir.path, path);
}

static int take_lock(struct publish *publish, struct ovl_error *err)
{
	publish->lock = open(LOCK, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (publish->lock < 0)
		return ovl_fail(err, errno, "open", NULL,
				errno == EACCES ? "only root can publish" : NULL, LOCK);
	while (flock(publish->lock, LOCK_EX) < 0) {
		if (errno != EINTR)
			return ovl_cannot(err, errno, "lock", LOCK, NULL);
	}
	return 0;
}

int publish_begin(struct publish *publish, bool make, struct ovl_error *err)
{
	int ret;

	*publish = (struct publish){ .dir = { -1, POLICY_DIR }, .lock = -1 };
	umask(022);
	ret = take_lock(publish, err);
	if (ret < 0)
		return ret;
	if (make && mkdir(POLICY_DIR, 0755) < 0 && errno != EEXIST)
		return ovl_cannot(err, errno, "make", POLICY_DIR, NULL);
	if (!make && access(POLICY_DIR, F_OK) < 0 && errno == ENOENT)
		return 0;
	/* What ovlrun would not believe is not written. */
	ret = ovl_beneath_open_trusted(POLICY_DIR, err);
	if (ret < 0)
		return ret;
	publish->dir.fd = openat(ret, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* to be synced */
	close(ret);
	if (publish->dir.fd < 0)
		return fail(publish, ".", errno, "open", err);
	for (size_t i = 0; i < DRAFTS; i++) {
		if (unlinkat(publish->dir.fd, drafts[i], 0) < 0 && errno != ENOENT)
			return fail(publish, drafts[i], errno, "remove", err);
	}
	return 0;
}

void publish_end(struct publish *publish)
{
	for (size_t i = 0; publish->dir.fd >= 0 && i < DRAFTS; i++)
		unlinkat(publish->dir.fd, drafts[i], 0);
	if (publish->dir.fd >= 0)
		close(publish->dir.fd);
	if (publish->lock >= 0)
		close(publish->lock);
}

static int write_all(int fd, const char *text)
{
	size_t left = strlen(text);

	while (left > 0) {
		ssize_t put = write(fd, text, left);

		if (put < 0 && errno != EINTR)
			return -1;
		text += put > 0 ? put : 0;
		left -= put > 0 ? (size_t)put : 0;
	}
	return 0;
}

int publish_draft(const struct publish *publish, enum draft draft, const char *text,
		  struct ovl_error *err)
{
	int fd = openat(publish->dir.fd, drafts[draft],
			O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	int ret = 0;

	if (fd < 0)
		return fail(publish, drafts[draft], errno, "make", err);
	/* A group may come from the directory. */
	if (fchown(fd, 0, 0) < 0 || fchmod(fd, 0644) < 0 || write_all(fd, text) < 0 ||
	    fsync(fd) < 0)
		ret = fail(publish, drafts[draft], errno, "write", err);
	if (close(fd) < 0 && ret == 0)
		ret = fail(publish, drafts[draft], errno, "write", err);
	return ret;
}

const char *publish_draft_path(enum draft draft)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), POLICY_DIR "/%s", drafts[draft]);
	return path;
}

/* The directory of path, and in *name its last component. make: it and those above are made. */
static int open_parent(const struct publish *publish, const char *path, const char **name,
		       bool make, struct ovl_error *err)
{
	int fd = dup(publish->dir.fd);
	const char *slash;

	for (*name = path; fd >= 0 && (slash = strchr(*name, '/')); *name = slash + 1) {
		char part[NAME_MAX + 1];
		struct stat st;
		int next;

		snprintf(part, sizeof(part), "%.*s", (int)(slash - *name), *name);
		if (make && mkdirat(fd, part, 0755) == 0)
			fsync(fd);
		next = ovl_beneath_open(fd, part, O_RDONLY | O_DIRECTORY);
		close(fd);
		if (next < 0)
			return fail(publish, path, -next, "reach", err);
		fd = next;
		if (fstat(fd, &st) == 0 && ovl_beneath_untrusted(&st)) {
			close(fd);
			return ovl_fail(err, EPERM, "trust", ovl_beneath_untrusted(&st), NULL,
					"%s/%.*s", publish->dir.path, (int)(slash - path), path);
		}
	}
	return fd < 0 ? fail(publish, path, errno, "reach", err) : fd;
}

int publish_commit(const struct publish *publish, enum draft draft, const char *path,
		   struct ovl_error *err)
{
	const char *name;
	int ret = 0, parent = open_parent(publish, path, &name, true, err);

	if (parent < 0)
		return parent;
	if (renameat(publish->dir.fd, drafts[draft], parent, name) < 0 || fsync(parent) < 0)
		ret = fail(publish, path, errno, "write", err);
	close(parent);
	return ret;
}

int publish_remove(const struct publish *publish, const char *path, struct ovl_error *err)
{
	const char *name;
	int ret = 1, parent;
	char *above;

	if (publish->dir.fd < 0)
		return 0;
	parent = open_parent(publish, path, &name, false, err);
	if (parent < 0)
		return parent == -ENOENT ? 0 : parent;
	if (unlinkat(parent, name, 0) < 0)
		ret = errno == ENOENT ? 0 : fail(publish, path, errno, "remove", err);
	else if (fsync(parent) < 0)
		ret = fail(publish, path, errno, "write", err);
	close(parent);
	/* As far up as they are empty, but not the directory of all records. */
	above = file_copy(path);
	for (char *end = strrchr(above, '/'); ret > 0 && end && strchr(above, '/') != end;
	     end = strrchr(above, '/')) {
		*end = '\0';
		if (unlinkat(publish->dir.fd, above, AT_REMOVEDIR) < 0)
			break;
	}
	return ret;
}
