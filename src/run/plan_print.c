/* SPDX-License-Identifier: MIT */
/*
 * Prints a launch plan: for people, or as JSON. Every string is escaped.
 *
 * MUST 1. What is printed as data is the very string that is mounted: both come from
 *         ovl_overlay_data.  (cli.bats: dry-run)
 */
#include <errno.h>
#include <stdio.h>

#include "plan.h"

/* Length of the UTF-8 character at s; 0 if there is none. Control characters of Latin-1 are none.
 */
static size_t utf8_length(const unsigned char *s)
{
	/* What is below needs fewer bytes (or is such a control character). */
	static const unsigned int least[] = { 0, 0, 0xa0, 0x800, 0x10000 };
	size_t len = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
	unsigned int code = s[0] & (0x7fU >> len);

	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (s[i] & 0x3f);
	}
	if (s[0] < 0xc2 || s[0] > 0xf4 || code < least[len] || code > 0x10ffff ||
	    (code >= 0xd800 && code < 0xe000))
		return 0;
	return len;
}

/*
 * A JSON string, or the same bytes for people. In JSON, a byte that is no UTF-8 becomes U+DC00 and
 * its value, so that none is lost.
 */
static void put_text(FILE *out, bool json, const char *text)
{
	const char *quote = json ? "\"" : "";

	fputs(quote, out);
	while (*text) {
		unsigned char c = (unsigned char)*text;
		size_t len = c < 0x80 ? 1 : json ? utf8_length((const unsigned char *)text) : 0;

		if (c == '\\' || c == *quote)
			fputc('\\', out);
		if (c >= 0x20 && c != 0x7f && len > 0) {
			fwrite(text, 1, len, out);
			text += len;
			continue;
		}
		if (json)
			fprintf(out, "\\u%04x", c < 0x80 ? c : 0xdc00 + c);
		else
			fprintf(out, "\\x%02x", c);
		text++;
	}
	fputs(quote, out);
}

/* In JSON each value but the last, the command, is followed by a comma. */
static void put_name(FILE *out, bool json, const char *name)
{
	fprintf(out, json ? "\"%s\":" : "%-12s", name);
}

static void put_string(FILE *out, bool json, const char *name, const char *value)
{
	put_name(out, json, name);
	put_text(out, json, value);
	fputs(json ? "," : "\n", out);
}

static void put_number(FILE *out, bool json, const char *name, unsigned long long value)
{
	put_name(out, json, name);
	fprintf(out, json ? "%llu," : "%llu\n", value);
}

static void put_layers(FILE *out, bool json, const struct ovl_stack *stack)
{
	/* Ids and links are of alphabets that need no escape. */
	for (unsigned int i = 0; i < stack->depth; i++) {
		const struct ovl_layer *layer = &stack->layer[i];

		if (json)
			fprintf(out, "%s{\"id\":\"%s\",\"link\":\"%s\"}",
				i == 0 ? "\"layers\":[" : ",", layer->id, layer->link);
		else
			put_string(out, json, i == 0 ? "layers" : "", layer->id);
	}
	fputs(json ? "]," : "", out);
}

/* As JSON in both forms: where an argument ends must be seen. */
static void put_command(FILE *out, bool json, char *const *command)
{
	put_name(out, json, "command");
	for (char *const *arg = command; *arg; arg++) {
		fputs(arg == command ? "[" : ",", out);
		put_text(out, true, *arg);
	}
	fputs(json ? "]}\n" : "]\n", out);
}

int plan_print(const struct launch_plan *plan, int fd, bool json, struct ovl_error *err)
{
	const struct ovl_overlay *overlay = &plan->overlay;
	const struct request *request = plan->request;
	const char *upper = overlay->upperdir ? "tmpfs" : "none";
	static char data[OVL_DATA_SIZE];
	int len = ovl_overlay_data(overlay, data, sizeof(data));
	char rule[128] = "root needs none";
	FILE *out = fdopen(fd, "w");

	if (len < 0 || !out)
		return ovl_fail(err, len < 0 ? -len : errno, "print", NULL, NULL, "the plan");
	if (plan->grant->file)
		snprintf(rule, sizeof(rule), "%s:%u", plan->grant->file, plan->grant->line);
	fputs(json ? "{" : "", out);
	if (request->kind == REQUEST_IMAGE)
		put_string(out, json, "image", request->image);
	put_string(out, json, "tree", plan->tree);
	put_number(out, json, "depth", plan->stack->depth);
	put_layers(out, json, plan->stack);
	put_string(out, json, "mount", len <= OVL_PAGE_DATA_MAX ? "mount(2)" : "fsopen, lowerdir+");
	put_string(out, json, "flags", overlay->upperdir ? "nosuid,nodev" : "nosuid,nodev,ro");
	put_string(out, json, "data", data);
	put_number(out, json, "length", (unsigned long long)len);
	put_string(out, json, "upper", request->upper ?: upper);
	put_string(out, json, "tmpfs", plan->tmpfs_options);
	put_number(out, json, "uid", plan->caller->uid);
	put_number(out, json, "gid", plan->caller->gid);
	if (plan->caller->uid == 0)
		put_string(out, json, "note", "a launch by root is no containment");
	put_string(out, json, "cwd", plan->chdir ?: "/");
	put_string(out, json, "rule", rule);
	put_command(out, json, plan->command);
	/* Not closed: fd is the caller's. */
	if (fflush(out) != 0 || ferror(out))
		return ovl_fail(err, errno, "write", NULL, NULL, "the plan");
	return 0;
}
