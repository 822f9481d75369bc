/* SPDX-License-Identifier: MIT */
/*
 * Whether ovlrun can launch each layer: the core itself looks, so that both say the same.
 *
 * To resolve every layer's whole stack would look at the lowest some hundred times. So the core looks at each layer alone,
 * and each lower file is compared with its parent's: where it says the same, its stack is as good as the parent's, and what
 * is wrong in the parent's has been said. Only where it does not, the whole stack is resolved.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check_layer.h"
#include "ovl/beneath.h"

#define DOCKER_DEPTH 128

struct stacks {
	struct check *check;
	bool *is_bad;		/* of each layer: it is told */
	unsigned int *doubtful; /* layers whose lower is not their parent's */
	unsigned int doubtful_count;
};

static struct ovl_stack stack; /* 50 KB */

/* As a launch that names it does. */
static int resolve(const struct check *check, const char *name, bool with_lowers,
		   struct ovl_error *err)
{
	stack.depth = 0;
	return ovl_stack_add(&stack, name, strlen(name), err)
		       ?: ovl_tree_resolve(&check->tree, &stack, with_lowers, err);
}

/* Reads the lower file behind the layer itself, which is in the stack. Its absence is no error. */
static int read_lower(const struct check *check, const char *id, struct ovl_error *err)
{
	static char text[OVL_LOWER_MAX];
	char name[OVL_ID_MAX + sizeof("/lower")], path[OVL_ERROR_OBJECT];
	struct ovl_file file = { .path = path,
				 .closed_dir = check->tree.is_closed ? check->tree.path : NULL };
	ssize_t len;

	snprintf(name, sizeof(name), "%s/lower", id);
	snprintf(path, sizeof(path), "%s/%s", check->tree.path, name);
	len = ovl_beneath_read(ovl_beneath_open(check->tree.fd, name,
						O_RDONLY | O_NONBLOCK | O_NOCTTY),
			       &file, text, sizeof(text), err);
	if (len == -ENOENT)
		return 0;
	return len < 0 ? (int)len : ovl_stack_parse_lower(&stack, text, (size_t)len, id, err);
}

/*
 * Follows the lowers from parent to parent. 0: they are the parent's with the parent in front. Else the place in the stack
 * from where on they are not.
 */
static unsigned int find_difference(const struct store *store, unsigned int number)
{
	unsigned int at = store->layers[number].parent, i;

	for (i = 1; i < stack.depth; i++) {
		if (at == NO_LAYER || strcmp(store->layers[at].link, stack.layer[i].link) != 0)
			return i;
		at = store->layers[at].parent;
	}
	return at == NO_LAYER ? 0 : i;
}

static int compare_spare(const void *link, const void *spare)
{
	return strcmp(link, ((const struct spare_link *)spare)->link);
}

static void mark_needed(struct check *check)
{
	for (unsigned int i = 1; i < stack.depth && check->spare_count; i++) {
		struct spare_link *spare =
			bsearch(stack.layer[i].link, check->spare, check->spare_count,
				sizeof(*spare), compare_spare);

		if (spare)
			spare->is_needed = true;
	}
}

static void check_own(struct stacks *stacks, unsigned int number)
{
	struct check *check = stacks->check;
	const struct layer *layer = &check->store->layers[number];
	struct ovl_error err = { 0 };

	if (!ovl_id_is_valid(layer->id, strlen(layer->id)))
		return; /* told with the tree */
	if (resolve(check, layer->id, false, &err) < 0) {
		stacks->is_bad[number] = true;
		check_refused(check, &err, layer->id);
	}
	stack.depth = 1;
	if (read_lower(check, layer->id, &err) < 0) {
		stacks->is_bad[number] = true;
		if (err.errnum == E2BIG)
			check_found(check, RULE_DEPTH_KERNEL, layer->id, "%s", err.reason);
		else
			check_refused(check, &err, layer->id);
	} else if (find_difference(check->store, number) > 0) {
		stacks->doubtful = file_grow(stacks->doubtful, stacks->doubtful_count,
					     sizeof(*stacks->doubtful));
		stacks->doubtful[stacks->doubtful_count++] = number;
		mark_needed(check);
	}
	if (stack.depth == OVL_DEPTH_MAX && !stacks->is_bad[number])
		check_found(check, RULE_DEPTH_KERNEL, layer->id,
			    "%d layers: without --bare a launch adds one", OVL_DEPTH_MAX);
	if (check->store->kind == STORE_DOCKER && stack.depth - 1 > DOCKER_DEPTH)
		check_found(check, RULE_DEPTH_ENGINE, layer->id,
			    "%u layers are below it; Docker takes %d", stack.depth - 1,
			    DOCKER_DEPTH);
	check_directory(check, layer);
}

/* What is wrong with the layer that the error concerns is told already. */
static bool is_told(const struct stacks *stacks, const struct ovl_error *err)
{
	const struct check *check = stacks->check;
	size_t len = strlen(check->tree.path);
	char name[OVL_ERROR_OBJECT];
	unsigned int number;

	if (strncmp(err->object, check->tree.path, len) != 0 || err->object[len] != '/')
		return false;
	strcpy(name, err->object + len + 1);
	if (strncmp(name, "l/", 2) == 0) {
		number = store_link(check->store, name + 2);
	} else {
		name[strcspn(name, "/")] = '\0';
		number = store_layer(check->store, name);
	}
	return number != NO_LAYER && stacks->is_bad[number];
}

static bool is_in_cycle(const struct store *store, unsigned int number)
{
	unsigned int at = store->layers[number].parent;

	for (unsigned int i = 0; i <= OVL_DEPTH_MAX && at != NO_LAYER && at != number; i++)
		at = store->layers[at].parent;
	return at == number;
}

/*
 * The layer at this place of the stack has told already what is wrong: whatever is below it differs because of that. With a
 * link file that cannot be read it is known by its entry in l/ only.
 */
static bool is_bad_at(const struct stacks *stacks, unsigned int place)
{
	const struct store *store = stacks->check->store;
	char name[OVL_LINK_LEN + 3], target[OVL_ID_MAX + sizeof("..//diff") + 1];
	unsigned int number;
	ssize_t len;

	if (place < 1 || place >= stack.depth)
		return false;
	number = store_link(store, stack.layer[place].link);
	if (number == NO_LAYER) {
		snprintf(name, sizeof(name), "l/%s", stack.layer[place].link);
		len = readlinkat(store->tree.fd, name, target, sizeof(target) - 1);
		if (len <= 8)
			return false;
		target[len - 5] = '\0';
		number = store_layer(store, target + 3);
	}
	return number != NO_LAYER && stacks->is_bad[number];
}

static void check_doubtful(struct stacks *stacks, unsigned int number)
{
	struct check *check = stacks->check;
	const struct store *store = check->store;
	const struct layer *layer = &store->layers[number];
	struct ovl_error err = { 0 };
	unsigned int place;
	bool is_explained;

	stack.depth = 1;
	if (read_lower(check, layer->id, &err) < 0)
		return; /* told; or it changed meanwhile */
	place = find_difference(store, number);
	is_explained = is_bad_at(stacks, place) || is_bad_at(stacks, place - 1);
	if (resolve(check, layer->id, true, &err) < 0) {
		if (!is_explained && !is_told(stacks, &err) && !stacks->is_bad[number])
			check_refused(check, &err, layer->id);
		stacks->is_bad[number] = true;
	} else if (is_explained) {
		return;
	} else if (is_in_cycle(store, number)) {
		check_found(check, RULE_CYCLE, layer->id, "it is below itself");
	} else {
		check_found(check, RULE_LOWER_PARENT, layer->id,
			    "its lower file is not its parent's link and the parent's lower file");
	}
}

static const struct store *sorting;
static int compare_depths(const void *a, const void *b)
{
	const struct layer *x = &sorting->layers[*(const unsigned int *)a];
	const struct layer *y = &sorting->layers[*(const unsigned int *)b];

	return x->depth < y->depth ? -1 : x->depth > y->depth;
}

/* An entry of l/ that no layer claims. */
static void check_spare(struct check *check, const struct stacks *stacks,
			const struct spare_link *spare)
{
	char object[OVL_LINK_LEN + 3], target[OVL_ID_MAX + sizeof("..//diff") + 1];
	const size_t around = strlen("../") + strlen("/diff");
	struct ovl_error err = { 0 };
	unsigned int number;
	struct stat st;
	ssize_t len;

	snprintf(object, sizeof(object), "l/%s", spare->link);
	len = readlinkat(check->store->tree.fd, object, target, sizeof(target) - 1);
	target[len < 0 ? 0 : len] = '\0';
	if (len <= (ssize_t)around || strncmp(target, "../", 3) != 0 ||
	    strcmp(target + len - 5, "/diff") != 0 ||
	    !ovl_id_is_valid(target + 3, (size_t)len - around)) {
		check_found(check, RULE_LINK_USELESS, object, "no layer claims it, and it is %s",
			    len < 0 ? "no symlink" : "no link to ../<cache-id>/diff");
		return;
	}
	target[len - 5] = '\0'; /* without "/diff" */
	number = store_layer(check->store, target + 3);
	if (number == NO_LAYER &&
	    fstatat(check->store->tree.fd, target + 3, &st, AT_SYMLINK_NOFOLLOW) < 0)
		check_found(check, spare->is_needed ? RULE_LINK_USELESS : RULE_LINK_DANGLING,
			    object, "there is no layer %s", target + 3);
	else if (resolve(check, spare->link, false, &err) < 0 &&
		 !(number != NO_LAYER && stacks->is_bad[number]))
		check_refused(check, &err, spare->link);
}

void check_layers(struct check *check)
{
	const struct store *store = check->store;
	struct stacks stacks = { .check = check,
				 .is_bad = file_alloc(store->layer_count * sizeof(bool)) };

	for (unsigned int i = 0; i < store->layer_count; i++)
		check_own(&stacks, i);
	sorting = store;
	if (stacks.doubtful_count)
		qsort(stacks.doubtful, stacks.doubtful_count, sizeof(*stacks.doubtful),
		      compare_depths);
	for (unsigned int i = 0; i < stacks.doubtful_count; i++)
		check_doubtful(&stacks, stacks.doubtful[i]);
	for (unsigned int i = 0; i < check->spare_count; i++)
		check_spare(check, &stacks, &check->spare[i]);
	free(stacks.doubtful);
	free(stacks.is_bad);
}
