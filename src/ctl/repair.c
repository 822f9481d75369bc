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
	unsigned int low = 0, high = store->link_count;
	const struct layer *layer;

	while (low < high) { /* to the first that has it */
		unsigned int middle = low + (high - low) / 2;

		if (strcmp(store->layers[store->by_link[middle]].link, link) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low + 1 < store->link_count &&
	    strcmp(store->layers[store->by_link[low + 1]].link, link) == 0)
		return NULL;
	layer = low < store->link_count ? &store->layers[store->by_link[low]] : NULL;
	return layer && strcmp(layer->link, link) == 0 &&
			       ovl_id_is_valid(layer->id, strlen(layer->id))
		       ? layer
		       : NULL;
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

int repair(struct check *check, bool is_dry, struct ovl_error *err)
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
		struct finding *finding = &check->findings[i];
		const char *link = finding->object + 2; /* behind "l/" */

		if (finding->rule == RULE_LINK_DANGLING) {
			ret = is_dry ? 0 : remove_link(links, link, err);
			finding->repair = is_dry ? "would be removed" : "removed";
		} else if (finding->rule == RULE_LINK_MISSING) {
			const struct layer *layer = claimant(store, link);

			if (!layer)
				continue;
			ret = is_dry ? 0 : make_link(links, layer, err);
			finding->repair = is_dry ? "would be made again" : "made again";
		}
	}
	if (ret == 0 && !is_dry && fsync(links) < 0)
		ret = ovl_fail(err, errno, "write", NULL, NULL, "%s/l", store->tree.path);
	close(links);
	return ret;
}
