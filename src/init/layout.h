/* SPDX-License-Identifier: MIT */
/*
 * Where ovlinit keeps what it mounts: a directory of root's alone on /run, which moves along into the
 * new root. All names are plain (lowerdir.h), so that they can stand in mount data.
 */
#ifndef INIT_LAYOUT_H
#define INIT_LAYOUT_H

#define LAYOUT_DIR     "/run/ovl"
#define LAYOUT_ROOT    LAYOUT_DIR "/root"  /* the device with the tree, read-only */
#define LAYOUT_DISK    LAYOUT_DIR "/disk"  /* the device with the upper */
#define LAYOUT_STATE   LAYOUT_DIR "/state" /* the upper's directory: diff and work; or a tmpfs */
#define LAYOUT_TOP     LAYOUT_DIR "/top"   /* the generated topmost lower */
#define LAYOUT_NEWROOT "/newroot"	   /* not beneath /run, which will be moved into it */

#endif
