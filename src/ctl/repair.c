/* SPDX-License-Identifier: MIT */
/*
 * The repairs that are certainly safe: a link in l/ that its layer's own file names, and links to layers that are not there
 * and that nothing names. Nothing else in a tree can be told from what is left of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "ovl/beneath.h"

/* The layer that link is to be made for, whose own part is sound; NULL: none, or more than one. */
static const struct layer *claimant(const struct store *store, const char *link)
{
	const struct layer *layer = NULL;
	unsigned int claims = 0;

	for (unsigned int i = 0; i < store->link_count; i++) {
		const struct layer *other = &store->layers[store->by_link[i]];

		if (strcmp(other->link, link) == 0) {
			layer = other;
			claims++;
		}
	}
	return claims == 1 && ovl_id_is_valid(layer->id, strlen(layer->id)) ? layer : NULL;
}

static int make_link(int links, const struct layer *layer, struct ovl_error *err)
{
	char target[OVL_ID_MAX + sizeof("..//diff")];

	snprintf(target, sizeof(target), "../%s/diff", layer->id);
	if (symlinkat(target, links, layer->link) < 0)
		return ovl_fail(err, errno, "make", NULL, NULL, "l/%s", layer->link);
	return 0;
}

static int remove_link(int links, const char *link, struct ovl_error *err)
{
	if (unlinkat(links, link, 0) < 0)
		return ovl_fail(err, errno, "remove", NULL, NULL, "l/%s", link);
	return 0;
}

int repair(const struct check *check, bool is_dry,
	   void (*done)(const struct finding *, const char *what, void *context), void *context,
	   struct ovl_error *err)
{
	const struct store *store = check->store;
	int links, ret = 0;

	if (!check->is_trusted)
		return ovl_fail(err, EPERM, "repair", "the tree cannot be trusted",
				"`ovlctl check` tells why", "%s", store->tree.path);
	links = ovl_beneath_open(store->tree.fd, "l", O_RDONLY | O_DIRECTORY);
	if (links < 0)
		return ovl_fail(err, -links, "open", NULL, NULL, "%s/l", store->tree.path);
	for (unsigned int i = 0; i < check->count && ret == 0; i++) {
		const struct finding *finding = &check->findings[i];
		const char *link = finding->object + 2; /* behind "l/" */

		if (finding->rule == RULE_LINK_DANGLING) {
			ret = is_dry ? 0 : remove_link(links, link, err);
			if (ret == 0)
				done(finding, is_dry ? "would be removed" : "removed", context);
		} else if (finding->rule == RULE_LINK_MISSING) {
			const struct layer *layer = claimant(store, link);

			if (!layer)
				continue;
			ret = is_dry ? 0 : make_link(links, layer, err);
			if (ret == 0)
				done(finding, is_dry ? "would be made again" : "made again",
				     context);
		}
	}
	if (ret == 0 && !is_dry && fsync(links) < 0)
		ret = ovl_fail(err, errno, "write", NULL, NULL, "%s/l", store->tree.path);
	close(links);
	return ret;
}
