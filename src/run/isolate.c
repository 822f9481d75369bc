/* SPDX-License-Identifier: MIT */
/*
 * Stage "isolate".
 *
 * MUST 1. Nothing mounted later is seen outside: recursively private before any mount.  (T40)
 * MUST 2. The namespace counts against the caller's own limit.  (T45)
 */
#include <errno.h>
#include <sched.h>
#include <sys/mount.h>

#include "privs.h"
#include "stages.h"

int isolate_mounts(const struct caller *caller, struct ovl_error *err)
{
	int ret = privs_unshare(caller, CLONE_NEWNS, err);

	if (ret < 0)
		return ret;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return ovl_fail(
			err, errno, "make mounts private below", NULL,
			errno == EINVAL
				? "in a chroot: bind-mount its root directory on itself first"
				: NULL,
			"/");
	return 0;
}
