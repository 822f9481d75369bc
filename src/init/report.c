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

__attribute__((format(printf, 2, 0))) static void say(const char *kind, const char *format,
						      va_list args)
{
	char line[LINE_SIZE + 1];
	int start = snprintf(line, sizeof(line), "<7>ovlinit: %s", kind), fd;
	size_t len;

	vsnprintf(line + start, sizeof(line) - (size_t)start - 1, format, args);
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

__attribute__((format(printf, 2, 3))) static void say_words(const char *kind, const char *format,
							    ...)
{
	va_list args;

	va_start(args, format);
	say(kind, format, args);
	va_end(args);
}

void report_error(const struct ovl_error *err)
{
	say_words("", "cannot %s %s: %s", err->verb, err->object,
		  err->reason ? err->reason : strerror(err->errnum));
	if (err->hint)
		say_words("hint: ", "%s", err->hint);
}

void report_note(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say("note: ", format, args);
	va_end(args);
}

void report_debug(const char *format, ...)
{
	va_list args;

	if (!is_verbose)
		return;
	va_start(args, format);
	say("debug: ", format, args);
	va_end(args);
}

void report_be_verbose(void)
{
	is_verbose = true;
}
