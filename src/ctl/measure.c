/* SPDX-License-Identifier: MIT */
/* Measures a layer. */
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "measure.h"
#include "ovl/beneath.h"

/* Inodes with several links that were counted, in a table of which half is free. */
struct seen {
	ino_t *inodes; /* 0: free */
	size_t size, count;
};

static bool add(struct seen *seen, ino_t inode)
{
	size_t at = (size_t)(inode * 2654435761u) & (seen->size - 1);

	for (; seen->inodes[at]; at = (at + 1) & (seen->size - 1)) {
		if (seen->inodes[at] == inode)
			return false;
	}
	seen->inodes[at] = inode;
	seen->count++;
	return true;
}

/* True if the inode was not there yet. */
static bool is_new(struct seen *seen, ino_t inode)
{
	struct seen larger;

	if (2 * (seen->count + 1) > seen->size) {
		larger = (struct seen){ .size = seen->size ? 2 * seen->size : 256 };
		larger.inodes = file_alloc(larger.size * sizeof(ino_t));
		for (size_t i = 0; i < seen->size; i++) {
			if (seen->inodes[i])
				add(&larger, seen->inodes[i]);
		}
		free(seen->inodes);
		*seen = larger;
	}
	return add(seen, inode);
}

int64_t measure_layer(const struct store *store, unsigned int layer, struct ovl_error *err)
{
	struct dir own = { -1, store->layers[layer].id };
	char *path = file_path(&own, "diff"), *absolute = file_path(&store->tree, path);
	int fd = ovl_beneath_open(store->tree.fd, path, O_PATH | O_DIRECTORY);
	char *roots[2] = { absolute, NULL };
	struct seen seen = { 0 };
	int64_t bytes = 0;
	FTSENT *entry;
	FTS *walk = NULL;

	if (fd >= 0) {
		close(fd);
		/* The tree's own path is real; below it fts follows nothing and stays on the file system. */
		walk = fts_open(roots, FTS_PHYSICAL | FTS_XDEV, NULL);
	}
	while (walk && (entry = fts_read(walk))) {
		const struct stat *st = entry->fts_statp;

		if (entry->fts_info != FTS_F && entry->fts_info != FTS_SL &&
		    entry->fts_info != FTS_DEFAULT && entry->fts_info != FTS_SLNONE)
			continue;
		if (st->st_nlink < 2 || is_new(&seen, st->st_ino))
			bytes = store_add(bytes, st->st_size);
	}
	if (fd < 0 || errno) /* at the end fts clears errno */
		bytes = ovl_fail(err, fd < 0 ? -fd : errno, "measure", NULL, NULL, "%s", absolute);
	if (walk)
		fts_close(walk);
	free(seen.inodes);
	free(absolute);
	free(path);
	return bytes;
}
