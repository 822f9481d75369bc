/* SPDX-License-Identifier: MIT */
/*
 * Persistent upper layers: /var/lib/ovlrun/<uid>/<name>/{diff,work,top,lower}.
 *
 * MUST 1. Every directory above an upper is root's, 0700 and no symlink; the caller chooses one
 *         component, of an alphabet without '/', and not where it lies. (T11, T43)
 * MUST 2. `lower` says what an upper was made on; it is whole or absent, root's, and compared.
 *         (T13)
 * MUST 3. What is made is complete before `lower` appears: a launch killed anywhere leaves an upper
 *         that the next one completes. (T46)
 * MUST 4. The kernel refuses a second use: that is tried, since index=on can turn itself off. (T13)
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "ovl/beneath.h"
#include "ovl/mount.h"
#include "top.h"
#include "trusted.h"
#include "upper.h"

#define STATE_DIR STATE_PARENT "/" STATE_NAME
#define COUNT(a)  (sizeof(a) / sizeof((a)[0]))

#define UPPERS_MAX 64 /* of one user: their directories are root's, and no quota counts them */

/* The file systems that hold an upper layer with all its attributes. */
static const unsigned long fit[] = { EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC,
				     F2FS_SUPER_MAGIC, TMPFS_MAGIC };

static int fail(int errnum, const char *reason, const char *hint, const struct launch_plan *plan,
		struct ovl_error *err)
{
	return ovl_fail(err, errnum, "use upper layer", reason, hint, "%s", plan->request->upper);
}

/* Opens the directory name in parentfd, which is closed; made if missing. It must be root's, 0700.
 */
static int enter(int parentfd, const char *name, struct ovl_error *err)
{
	int fd = -1;
	struct stat st;

	if (mkdirat(parentfd, name, 0700) == 0 || errno == EEXIST)
		fd = openat(parentfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return ovl_fail(err, errno, "make", NULL, NULL, "%s below " STATE_DIR, name);
	if (fstat(fd, &st) < 0 || st.st_uid != 0 || (st.st_mode & 0777) != 0700)
		return ovl_fail(err, EPERM, "trust", "it must be root's with mode 0700", NULL,
				"%s below " STATE_DIR, name);
	close(parentfd);
	return fd;
}

static int check_file_system(int fd, const struct launch_plan *plan, struct ovl_error *err)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return fail(errno, NULL, NULL, plan, err);
	for (size_t i = 0; i < COUNT(fit); i++) {
		if ((unsigned int)fs.f_type == fit[i])
			return 0;
	}
	return ovl_fail(err, EOPNOTSUPP, "keep upper layers in", "it cannot hold one",
			"the administrator can mount an ext4, xfs or btrfs there",
			STATE_DIR ", a file system of kind 0x%x", (unsigned int)fs.f_type);
}

/* Refuses one more upper than UPPERS_MAX. Asked before it is made, while nobody else can make one.
 */
static int check_count(int userfd, const struct launch_plan *plan, struct ovl_error *err)
{
	_Alignas(struct dirent) char buf[4096];
	int count = 0, got;

	if (faccessat(userfd, plan->request->upper, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	while ((got = getdents(userfd, (struct dirent *)buf, sizeof(buf))) > 0) {
		for (int at = 0; at < got; at += ((struct dirent *)(buf + at))->d_reclen)
			count++;
	}
	if (got < 0)
		return fail(errno, NULL, NULL, plan, err);
	if (count < 2 + UPPERS_MAX) /* "." and ".." count */
		return 0;
	return fail(EDQUOT, "you have 64 already", "the administrator can remove some", plan, err);
}

/* Opens the upper's directory, past root's and the user's. */
static int open_dir(const struct launch_plan *plan, struct ovl_error *err)
{
	int fd = ovl_beneath_open_trusted(STATE_PARENT, err), ret;
	char uid[16];

	snprintf(uid, sizeof(uid), "%u", plan->caller->uid);
	if (fd >= 0)
		fd = enter(fd, STATE_NAME, err);
	if (fd < 0)
		return fd;
	ret = check_file_system(fd, plan, err);
	if (ret == 0)
		ret = fd = enter(fd, uid, err);
	if (ret < 0)
		return ret;
	if (flock(fd, LOCK_EX) < 0)
		return fail(errno, NULL, NULL, plan, err);
	if (!args_upper_is_valid(plan->request->upper)) /* the parser's rule, where it counts */
		return fail(EINVAL, NULL, NULL, plan, err);
	ret = plan->caller->uid != 0 ? check_count(fd, plan, err) : 0;
	return ret ?: enter(fd, plan->request->upper, err);
}

/* The kernel follows symlinks to upper and work, and empties the work that it gets to. */
static bool is_dir(int fd, const char *name)
{
	struct stat st;

	return fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

/* Writes `lower` whole: under another name, to the disk, renamed. */
static int write_lower(int fd, const char *text, size_t len, struct ovl_error *err)
{
	const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC;
	int out = openat(fd, "lower.new", flags, 0600);
	ssize_t put = out < 0 ? -1 : write(out, text, len);

	if (put >= 0 && put != (ssize_t)len)
		errno = ENOSPC; /* what a short write to a file means */
	if (put != (ssize_t)len || fsync(out) < 0 || renameat(fd, "lower.new", fd, "lower") < 0 ||
	    fsync(fd) < 0)
		return ovl_cannot(err, errno, "write", "what the upper layer is made on", NULL);
	close(out);
	return 0;
}

/* What an upper belongs to: the layers below it, and whose ids its files have. */
static size_t describe(const struct launch_plan *plan, char *text, size_t size)
{
	struct ovl_writer w = { .data = text, .size = size };

	ovl_put(&w, plan->idmap ? "ids user\n" : "ids host\n");
	ovl_put(&w, plan->idmap ? plan->idmap->uid : "");
	ovl_put(&w, plan->idmap ? plan->idmap->gid : "");
	ovl_put(&w, "lower ");
	ovl_put_lowers(&w, plan->stack);
	ovl_put(&w, "\n");
	return w.len;
}

static int compare_or_make(int fd, const struct launch_plan *plan, int treefd,
			   struct ovl_error *err)
{
	static char mine[OVL_LOWER_MAX + 2 * IDMAP_SIZE + 64], made_on[sizeof(mine)];
	const struct stat closed = { .st_mode = 0700 };
	size_t len = describe(plan, mine, sizeof(mine));
	struct stat like;
	ssize_t old = trusted_read(fd, "lower", "what the upper layer was made on", true, made_on,
				   sizeof(made_on), err);
	int ret = 0;

	if (old < 0 && old != -ENOENT)
		return (int)old;
	if (old >= 0 && ((size_t)old != len || memcmp(mine, made_on, len) != 0))
		return fail(ESTALE, "it was made on other layers, or with other ids",
			    "use another name, or the image, and -u, it was first used with", plan,
			    err);
	if (old < 0)
		ret = top_look_root(plan, treefd, &like, err)
			?: top_make(plan, treefd, fd, "top", err)
			?: top_make_dir(fd, "diff", &like, err)
			?: top_make_dir(fd, "work", &closed, err);
	if (ret == 0 && !(is_dir(fd, "top") && is_dir(fd, "diff") && is_dir(fd, "work")))
		ret = fail(ENOTDIR, NULL, "root may remove it", plan, err);
	return ret < 0 || old >= 0 ? ret : write_lower(fd, mine, len, err);
}

#define BUSY "it is in use by another launch"

/* The mark of a volatile mount (fs/overlayfs/super.c, ovl_create_volatile_dirty). */
static int check_volatile(int fd, const struct launch_plan *plan, struct ovl_error *err)
{
	if (faccessat(fd, "work/work/incompat/volatile", F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	return fail(EINVAL, "it holds the mark of a volatile mount, which may have lost data",
		    "root may remove work/work/incompat in it, if its content is still good", plan,
		    err);
}

int upper_open(const struct launch_plan *plan, int treefd, struct ovl_error *err)
{
	int fd = open_dir(plan, err), ret;

	if (fd < 0)
		return fd;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return fail(errno == EWOULDBLOCK ? EBUSY : errno,
			    errno == EWOULDBLOCK ? BUSY : NULL, NULL, plan, err);
	ret = compare_or_make(fd, plan, treefd, err) ?: check_volatile(fd, plan, err);
	return ret ?: fd;
}

int upper_prove_lock(const struct launch_plan *plan, int treefd, const char *target,
		     struct ovl_error *err)
{
	int ret = ovl_mount_overlay(&plan->overlay, treefd, target, err);

	if (ret == -EBUSY)
		return 0;
	if (ret == 0)
		umount2(target, MNT_DETACH);
	return fail(EPROTO, "the kernel would let two launches use it at once",
		    "its layers' file systems have no file handles, or share a UUID", plan, err);
}
