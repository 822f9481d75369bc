/* SPDX-License-Identifier: MIT */
/* What the first process does before anything else can be done. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/module.h>

#include "dir.h"
#include "early.h"
#include "report.h"

#define MODULES	    "/lib/modules/ovl"
#define MODULES_MAX 256 /* files; what is behind is not loaded */

/* Never one that is there already: a script's, or the kernel's own /dev (CONFIG_DEVTMPFS_MOUNT). */
static int mount_missing(const char *path, const char *type, unsigned long flags, const char *data,
			 struct ovl_error *err)
{
	int ret = dir_make(path, 0755, err);

	if (ret == 0 && dir_is_same(path, "/") && mount(type, path, type, flags, data) < 0)
		ret = ovl_cannot(err, errno, "mount", path, NULL);
	return ret;
}

int early_mount(struct ovl_error *err)
{
	const unsigned long flags = MS_NOSUID | MS_NOEXEC | MS_NODEV;
	int ret;

	if (dir_is_memory("/") && (chown("/", 0, 0) < 0 || chmod("/", 0755) < 0))
		return ovl_cannot(err, errno, "own", "/", NULL);
	ret = mount_missing("/dev", "devtmpfs", MS_NOSUID, "mode=0755", err)
		      ?: mount_missing("/proc", "proc", flags, NULL, err)
		      ?: mount_missing("/sys", "sysfs", flags, NULL, err)
		      ?: mount_missing("/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755", err);
	report_to_console(); /* the kernel had none before there was /dev */
	return ret;
}

static bool load(int dirfd, const char *name)
{
	size_t len = strlen(name);
	bool is_plain = len > 3 && strcmp(name + len - 3, ".ko") == 0;
	int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC), errnum;
	long ret = -1;

	if (fd >= 0)
		ret = syscall(SYS_finit_module, fd, "", is_plain ? 0 : MODULE_INIT_COMPRESSED_FILE);
	errnum = errno;
	if (fd >= 0)
		close(fd);
	errno = errnum;
	return ret == 0;
}

/* One round over the directory; the errors are left in failed, 0 for what is loaded. True if something was loaded. */
static bool load_round(int dirfd, int failed[MODULES_MAX])
{
	struct dir_reader reader = { .fd = dirfd };
	bool is_progress = false;
	const char *name;

	lseek(dirfd, 0, SEEK_SET);
	for (unsigned int at = 0; at < MODULES_MAX && (name = dir_next(&reader)); at++) {
		if (failed[at] == 0 || name[0] == '.')
			continue;
		failed[at] = load(dirfd, name) ? 0 : errno;
		if (failed[at] == 0)
			report(REPORT_DEBUG, "loaded %s", name);
		is_progress = is_progress || failed[at] == 0;
	}
	return is_progress;
}

void early_load_modules(void)
{
	static int failed[MODULES_MAX];
	struct dir_reader reader = { .fd = open(MODULES, O_RDONLY | O_DIRECTORY | O_CLOEXEC) };
	const char *name;

	if (reader.fd < 0)
		return;
	for (unsigned int at = 0; at < MODULES_MAX; at++)
		failed[at] = ENOEXEC; /* not tried yet */
	while (load_round(reader.fd, failed))
		;
	lseek(reader.fd, 0, SEEK_SET);
	for (unsigned int at = 0; at < MODULES_MAX && (name = dir_next(&reader)); at++) {
		/* Without the hardware a driver says ENODEV; built in or loaded by a script: EEXIST. */
		if (failed[at] && failed[at] != ENODEV && failed[at] != EEXIST)
			report(REPORT_NOTE, "cannot load %s/%s: %s", MODULES, name,
			       strerror(failed[at]));
	}
	close(reader.fd);
}
