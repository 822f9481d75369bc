/* SPDX-License-Identifier: MIT */
/* The end of a boot that failed: a shell, another try, or standing still with the message in sight. */
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <unistd.h>

#include "onfail.h"
#include "report.h"

#define SHELL	     "/bin/sh"
#define REBOOT_AFTER 5 /* s: time to read, and no tight loop of boots */

/* In a session of its own with the console as its terminal, so that job control and ^C work. */
static _Noreturn void run_shell(void)
{
	int fd;

	setsid();
	fd = open("/dev/console", O_RDWR | O_CLOEXEC);
	if (fd >= 0) {
		ioctl(fd, TIOCSCTTY, 1);
		for (int i = 0; i <= STDERR_FILENO; i++)
			dup2(fd, i);
	}
	execv(SHELL, (char *[]){ SHELL, "-i", NULL });
	_exit(127);
}

static void shell(void)
{
	pid_t pid, ended;

	report(REPORT_NOTE,
	       "nothing could be booted: starting a shell; the machine reboots when it ends");
	pid = _Fork(); /* no handlers, no locks: 1.5 KiB less */
	if (pid == 0)
		run_shell();
	do {
		ended = pid > 0 ? wait(NULL) : pid;
	} while (ended > 0 && ended != pid);
}

_Noreturn void onfail(const char *how)
{
	int command = RB_HALT_SYSTEM;

	if (how && strcmp(how, "shell") == 0 && access(SHELL, X_OK) == 0) {
		shell();
		command = RB_AUTOBOOT;
	} else if (how && strcmp(how, "reboot") == 0) {
		report(REPORT_NOTE, "nothing could be booted: rebooting in %d seconds",
		       REBOOT_AFTER);
		command = RB_AUTOBOOT;
	} else if (how && strcmp(how, "shell") == 0) {
		report(REPORT_NOTE, "nothing could be booted, and there is no %s here: halting",
		       SHELL);
	} else {
		report(REPORT_NOTE, "nothing could be booted: halting");
	}
	if (command == RB_AUTOBOOT)
		poll(NULL, 0, REBOOT_AFTER * 1000); /* a shell may not even have started */
	sync();
	reboot(command);
	for (;;) /* halted, or not permitted to */
		pause();
}
