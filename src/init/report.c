/* SPDX-License-Identifier: MIT */
/* Messages. */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "report.h"

#define LINE_SIZE 960 /* the kernel's log takes no longer line (kernel/printk/printk.c) */

static bool is_verbose;

/* Nobody is left to be told when this fails. */
static void write_line(int fd, const char *text, size_t len)
{
	if (write(fd, text, len) < 0)
		return;
}

void report_to_console(void)
{
	static bool is_missing;
	int fd;

	is_missing = is_missing || (getpid() == 1 && fcntl(STDERR_FILENO, F_GETFD) < 0);
	if (!is_missing)
		return;
	fd = open("/dev/console", O_RDWR | O_NOCTTY);
	is_missing = fd < 0;
	if (fd < 0)
		fd = open("/dev/null", O_RDWR);
	for (int i = 0; fd >= 0 && i <= STDERR_FILENO; i++)
		dup2(fd, i);
	if (fd > STDERR_FILENO)
		close(fd);
}

void report(enum report_kind kind, const char *format, ...)
{
	static const char *const labels[] = { "", "hint: ", "note: ", "debug: " };
	char line[LINE_SIZE + 1];
	va_list args;
	size_t len;
	int start, fd;

	if (kind == REPORT_DEBUG && !is_verbose)
		return;
	report_to_console();
	start = snprintf(line, sizeof(line), "<7>ovlinit: %s", labels[kind]);
	va_start(args, format);
	vsnprintf(line + start, sizeof(line) - (size_t)start - 1, format, args);
	va_end(args);
	len = strlen(line);
	for (size_t i = 0; i < len; i++) { /* names of a damaged disk may hold anything */
		if ((unsigned char)line[i] < ' ' || (unsigned char)line[i] > '~')
			line[i] = '?';
	}
	line[len++] = '\n';
	write_line(STDERR_FILENO, line + 3, len - 3);
	fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC | O_NOCTTY);
	if (fd >= 0) {
		write_line(fd, line, len);
		close(fd);
	}
}

void report_error(const struct ovl_error *err)
{
	report(REPORT_ERROR, "cannot %s %s: %s", err->verb, err->object,
	       err->reason ? err->reason : strerror(err->errnum));
	if (err->hint)
		report(REPORT_HINT, "%s", err->hint);
}

void report_be_verbose(void)
{
	is_verbose = true;
}
