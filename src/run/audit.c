/* SPDX-License-Identifier: MIT */
/*
 * The record of launches and refusals.
 *
 * MUST 1. One line each, every untrusted byte escaped.  (T47)
 * MUST 2. A full or dead log never holds a launch up.  (audit.bats)
 * MUST 3. Nothing below the new root is ever opened.  (T34)
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "audit.h"
#include "diag.h"

#define LINE_MAX_BYTES 2048
#define VALUE_MAX      600 /* bytes of one escaped value; what is longer ends in "..." */

struct record {
	char text[LINE_MAX_BYTES];
	size_t len;
};

int audit_open(void)
{
	const struct sockaddr_un log = { .sun_family = AF_UNIX, .sun_path = "/dev/log" };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0 && connect(fd, (const struct sockaddr *)&log, sizeof(log)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static void put(struct record *record, const char *text)
{
	size_t len = strlen(text), room = sizeof(record->text) - record->len;

	if (len > room)
		len = room;
	memcpy(record->text + record->len, text, len);
	record->len += len;
}

static void put_value(struct record *record, const char *key, const char *value)
{
	char escaped[VALUE_MAX];

	diag_escape(escaped, sizeof(escaped), value);
	put(record, key);
	put(record, escaped);
}

static void begin(struct record *record, int level, const struct caller *caller,
		  const struct request *request)
{
	static const char *const kinds[] = { " image=", " layer=", " layers=" };
	char head[96];

	snprintf(head, sizeof(head), "<%d>ovlrun[%d]: uid=%u gid=%u", LOG_AUTHPRIV | level,
		 getpid(), caller->uid, caller->gid);
	put(record, head);
	put_value(record, kinds[request->kind],
		  request->kind == REQUEST_IMAGE ? request->image : request->name);
	if (request->upper)
		put_value(record, " writable=", request->upper);
}

/* The log may be full or gone; the launch does not depend on it. */
static void end(int fd, const struct record *record)
{
	if (send(fd, record->text, record->len, MSG_NOSIGNAL) < 0)
		return;
}

void audit_launch(int fd, const struct launch_plan *plan)
{
	struct record record = { .len = 0 };

	if (fd < 0)
		return;
	begin(&record, LOG_INFO, plan->caller, plan->request);
	put_value(&record, " tree=", plan->tree);
	put_value(&record, " top=", plan->stack->layer[0].id);
	put(&record, plan->request->read_only ? " read-only" : "");
	put(&record, " result=launched");
	end(fd, &record);
}

void audit_refusal(int fd, const struct caller *caller, const struct request *request,
		   const struct ovl_error *err)
{
	struct record record = { .len = 0 };

	if (fd < 0)
		return;
	begin(&record, LOG_NOTICE, caller, request);
	if (request->tree)
		put_value(&record, " tree=", request->tree);
	put(&record, " result=refused: cannot ");
	put(&record, err->verb);
	put_value(&record, " ", err->object);
	put(&record, ": ");
	put(&record, err->reason ? err->reason : strerror(err->errnum));
	end(fd, &record);
}
