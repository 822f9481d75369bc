/* SPDX-License-Identifier: MIT */
/* Options that say who may do what. What passes here, ovlrun understands. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "offer.h"

int offer_users(struct offer *offer, const char *list, struct ovl_error *err)
{
	char *rest = file_copy(list), *word;

	while ((word = strsep(&rest, ","))) {
		offer->users = file_grow(offer->users, offer->user_count, sizeof(*offer->users));
		if (who_parse(&offer->users[offer->user_count++], word, err) < 0)
			return -err->errnum;
	}
	return 0;
}

static int check_features(const char *list, struct ovl_error *err)
{
	static const char *const known[] = { "writable", "bind", "userns",
					     "unshare",	 "dev",	 "keep-fd" };
	char *rest = file_copy(list), *word;

	while ((word = strsep(&rest, ","))) {
		bool is_known = false;

		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			is_known = is_known || strcmp(word, known[i]) == 0;
		if (!is_known)
			return ovl_fail(
				err, EINVAL, "grant feature", "there is none of this name",
				"writable, bind, userns, unshare, dev and keep-fd are there", "%s",
				word);
	}
	return 0;
}

/* tmpfs=SIZE, in ovlrun's grammar: digits and perhaps one of kKmMgG; more than nothing, a pebibyte at most. */
static int check_limit(const char *limit, struct ovl_error *err)
{
	static const char units[] = "kKmMgG";
	const char *size = strncmp(limit, "tmpfs=", 6) == 0 ? limit + 6 : "";
	size_t digits = strspn(size, "0123456789");
	const char *unit = size[digits] ? strchr(units, size[digits]) : NULL;
	unsigned int shift = unit ? 10 * (1 + (unsigned int)(unit - units) / 2) : 0;
	unsigned long long number = strtoull(size, NULL, 10);

	if (digits == 0 || digits > 16 || size[digits + (unit != NULL)] || number == 0 ||
	    number > (1ULL << 50) >> shift)
		return ovl_cannot(err, EINVAL, "use limit", limit,
				  "it is not tmpfs=SIZE, as in tmpfs=512m");
	return 0;
}

int offer_parse(const struct call *call, struct offer *offer, struct ovl_error *err)
{
	const char *users = call_option(call, "users");
	int ret = 0;

	offer->features = call_option(call, "may");
	offer->limit = call_option(call, "limit");
	if (!users && (offer->features || offer->limit))
		return ovl_cannot(err, EINVAL, "use", "--may or --limit",
				  "without --users there is no rule to put it into");
	if (users)
		ret = offer_users(offer, users, err);
	if (ret == 0 && offer->features)
		ret = check_features(offer->features, err);
	if (ret == 0 && offer->limit)
		ret = check_limit(offer->limit, err);
	return ret;
}
