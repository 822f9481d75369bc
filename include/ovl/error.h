/* SPDX-License-Identifier: MIT */
/*
 * The one error rule: a function returns 0 (or a useful non-negative value) or -errno, and
 * describes what failed in a struct ovl_error of the caller. Only a program's main prints it.
 */
#ifndef OVL_ERROR_H
#define OVL_ERROR_H

#ifndef OVL_ERROR_OBJECT     /* ovlctl, whose trees may lie at any path, has a larger one */
#define OVL_ERROR_OBJECT 384 /* a path of 255, a layer and a file in it */
#endif

struct ovl_error {
	int errnum;		       /* positive errno */
	const char *verb;	       /* static: "open", "mount", ... */
	char object[OVL_ERROR_OBJECT]; /* what it was done to, cut if longer; may hold untrusted
					  bytes */
	const char *reason;	       /* static, or NULL: strerror(errnum) */
	const char *hint;	       /* static, or NULL: what to do next */
};

/*
 * Fills *err and returns -errnum, so that `return ovl_fail(...)` is the whole of a failure path.
 * errnum: positive; verb, reason, hint: static strings, the last two may be NULL. The rest formats
 * the object. Callers read errno into errnum in the call itself: nothing runs before it.
 */
int ovl_fail(struct ovl_error *err, int errnum, const char *verb, const char *reason,
	     const char *hint, const char *object_format, ...)
	__attribute__((format(printf, 6, 7), nonnull(1, 3, 6)));

/* The same for an object that is a text, with no hint: "cannot VERB OBJECT: REASON". */
int ovl_cannot(struct ovl_error *err, int errnum, const char *verb, const char *object,
	       const char *reason) __attribute__((nonnull(1, 3, 4)));

#endif
