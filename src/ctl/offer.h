/* SPDX-License-Identifier: MIT */
/* What `ovlctl allow` is asked for: an image, a name for it, and who may do what with it. */
#ifndef CTL_OFFER_H
#define CTL_OFFER_H

#include "image_name.h"
#include "policy.h"
#include "record.h"
#include "verb.h"

struct offer {
	char name[IMAGE_NAME_SIZE];
	struct record record;
	char *text; /* of the record */
	struct who *users;
	unsigned int user_count;
	const char *features, *limit; /* or NULL */
};

/* Fills in users, features and limit from the call's options. -EINVAL, -ENOENT. */
int offer_parse(const struct call *call, struct offer *offer, struct ovl_error *err);

/* Fills in the users of a list WHO[,WHO...]. -ENOENT for one that is not there, behind which none is filled in. */
int offer_users(struct offer *offer, const char *list, struct ovl_error *err);

#endif
