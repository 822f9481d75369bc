/* SPDX-License-Identifier: MIT */
/*
 * Credentials and capabilities.
 *
 * MUST 1. Every result is checked; libcap-ng's too. (T38)
 * MUST 2. Nothing here depends on /proc: capng_clear, capng_update and
 *         capng_apply(CAPNG_SELECT_CAPS) do not read it, the bounding set is dropped by prctl, and
 *         libcap-ng's constructor, which asks /proc/sys/kernel/cap_last_cap before main, can do
 *         without the answer. (T38)
 * MUST 3. Real and saved uid stay 0 until the drop. (T21, T22)
 * MUST 4. After the drop there is no way back, and that was tried. (T16, T38)
 * MUST 5. Nothing is said to the caller before the drop: his descriptors would get it as root's,
 *         with root's credentials on a socket, and set-id bits kept on a file. (T21 says)
 */
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cap-ng.h>

#include "privs.h"
#include "word.h"

#define CAP(name) (UINT64_C(1) << CAP_##name)

/* What copying up needs; with SYS_ADMIN for the mount itself. */
#define MOUNTER_CAPS \
	(CAP(SYS_ADMIN) | CAP(CHOWN) | CAP(DAC_OVERRIDE) | CAP(FOWNER) | CAP(SETFCAP) | CAP(FSETID))
/* And what every launch needs besides: ids of the caller, emptying the bounding set, nodes in /dev.
 */
#define LAUNCH_CAPS (MOUNTER_CAPS | CAP(SETUID) | CAP(SETGID) | CAP(SETPCAP) | CAP(MKNOD))
/* What Docker leaves to root in a container (moby: daemon/pkg/oci/caps/defaults.go). */
#define DOCKER_CAPS                                                                               \
	(CAP(CHOWN) | CAP(DAC_OVERRIDE) | CAP(FSETID) | CAP(FOWNER) | CAP(MKNOD) | CAP(NET_RAW) | \
	 CAP(SETGID) | CAP(SETUID) | CAP(SETFCAP) | CAP(SETPCAP) | CAP(NET_BIND_SERVICE) |        \
	 CAP(SYS_CHROOT) | CAP(KILL) | CAP(AUDIT_WRITE))

static uint64_t permitted;   /* what the launch works with; 0: not reduced yet */
static bool acts_for_caller; /* fsuid and fsgid are his */
static uint64_t kept;	     /* what the payload keeps */

#define LACKING "root may lack capabilities here: a container or user namespace?"

/* Permitted: the set above, and effective of it, which may be ALL_PERMITTED. */
#define ALL_PERMITTED UINT64_MAX
static int set_caps(uint64_t effective, struct ovl_error *err)
{
	int wrong = 0;

	capng_clear(CAPNG_SELECT_ALL);
	capng_setpid(0); /* this process, which may be a child of the one it last was */
	for (unsigned int cap = 0; cap < 64; cap++) {
		if (permitted >> cap & 1)
			wrong |= capng_update(CAPNG_ADD, CAPNG_PERMITTED, cap);
		if ((permitted & effective) >> cap & 1)
			wrong |= capng_update(CAPNG_ADD, CAPNG_EFFECTIVE, cap);
	}
	if (wrong || capng_apply(CAPNG_SELECT_CAPS) != 0)
		return ovl_fail(err, EPERM, "set", NULL, LACKING, "capabilities");
	return 0;
}

static int set_undumpable(struct ovl_error *err)
{
	if (prctl(PR_SET_DUMPABLE, 0) < 0)
		return ovl_cannot(err, errno, "set", "the dumpable flag", NULL);
	return 0;
}

static int set_effective_uid(uid_t uid, struct ovl_error *err)
{
	if (syscall(SYS_setresuid, -1, uid, -1) < 0)
		return ovl_cannot(err, errno, "set", "effective user id", NULL);
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

/* The capabilities that the process has: its permitted set. False if that cannot be told. */
static bool caps_now(struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3], uint64_t *caps)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };

	if (syscall(SYS_capget, &header, data) < 0)
		return false;
	*caps = data[0].permitted | (uint64_t)data[1].permitted << 32;
	return true;
}

/* What a payload of root's keeps: "all", "none" or names, of what he has himself. */
static int parse_caps(const char *list, uint64_t *caps, struct ovl_error *err)
{
	struct word rest = { list, strlen(list) };
	char name[32];

	*caps = strcmp(list, "all") == 0 ? UINT64_MAX : 0;
	if (*caps || strcmp(list, "none") == 0)
		return 0;
	for (bool is_last = false; !is_last;) {
		size_t before = rest.len;
		struct word word = word_cut(&rest, ',');
		int cap = -1;

		is_last = word.len == before;
		if (word.len > 0 && word.len < sizeof(name)) {
			memcpy(name, word.at, word.len);
			name[word.len] = '\0';
			cap = capng_name_to_capability(name);
		}
		if (cap < 0)
			return ovl_cannot(err, EINVAL, "keep capabilities", list,
					  "the names are as in capabilities(7), without cap_");
		*caps |= UINT64_C(1) << cap;
	}
	return 0;
}

static int choose_kept(const struct caller *caller, const struct request *request,
		       struct ovl_error *err)
{
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	uint64_t wanted = DOCKER_CAPS, now;
	struct stat st;

	if (caller->uid != 0 && (request->caps || request->privileged))
		return ovl_cannot(err, EPERM, "use", request->caps ? "--caps" : "--privileged",
				  "only root's payload keeps capabilities");
	if (caller->uid != 0)
		return 0;
	if (stat("/", &st) < 0 || st.st_uid != 0)
		return ovl_fail(err, EPERM, "get", "root here is not this machine's root",
				"start it outside the user namespace or container", "privileges");
	if (request->caps && parse_caps(request->caps, &wanted, err) < 0)
		return -EINVAL;
	if (!caps_now(data, &now))
		return ovl_cannot(err, errno, "read", "capabilities", NULL);
	kept = now & (request->privileged ? UINT64_MAX : wanted);
	return 0;
}

/* Drops all of it but kept. The first number that the kernel does not know is EINVAL. */
static int reduce_bounding_set(struct ovl_error *err)
{
	int cap = 0;

	while (cap < 64 &&
	       prctl(kept >> cap & 1 ? PR_CAPBSET_READ : PR_CAPBSET_DROP, cap, 0, 0, 0) >= 0)
		cap++;
	if (errno != EINVAL || cap == 0)
		return ovl_fail(err, errno, "drop", NULL, LACKING,
				"capability %d from the bounding set", cap);
	return 0;
}

int privs_reduce(const struct caller *caller, const struct request *request, struct ovl_error *err)
{
	int ret;

	if (!caller->is_privileged)
		return explain_unprivileged(err);
	/* With SECBIT_NO_SETUID_FIXUP and the like changes of ids no longer do what this file
	 * relies on. */
	if (prctl(PR_GET_SECUREBITS) != 0)
		return ovl_fail(err, EPERM, "get", "the caller runs with securebits set",
				"start it outside the service that set them", "privileges");
	ret = choose_kept(caller, request, err) ?: reduce_bounding_set(err);
	if (ret < 0)
		return ret;
	permitted = LAUNCH_CAPS | kept;
	if (request->unshare & NAMESPACE_NET) /* to set the loopback device up */
		permitted |= CAP(NET_ADMIN);
	if (request->userns) /* to open the namespace of the process that holds the map */
		permitted |= CAP(SYS_PTRACE);
	ret = set_caps(ALL_PERMITTED, err);
	if (ret < 0) /* as the process was started, it can still give up what it has */
		permitted = 0;
	return ret;
}

int privs_begin_charge(const struct caller *caller, struct ovl_error *err)
{
	return set_effective_uid(caller->uid, err) ?: set_caps(CAP(SYS_ADMIN), err);
}

int privs_end_charge(struct ovl_error *err)
{
	return set_effective_uid(0, err) ?: set_caps(ALL_PERMITTED, err);
}

static int set_fs_ids(uid_t uid, gid_t gid, struct ovl_error *err)
{
	setfsgid(gid);
	setfsuid(uid);
	/* They return the previous id, never an error: -1 is no id, and so only asks. */
	if (setfsgid((gid_t)-1) != (int)gid || setfsuid((uid_t)-1) != (int)uid)
		return ovl_cannot(err, EPERM, "set", "file-system ids", NULL);
	return set_undumpable(err);
}

int privs_become_opener(const struct caller *caller, struct ovl_error *err)
{
	int ret = acts_for_caller ? 0 : set_fs_ids(caller->uid, caller->gid, err);

	acts_for_caller = true;
	return ret ?: set_caps(0, err);
}

int privs_become_root(struct ovl_error *err)
{
	acts_for_caller = false;
	/* The ids first need their capability back. */
	return set_caps(ALL_PERMITTED, err) ?: set_fs_ids(0, 0, err) ?: set_caps(ALL_PERMITTED, err);
}

int privs_become_mounter(struct ovl_error *err)
{
	return set_caps(MOUNTER_CAPS, err);
}

/* True if the capabilities are exactly these, in the permitted and effective sets alone. */
static bool has_caps(uint64_t caps)
{
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	uint64_t now;

	return caps_now(data, &now) && now == caps && data[0].effective == data[0].permitted &&
	       data[1].effective == data[1].permitted && data[0].inheritable == 0 &&
	       data[1].inheritable == 0;
}

static bool has_ids(uid_t uid, gid_t gid)
{
	uid_t uids[3];
	gid_t gids[3];

	if (getresuid(&uids[0], &uids[1], &uids[2]) < 0 ||
	    getresgid(&gids[0], &gids[1], &gids[2]) < 0)
		return false;
	return uids[0] == uid && uids[1] == uid && uids[2] == uid && gids[0] == gid &&
	       gids[1] == gid && gids[2] == gid;
}

static int drop(const struct caller *caller, struct ovl_error *err)
{
	/* Until then all that the program was started with is effective, and is enough. */
	int ret = permitted ? set_caps(ALL_PERMITTED, err) : 0;

	if (ret < 0)
		return ret;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return ovl_cannot(err, errno, "set", "no_new_privs", NULL);
	if (syscall(SYS_setresgid, caller->gid, caller->gid, caller->gid) < 0)
		return ovl_cannot(err, errno, "give up", "group ids", NULL);
	if (syscall(SYS_setresuid, caller->uid, caller->uid, caller->uid) < 0)
		return ovl_cannot(err, errno, "give up", "user ids", NULL);
	permitted = kept;
	/* At once: the ids are the caller's, and so is what has them. */
	ret = set_undumpable(err) ?: set_caps(ALL_PERMITTED, err);
	if (ret < 0)
		return ret;
	if (caller->uid != 0 && syscall(SYS_setresuid, 0, 0, 0) == 0)
		return ovl_cannot(err, EPERM, "give up", "user ids", "root came back");
	if (!has_ids(caller->uid, caller->gid) || !has_caps(kept))
		return ovl_cannot(err, EPERM, "give up", "privileges", "something is left");
	return 0;
}

int privs_drop(const struct caller *caller, struct ovl_error *err)
{
	static bool is_dropped;
	int ret = is_dropped || !caller->is_privileged ? 0 : drop(caller, err);

	is_dropped = ret == 0;
	return ret;
}

int privs_enter_userns(int usernsfd, struct ovl_error *err)
{
	int ret;

	if (setns(usernsfd, CLONE_NEWUSER) < 0)
		return ovl_cannot(err, errno, "enter", "the user namespace", NULL);
	ret = set_undumpable(err);
	if (ret < 0)
		return ret;
	if (unshare(CLONE_NEWNS) < 0)
		return ovl_fail(
			err, errno, "make", NULL,
			errno == ENOSPC
				? "too many launches at once: sysctl user.max_mnt_namespaces"
				: NULL,
			"the inner mount namespace");
	return has_ids(0, 0) ? 0
			     : ovl_cannot(err, EPERM, "enter", "the user namespace",
					  "the ids are not its root's");
}
