/* SPDX-License-Identifier: MIT */
/* What the first process does when nothing can be booted. */
#ifndef INIT_ONFAIL_H
#define INIT_ONFAIL_H

/*
 * how: "shell", "reboot" or "halt"; NULL or anything else: halt. Says so on the console, and never returns: if the first process
 * ended, the kernel would panic.
 */
_Noreturn void onfail(const char *how);

#endif
