/* SPDX-License-Identifier: MIT */
/*
 * Prints a launch plan: for people, or as JSON. Every string is escaped.
 *
 * MUST 1. What is printed as data is the very string that is mounted: both come from
 *         ovl_overlay_data. (cli.bats: dry-run)
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

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
	for (size_t len; *text; text += len) {
		unsigned char c = (unsigned char)*text;

		len = c < 0x80 ? 1 : json ? utf8_length((const unsigned char *)text) : 0;
		if (c == '\\' || c == *quote)
			fputc('\\', out);
		if (c >= 0x20 && c != 0x7f && len > 0) {
			fwrite(text, 1, len, out);
			continue;
		}
		len = 1;
		fprintf(out, json ? "\\u%04x" : "\\x%02x", json && c >= 0x80 ? 0xdc00 + c : c);
	}
	fputs(quote, out);
}

/* In JSON each value but the last, the command, is followed by a comma. */
static void put_name(FILE *out, bool json, const char *name)
{
	fprintf(out, json ? "\"%s\":" : "%-12s", name);
}

/* What is NULL is left out. */
static void put_string(FILE *out, bool json, const char *name, const char *value)
{
	if (!value)
		return;
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
static void put_array(FILE *out, const char *const *list)
{
	fputs("[", out);
	for (const char *const *item = list; *item; item++) {
		fputs(item == list ? "" : ",", out);
		put_text(out, true, *item);
	}
	fputs("]", out);
}

static void put_binds(FILE *out, bool json, const struct launch_plan *plan)
{
	put_name(out, json, "binds");
	for (unsigned int i = 0; i < plan->bind_count; i++) {
		const struct bind *bind = &plan->bind[i].to;
		const char *words[] = { bind->source, bind->destination,
					bind->read_only ? "ro" : "rw", NULL };

		fputs(i == 0 ? "[" : ",", out);
		put_array(out, words);
	}
	fputs(json ? "]," : "]\n", out);
}

/* What is mounted inside, and in what it runs. */
static void put_inside(FILE *out, bool json, const struct launch_plan *plan)
{
	const unsigned int unshare = plan->request->unshare;
	const char *proc = unshare & NAMESPACE_PID ? "new" : "host";
	const char *sys = unshare & NAMESPACE_NET ? "new" : "host";
	const char *names[NAMESPACE_COUNT + 1] = { NULL };
	unsigned int count = 0;

	put_string(out, json, "dev", args_devs[plan->dev]);
	put_string(out, json, "proc", plan->has_proc ? proc : "none");
	put_string(out, json, "sys", plan->has_sys ? sys : "none");
	if (plan->bind_count > 0)
		put_binds(out, json, plan);
	for (unsigned int i = 0; i < NAMESPACE_COUNT; i++) {
		if (unshare >> i & 1)
			names[count++] = args_namespaces[i];
	}
	put_name(out, json, "unshare");
	put_array(out, names);
	fputs(json ? "," : "\n", out);
	put_string(out, json, "hostname", plan->request->hostname);
	put_string(out, json, "uid_map", plan->idmap ? plan->idmap->uid : NULL);
	put_string(out, json, "gid_map", plan->idmap ? plan->idmap->gid : NULL);
}

int plan_print(const struct launch_plan *plan, int fd, bool json, struct ovl_error *err)
{
	const struct ovl_overlay *overlay = &plan->overlay;
	const struct request *request = plan->request;
	const char *upper = overlay->upperdir ? "tmpfs" : "none";
	bool has_cwd =
		plan->caller->cwd && strcmp(plan->caller->cwd, "/") != 0; /* if it is inside */
	static char data[OVL_DATA_SIZE];
	int len = ovl_overlay_data(overlay, data, sizeof(data));
	char rule[128] = "root needs none";
	FILE *out = fdopen(fd, "w");

	if (len < 0 || !out)
		return ovl_cannot(err, len < 0 ? -len : errno, "print", "the plan", NULL);
	if (plan->grant->file)
		snprintf(rule, sizeof(rule), "%s:%u", plan->grant->file, plan->grant->line);
	fputs(json ? "{" : "", out);
	put_string(out, json, "image", request->kind == REQUEST_IMAGE ? request->image : NULL);
	put_string(out, json, "tree", plan->tree);
	put_number(out, json, "depth", plan->stack->depth);
	put_layers(out, json, plan->stack);
	put_string(out, json, "mount", len <= OVL_PAGE_DATA_MAX ? "mount(2)" : "fsopen, lowerdir+");
	put_string(out, json, "flags", overlay->upperdir ? "nosuid,nodev" : "nosuid,nodev,ro");
	put_string(out, json, "data", data);
	put_number(out, json, "length", (unsigned long long)len);
	put_string(out, json, "upper", request->upper ?: upper);
	put_string(out, json, "tmpfs", plan->tmpfs_options);
	put_inside(out, json, plan);
	put_number(out, json, "uid", plan->caller->uid);
	put_number(out, json, "gid", plan->caller->gid);
	if (plan->caller->uid == 0)
		put_string(out, json, "note", "a launch by root is no containment");
	put_string(out, json, "cwd",
		   plan->chdir_is_asked || !has_cwd ? plan->chdir ?: "/" : plan->caller->cwd);
	put_string(out, json, "rule", rule);
	put_name(out, json, "command");
	put_array(out, (const char *const *)plan->command);
	fputs(json ? "}\n" : "\n", out);
	/* Not closed: fd is the caller's. */
	if (fflush(out) != 0 || ferror(out))
		return ovl_cannot(err, errno, "write", "the plan", NULL);
	return 0;
}
