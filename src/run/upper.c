/* SPDX-License-Identifier: MIT */
/*
 * Persistent upper layers: /var/lib/ovlrun/<uid>/<name>/{diff,work,top,lower}.
 *
 * MUST 1. Every directory above an upper is root's, 0700 and no symlink; the caller chooses one
 * component, of an alphabet without '/', and not where it lies.  (T11, T43) MUST 2. `lower` says
 * what an upper was made on; it is whole or absent, root's, and compared.  (T13) MUST 3. What is
 * made is complete before `lower` appears: a launch killed anywhere leaves an upper that the next
 * one completes.  (T46) MUST 4. The kernel refuses a second use: that is tried, since index=on can
 * turn itself off.  (T13)
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "ovl/beneath.h"
#include "ovl/mount.h"
#include "trusted.h"
#include "upper.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define UPPERS_MAX 64 /* of one user: their directories are root's, so no quota counts them */

/* The file systems that hold an upper layer with all its attributes. */
static const unsigned long fit[] = { EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC,
				     F2FS_SUPER_MAGIC, TMPFS_MAGIC };
/* Names for those that people meet and that do not. */
static const struct {
	unsigned long magic;
	const char *name;
} unfit[] = {
	{ NFS_SUPER_MAGIC, "nfs" },
	{ FUSE_SUPER_MAGIC, "fuse" },
	{ OVERLAYFS_SUPER_MAGIC, "overlay" },
	{ MSDOS_SUPER_MAGIC, "vfat" },
};

static int fail(int errnum, const char *reason, const char *hint, const struct launch_plan *plan,
		struct ovl_error *err)
{
	return ovl_fail(err, errnum, "use upper layer", reason, hint, "%s", plan->request->upper);
}

static int check_private(int fd, const char *name, struct ovl_error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || st.st_uid != 0 || (st.st_mode & 07777) != 0700)
		return ovl_fail(err, EPERM, "trust", "it must be root's with mode 0700", NULL,
				"%s below " STATE_PARENT "/" STATE_NAME, name);
	return 0;
}

/* Opens the directory name in parentfd, which is closed; made if missing, and then *is_new is set.
 */
static int enter(int parentfd, const char *name, bool *is_new, struct ovl_error *err)
{
	int fd = -1, ret;

	*is_new = mkdirat(parentfd, name, 0700) == 0;
	ret = *is_new || errno == EEXIST ? 0 : -errno;
	if (ret == 0) {
		fd = openat(parentfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		ret = fd < 0 ? -errno : 0;
	}
	close(parentfd);
	if (ret < 0)
		return ovl_fail(err, -ret, "make", NULL, NULL,
				"%s below " STATE_PARENT "/" STATE_NAME, name);
	ret = check_private(fd, name, err);
	if (ret < 0)
		close(fd);
	return ret < 0 ? ret : fd;
}

static int check_file_system(int fd, const struct launch_plan *plan, struct ovl_error *err)
{
	const char *name = "of this kind";
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return fail(errno, NULL, NULL, plan, err);
	for (size_t i = 0; i < COUNT(fit); i++) {
		if ((unsigned int)fs.f_type == fit[i])
			return 0;
	}
	for (size_t i = 0; i < COUNT(unfit); i++) {
		if ((unsigned int)fs.f_type == unfit[i].magic)
			name = unfit[i].name;
	}
	return ovl_fail(err, EOPNOTSUPP, "keep upper layers in", "it cannot hold one",
			"the administrator can mount an ext4, xfs or btrfs there",
			STATE_PARENT "/" STATE_NAME ", a file system %s (0x%lx)", name,
			(unsigned long)fs.f_type & 0xffffffff);
}

/* Counts the entries of a directory, "." and ".." among them. */
static int count_entries(int fd)
{
	_Alignas(8) char buf[4096];
	int count = 0;
	long got;

	while ((got = syscall(SYS_getdents64, fd, buf, sizeof(buf))) > 0) {
		for (long at = 0; at < got; count++) {
			unsigned short reclen;

			memcpy(&reclen, buf + at + 16, sizeof(reclen)); /* getdents64(2) */
			at += reclen;
		}
	}
	return got < 0 ? -errno : count;
}

/* Opens the upper's directory, past root's and the user's. */
static int open_dir(const struct launch_plan *plan, struct ovl_error *err)
{
	const char *name = plan->request->upper;
	int fd = ovl_beneath_open_trusted(STATE_PARENT, err), userfd;
	char uid[16];
	bool is_new;

	if (!args_upper_is_valid(name)) { /* the parser did; but here is where it counts */
		if (fd >= 0)
			close(fd);
		return fail(EINVAL, NULL, NULL, plan, err);
	}
	snprintf(uid, sizeof(uid), "%u", plan->caller->uid);
	if (fd >= 0)
		fd = enter(fd, STATE_NAME, &is_new, err);
	if (fd >= 0)
		fd = enter(fd, uid, &is_new, err);
	if (fd < 0)
		return fd;
	userfd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (userfd < 0) {
		close(fd);
		return fail(errno, NULL, NULL, plan, err);
	}
	fd = enter(fd, name, &is_new, err);
	if (fd >= 0 && is_new && plan->caller->uid != 0 && count_entries(userfd) > 2 + UPPERS_MAX) {
		close(fd);
		unlinkat(userfd, name, AT_REMOVEDIR);
		fd = fail(EDQUOT, "you have 64 already", "the administrator can remove some", plan,
			  err);
	}
	close(userfd);
	return fd;
}

/* A directory that looks like the image's own root, or for `work` root's alone. */
static int make_dir(int fd, const char *name, const struct ovl_stack *like, struct ovl_error *err)
{
	uid_t uid = like ? like->root_uid : 0;
	gid_t gid = like ? like->root_gid : 0;
	mode_t mode = like ? like->root_mode : 0700;

	if ((mkdirat(fd, name, 0700) < 0 && errno != EEXIST) ||
	    fchownat(fd, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0 ||
	    fchmodat(fd, name, mode, 0) < 0)
		return ovl_fail(err, errno, "make", NULL, NULL, "%s of the upper layer", name);
	return 0;
}

/* Writes `lower` whole: under another name, to the disk, renamed. */
static int write_lower(int fd, const char *text, size_t len, struct ovl_error *err)
{
	int out = openat(fd, "lower.new", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
			 0600);
	int ret = 0;

	if (out < 0 || write(out, text, len) != (ssize_t)len || fsync(out) < 0 ||
	    renameat(fd, "lower.new", fd, "lower") < 0)
		ret = ovl_fail(err, errno ? errno : EIO, "write", NULL, NULL,
			       "what the upper layer is made on");
	if (out >= 0)
		close(out);
	return ret;
}

/* What an upper belongs to: the layers below it, and whose ids its files have. */
static size_t describe(const struct ovl_stack *stack, char *text)
{
	static const char head[] = "ids host\nlower ";
	size_t len = sizeof(head) - 1;

	memcpy(text, head, len);
	for (unsigned int i = 0; i < stack->depth; i++) {
		text[len++] = i == 0 ? 'l' : ':';
		if (i > 0)
			text[len++] = 'l';
		text[len++] = '/';
		memcpy(text + len, stack->layer[i].link, OVL_LINK_LEN);
		len += OVL_LINK_LEN;
	}
	text[len++] = '\n';
	return len;
}

static int compare_or_make(int fd, const struct launch_plan *plan, struct ovl_error *err)
{
	static char mine[OVL_LOWER_MAX + 64], made_on[OVL_LOWER_MAX + 64];
	size_t len = describe(plan->stack, mine);
	ssize_t old = trusted_read(fd, "lower", "what the upper layer was made on", true, made_on,
				   sizeof(made_on), err);
	int ret;

	if (old >= 0)
		return (size_t)old == len && memcmp(mine, made_on, len) == 0
			       ? 0
			       : fail(ESTALE, "it was made on other layers",
				      "use another name, or the image it was first used with", plan,
				      err);
	if (old != -ENOENT)
		return (int)old;
	ret = make_dir(fd, "top", plan->stack, err);
	if (ret == 0)
		ret = make_dir(fd, "diff", plan->stack, err);
	if (ret == 0)
		ret = make_dir(fd, "work", NULL, err);
	return ret < 0 ? ret : write_lower(fd, mine, len, err);
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

int upper_open(const struct launch_plan *plan, struct ovl_error *err)
{
	int fd = open_dir(plan, err), ret;

	if (fd < 0)
		return fd;
	ret = check_file_system(fd, plan, err);
	if (ret == 0 && flock(fd, LOCK_EX | LOCK_NB) < 0)
		ret = fail(errno == EWOULDBLOCK ? EBUSY : errno, BUSY, NULL, plan, err);
	if (ret == 0)
		ret = compare_or_make(fd, plan, err);
	if (ret == 0)
		ret = check_volatile(fd, plan, err);
	if (ret < 0)
		close(fd);
	return ret < 0 ? ret : fd;
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
