/* SPDX-License-Identifier: MIT */
/*
 * Reads the policy file.
 *
 * MUST 1. Owner and mode are those of the open descriptor; no symlink, no FIFO, no unbounded file.
 *         (T10, T41)
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy.h"

static int check_file(int fd, struct ovl_error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return ovl_fail(err, errno, "examine", NULL, NULL, "%s", POLICY_FILE);
	if (!S_ISREG(st.st_mode))
		return ovl_fail(err, EINVAL, "trust", "not a regular file", NULL, "%s",
				POLICY_FILE);
	if (st.st_uid != 0)
		return ovl_fail(err, EPERM, "trust", "not owned by root", NULL, "%s", POLICY_FILE);
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return ovl_fail(err, EPERM, "trust", "writable by others than root", NULL, "%s",
				POLICY_FILE);
	if (st.st_size > POLICY_SIZE_MAX)
		return ovl_fail(err, EFBIG, "read", NULL, NULL, "%s", POLICY_FILE);
	return 0;
}

int policy_load(struct policy *policy, char *text, struct ovl_error *err)
{
	int fd = openat(AT_FDCWD, POLICY_FILE,
			O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	size_t len = 0;
	ssize_t got;
	int ret;

	policy->tree_count = 0;
	if (fd < 0)
		return errno == ENOENT
			       ? 0
			       : ovl_fail(err, errno, "open", NULL, NULL, "%s", POLICY_FILE);
	ret = check_file(fd, err);
	while (ret == 0 && (got = read(fd, text + len, POLICY_SIZE_MAX + 1 - len)) != 0) {
		if (got < 0)
			ret = ovl_fail(err, errno, "read", NULL, NULL, "%s", POLICY_FILE);
		else if ((len += (size_t)got) > POLICY_SIZE_MAX)
			ret = ovl_fail(err, EFBIG, "read", NULL, NULL, "%s", POLICY_FILE);
	}
	close(fd);
	if (ret < 0)
		return ret;
	text[len] = '\0';
	return policy_parse(policy, text, len, POLICY_FILE, err);
}
