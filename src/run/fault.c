/* SPDX-License-Identifier: MIT */
/* Fault points. Empty in the shipped program. */
#include "fault.h"

#ifdef OVL_FAULT_POINTS
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void fault_point(const char *stage)
{
	const char *wanted = getenv("OVL_FAULT"); /* in a test build only */
	size_t len = strlen(stage);

	if (!wanted || strncmp(wanted, stage, len) != 0 || wanted[len] != ':')
		return;
	if (strcmp(wanted + len, ":sleep") == 0)
		sleep(1);
	else
		raise(strcmp(wanted + len, ":die") == 0 ? SIGKILL : SIGSTOP);
}
#else
typedef int fault_unused; /* a translation unit may not be empty */
#endif
