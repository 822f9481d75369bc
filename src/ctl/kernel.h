/* SPDX-License-Identifier: MIT */
/*
 * What the kernel's overlay can do, found by trying: versions are not compared, since distributions backport.
 *
 * It is tried in a child process with a mount namespace of its own, and a tmpfs there: nothing outside changes. Who is not root gets a user
 * namespace for it, where the kernel gives one; some answers are then not to be had.
 */
#ifndef CTL_KERNEL_H
#define CTL_KERNEL_H

#include <stdbool.h>

enum answer { ANSWER_UNKNOWN, ANSWER_NO, ANSWER_YES }; /* zero: could not be tried */

struct kernel {
	enum answer overlay; /* it mounts, with an upper */
	enum answer
		native_diff; /* Docker may read changes from an upper itself: no redirect, opaque not copied up */
	enum answer lowerdir_plus; /* fsconfig's lowerdir+: more layers than a page has room for */
	enum answer descriptors;   /* layers by descriptor */
	enum answer is_volatile;   /* an upper without syncs */
	enum answer userxattr;	   /* marks in user.* */
	enum answer
		idmapped; /* layers of the file system of the directory asked for can have other owners */
};

/* path: absolute, of the directory that idmapped is asked of. */
void kernel_probe(struct kernel *kernel, const char *path);

#endif
