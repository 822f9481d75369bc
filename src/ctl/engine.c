/* SPDX-License-Identifier: MIT */
/* Engines at work: pid files and locks. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "engine.h"
#include "ovl/beneath.h"

#define BUSY_HINT "stop it first, as with `systemctl stop docker.socket docker`"

struct process {
	const char *root;
	struct dir descriptors;
};

/* 1 if the descriptor name of a process is beneath the root. */
static int is_in_root(const char *name, void *context)
{
	const struct process *process = context;
	size_t root = strlen(process->root);
	char target[PATH_MAX];
	ssize_t len = readlinkat(process->descriptors.fd, name, target, sizeof(target) - 1);

	target[len < 0 ? 0 : len] = '\0';
	return strncmp(target, process->root, root) == 0 && target[root] == '/';
}

/* The pid that a file names lives and works on the root. */
static int check_pid(const struct store *store, const char *pid_file, struct ovl_error *err)
{
	struct dir system = { .path = "" };
	struct process process = { .root = store->root.path };
	char pid[24], path[64];
	ssize_t len;
	int ret;

	system.fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	len = file_read_line(&system, pid_file, pid, sizeof(pid), err);
	close(system.fd);
	if (len == -ENOENT || len == 0)
		return 0;
	if (len < 0)
		return (int)len;
	if (strspn(pid, "0123456789") != (size_t)len)
		return ovl_fail(err, EBADMSG, "read", "not a pid", NULL, "/%s", pid_file);
	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	process.descriptors = (struct dir){ open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), path };
	if (process.descriptors.fd < 0)
		return errno == ENOENT ? 0 : ovl_cannot(err, errno, "open", path, NULL);
	ret = file_each(&process.descriptors, ".", is_in_root, &process, err);
	close(process.descriptors.fd);
	return ret <= 0 ? ret
			: ovl_fail(err, EBUSY, "repair", "Docker's daemon runs on it", BUSY_HINT,
				   "%s", store->tree.path);
}

static int docker_keep_off(const struct store *store, struct ovl_error *err)
{
	static const char *const pid_files[] = { "run/docker.pid", "var/run/docker.pid" };
	static const char *const databases[] = {
		"volumes/metadata.db", "network/files/local-kv.db", "buildkit/metadata_v2.db",
		"containerd/daemon/io.containerd.metadata.v1.bolt/meta.db"
	};

	for (size_t i = 0; i < sizeof(pid_files) / sizeof(pid_files[0]); i++) {
		int ret = check_pid(store, pid_files[i], err);

		if (ret < 0 && ret != -ELOOP) /* /var/run is a symlink to the first */
			return ret;
	}
	for (size_t i = 0; i < sizeof(databases) / sizeof(databases[0]); i++) {
		int fd = ovl_beneath_open(store->root.fd, databases[i],
					  O_RDONLY | O_NONBLOCK | O_NOCTTY);

		/* Held until the process ends. */
		if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0)
			return ovl_fail(err, EBUSY, "repair",
					"a daemon that runs on it has locked this", BUSY_HINT,
					"%s/%s", store->root.path, databases[i]);
		if (fd < 0 && fd != -ENOENT)
			return ovl_fail(err, -fd, "open", NULL, NULL, "%s/%s", store->root.path,
					databases[i]);
	}
	return 0;
}

static int podman_keep_off(const struct store *store, struct ovl_error *err)
{
	static const char *const locks[] = { "storage.lock", "overlay-layers/layers.lock" };

	for (size_t i = 0; i < sizeof(locks) / sizeof(locks[0]); i++) {
		struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
		int fd = ovl_beneath_open(store->root.fd, locks[i], O_RDWR | O_NONBLOCK | O_NOCTTY);

		if (fd < 0 && fd != -ENOENT)
			return ovl_fail(err, -fd, "open", NULL, NULL, "%s/%s", store->root.path,
					locks[i]);
		/* Of the open file, not the process: closing another descriptor of it must not lose it. */
		if (fd >= 0 && fcntl(fd, F_OFD_SETLK, &whole) < 0)
			return ovl_fail(err, EBUSY, "repair", "an engine at work has locked this",
					"wait until Podman, Buildah or CRI-O are done", "%s/%s",
					store->root.path, locks[i]);
	}
	return 0;
}

int engine_keep_off(const struct store *store, struct ovl_error *err)
{
	if (store->kind == STORE_DOCKER)
		return docker_keep_off(store, err);
	return store->kind == STORE_PODMAN ? podman_keep_off(store, err) : 0;
}
