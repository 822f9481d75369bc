/* SPDX-License-Identifier: MIT */
/*
 * Counts, exactly, what a launch costs before its payload runs.
 *
 *   count [-i] [-u ID] PROGRAM [ARG...]
 *
 * Run by root, because only then a traced program keeps its setuid bit. The
 * count starts behind the exec of PROGRAM and ends with the exec of the
 * payload, that call included. Output, one line:
 *
 *   calls=N after_mount=N faults=N hwm_kib=N [instructions=N]
 *
 * calls: system calls. after_mount: those of them behind the last mount(2) or
 * move_mount(2), where a launch can only be reading again. faults: page faults,
 * the dearest thing after the mounts where the machine is virtual. hwm_kib: the
 * peak resident size of PROGRAM (VmHWM) when it asks for the last exec; later
 * that memory is gone and getrusage() would speak of the payload. instructions:
 * user instructions, by single steps in a second launch (-i), where each round
 * of a rep-prefixed one counts.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
/* after sys/ptrace.h, whose names collide with some of its */
#include <linux/ptrace.h>

static long id = -1;

static int wait_stop(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			err(1, "waitpid");
	return status;
}

/*
 * Starts argv stopped at the exec event of its own first exec. By attaching,
 * not by PTRACE_TRACEME: the latter records the child's credentials as the
 * tracer's, and the setuid bit would not count.
 */
static pid_t start(char **argv)
{
	int go[2], status;
	char byte;
	pid_t pid;

	if (pipe2(go, O_CLOEXEC))
		err(1, "pipe2");
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (pid == 0) {
		uid_t u = (uid_t)id;

		close(go[1]);
		if (id >= 0 && (setgroups(0, NULL) || setresgid(u, u, u) || setresuid(u, u, u)))
			err(127, "cannot become uid %ld", id);
		if (read(go[0], &byte, 1) != 0)
			_exit(127);
		execve(argv[0], argv, (char *[]){ "PATH=/usr/local/bin:/usr/bin:/bin", NULL });
		err(127, "%s", argv[0]);
	}
	close(go[0]);
	if (ptrace(PTRACE_ATTACH, pid, 0, 0))
		err(1, "ptrace attach");
	if (!WIFSTOPPED(wait_stop(pid)))
		exit(1);
	if (ptrace(PTRACE_SETOPTIONS, pid, 0,
		   PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL))
		err(1, "ptrace options");
	close(go[1]);
	if (ptrace(PTRACE_CONT, pid, 0, 0))
		err(1, "ptrace");
	status = wait_stop(pid);
	if (status >> 8 != (SIGTRAP | (PTRACE_EVENT_EXEC << 8)))
		errx(1, "%s did not start", argv[0]);
	return pid;
}

static long read_hwm(pid_t pid)
{
	char path[64], line[256];
	long kib = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	if (!f)
		err(1, "%s", path);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "VmHWM: %ld kB", &kib) == 1)
			break;
	fclose(f);
	if (kib < 0)
		errx(1, "%s has no VmHWM", path);
	return kib;
}

/* Faults of the process so far, of those that needed no disk (field 10 of stat; the name has no
 * spaces here). */
static long read_faults(pid_t pid)
{
	char path[64];
	long faults = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (!f || fscanf(f, "%*s %*s %*s %*s %*s %*s %*s %*s %*s %ld", &faults) != 1)
		err(1, "%s", path);
	fclose(f);
	return faults;
}

/* The number of the call being entered, or -1 on the way out of one. */
static long entered_call(pid_t pid)
{
	struct ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) <= 0)
		err(1, "PTRACE_GET_SYSCALL_INFO");
	return info.op == PTRACE_SYSCALL_INFO_ENTRY ? (long)info.entry.nr : -1;
}

/* The payload must have run and ended well, else the figures are those of a failure. */
static void finish(pid_t pid)
{
	int status;

	if (ptrace(PTRACE_DETACH, pid, 0, 0))
		err(1, "ptrace detach");
	status = wait_stop(pid);
	if (status != 0)
		errx(1, "the payload ended with wait status 0x%x", (unsigned)status);
}

struct figures {
	long calls;
	long after_mount;
	long faults;
	long hwm_kib;
};

static void take_call(pid_t pid, long nr, struct figures *f)
{
	f->calls++;
	f->after_mount++;
	if (nr == SYS_mount || nr == SYS_move_mount)
		f->after_mount = 0;
	if (nr == SYS_execve || nr == SYS_execveat) {
		f->faults = read_faults(pid);
		f->hwm_kib = read_hwm(pid);
	}
}

static struct figures count_calls(char **argv)
{
	struct figures f = { 0, 0, -1, -1 };
	pid_t pid = start(argv);
	long faults_before = read_faults(pid);
	int status, sig = 0;

	for (;;) {
		if (ptrace(PTRACE_SYSCALL, pid, 0, sig))
			err(1, "ptrace");
		status = wait_stop(pid);
		sig = 0;
		if (!WIFSTOPPED(status))
			errx(1, "it ended before its payload: wait status 0x%x", (unsigned)status);
		if (status >> 8 == (SIGTRAP | (PTRACE_EVENT_EXEC << 8)))
			break;
		if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
			long nr = entered_call(
				pid); /* the first stop is the way out of its own exec */

			if (nr >= 0)
				take_call(pid, nr, &f);
		} else {
			sig = WSTOPSIG(status);
		}
	}
	finish(pid);
	f.faults -= faults_before;
	return f;
}

static long count_instructions(char **argv)
{
	pid_t pid = start(argv);
	int status, sig = 0;
	long n = 0;

	for (;;) {
		if (ptrace(PTRACE_SINGLESTEP, pid, 0, sig))
			err(1, "PTRACE_SINGLESTEP");
		status = wait_stop(pid);
		sig = 0;
		if (!WIFSTOPPED(status))
			errx(1, "it ended before its payload: wait status 0x%x", (unsigned)status);
		if (status >> 8 == (SIGTRAP | (PTRACE_EVENT_EXEC << 8)))
			break;
		if (WSTOPSIG(status) == SIGTRAP)
			n++;
		else
			sig = WSTOPSIG(status);
	}
	finish(pid);
	return n;
}

int main(int argc, char **argv)
{
	int opt, instructions = 0;
	struct figures f;

	while ((opt = getopt(argc, argv, "+iu:")) != -1) {
		if (opt == 'i')
			instructions = 1;
		else if (opt == 'u')
			id = strtol(optarg, NULL, 10);
		else
			return 2;
	}
	if (!argv[optind])
		errx(2, "usage: count [-i] [-u ID] PROGRAM [ARG...]");
	f = count_calls(argv + optind);
	printf("calls=%ld after_mount=%ld faults=%ld hwm_kib=%ld", f.calls, f.after_mount, f.faults,
	       f.hwm_kib);
	if (instructions)
		printf(" instructions=%ld", count_instructions(argv + optind));
	putchar('\n');
	return 0;
}
