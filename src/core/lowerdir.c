/* SPDX-License-Identifier: MIT */
/*
 * Builds the option string of an overlay mount.
 *
 * MUST 1. redirect_dir=nofollow, metacopy=off and index come before lowerdir. (T05, T20)
 * MUST 2. Nothing that could be read as an option or a separator is ever put in. (T04)
 * MUST 3. The length is measured, never assumed. (T05)
 */
#include <errno.h>
#include <string.h>

#include "ovl/lowerdir.h"

static bool path_is_plain(const char *path)
{
	size_t len = strlen(path);

	return path[0] == '/' && len <= OVL_PATH_MAX &&
	       strspn(path, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/_-") ==
		       len;
}

unsigned int ovl_overlay_depth(const struct ovl_overlay *overlay)
{
	return overlay->stack->depth + (overlay->generated ? 1 : 0);
}

int ovl_overlay_check(const struct ovl_overlay *overlay, struct ovl_error *err)
{
	const char *const paths[] = { overlay->generated, overlay->upperdir, overlay->workdir };
	unsigned int depth = ovl_overlay_depth(overlay);
	const char *wrong = NULL;

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		if (paths[i] && !path_is_plain(paths[i]))
			return ovl_cannot(err, EINVAL, "mount", paths[i],
					  "not a plain absolute path");
	}
	if (!overlay->upperdir != !overlay->workdir)
		wrong = "upperdir and workdir go together";
	else if (depth < (overlay->upperdir ? 1 : 2) || overlay->stack->depth == 0)
		wrong = "too few lower directories";
	if (wrong)
		return ovl_cannot(err, EINVAL, "mount", "overlay", wrong);
	if (depth > OVL_DEPTH_MAX)
		return ovl_fail(err, E2BIG, "mount", OVL_TOO_DEEP, NULL, "%u lower directories",
				depth);
	for (unsigned int i = 0; i < overlay->stack->depth; i++) {
		const char *link = overlay->stack->layer[i].link;

		if (!ovl_link_is_valid(link, strnlen(link, OVL_LINK_LEN + 1)))
			return ovl_fail(err, EINVAL, "mount", "not a link", NULL, "layer %u", i);
	}
	return 0;
}

void ovl_put(struct ovl_writer *w, const char *text)
{
	for (; *text; text++, w->len++) {
		if (w->len < w->size)
			w->data[w->len] = *text;
	}
}

void ovl_put_lowers(struct ovl_writer *w, const struct ovl_stack *stack)
{
	for (unsigned int i = 0; i < stack->depth; i++) {
		ovl_put(w, i > 0 ? ":l/" : "l/");
		ovl_put(w, stack->layer[i].link);
	}
}

int ovl_overlay_data(const struct ovl_overlay *overlay, char *data, size_t size)
{
	struct ovl_writer w = { .data = data, .size = size };

	ovl_put(&w, overlay->index ? "index=on" : "index=off");
	ovl_put(&w, ",redirect_dir=nofollow,metacopy=off,lowerdir=");
	if (overlay->generated) {
		ovl_put(&w, overlay->generated);
		ovl_put(&w, ":");
	}
	ovl_put_lowers(&w, overlay->stack);
	if (overlay->upperdir) {
		ovl_put(&w, ",upperdir=");
		ovl_put(&w, overlay->upperdir);
		ovl_put(&w, ",workdir=");
		ovl_put(&w, overlay->workdir);
	}
	if (w.len >= size)
		return -E2BIG;
	data[w.len] = '\0';
	return (int)w.len;
}
