/* SPDX-License-Identifier: MIT */
/*
 * probe WORD...: a payload that reports what it sees, one `key: value` line each, without /proc.
 *
 *   ids groups caps nnp fds limits umask signals env cwd    what a process has
 *   regain                                                  tries to become root again, in many
 * ways open FILE                                               opens FILE, reads a byte wait says
 * "ready", then waits for end of input
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/capability.h>

extern char **environ;

static void ids(void)
{
	uid_t u[3];
	gid_t g[3];

	getresuid(&u[0], &u[1], &u[2]);
	getresgid(&g[0], &g[1], &g[2]);
	printf("uid: %u %u %u\ngid: %u %u %u\n", u[0], u[1], u[2], g[0], g[1], g[2]);
	/* An id that no one is only asks: what files are accessed with. */
	printf("fsuid: %ld\nfsgid: %ld\n", syscall(SYS_setfsuid, -1), syscall(SYS_setfsgid, -1));
}

static int compare(const void *a, const void *b)
{
	gid_t x = *(const gid_t *)a, y = *(const gid_t *)b;

	return x < y ? -1 : x > y;
}

static void groups(void)
{
	gid_t list[65536];
	int n = getgroups(65536, list);

	qsort(list, (size_t)n, sizeof(list[0]), compare);
	printf("groups:");
	for (int i = 0; i < n; i++)
		printf(" %u", list[i]);
	printf("\n");
}

static void caps(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2];
	unsigned long long bounding = 0, ambient = 0;

	if (syscall(SYS_capget, &header, d) < 0)
		exit(1);
	for (int cap = 0; cap < 64; cap++) {
		if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1)
			bounding |= 1ULL << cap;
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0) == 1)
			ambient |= 1ULL << cap;
	}
	printf("effective: %08x%08x\npermitted: %08x%08x\ninheritable: %08x%08x\n", d[1].effective,
	       d[0].effective, d[1].permitted, d[0].permitted, d[1].inheritable, d[0].inheritable);
	printf("bounding: %016llx\nambient: %016llx\n", bounding, ambient);
}

static void fds(void)
{
	for (int fd = 0; fd < 4096; fd++) {
		struct stat st;
		int flags = fcntl(fd, F_GETFL);

		if (flags >= 0 && fstat(fd, &st) == 0)
			printf("fd: %d type %o mode %d\n", fd, st.st_mode & S_IFMT,
			       flags & O_ACCMODE);
	}
}

static void limits(void)
{
	for (int resource = 0; resource < RLIM_NLIMITS; resource++) {
		struct rlimit r;

		if (getrlimit(resource, &r) == 0)
			printf("limit: %d %lld %lld\n", resource, (long long)r.rlim_cur,
			       (long long)r.rlim_max);
	}
}

static void signals(void)
{
	unsigned long long mask = 0;

	/* The kernel's own answer: musl leaves three signals out of its. */
	syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &mask, sizeof(mask));
	printf("ignored:");
	for (int sig = 1; sig < 65; sig++) {
		struct sigaction action;

		if (sigaction(sig, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
			printf(" %d", sig);
	}
	printf("\nblocked:");
	for (int sig = 1; sig < 65; sig++) {
		if (mask >> (sig - 1) & 1)
			printf(" %d", sig);
	}
	printf("\n");
}

static void tried(const char *what, long result)
{
	printf("%s: %s\n", what, result < 0 ? strerror(errno) : "SUCCEEDED");
}

static void regain(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct all[2] = { { ~0U, ~0U, 0 }, { ~0U, ~0U, 0 } };

	tried("setuid", setuid(0));
	tried("setresuid", syscall(SYS_setresuid, 0, 0, 0));
	tried("setresgid", syscall(SYS_setresgid, 0, 0, 0));
	tried("setgroups", setgroups(0, NULL));
	tried("capset", syscall(SYS_capset, &header, all));
	tried("unshare", unshare(CLONE_NEWNS));
	tried("mount", mount("none", "/", "tmpfs", 0, NULL));
	tried("remount", mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND, NULL));
	tried("umount", umount2("/", MNT_DETACH));
	tried("chroot", chroot("/"));
	tried("pivot_root", syscall(SYS_pivot_root, ".", "."));
	tried("mknod", mknod("/tmp/probe-null", S_IFCHR | 0666, 0x103));
	tried("trace", ptrace(PTRACE_ATTACH, 1, 0, 0));
	tried("nnp-off", prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
}

static int open_file(const char *name)
{
	char byte;
	int fd = open(name, O_RDONLY);

	if (fd < 0 || read(fd, &byte, 1) < 0) {
		printf("open: %s\n", strerror(errno));
		return 1;
	}
	printf("open: SUCCEEDED\n");
	return 0;
}

static void wait_for_end(void)
{
	char byte;

	printf("ready\n");
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
}

int main(int argc, char **argv)
{
	char cwd[4096];

	for (int i = 1; i < argc; i++) {
		const char *word = argv[i];

		if (strcmp(word, "ids") == 0) {
			ids();
		} else if (strcmp(word, "groups") == 0) {
			groups();
		} else if (strcmp(word, "caps") == 0) {
			caps();
		} else if (strcmp(word, "nnp") == 0) {
			printf("no_new_privs: %d\nsecurebits: %d\n",
			       prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), prctl(PR_GET_SECUREBITS));
		} else if (strcmp(word, "fds") == 0) {
			fds();
		} else if (strcmp(word, "limits") == 0) {
			limits();
		} else if (strcmp(word, "umask") == 0) {
			printf("umask: %04o\n", umask(0));
		} else if (strcmp(word, "signals") == 0) {
			signals();
		} else if (strcmp(word, "cwd") == 0) {
			printf("cwd: %s\n", getcwd(cwd, sizeof(cwd)) ? cwd : strerror(errno));
		} else if (strcmp(word, "env") == 0) {
			for (char **e = environ; *e; e++)
				printf("env: %s\n", *e);
		} else if (strcmp(word, "regain") == 0) {
			regain();
		} else if (strcmp(word, "open") == 0 && i + 1 < argc) {
			return open_file(argv[i + 1]);
		} else if (strcmp(word, "wait") == 0) {
			wait_for_end();
		} else {
			fprintf(stderr, "probe: what is %s?\n", word);
			return 2;
		}
	}
	return 0;
}
