/* SPDX-License-Identifier: MIT */
/*
 * The floor: the system calls without which no setuid program can start a
 * payload on layers, and nothing else. No check of any kind, so it is a
 * measuring stick for a private lab and must never be installed anywhere:
 * whoever runs it setuid is root.
 *
 *   floor TREE LOWERDIR ID PROGRAM [ARG...]
 *
 * TREE becomes the cwd, LOWERDIR is put into the mount data as it stands (such
 * as l/A:l/B), ID is the user and group id to drop to. It is linked statically
 * with the same libc as ovlrun and is called in the same way.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PLACE "/run/ovlrun"
#define UPPER ",upperdir=" PLACE "/u,workdir=" PLACE "/w"

/* Which call failed is told by the exit status; there is no stdio to say it with. */
static void need(int failed, int step)
{
	if (failed)
		_exit(100 + step);
}

int main(int argc, char **argv)
{
	char data[4096] = "lowerdir=";
	size_t len = sizeof("lowerdir=") - 1, lower_len;
	unsigned int id;

	need(argc < 5, 0);
	lower_len = strlen(argv[2]);
	need(len + lower_len + sizeof(UPPER) > sizeof(data), 0);
	memcpy(data + len, argv[2], lower_len);
	memcpy(data + len + lower_len, UPPER, sizeof(UPPER));
	id = (unsigned int)strtoul(argv[3], NULL, 10);

	need(unshare(CLONE_NEWNS), 1);
	need(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 2);
	need(mount("tmpfs", PLACE, "tmpfs", MS_NOSUID | MS_NODEV, NULL), 3);
	need(mkdir(PLACE "/u", 0755), 4);
	need(mkdir(PLACE "/w", 0755), 5);
	need(mkdir(PLACE "/m", 0755), 6);
	need(chdir(argv[1]), 7);
	need(mount("overlay", PLACE "/m", "overlay", MS_NOSUID | MS_NODEV, data), 8);
	need(chdir(PLACE "/m"), 9);
	need((int)syscall(SYS_pivot_root, ".", "."), 10);
	need(umount2(".", MNT_DETACH), 11);
	need(chdir("/"), 12);
	/* raw: the libc's own wrappers stop all threads first, six more calls each */
	need((int)syscall(SYS_setresgid, id, id, id), 13);
	need((int)syscall(SYS_setresuid, id, id, id), 14);
	execve(argv[4], argv + 4, (char *[]){ NULL });
	return 115;
}
