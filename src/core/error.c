/* SPDX-License-Identifier: MIT */
/* Describes one failure in a fixed-size record. */
#include <stdarg.h>
#include <stdio.h>

#include "ovl/error.h"

int ovl_fail(struct ovl_error *err, int errnum, const char *verb, const char *reason,
	     const char *hint, const char *object_format, ...)
{
	va_list args;

	err->errnum = errnum;
	err->verb = verb;
	err->reason = reason;
	err->hint = hint;
	va_start(args, object_format);
	vsnprintf(err->object, sizeof(err->object), object_format, args);
	va_end(args);
	return -errnum;
}

int ovl_cannot(struct ovl_error *err, int errnum, const char *verb, const char *object,
	       const char *reason)
{
	return ovl_fail(err, errnum, verb, reason, NULL, "%s", object);
}
