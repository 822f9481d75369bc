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

/* Length of the UTF-8 character at s; 0 if there is none. Control characters of Latin-1 are none.
 */
static size_t utf8_length(const unsigned char *s)
{
	size_t len = s[0] >= 0xf0 && s[0] < 0xf5 ? 4 : s[0] >= 0xe0 ? 3 : s[0] >= 0xc2 ? 2 : 0;

	if (s[0] >= 0xf5 || (s[0] == 0xc2 && s[1] < 0xa0) || (s[0] == 0xe0 && s[1] < 0xa0) ||
	    (s[0] == 0xed && s[1] >= 0xa0) || (s[0] == 0xf0 && s[1] < 0x90) ||
	    (s[0] == 0xf4 && s[1] >= 0x90))
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	}
	return len;
}

/* A JSON string. A byte that is no UTF-8 becomes U+DC00 and its value, so that none is lost. */
static void put_json(struct printer *out, const char *text)
{
	put_text(out, "\"");
	while (*text) {
		unsigned char c = (unsigned char)*text;
		size_t len = c < 0x80 ? 1 : utf8_length((const unsigned char *)text);
		char code[8];

		if (c == '"' || c == '\\')
			put_text(out, "\\");
		if (c >= 0x20 && c != 0x7f && len > 0) {
			put(out, text, len);
		} else {
			snprintf(code, sizeof(code), "\\u%04x", c < 0x80 ? c : 0xdc00 + c);
			put_text(out, code);
			len = 1;
		}
		text += len;
	}
	put_text(out, "\"");
}

static void put_escaped(struct printer *out, const char *text)
{
	char one[2] = { 0 }, escaped[16];

	for (; *text; text++) {
		one[0] = *text;
		diag_escape(escaped, sizeof(escaped), one, "");
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

/* The rule of the policy that decided: FILE:LINE. */
static void put_rule(struct printer *out, const struct grant *grant)
{
	char rule[128] = "root needs none";

	if (grant->file)
		snprintf(rule, sizeof(rule), "%s:%u", grant->file, grant->line);
	put_string(out, "rule", rule);
}

/* As JSON in both forms: where an argument ends must be seen. */
static void put_command(struct printer *out, char *const *command)
{
	put_name(out, "command");
	for (char *const *arg = command; *arg; arg++) {
		put_text(out, arg == command ? "[" : ",");
		put_json(out, *arg);
	}
	put_text(out, out->json ? "]" : "]\n");
}

int plan_print(const struct launch_plan *plan, int fd, bool json, struct ovl_error *err)
{
	const struct ovl_overlay *overlay = &plan->overlay;
	struct printer out = { .fd = fd, .json = json, .separator = "{" };
	static char data[OVL_DATA_SIZE];
	int len = ovl_overlay_data(overlay, data, sizeof(data));

	if (len < 0)
		return ovl_fail(err, -len, "print", NULL, NULL, "the plan");

	if (plan->request->kind == REQUEST_IMAGE)
		put_string(&out, "image", plan->request->image);
	put_string(&out, "tree", plan->tree);
	put_number(&out, "depth", plan->stack->depth);
	put_layers(&out, plan->stack);
	put_string(&out, "mount", len <= OVL_PAGE_DATA_MAX ? "mount(2)" : "fsopen, lowerdir+");
	put_string(&out, "flags", overlay->upperdir ? "nosuid,nodev" : "nosuid,nodev,ro");
	put_string(&out, "data", data);
	put_number(&out, "length", (unsigned long long)len);
	put_string(&out, "upper",
		   plan->request->upper ? plan->request->upper
		   : overlay->upperdir	? "tmpfs"
					: "none");
	put_string(&out, "tmpfs", plan->tmpfs_options);
	put_number(&out, "uid", plan->caller->uid);
	put_number(&out, "gid", plan->caller->gid);
	if (plan->caller->uid == 0)
		put_string(&out, "note", "a launch by root is no containment");
	put_string(&out, "cwd", plan->chdir ? plan->chdir : "/");
	put_rule(&out, plan->grant);
	put_command(&out, plan->command);
	put_text(&out, json ? "}\n" : "");
	flush(&out);
	if (out.errnum)
		return ovl_fail(err, out.errnum, "write", NULL, NULL, "the plan");
	return 0;
}
