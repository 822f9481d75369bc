/* SPDX-License-Identifier: MIT */
/* ovlctl check: every rule of the format, and the repairs that are safe. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "engine.h"
#include "verb.h"

/* What is printed: findings, and in front of them what was repaired. */
struct report {
	struct finding *rows;
	size_t count;
};

#define OBJECT 2 /* the column that --quiet shows */

static const struct column columns[] = {
	{ "SEVERITY", "severity", COLUMN_TEXT }, { "RULE", "rule", COLUMN_TEXT },
	{ "OBJECT", "object", COLUMN_TEXT },	 { "WHAT", "what", COLUMN_TEXT },
	{ "REMEDY", "remedy", COLUMN_TEXT },	 { "REPAIR", "repair", COLUMN_TEXT },
};

#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

static json_t *row(size_t i, void *context)
{
	const struct report *report = context;
	const struct finding *finding = &report->rows[i];

	return json_pack("{s:s, s:s, s:o, s:o, s:s, s:s?}", "severity",
			 severity_names[rule_severity(finding->rule)], "rule",
			 rule_name(finding->rule), "object", out_string(finding->object), "what",
			 out_string(finding->what), "remedy", rule_remedy(finding->rule), "repair",
			 finding->repair);
}

/* All of its findings, or only those that were repaired. */
static void add(struct report *report, const struct check *check, bool is_repaired)
{
	for (unsigned int i = 0; i < check->count; i++) {
		if (is_repaired && !check->findings[i].repair)
			continue;
		report->rows = file_grow(report->rows, report->count, sizeof(*report->rows));
		report->rows[report->count++] = check->findings[i];
	}
}

static int look(struct check *check, struct store *store, const struct call *call,
		struct ovl_error *err)
{
	int ret = store_open(store, call->root, err);

	*check = (struct check){ .store = store };
	ret = ret ?: check_tree(check, err);
	if (ret < 0)
		return ret;
	check_layers(check);
	if (!call_option(call, "no-content"))
		for (unsigned int i = 0; i < check->store->layer_count; i++)
			check_content(check, i);
	if (store->kind == STORE_DOCKER)
		ret = check_docker(check, err);
	if (store->kind == STORE_PODMAN)
		ret = check_podman(check, err);
	check_uses(check);
	check_sort(check);
	return ret;
}

/* In front of the final findings: what was repaired, after which everything is looked at again. */
static int look_and_repair(struct check *check, struct store *store, const struct call *call,
			   struct report *report, struct ovl_error *err)
{
	bool is_dry = call_option(call, "dry-run") != NULL;
	int ret;

	if (!is_dry) {
		ret = store_find(store, call->root, err) ?: engine_keep_off(store, err);
		if (ret < 0)
			return ret;
	}
	ret = look(check, store, call, err) ?: repair(check, is_dry, err);
	if (ret < 0 || is_dry)
		return ret;
	add(report, check, true);
	return report->count ? look(check, store, call, err) : 0;
}

static void print(const struct call *call, struct report *report, const struct check *check)
{
	unsigned int counts[3] = { 0 };
	bool is_repair = call_option(call, "repair") != NULL;

	for (unsigned int i = 0; i < check->count; i++)
		counts[rule_severity(check->findings[i].rule)]++;
	if (report->count || call->out.is_json)
		out_rows(&call->out, call->out.is_quiet ? &columns[OBJECT] : columns,
			 is_repair ? COLUMNS : COLUMNS - 1, report->count, row, report);
	if (!call->out.is_json && !call->out.is_quiet)
		printf("%slayers: %u, errors: %u, warnings: %u, notes: %u\n",
		       report->count ? "\n" : "", check->store->layer_count, counts[SEVERITY_ERROR],
		       counts[SEVERITY_WARNING], counts[SEVERITY_NOTE]);
}

static int run(struct call *call, struct ovl_error *err)
{
	struct report report = { 0 };
	struct store store;
	struct check check;
	bool is_sound = true, is_repair = call_option(call, "repair") != NULL;
	int ret;

	if (!is_repair && call_option(call, "dry-run"))
		return ovl_cannot(err, EINVAL, "use", "--dry-run", "it goes with --repair");
	ret = is_repair ? look_and_repair(&check, &store, call, &report, err)
			: look(&check, &store, call, err);
	if (ret < 0)
		return ret;
	add(&report, &check, false);
	for (unsigned int i = 0; i < check.count; i++)
		is_sound = is_sound && rule_severity(check.findings[i].rule) == SEVERITY_NOTE;
	print(call, &report, &check);
	return is_sound ? 0 : 1;
}

const struct verb cmd_check = {
	.name = "check",
	.arguments = "",
	.summary = "every rule of the format: what is damaged, left over, open to others",
	.run = run,
	.options = {
		{ "repair", 0, NULL, "make missing links again, remove dangling ones" },
		{ "dry-run", 'n', NULL, "with --repair: only tell what it would do" },
		{ "no-content", 0, NULL, "do not walk through the layers' content" },
	},
};
