/* SPDX-License-Identifier: MIT */
/*
 * The sources of -b and --home.
 *
 * MUST 1. They are opened with the caller's ids, and with no capability; what is bound is what was
 *         opened. (T12)
 * MUST 2. No magic link of /proc is followed: the program's own descriptors lead past the tree's
 *         closed ancestors. (T12)
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/openat2.h>

#include "privs.h"
#include "stages.h"

static int open_source(struct plan_bind *bind, struct ovl_error *err)
{
	const struct open_how how = { .flags = O_PATH | O_CLOEXEC,
				      .resolve = RESOLVE_NO_MAGICLINKS };
	struct stat st;
	int fd = -1;

	bind->fd = (int)syscall(SYS_openat2, AT_FDCWD, bind->to.source, &how, sizeof(how));
	if (bind->fd < 0 && bind->is_own)
		return 0;
	if (bind->fd < 0 || fstat(bind->fd, &st) < 0)
		return ovl_cannot(err, errno, "bind", bind->to.source,
				  errno == ELOOP
					  ? "it leads through a process of /proc, or in a circle"
					  : NULL);
	bind->is_dir = S_ISDIR(st.st_mode);
	/* Opening a directory like this asks for nothing of it: enter it, as the payload would. */
	if (bind->is_dir && (fd = openat(bind->fd, ".", O_PATH | O_CLOEXEC)) < 0)
		return ovl_cannot(err, errno, "bind", bind->to.source, NULL);
	close(fd);
	return 0;
}

int binds_open(struct launch_plan *plan, struct ovl_error *err)
{
	int ret;

	if (plan->bind_count == 0)
		return 0;
	ret = privs_become_opener(plan->caller, err);
	for (unsigned int i = 0; ret == 0 && i < plan->bind_count; i++)
		ret = open_source(&plan->bind[i], err);
	return ret ?: privs_become_root(err);
}
