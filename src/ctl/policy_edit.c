/* SPDX-License-Identifier: MIT */
/* Changes the rules that ovlctl writes: one a line; what an administrator put between them stays. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "image_name.h"
#include "policy.h"

#define HEADER "# ovlctl writes this file: `ovlctl allow` and `ovlctl revoke` change it."
#define PATH   POLICY_DIR "/" POLICY_OURS

void policy_add(struct policy *ours, const struct who *who, const char *image, const char *features,
		const char *limit)
{
	unsigned int at = 0;
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fprintf(out, "permit %s image %s", who->text, image);
	if (features)
		fprintf(out, " may %s", features);
	if (limit)
		fprintf(out, " limit %s", limit);
	fclose(out);
	while (at < ours->count && (ours->lines[at].kind != LINE_PERMIT ||
				    who_rank(&ours->lines[at].who) <= who_rank(who)))
		at++;
	policy_insert(ours, at, PATH, 0, text);
	free(text);
}

unsigned int policy_remove(struct policy *ours, const struct who *who, const char *image)
{
	unsigned int kept = 0, count = ours->count;

	for (unsigned int i = 0; i < count; i++) {
		const struct line *line = &ours->lines[i];
		char whole[IMAGE_NAME_SIZE];

		/* A pattern, which only somebody else can have written, is about other images too. */
		if (line->kind == LINE_PERMIT && line->image &&
		    image_name_whole(line->image, whole) && strcmp(whole, image) == 0 &&
		    (!who || who_same(&line->who, who)))
			continue;
		ours->lines[kept++] = *line;
	}
	ours->count = kept;
	return count - kept;
}

char *policy_text(const struct policy *ours)
{
	bool is_needed = false;
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fputs(HEADER "\n", out);
	for (unsigned int i = 0; i < ours->count; i++) {
		if (strcmp(ours->lines[i].text, HEADER) == 0)
			continue;
		fprintf(out, "%s\n", ours->lines[i].text);
		is_needed = true;
	}
	fclose(out);
	return is_needed ? text : NULL;
}
