/* SPDX-License-Identifier: MIT */
/*
 * The sink: ovl_mount_overlay refuses what must not be mounted, whatever its caller believed, and
 * hands the kernel nothing else than what was checked. The system calls that it makes are here
 * instead of the C library's: they only take notes, so this is the same for root and for others.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "unit.h"

#include "ovl/mount.h"

#define TREE_FD 77
#define TARGET	"/run/x/root"
#define SAFE	"index=off,redirect_dir=nofollow,metacopy=off,"

static struct ovl_stack stack;
static struct ovl_overlay overlay;
static struct ovl_error err;

/* What the fake kernel is like, */
static struct {
	bool knows_any_key, has_no_fsopen;
	int mount_errno, create_errno;
	long fs_type;
	unsigned long fs_flags;
} kernel;

/* and what it was asked for. */
static struct {
	int fchdir_fd, mounts, unmounts, opens, moves;
	unsigned long flags;
	unsigned int attr;
	char data[OVL_DATA_SIZE];
	char keys[600][96];
	int key_count;
} seen;

int fchdir(int fd)
{
	seen.fchdir_fd = fd;
	return 0;
}

int mount(const char *source, const char *target, const char *type, unsigned long flags,
	  const void *data)
{
	assert_string_equal(source, "overlay");
	assert_string_equal(target, TARGET);
	assert_string_equal(type, "overlay");
	assert_int_equal(seen.fchdir_fd, TREE_FD);
	seen.mounts++;
	seen.flags = flags;
	snprintf(seen.data, sizeof(seen.data), "%s", (const char *)data);
	errno = kernel.mount_errno;
	return kernel.mount_errno ? -1 : 0;
}

int umount2(const char *target, int flags)
{
	assert_string_equal(target, TARGET);
	assert_int_equal(flags, MNT_DETACH);
	seen.unmounts++;
	return 0;
}

int statfs(const char *path, struct statfs *fs)
{
	assert_string_equal(path, TARGET);
	memset(fs, 0, sizeof(*fs));
	fs->f_type = kernel.fs_type;
	fs->f_flags = (long)kernel.fs_flags;
	return 0;
}

static long config(unsigned int command, const char *key, const char *value)
{
	if (command != FSCONFIG_SET_STRING) {
		assert_int_equal(command, FSCONFIG_CMD_CREATE);
		errno = kernel.create_errno;
		return kernel.create_errno ? -1 : 0;
	}
	if (strcmp(key, "ovl-no-such-option") == 0) {
		errno = EINVAL;
		return kernel.knows_any_key ? 0 : -1;
	}
	assert_true(seen.key_count < (int)COUNT_OF(seen.keys));
	snprintf(seen.keys[seen.key_count++], sizeof(seen.keys[0]), "%s=%s", key, value);
	return 0;
}

/* As in the library, long arguments whatever they are. */
long syscall(long number, ...)
{
	va_list args;
	long a[5];

	va_start(args, number);
	for (int i = 0; i < (number == SYS_fsopen ? 2 : number == SYS_fsmount ? 3 : 5); i++)
		a[i] = va_arg(args, long);
	va_end(args);
	switch (number) {
	case SYS_fsopen:
		assert_string_equal((const char *)a[0], "overlay");
		seen.opens++;
		errno = ENOSYS;
		return kernel.has_no_fsopen ? -1 : open("/dev/null", O_RDONLY | O_CLOEXEC);
	case SYS_fsconfig:
		return config((unsigned int)a[1], (const char *)a[2], (const char *)a[3]);
	case SYS_fsmount:
		seen.attr = (unsigned int)a[2];
		return open("/dev/null", O_RDONLY | O_CLOEXEC);
	case SYS_move_mount:
		assert_string_equal((const char *)a[3], TARGET);
		seen.moves++;
		return 0;
	default:
		fail_msg("system call %ld", number);
		return -1;
	}
}

static int make(unsigned int depth)
{
	memset(&stack, 0, sizeof(stack));
	memset(&seen, 0, sizeof(seen));
	memset(&kernel, 0, sizeof(kernel));
	memset(&err, 0, sizeof(err));
	seen.fchdir_fd = -1;
	kernel.fs_type = OVERLAYFS_SUPER_MAGIC;
	kernel.fs_flags = ST_NOSUID | ST_NODEV;
	for (unsigned int i = 0; i < depth && i < OVL_DEPTH_MAX; i++)
		memcpy(stack.layer[i].link, unit_link(i), OVL_LINK_LEN + 1);
	stack.depth = depth;
	overlay = (struct ovl_overlay){ .stack = &stack,
					.generated = "/run/x/top",
					.upperdir = "/run/x/upper",
					.workdir = "/run/x/work" };
	return 0;
}

static int fresh(void **state)
{
	(void)state;
	return make(2);
}

static int sink(void)
{
	return ovl_mount_overlay(&overlay, TREE_FD, TARGET, &err);
}

/* Refused, before the kernel was asked for anything. */
static void refused(int errnum, const char *reason)
{
	assert_int_equal(sink(), -errnum);
	assert_int_equal(err.errnum, errnum);
	assert_string_equal(err.verb, "mount");
	assert_string_equal(err.reason, reason);
	assert_int_equal(seen.mounts, 0);
	assert_int_equal(seen.opens, 0);
	assert_int_equal(seen.fchdir_fd, -1);
}

static void T04_links(void **state)
{
	static const char *const bad[] = {
		"",
		"A",
		"abcdefghijklmnopqrstuvwxyz",
		"ABCDEFGHIJKLMNOPQRSTUVWXY",
		"A,upperdir=/tmp/uAAAAAAAAA",
		"../../../../../../../../et",
		"ABCDEFGHIJKLMNOPQRSTUVWXY:",
		"ABCDEFGHIJKLMNOPQRSTUVWXY\\",
		"ABCDEFGHIJKLMNOPQRSTUVWXY\n",
		"ABCDEFGHIJKLMNOPQRSTUVWXY1",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		for (unsigned int at = 0; at < 3; at++) {
			make(3);
			memset(stack.layer[at].link, 0, sizeof(stack.layer[at].link));
			memcpy(stack.layer[at].link, bad[i], strlen(bad[i]));
			refused(EINVAL, "not a link");
		}
	}
	/* Not terminated: it must not run on into the next layer. */
	make(3);
	memset(stack.layer[0].link, 'A', sizeof(stack.layer[0].link));
	refused(EINVAL, "not a link");
}

static void T04_paths(void **state)
{
	static char too_long[257];
	static const char *const bad[] = {
		"",	 "x",	  "./x",       "/a,b",	  "/a,lowerdir=/", "/a:b",   "/a\\b",
		"/a\nb", "/a b",  "/a=b",      "/a/../b", "/..",	   "/a/..",  "/a\"",
		"/a'",	 "/a%2c", "/\xc3\xa4", "/a\x7f",  "/a#b",	   too_long,
	};

	(void)state;
	memset(too_long, 'a', 256);
	too_long[0] = '/';
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		make(2);
		overlay.generated = bad[i];
		refused(EINVAL, "not a plain absolute path");
		make(2);
		overlay.upperdir = bad[i];
		refused(EINVAL, "not a plain absolute path");
		make(2);
		overlay.workdir = bad[i];
		refused(EINVAL, "not a plain absolute path");
	}
	too_long[255] = '\0'; /* 255 bytes are what fits */
	make(2);
	overlay.generated = too_long;
	assert_int_equal(sink(), 0);
}

static void upper_and_work(void **state)
{
	(void)state;
	overlay.workdir = NULL;
	refused(EINVAL, "upperdir and workdir go together");
	make(2);
	overlay.upperdir = NULL;
	refused(EINVAL, "upperdir and workdir go together");
}

static void too_few(void **state)
{
	(void)state;
	make(0);
	refused(EINVAL, "too few lower directories");
	make(0);
	overlay.generated = NULL;
	refused(EINVAL, "too few lower directories");
	make(1);
	overlay.generated = overlay.upperdir = overlay.workdir = NULL;
	refused(EINVAL, "too few lower directories");
}

static void too_many(void **state)
{
	static const char reason[] = "max depth exceeded: the kernel takes 500 lower directories";

	(void)state;
	make(500); /* and the generated one */
	refused(E2BIG, reason);
	assert_string_equal(err.object, "501 lower directories");
	make(501);
	overlay.generated = NULL;
	refused(E2BIG, reason);
	make(UINT32_MAX); /* with the generated one this is 0 */
	assert_true(sink() < 0);
	assert_int_equal(seen.mounts, 0);
}

/* MUST 1: the flags, and the very data. */
static void T16_T19_writable(void **state)
{
	(void)state;
	assert_int_equal(sink(), 0);
	assert_int_equal(seen.mounts, 1);
	assert_int_equal(seen.unmounts, 0);
	assert_int_equal(seen.flags, MS_NOSUID | MS_NODEV);
	assert_string_equal(seen.data, SAFE "lowerdir=/run/x/top:l/AAAAAAAAAAAAAAAAAAAAAAAAAA:"
					    "l/AAAAAAAAAAAAAAAAAAAAAAAAAB"
					    ",upperdir=/run/x/upper,workdir=/run/x/work");
}

static void T09_read_only(void **state)
{
	(void)state;
	make(1);
	overlay.upperdir = overlay.workdir = NULL;
	kernel.fs_flags |= ST_RDONLY;
	assert_int_equal(sink(), 0);
	assert_int_equal(seen.flags, MS_NOSUID | MS_NODEV | MS_RDONLY);
	assert_string_equal(seen.data, SAFE "lowerdir=/run/x/top:l/AAAAAAAAAAAAAAAAAAAAAAAAAA");
}

/* The greatest depth whose data, with make()'s paths, fits one page. */
static unsigned int deepest(void)
{
	char data[OVL_DATA_SIZE];
	unsigned int depth = 2;

	while (make(depth + 1), ovl_overlay_data(&overlay, data, sizeof(data)) <= OVL_PAGE_DATA_MAX)
		depth++;
	return depth;
}

/* MUST 2: at the page's edge, to the byte. */
static void T05_page(void **state)
{
	static char path[256];
	char data[OVL_DATA_SIZE];
	unsigned int depth = deepest();
	size_t room;

	(void)state;
	make(depth);
	room = OVL_PAGE_DATA_MAX -
	       (size_t)ovl_overlay_data(&overlay, data, sizeof(data)); /* less than one layer */
	memset(path, 'a', strlen("/run/x/top") + room);
	path[0] = '/';
	overlay.generated = path;
	assert_int_equal(sink(), 0);
	assert_int_equal(strlen(seen.data), OVL_PAGE_DATA_MAX);
	assert_int_equal(seen.opens, 0);
	make(depth);
	memset(path, 'a', strlen("/run/x/top") + room + 1);
	path[0] = '/';
	overlay.generated = path;
	assert_int_equal(sink(), 0);
	assert_int_equal(seen.mounts, 0);
	assert_int_equal(seen.moves, 1);
}

static void T05_by_context(void **state)
{
	char key[64];

	(void)state;
	make(499);
	assert_int_equal(sink(), 0);
	assert_int_equal(seen.fchdir_fd, TREE_FD);
	assert_int_equal(seen.mounts, 0);
	assert_int_equal(seen.moves, 1);
	assert_int_equal(seen.attr, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	assert_int_equal(seen.key_count, 3 + 500 + 2);
	assert_string_equal(seen.keys[0], "index=off");
	assert_string_equal(seen.keys[1], "redirect_dir=nofollow");
	assert_string_equal(seen.keys[2], "metacopy=off");
	assert_string_equal(seen.keys[3], "lowerdir+=/run/x/top");
	for (unsigned int i = 0; i < 499; i++) {
		snprintf(key, sizeof(key), "lowerdir+=l/%s", unit_link(i));
		assert_string_equal(seen.keys[4 + i], key);
	}
	assert_string_equal(seen.keys[503], "upperdir=/run/x/upper");
	assert_string_equal(seen.keys[504], "workdir=/run/x/work");
}

static void T05_by_context_read_only(void **state)
{
	(void)state;
	make(500);
	overlay.generated = overlay.upperdir = overlay.workdir = NULL;
	overlay.index = true;
	kernel.fs_flags |= ST_RDONLY;
	assert_int_equal(sink(), 0);
	assert_int_equal(seen.attr, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_RDONLY);
	assert_int_equal(seen.key_count, 3 + 500);
	assert_string_equal(seen.keys[0], "index=on");
}

/* MUST 3: an old kernel takes every key, and would mount something else or nothing. */
static void T05_old_kernel(void **state)
{
	(void)state;
	for (int fsopen_is_missing = 0; fsopen_is_missing < 2; fsopen_is_missing++) {
		make(499);
		kernel.knows_any_key = true;
		kernel.has_no_fsopen = fsopen_is_missing;
		assert_int_equal(sink(), -E2BIG);
		assert_non_null(strstr(err.reason, "max depth exceeded"));
		assert_string_equal(err.object, "500 lower directories");
		assert_int_equal(seen.key_count, 0);
		assert_int_equal(seen.moves + seen.mounts, 0);
	}
}

/* MUST 4: what was mounted is not believed; on an error nothing stays. */
static void T52_read_back(void **state)
{
	static const struct {
		bool writable;
		long type;
		unsigned long flags;
		int ret;
	} rows[] = {
		{ true, OVERLAYFS_SUPER_MAGIC, ST_NOSUID | ST_NODEV, 0 },
		{ true, OVERLAYFS_SUPER_MAGIC, ST_NOSUID | ST_NODEV | ST_RDONLY, -EROFS },
		{ true, OVERLAYFS_SUPER_MAGIC, ST_NOSUID, -EPROTO },
		{ true, OVERLAYFS_SUPER_MAGIC, ST_NODEV, -EPROTO },
		{ true, TMPFS_MAGIC, ST_NOSUID | ST_NODEV, -EPROTO },
		{ false, OVERLAYFS_SUPER_MAGIC, ST_NOSUID | ST_NODEV | ST_RDONLY, 0 },
		{ false, OVERLAYFS_SUPER_MAGIC, ST_NOSUID | ST_NODEV, -EPROTO },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		make(2);
		if (!rows[i].writable)
			overlay.upperdir = overlay.workdir = NULL;
		kernel.fs_type = rows[i].type;
		kernel.fs_flags = rows[i].flags;
		assert_int_equal(sink(), rows[i].ret);
		assert_int_equal(seen.unmounts, rows[i].ret ? 1 : 0);
	}
}

static void failures(void **state)
{
	(void)state;
	kernel.mount_errno = EBUSY;
	assert_int_equal(sink(), -EBUSY);
	assert_string_equal(err.reason, "the upper layer is in use by another mount");
	assert_int_equal(seen.unmounts, 0);
	make(2);
	kernel.mount_errno = ENODEV;
	assert_int_equal(sink(), -ENODEV);
	assert_non_null(strstr(err.hint, "modprobe overlay"));
	make(499);
	kernel.create_errno = ESTALE;
	assert_int_equal(sink(), -ESTALE);
	assert_int_equal(seen.moves, 0);
}

#define TEST(f) cmocka_unit_test_setup(f, fresh)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(T04_links),
		TEST(T04_paths),
		TEST(upper_and_work),
		TEST(too_few),
		TEST(too_many),
		TEST(T16_T19_writable),
		TEST(T09_read_only),
		TEST(T05_page),
		TEST(T05_by_context),
		TEST(T05_old_kernel),
		TEST(T05_by_context_read_only),
		TEST(T52_read_back),
		TEST(failures),
	};

	return cmocka_run_group_tests_name("mount sink", tests, NULL, NULL);
}
