/* SPDX-License-Identifier: MIT */
/*
 * Messages on standard error.
 *
 * MUST 1. No untrusted byte reaches the terminal or a log unescaped; one message is one line and
 *         one write. (T47)
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "diag.h"

#define LINE_SIZE (4 * OVL_ERROR_OBJECT + 256)

void diag_escape(char *out, size_t size, const char *text, const char *also)
{
	size_t len = 0;

	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (len + 8 > size) { /* room for one escape, "..." and NUL */
			memcpy(out + len, "...", 3);
			len += 3;
			break;
		}
		if (c == '\\')
			out[len++] = '\\';
		if (c >= 0x20 && c < 0x7f && !strchr(also, c))
			out[len++] = (char)c;
		else
			len += (size_t)snprintf(out + len, size - len, "\\x%02x", c);
	}
	out[len] = '\0';
}

/* Nobody is left to be told when standard error itself fails. */
static void say(const char *line, int len)
{
	if (len > LINE_SIZE - 1)
		len = LINE_SIZE - 1;
	if (len > 0 && write(STDERR_FILENO, line, (size_t)len) < 0)
		return;
}

/* What to do about errors that come up anywhere. */
static const struct {
	int errnum;
	const char *hint;
} usual[] = {
	{ ENOSPC, "a larger --tmpfs-size may help, or room on the disk" },
	{ ENOMEM, "a larger --tmpfs-size may help, or less use of memory" },
	{ EMFILE, "your limit of descriptors (ulimit -n) is reached" },
	{ EFBIG, "your limit of file sizes (ulimit -f) is reached" },
	{ EAGAIN, "your limit of processes (ulimit -u) is reached" },
	{ ENOEXEC, "it is built for another architecture, or a text without `#!`" },
	{ ENOSYS, "Linux 5.12 or later is needed, or --bare" },
};

static const char *hint_of(const struct ovl_error *err)
{
	for (size_t i = 0; !err->hint && i < sizeof(usual) / sizeof(usual[0]); i++) {
		if (usual[i].errnum == err->errnum)
			return usual[i].hint;
	}
	return err->hint;
}

void diag_error(const struct ovl_error *err, bool quiet)
{
	char object[4 * OVL_ERROR_OBJECT], line[LINE_SIZE];

	diag_escape(object, sizeof(object), err->object, "");
	say(line, snprintf(line, sizeof(line), "ovlrun: cannot %s %s: %s\n", err->verb, object,
			   err->reason ? err->reason : strerror(err->errnum)));
	if (hint_of(err) && !quiet)
		diag_note("hint", hint_of(err));
}

void diag_note(const char *label, const char *text)
{
	char object[4 * OVL_ERROR_OBJECT], line[LINE_SIZE];

	diag_escape(object, sizeof(object), text, "");
	say(line, snprintf(line, sizeof(line), "ovlrun: %s: %s\n", label, object));
}
