/* SPDX-License-Identifier: MIT */
/*
 * The record of launches and refusals.
 *
 * MUST 1. One line each, every untrusted byte escaped. (T47)
 * MUST 2. A full or dead log never holds a launch up for longer than a fifth of a second.
 *         (audit.bats)
 * MUST 3. Nothing below the new root is ever opened. (T34)
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "audit.h"
#include "diag.h"

#define VALUE_MAX 340 /* bytes of one escaped value; what is longer ends in "..." */
#define LINE_SIZE (5 * VALUE_MAX + 256)

int audit_open(void)
{
	const struct sockaddr_un log = { .sun_family = AF_UNIX, .sun_path = "/dev/log" };
	const struct timeval patience = { .tv_usec = 200000 };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	/* A full log is waited for a little: else a caller could fill it to leave no record. */
	if (fd >= 0 && (connect(fd, (const struct sockaddr *)&log, sizeof(log)) < 0 ||
			setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0)) {
		close(fd);
		return -1;
	}
	return fd;
}

void audit(int fd, const struct caller *caller, const struct request *request,
	   const struct launch_plan *plan, const struct ovl_error *err)
{
	static const char *const kinds[] = { "image", "layer", "layers" };
	const char *name = request->kind == REQUEST_IMAGE ? request->image : request->name;
	const char *values[] = { name, request->upper, plan ? plan->tree : request->tree,
				 plan ? plan->stack->layer[0].id : NULL,
				 plan ? NULL : err->object };
	char escaped[5][VALUE_MAX], line[LINE_SIZE];
	int len;

	if (fd < 0)
		return;
	/* Blanks and '=' too: no value can look like another field. */
	for (int i = 0; i < 5; i++)
		diag_escape(escaped[i], VALUE_MAX, values[i] ? values[i] : "-", i < 4 ? " =" : "=");
	len = snprintf(line, sizeof(line),
		       "<%d>ovlrun[%d]: uid=%u gid=%u %s=%s writable=%s tree=%s top=%s "
		       "read-only=%s result=%s",
		       LOG_AUTHPRIV | (plan ? LOG_INFO : LOG_NOTICE), getpid(), caller->uid,
		       caller->gid, kinds[request->kind], escaped[0], escaped[1], escaped[2],
		       escaped[3], request->read_only ? "yes" : "no",
		       plan ? "launched" : "refused: cannot ");
	if (!plan && len > 0 && (size_t)len < sizeof(line))
		len += snprintf(line + len, sizeof(line) - (size_t)len, "%s %s: %s", err->verb,
				escaped[4], err->reason ? err->reason : strerror(err->errnum));
	if (len >= LINE_SIZE)
		len = LINE_SIZE - 1;
	/* The log may be gone; the launch does not depend on it. */
	if (len > 0 && send(fd, line, (size_t)len, MSG_NOSIGNAL) < 0)
		return;
}
