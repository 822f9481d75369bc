/* SPDX-License-Identifier: MIT */
/*
 * Stage "isolate".
 *
 * MUST 1. Nothing mounted later is seen outside: recursively private before any mount. (T40)
 * MUST 2. The namespaces count against the caller's own limits. (T45)
 */
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include "privs.h"
#include "stages.h"

static const int clone_flags[NAMESPACE_COUNT] = { CLONE_NEWPID, CLONE_NEWIPC, CLONE_NEWUTS,
						  CLONE_NEWNET, CLONE_NEWCGROUP };

static const char *explain(int errnum)
{
	if (errnum == ENOSPC)
		return "too many launches at once: sysctl user.max_mnt_namespaces and the like";
	return errnum == EINVAL ? "this kernel may lack one of them" : NULL;
}

static int set_loopback_up(struct ovl_error *err)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		return ovl_cannot(err, errno, "set up", "the loopback device", NULL);
	close(fd);
	return 0;
}

int isolate(const struct caller *caller, const struct request *request, struct ovl_error *err)
{
	int flags = CLONE_NEWNS, ret = privs_begin_charge(caller, err);

	if (ret < 0)
		return ret;
	for (int i = 0; i < NAMESPACE_COUNT; i++)
		flags |= request->unshare >> i & 1 ? clone_flags[i] : 0;
	if (unshare(flags) < 0)
		return ovl_fail(err, errno, "make", NULL, explain(errno), "namespaces");
	ret = privs_end_charge(err);
	if (ret < 0)
		return ret;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return ovl_fail(
			err, errno, "make mounts private below", NULL,
			errno == EINVAL
				? "in a chroot: bind-mount its root directory on itself first"
				: NULL,
			"/");
	if (request->hostname && sethostname(request->hostname, strlen(request->hostname)) < 0)
		return ovl_cannot(err, errno, "set host name", request->hostname, NULL);
	return request->unshare & NAMESPACE_NET ? set_loopback_up(err) : 0;
}
