/* SPDX-License-Identifier: MIT */
/*
 * Prints a launch plan: for people, or as JSON. Every string is escaped.
 *
 * MUST 1. What is printed as data is the very string that is mounted: both come from
 *         ovl_overlay_data.  (cli.bats: dry-run)
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "diag.h"
#include "plan.h"

struct printer {
	int fd;
	bool json;
	const char *separator; /* what stands before the next field */
	char buf[4096];
	size_t len;
	int errnum; /* of the first write that failed */
};

static void flush(struct printer *out)
{
	for (size_t at = 0; at < out->len && !out->errnum;) {
		ssize_t put = write(out->fd, out->buf + at, out->len - at);

		if (put < 0 && errno != EINTR)
			out->errnum = errno;
		else if (put > 0)
			at += (size_t)put;
	}
	out->len = 0;
}

static void put(struct printer *out, const char *text, size_t len)
{
	for (; len > 0; len--) {
		if (out->len == sizeof(out->buf))
			flush(out);
		out->buf[out->len++] = *text++;
	}
}

static void put_text(struct printer *out, const char *text)
{
	put(out, text, strlen(text));
}

/* A JSON string; bytes outside ASCII are given as the code points of Latin-1, so none is lost. */
static void put_json(struct printer *out, const char *text)
{
	put_text(out, "\"");
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		char code[8];

		if (c == '"' || c == '\\')
			put_text(out, "\\");
		if (c >= 0x20 && c < 0x7f) {
			put(out, text, 1);
		} else {
			snprintf(code, sizeof(code), "\\u%04x", c);
			put_text(out, code);
		}
	}
	put_text(out, "\"");
}

static void put_escaped(struct printer *out, const char *text)
{
	char one[2] = { 0 }, escaped[16];

	for (; *text; text++) {
		one[0] = *text;
		diag_escape(escaped, sizeof(escaped), one);
		put_text(out, escaped);
	}
}

static void put_name(struct printer *out, const char *name)
{
	char column[16];

	if (out->json) {
		put_text(out, out->separator);
		put_json(out, name);
		put_text(out, ":");
	} else {
		snprintf(column, sizeof(column), "%-12s", name);
		put_text(out, column);
	}
	out->separator = ",";
}

static void put_string(struct printer *out, const char *name, const char *value)
{
	put_name(out, name);
	if (out->json)
		put_json(out, value);
	else
		put_escaped(out, value);
	put_text(out, out->json ? "" : "\n");
}

static void put_number(struct printer *out, const char *name, unsigned long long value)
{
	char digits[24];

	put_name(out, name);
	snprintf(digits, sizeof(digits), out->json ? "%llu" : "%llu\n", value);
	put_text(out, digits);
}

static void put_layers(struct printer *out, const struct ovl_stack *stack)
{
	for (unsigned int i = 0; i < stack->depth; i++) {
		const struct ovl_layer *layer = &stack->layer[i];

		if (out->json) {
			put_text(out, i == 0 ? ",\"layers\":[{\"id\":" : ",{\"id\":");
			put_json(out, layer->id);
			put_text(out, ",\"link\":");
			put_json(out, layer->link);
			put_text(out, i + 1 == stack->depth ? "}]" : "}");
		} else {
			put_string(out, i == 0 ? "layers" : "", layer->id);
		}
	}
}

static void put_command(struct printer *out, char *const *command)
{
	put_name(out, "command");
	for (char *const *arg = command; *arg; arg++) {
		if (out->json) {
			put_text(out, arg == command ? "[" : ",");
			put_json(out, *arg);
		} else {
			put_text(out, arg == command ? "" : " ");
			put_escaped(out, *arg);
		}
	}
	put_text(out, out->json ? "]" : "\n");
}

int plan_print(const struct launch_plan *plan, int fd, bool json, struct ovl_error *err)
{
	const struct ovl_overlay *overlay = &plan->overlay;
	struct printer out = { .fd = fd, .json = json, .separator = "{" };
	static char data[OVL_DATA_SIZE];
	int len = ovl_overlay_data(overlay, data, sizeof(data));

	if (len < 0)
		return ovl_fail(err, -len, "print", NULL, NULL, "the plan");

	put_string(&out, "tree", plan->grant->tree);
	put_number(&out, "depth", plan->stack->depth);
	put_layers(&out, plan->stack);
	put_string(&out, "mount", len <= OVL_PAGE_DATA_MAX ? "mount(2)" : "fsopen, lowerdir+");
	put_string(&out, "flags", overlay->upperdir ? "nosuid,nodev" : "nosuid,nodev,ro");
	put_string(&out, "data", data);
	put_number(&out, "length", (unsigned long long)len);
	put_string(&out, "upper", overlay->upperdir ? "tmpfs" : "none");
	put_string(&out, "tmpfs", plan->tmpfs_options);
	put_number(&out, "uid", plan->caller->uid);
	put_number(&out, "gid", plan->caller->gid);
	if (plan->caller->uid == 0)
		put_string(&out, "note", "a launch by root is no containment");
	put_string(&out, "cwd", plan->request->chdir ? plan->request->chdir : "/");
	put_command(&out, plan->command);
	put_text(&out, json ? "}\n" : "");
	flush(&out);
	if (out.errnum)
		return ovl_fail(err, out.errnum, "write", NULL, NULL, "the plan");
	return 0;
}
