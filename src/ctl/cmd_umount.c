/* SPDX-License-Identifier: MIT */
/* ovlctl umount: takes away what `ovlctl mount` has mounted, and nothing else. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "mounts.h"
#include "verb.h"

struct wanted {
	unsigned long id; /* of the mount that the directory shows */
	const char *path; /* of the directory, real */
};

/* The number of the mount that path is in; 0: it cannot be told. */
static unsigned long mount_id(const char *path)
{
	char name[64], line[128];
	unsigned long id = 0;
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	FILE *file;

	snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", fd);
	file = fd < 0 ? NULL : fopen(name, "re");
	while (file && id == 0 && fgets(line, sizeof(line), file))
		sscanf(line, "mnt_id: %lu", &id);
	if (file)
		fclose(file);
	if (fd >= 0)
		close(fd);
	return id;
}

static int is_wanted(const struct overlay *overlay, void *context)
{
	const struct wanted *wanted = context;

	return overlay->id == wanted->id && strcmp(overlay->point, wanted->path) == 0 &&
	       strcmp(overlay->root, "/") == 0 && mounts_is_own(overlay);
}

static int run(struct call *call, struct ovl_error *err)
{
	const struct namespace own = { 0 };
	const char *dir = call->argv[0];
	char *path = realpath(dir, NULL);
	struct wanted wanted = { .path = path };
	int ret = 0;

	if (!path)
		return ovl_cannot(err, errno, "unmount", dir, NULL);
	wanted.id = mount_id(path);
	if (mounts_each(&own, is_wanted, &wanted) != 1)
		ret = ovl_fail(err, EINVAL, "unmount", "nothing that `ovlctl mount` has mounted",
			       "`ovlctl ps` lists what is mounted", "%s", dir);
	else if (umount2(path, UMOUNT_NOFOLLOW) < 0)
		ret = ovl_fail(err, errno, "unmount", NULL,
			       errno == EBUSY ? "processes use it: `fuser -vm` names them" : NULL,
			       "%s", dir);
	free(path);
	return ret;
}

const struct verb cmd_umount = {
	.name = "umount",
	.arguments = "DIR",
	.summary = "takes away what `mount` has mounted",
	.min = 1,
	.max = 1,
	.run = run,
};
