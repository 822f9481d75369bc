/* SPDX-License-Identifier: MIT */
/* ovlctl revoke: takes back what `ovlctl allow` gave. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "offer.h"
#include "publish.h"
#include "store.h"

/* The record, in both places that stand for a tag "latest". Returns how many there were. */
static int remove_record(const struct publish *publish, const char *name, struct ovl_error *err)
{
	const struct dir records = { -1, RECORD_DIR };
	char *path = file_path(&records, name), *tag = strrchr(path, ':');
	int removed = publish_remove(publish, path, err), more = 0;

	if (removed >= 0 && strcmp(tag, ":latest") == 0) {
		*tag = '\0';
		more = publish_remove(publish, path, err);
	}
	free(path);
	return removed < 0 ? removed : more < 0 ? more : removed + more;
}

/* Returns how many rules there were. */
static int remove_rules(const struct publish *publish, const struct offer *offer,
			struct ovl_error *err)
{
	struct policy ours = { 0 };
	unsigned int removed = 0;
	char *text;
	int ret = policy_read_ours(&ours, err);

	if (ret < 0)
		return ret;
	if (offer->user_count == 0)
		removed = policy_remove(&ours, NULL, offer->name);
	for (unsigned int i = 0; i < offer->user_count; i++)
		removed += policy_remove(&ours, &offer->users[i], offer->name);
	if (removed == 0)
		return 0;
	text = policy_text(&ours);
	ret = text ? publish_draft(publish, DRAFT_POLICY, text, err)
			      ?: publish_commit(publish, DRAFT_POLICY, POLICY_OURS, err)
		   : publish_remove(publish, POLICY_OURS, err);
	return ret < 0 ? ret : (int)removed;
}

/* Names what others wrote and still lets people use it. */
static void tell(const struct out *out, const char *name)
{
	struct policy whole = { 0 }, about;
	struct ovl_error err;

	if (policy_read(&whole, &err) < 0)
		return;
	policy_about(&whole, name, &about);
	for (unsigned int i = 0; i < about.count; i++) {
		const struct line *line = &about.lines[i];

		if (line->kind == LINE_PERMIT)
			out_note(out, "%s: %s may still use it (%s:%u)", name,
				 line->who.is_all ? "everybody" : line->who.text, line->file,
				 line->number);
	}
}

/* The rules go first: a record without one is nobody's. */
static int withdraw(const struct publish *publish, const struct offer *offer, struct ovl_error *err)
{
	int rules = remove_rules(publish, offer, err), records = 0;

	if (rules >= 0 && offer->user_count == 0)
		records = remove_record(publish, offer->name, err);
	return rules < 0 ? rules : records < 0 ? records : rules + records;
}

/* Those of --users, perhaps of a user who is gone: his rules are found by his name. */
static void take_users(struct offer *offer, const char *list)
{
	char *rest = file_copy(list), *word;
	struct ovl_error ignored;

	while ((word = strsep(&rest, ",")))
		offer_users(offer, word, &ignored);
}

static int run(struct call *call, struct ovl_error *err)
{
	const char *users = call_option(call, "users"), *name = call->argv[0];
	struct offer offer = { 0 };
	struct publish publish;
	int ret;

	if (!image_name_whole(store_short_name(name), offer.name)) /* as it was published */
		return ovl_cannot(err, EINVAL, "revoke", name, "it is no name of a record");
	if (users)
		take_users(&offer, users);
	ret = publish_begin(&publish, false, err) ?: withdraw(&publish, &offer, err);
	publish_end(&publish);
	if (ret == 0)
		return ovl_fail(err, ENOENT, "revoke",
				users ? "ovlctl made no such rule for it" : "it is not published",
				"`ovlctl published` shows what is, and for whom", "%s", name);
	if (ret > 0 && users)
		tell(&call->out, offer.name);
	return ret < 0 ? ret : 0;
}

const struct verb cmd_revoke = {
	.name = "revoke",
	.arguments = "NAME",
	.summary = "take an image back, or some users' rules",
	.min = 1,
	.max = 1,
	.run = run,
	.options = { { "users", 'u', "WHO,...", "only their rules; the image stays published" } },
};
