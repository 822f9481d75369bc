/* SPDX-License-Identifier: MIT */
/*
 * Processes beside the payload.
 *
 * MUST 1. None of them outlives the one that the caller started: pid 1 watches its descriptor; the
 *         payload has a death signal, set when no change of credentials follows that would clear
 *         it, and then looks whether that one still lives. (T46)
 * MUST 2. The payload has the signal mask and dispositions of the caller. (T23)
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "privs.h"
#include "supervise.h"

static pid_t init; /* pid 1 of the new namespace, as seen here; 0: there is none */

/* The C library's own leaves out the signals that it keeps for itself. */
static void set_mask(const sigset_t *mask, sigset_t *old)
{
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, mask, old, 8);
}

/* A descriptor of this process, by which a child sees whether it lives. */
static int open_self(struct ovl_error *err)
{
	int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);

	return fd >= 0 ? fd : ovl_cannot(err, errno, "open", "a process descriptor", NULL);
}

/* Dies with the parent, whose descriptor that is. In a new pid namespace getppid() is always 0. */
static void die_with(int pidfd)
{
	struct pollfd parent = { .fd = pidfd, .events = POLLIN };

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || poll(&parent, 1, 0) != 0)
		_exit(1);
}

/* Pid 1: inherits the namespace's orphans, and with it they end. */
static _Noreturn void be_init(const struct caller *caller, const struct new_root *root, int saidfd,
			      int pidfd)
{
	struct pollfd fds[2] = { { .fd = pidfd, .events = POLLIN }, { .events = POLLIN } };
	struct signalfd_siginfo info;
	struct ovl_error err;
	sigset_t all;
	int ret;

	memset(&all, 255, sizeof(all));
	set_mask(&all, NULL);
	ret = root ? attach_new(root, "proc", "/proc", ATTACH_MAKE, &err) : 0;
	if (ret == 0 && chdir("/") < 0) /* which pivot_root(2) turns into the new one */
		ret = ovl_cannot(&err, errno, "enter", "/", NULL);
	ret = ret ?: process_close((int[]){ pidfd, saidfd }, 2, &err) ?: privs_drop(caller, &err);
	/* Said behind the drop: whoever waits for this process can then signal it. */
	if (write(saidfd, &ret, sizeof(ret)) != sizeof(ret) || ret < 0)
		_exit(1);
	close(saidfd);
	for (int fd = 0; fd <= 2; fd++) /* nobody must wait for its end of a pipe */
		close(fd);
	fds[1].fd = signalfd(-1, &all, SFD_CLOEXEC);
	/* A death signal would not do: a launch that is root's, without CAP_KILL, may not send it. */
	while (poll(fds, 2, -1) > 0 && !fds[0].revents) {
		if (read(fds[1].fd, &info, sizeof(info)) < 0)
			break;
		while (waitpid(-1, NULL, WNOHANG) > 0) /* behind the read: none is missed */
			;
	}
	_exit(0);
}

int supervise_start_init(const struct caller *caller, const struct new_root *root,
			 struct ovl_error *err)
{
	int said[2], ret = -EIO, pidfd = open_self(err);

	if (pidfd < 0)
		return pidfd;
	if (pipe2(said, O_CLOEXEC) < 0 || (init = process_clone(0)) < 0)
		return ovl_cannot(err, errno, "start", "a process", NULL);
	if (init == 0)
		be_init(caller, root, said[1], pidfd);
	close(pidfd);
	close(said[1]);
	if (read(said[0], &ret, sizeof(ret)) != sizeof(ret) || ret < 0)
		return ovl_cannot(err, -ret, "start", "the new pid namespace's first process",
				  NULL);
	close(said[0]);
	return 0;
}

/* Waits for the payload; its wait status. The signals of a terminal reach its whole group by
 * themselves. */
static int wait_for(pid_t payload, const sigset_t *all, bool has_session)
{
	siginfo_t info;
	int state;

	for (;;) {
		if (sigwaitinfo(all, &info) < 0)
			continue;
		if (info.si_signo != SIGCHLD) {
			if (info.si_code <= 0 || has_session || info.si_signo == SIGCONT)
				kill(payload, info.si_signo);
			continue;
		}
		while (waitpid(payload, &state, WNOHANG | WUNTRACED) > 0) {
			if (!WIFSTOPPED(state))
				return state;
			raise(SIGSTOP);
		}
	}
}

int supervise(const struct request *request, int *status, struct ovl_error *err)
{
	const struct sigaction usual = { .sa_handler = SIG_DFL };
	struct sigaction chld;
	sigset_t all, mask;
	pid_t payload;
	int pidfd, state;

	/* The leader of a process group cannot start a session. */
	if (init == 0 && !(request->new_session && setsid() < 0))
		return 0;
	pidfd = open_self(err);
	if (pidfd < 0)
		return pidfd;
	memset(&all, 255, sizeof(all)); /* sigfillset leaves some out, too */
	set_mask(&all, &mask);
	sigaction(SIGCHLD, &usual, &chld);
	payload = _Fork();
	if (payload < 0)
		return ovl_cannot(err, errno, "start", "a process", NULL);
	if (payload == 0) {
		die_with(pidfd);
		close(pidfd);
		if (request->new_session)
			setsid();
		sigaction(SIGCHLD, &chld, NULL);
		set_mask(&mask, NULL);
		return 0;
	}
	syscall(SYS_close_range, 0, ~0U, 0); /* nobody must wait for this end of a pipe */
	state = wait_for(payload, &all, request->new_session);
	*status = WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
	if (init > 0) {
		kill(init, SIGKILL);
		waitpid(init, NULL, __WALL); /* over when the namespace is empty */
	}
	return 1;
}
