/* SPDX-License-Identifier: MIT */
/*
 * What ovlinit says: on standard error, which is the console for /init, and into the kernel's log at
 * debug level, so that `dmesg` of the booted machine has it and the console does not have it twice.
 */
#ifndef INIT_REPORT_H
#define INIT_REPORT_H

#include <stdbool.h>

#include "ovl/error.h"

/* "ovlinit: cannot VERB OBJECT: REASON", and "ovlinit: hint: ..." if there is one. */
void report_error(const struct ovl_error *err);

enum report_kind {
	REPORT_ERROR, /* "ovlinit: ..." */
	REPORT_HINT,  /* "ovlinit: hint: ..." */
	REPORT_NOTE,  /* "ovlinit: note: ..." */
	REPORT_DEBUG, /* "ovlinit: debug: ...", said only after report_be_verbose() */
};

void report(enum report_kind kind, const char *format, ...) __attribute__((format(printf, 2, 3)));
void report_be_verbose(void);

/*
 * For the first process: makes /dev/console its descriptors 0-2 if they are closed. They are /dev/null as long as there is none;
 * its driver may be a module, and may come up later than that, so it is tried again with each message.
 */
void report_to_console(void);

#endif
