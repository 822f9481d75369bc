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

#include "args.h"
#include "process.h"

/*
 * Reduces the permitted and effective sets to what this launch needs, and the bounding set to what
 * its payload keeps: nothing, or if the caller is root what --caps says (default: what Docker
 * leaves a container). -EPERM, with the cause if it can be told, if the process has no privileges
 * or the caller may not ask for that.
 */
int privs_reduce(const struct caller *caller, const struct request *request, struct ovl_error *err);

/*
 * Between the two the effective uid is the caller's, so that the kernel charges what is made to him
 * (user.max_*_namespaces), and SYS_ADMIN is the one effective capability.
 */
int privs_begin_charge(const struct caller *caller, struct ovl_error *err);
int privs_end_charge(struct ovl_error *err);

/*
 * Files are opened as by the caller himself: fsuid and fsgid are his, and no capability is
 * effective.
 */
int privs_become_opener(const struct caller *caller, struct ovl_error *err);

/* After privs_become_opener: root's own file-system ids again, and all capabilities of the launch.
 */
int privs_become_root(struct ovl_error *err);

/*
 * After privs_become_opener: the credentials for mounting. The overlay keeps its mounter's for
 * every later copy-up, and with fsuid 0 the reserved blocks of ext4 and the quotas would not hold
 * the caller. The effective capabilities are only what copying up needs. They stay so
 * until privs_drop, or privs_become_opener.
 */
int privs_become_mounter(struct ovl_error *err);

/*
 * Gives everything up for good: ids are the caller's, no capability in any set (for root: only those
 * of privs_reduce), no_new_privs. Proves it by looking and by trying to go back. Works from every
 * stage; once done, or if the process was never privileged, it does nothing. On failure the process
 * must exit without a word.
 */
int privs_drop(const struct caller *caller, struct ovl_error *err);

/*
 * After the drop, into the caller's own user namespace (its owner needs no privilege for that): his ids are 0
 * there, and he has all capabilities, of which none reaches outside. The mounts that are there are
 * locked, since they come from a namespace of another owner (mount_namespaces(7)): in a second mount
 * namespace, inside, he can mount, and cannot take away what is there.
 */
int privs_enter_userns(int usernsfd, struct ovl_error *err);

#endif
