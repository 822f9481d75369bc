/* SPDX-License-Identifier: MIT */
/*
 * Stacks of layers: parsing and checks that need no file system.
 *
 * MUST 1. Only names that match the alphabets of ident.h enter a stack. (T04, T07)
 * MUST 2. A stack is never silently shorter than what was asked for. (T05, T07)
 * MUST 3. No layer stands in a stack twice. (T08)
 */
#include <errno.h>
#include <string.h>

#include "ovl/stack.h"

/* Adds a name that its matcher has passed. */
static int add_valid(struct ovl_stack *stack, const char *name, size_t len, struct ovl_error *err)
{
	struct ovl_layer layer = { 0 };

	if (stack->depth == OVL_DEPTH_MAX)
		return ovl_fail(err, E2BIG, "stack layers", OVL_TOO_DEEP, NULL, "more than %d",
				OVL_DEPTH_MAX);
	memcpy(len == OVL_LINK_LEN ? layer.link : layer.id, name, len);
	stack->layer[stack->depth++] = layer;
	return 0;
}

int ovl_stack_add(struct ovl_stack *stack, const char *name, size_t len, struct ovl_error *err)
{
	if (!ovl_id_is_valid(name, len) && !ovl_link_is_valid(name, len))
		return ovl_fail(err, EINVAL, "use layer",
				"neither a cache-id (64 hex digits or 25 characters 0-9a-z) nor a "
				"link (26 characters A-Z2-7)",
				NULL, "%.*s", (int)(len < 128 ? len : 128), name);
	return add_valid(stack, name, len, err);
}

int ovl_stack_parse(struct ovl_stack *stack, const char *list, struct ovl_error *err)
{
	for (;;) {
		size_t len = strcspn(list, ":");
		int ret = ovl_stack_add(stack, list, len, err);

		if (ret < 0 || list[len] == '\0')
			return ret;
		list += len + 1;
	}
}

int ovl_stack_parse_lower(struct ovl_stack *stack, const char *text, size_t len, const char *owner,
			  struct ovl_error *err)
{
	const size_t entry = 2 + OVL_LINK_LEN;

	/* N entries take exactly N * (entry + 1) - 1 bytes, which also rules out an empty file. */
	bool is_list = (len + 1) % (entry + 1) == 0 && len > 0;
	int ret = 0;

	for (size_t at = 0; at < len && is_list && ret == 0; at += entry + 1) {
		is_list = memcmp(text + at, "l/", 2) == 0 &&
			  ovl_link_is_valid(text + at + 2, OVL_LINK_LEN) &&
			  (at + entry == len || text[at + entry] == ':');
		if (is_list)
			ret = add_valid(stack, text + at + 2, OVL_LINK_LEN, err);
	}
	if (!is_list)
		return ovl_fail(err, EBADMSG, "read", "not a list of l/LINK entries", OVL_DAMAGED,
				"%s/lower", owner);
	return ret;
}

int ovl_stack_check_unique(const struct ovl_stack *stack, struct ovl_error *err)
{
	for (unsigned int i = 1; i < stack->depth; i++) {
		for (unsigned int k = 0; k < i; k++) {
			/* The first byte settles most: 500 layers are 124,750 pairs. */
			if (stack->layer[i].id[0] == stack->layer[k].id[0] &&
			    strcmp(stack->layer[i].id, stack->layer[k].id) == 0)
				return ovl_cannot(err, ELOOP, "use layer", stack->layer[i].id,
						  "it stands in the stack twice");
		}
	}
	return 0;
}
