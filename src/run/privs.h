/* SPDX-License-Identifier: MIT */
/*
 * Stage "privs": every change of credentials and capabilities of ovlrun.
 *
 * The process is single-threaded, so the set*id system calls are made directly. Each change of the
 * effective or file-system ids resets the dumpable flag to fs.suid_dumpable (kernel/cred.c,
 * commit_creds): it is cleared again after each.
 */
#ifndef RUN_PRIVS_H
#define RUN_PRIVS_H

#include "process.h"

/*
 * Empties the bounding, ambient and inheritable sets and reduces the permitted and effective ones
 * to what a launch needs. -EPERM, with the cause if it can be told, if the process has no
 * privileges.
 */
int privs_reduce(const struct caller *caller, struct ovl_error *err);

/*
 * unshare(2) with the caller's effective uid, so that the kernel charges the namespaces to him
 * (user.max_*_namespaces); back to effective uid 0 afterwards.
 */
int privs_unshare(const struct caller *caller, int flags, struct ovl_error *err);

/*
 * The credentials for mounting the overlay: it keeps its mounter's for every later copy-up, and
 * with fsuid 0 the reserved blocks of ext4 and the quotas would not hold the caller. fsuid and
 * fsgid are the caller's, the effective capabilities only what copying up needs. They stay so until
 * privs_drop.
 */
int privs_become_mounter(const struct caller *caller, struct ovl_error *err);

/*
 * Gives everything up for good: ids are the caller's, no capability in any set, no_new_privs.
 * Proves it by looking and by trying to go back. Works from every stage; once done, or if the
 * process was never privileged, it does nothing. On failure the process must exit without a word.
 */
int privs_drop(const struct caller *caller, struct ovl_error *err);

#endif
