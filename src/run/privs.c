/* SPDX-License-Identifier: MIT */
/*
 * Credentials and capabilities.
 *
 * MUST 1. Every result is checked; libcap-ng's too.  (T38)
 * MUST 2. Nothing here depends on /proc: capng_clear, capng_update and
 * capng_apply(CAPNG_SELECT_CAPS) do not read it, the bounding set is dropped by prctl, and
 * libcap-ng's constructor, which asks /proc/sys/kernel/cap_last_cap before main, can do without the
 * answer.  (T38) MUST 3. Real and saved uid stay 0 until the drop.  (T21, T22) MUST 4. After the
 * drop there is no way back, and that was tried.  (T16, T38) MUST 5. Nothing is said to the caller
 * before the drop: his descriptors would get it as root's, with root's credentials on a socket, and
 * set-id bits kept on a file.  (T21 says)
 */
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cap-ng.h>

#include "privs.h"

/* What copying up needs; with SYS_ADMIN for the mount itself. */
static const unsigned int mounter_caps[] = { CAP_SYS_ADMIN, CAP_CHOWN,	 CAP_DAC_OVERRIDE,
					     CAP_FOWNER,    CAP_SETFCAP, CAP_FSETID };
/* And what the launch needs besides: ids of the caller, emptying the bounding set. */
static const unsigned int launch_caps[] = { CAP_SETUID, CAP_SETGID, CAP_SETPCAP };

static bool is_reduced; /* privs_reduce has succeeded */

#define LACKING	 "root may lack capabilities here: a container or user namespace?"
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static int add_caps(capng_type_t type, const unsigned int *caps, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (capng_update(CAPNG_ADD, type, caps[i]) != 0)
			return -1;
	}
	return 0;
}

/* Permitted: all that a launch needs. Effective: effective[], or the same if it is NULL. */
static int set_caps(const unsigned int *effective, size_t count, struct ovl_error *err)
{
	const capng_type_t both = CAPNG_EFFECTIVE | CAPNG_PERMITTED;
	const capng_type_t rest = effective ? CAPNG_PERMITTED : both;

	capng_clear(CAPNG_SELECT_ALL);
	if (add_caps(rest, mounter_caps, COUNT(mounter_caps)) < 0 ||
	    add_caps(rest, launch_caps, COUNT(launch_caps)) < 0 ||
	    (effective && add_caps(both, effective, count) < 0) ||
	    capng_apply(CAPNG_SELECT_CAPS) != 0)
		return ovl_fail(err, EPERM, "set", NULL, LACKING, "capabilities");
	return 0;
}

static int set_undumpable(struct ovl_error *err)
{
	if (prctl(PR_SET_DUMPABLE, 0) < 0)
		return ovl_fail(err, errno, "set", NULL, NULL, "the dumpable flag");
	return 0;
}

static int set_effective_uid(uid_t uid, struct ovl_error *err)
{
	if (syscall(SYS_setresuid, -1, uid, -1) < 0)
		return ovl_fail(err, errno, "set", NULL, NULL, "effective user id");
	return set_undumpable(err);
}

static int explain_unprivileged(struct ovl_error *err)
{
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
		return ovl_fail(err, EPERM, "get", "the caller runs with no_new_privs",
				"start it outside the sandbox or service that set no_new_privs",
				"privileges");
	return ovl_fail(err, EPERM, "get", "it is not setuid root where it is run",
			"install it with `make install` on a file system without nosuid",
			"privileges");
}

static int empty_bounding_set(struct ovl_error *err)
{
	int cap = 0;

	while (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0)
		cap++;
	/* The first number the kernel does not know is EINVAL. */
	if (errno != EINVAL || cap == 0)
		return ovl_fail(err, errno, "drop", NULL, LACKING,
				"capability %d from the bounding set", cap);
	return 0;
}

int privs_reduce(const struct caller *caller, struct ovl_error *err)
{
	int ret;

	if (!caller->is_privileged)
		return explain_unprivileged(err);
	/* With SECBIT_NO_SETUID_FIXUP and the like changes of ids no longer do what this file
	 * relies on. */
	if (prctl(PR_GET_SECUREBITS) != 0)
		return ovl_fail(err, EPERM, "get", "the caller runs with securebits set",
				"start it outside the service that set them", "privileges");
	ret = empty_bounding_set(err);
	if (ret == 0)
		ret = set_caps(NULL, 0, err);
	is_reduced = ret == 0;
	return ret;
}

int privs_unshare(const struct caller *caller, int flags, struct ovl_error *err)
{
	static const unsigned int admin[] = { CAP_SYS_ADMIN };
	int ret = set_effective_uid(caller->uid, err);

	if (ret == 0)
		ret = set_caps(admin, COUNT(admin), err);
	if (ret < 0)
		return ret;
	if (unshare(flags) < 0)
		return ovl_fail(err, errno, "make", NULL,
				errno == ENOSPC
					? "too many launches at once: user.max_mnt_namespaces"
					: NULL,
				"namespaces");
	/* Becoming 0 again makes all permitted capabilities effective (capabilities(7)). */
	return set_effective_uid(0, err);
}

int privs_become_mounter(const struct caller *caller, struct ovl_error *err)
{
	int ret;

	setfsgid(caller->gid);
	setfsuid(caller->uid);
	/* They return the previous id, never an error: -1 is no id, and so only asks. */
	if (setfsgid((gid_t)-1) != (int)caller->gid || setfsuid((uid_t)-1) != (int)caller->uid)
		return ovl_fail(err, EPERM, "set", NULL, NULL, "file-system ids");
	ret = set_undumpable(err);
	return ret < 0 ? ret : set_caps(mounter_caps, COUNT(mounter_caps), err);
}

/* True if no capability is left. The ambient set is a part of the permitted one. */
static bool has_no_caps(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	static const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3];

	return syscall(SYS_capget, &header, data) == 0 && memcmp(data, none, sizeof(none)) == 0;
}

static bool has_ids(const struct caller *caller)
{
	uid_t uid[3];
	gid_t gid[3];

	if (getresuid(&uid[0], &uid[1], &uid[2]) < 0 || getresgid(&gid[0], &gid[1], &gid[2]) < 0)
		return false;
	return uid[0] == caller->uid && uid[1] == caller->uid && uid[2] == caller->uid &&
	       gid[0] == caller->gid && gid[1] == caller->gid && gid[2] == caller->gid;
}

static int drop(const struct caller *caller, struct ovl_error *err)
{
	/* Until then all that the program was started with is effective, and is enough. */
	int ret = is_reduced ? set_caps(NULL, 0, err) : 0;

	if (ret < 0)
		return ret;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return ovl_fail(err, errno, "set", NULL, NULL, "no_new_privs");
	if (syscall(SYS_setresgid, caller->gid, caller->gid, caller->gid) < 0)
		return ovl_fail(err, errno, "give up", NULL, NULL, "group ids");
	if (syscall(SYS_setresuid, caller->uid, caller->uid, caller->uid) < 0)
		return ovl_fail(err, errno, "give up", NULL, NULL, "user ids");
	ret = set_undumpable(err); /* at once: the ids are the caller's, and so is what has them */
	if (ret < 0)
		return ret;
	capng_clear(CAPNG_SELECT_ALL);
	if (capng_apply(CAPNG_SELECT_CAPS) != 0)
		return ovl_fail(err, EPERM, "give up", NULL, NULL, "capabilities");
	if (caller->uid != 0 && syscall(SYS_setresuid, 0, 0, 0) == 0)
		return ovl_fail(err, EPERM, "give up", "root came back", NULL, "user ids");
	if (!has_ids(caller) || !has_no_caps())
		return ovl_fail(err, EPERM, "give up", "something is left", NULL, "privileges");
	return 0;
}

int privs_drop(const struct caller *caller, struct ovl_error *err)
{
	static bool is_dropped;
	int ret = is_dropped || !caller->is_privileged ? 0 : drop(caller, err);

	is_dropped = ret == 0;
	return ret;
}
