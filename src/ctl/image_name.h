/* SPDX-License-Identifier: MIT */
/*
 * Names of published images, as ovlrun.conf(5) has them: components of a-z0-9._- joined by '/', each beginning with a letter or
 * digit, the first perhaps with ":PORT"; then ":TAG". So a name is a path beneath the records' directory.
 */
#ifndef CTL_IMAGE_NAME_H
#define CTL_IMAGE_NAME_H

#include <stdbool.h>

#define IMAGE_NAME_MAX	128		     /* bytes of a name as it is given */
#define IMAGE_NAME_SIZE (IMAGE_NAME_MAX + 8) /* with ":latest" and NUL */

/* Copies name to whole, with ":latest" if it has no tag. False if it is no name. */
bool image_name_whole(const char *name, char whole[IMAGE_NAME_SIZE]);

/* True if a rule's pattern means the image: it is its name, or it ends in '*', which stands for no '/'. */
bool image_name_matches(const char *pattern, const char *whole);

#endif
