/* SPDX-License-Identifier: MIT */
/*
 * Builds the option string of an overlay mount.
 *
 * MUST 1. redirect_dir=nofollow, metacopy=off and index come before lowerdir.  (T05, T20)
 * MUST 2. Nothing that could be read as an option or a separator is ever put in.  (T04)
 * MUST 3. The length is measured, never assumed.  (T05)
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ovl/lowerdir.h"

static bool path_is_plain(const char *path)
{
	size_t len = strlen(path);

	return path[0] == '/' && len <= OVL_PATH_MAX && !strstr(path, "..") &&
	       strspn(path, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/_.-") ==
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

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		if (paths[i] && !path_is_plain(paths[i]))
			return ovl_fail(err, EINVAL, "mount", "not a plain absolute path", NULL,
					"%s", paths[i]);
	}
	if (!overlay->upperdir != !overlay->workdir)
		return ovl_fail(err, EINVAL, "mount", "upperdir and workdir go together", NULL,
				"overlay");
	if (depth < (overlay->upperdir ? 1 : 2) || overlay->stack->depth == 0)
		return ovl_fail(err, EINVAL, "mount", "too few lower directories", NULL, "overlay");
	if (depth > OVL_DEPTH_MAX)
		return ovl_fail(err, E2BIG, "mount",
				"max depth exceeded: the kernel takes 500 lower directories", NULL,
				"%u lower directories", depth);
	for (unsigned int i = 0; i < overlay->stack->depth; i++) {
		const char *link = overlay->stack->layer[i].link;

		if (!ovl_link_is_valid(link, strnlen(link, OVL_LINK_LEN + 1)))
			return ovl_fail(err, EINVAL, "mount", "not a link", NULL, "layer %u", i);
	}
	return 0;
}

struct writer {
	char *data;
	size_t size, len;
};

static void put(struct writer *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct writer *w, const char *format, ...)
{
	size_t room = w->len < w->size ? w->size - w->len : 0;
	va_list args;

	va_start(args, format);
	w->len += (size_t)vsnprintf(room ? w->data + w->len : NULL, room, format, args);
	va_end(args);
}

int ovl_overlay_data(const struct ovl_overlay *overlay, char *data, size_t size)
{
	struct writer w = { .data = data, .size = size };

	put(&w, "index=%s,redirect_dir=nofollow,metacopy=off,lowerdir=%s",
	    overlay->index ? "on" : "off", overlay->generated ? overlay->generated : "");
	for (unsigned int i = 0; i < overlay->stack->depth; i++)
		put(&w, "%sl/%s", i > 0 || overlay->generated ? ":" : "",
		    overlay->stack->layer[i].link);
	if (overlay->upperdir)
		put(&w, ",upperdir=%s,workdir=%s", overlay->upperdir, overlay->workdir);
	return w.len < size ? (int)w.len : -E2BIG;
}
