/* SPDX-License-Identifier: MIT */
/*
 * /etc/passwd and /etc/group inside.
 *
 * MUST 1. The image's file is opened as by the caller, and it is a regular one. (P6, rootfs.bats)
 * MUST 2. Nothing of a file is read before privileges are gone. (P6)
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ovl/beneath.h"
#include "accounts.h"
#include "names.h"
#include "plan.h"

static const char *const made[NAMES_COUNT] = { RUN_DIR "/passwd", RUN_DIR "/group" };

/* Of one file; the host's is looked at so far. */
static char contents[1048576];

int names_make(struct name_files *names, struct ovl_error *err)
{
	for (int i = 0; i < NAMES_COUNT; i++) {
		names->file[i].made =
			openat(AT_FDCWD, made[i], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
		if (names->file[i].made < 0)
			return ovl_cannot(err, errno, "make", made[i], NULL);
	}
	return 0;
}

void names_open(struct name_files *names, const struct new_root *root)
{
	const int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	struct stat st;

	for (int i = 0; i < NAMES_COUNT; i++) {
		int fd = ovl_beneath_open(root->fd, plan_names[i] + 1, flags);

		names->file[i].host = openat(AT_FDCWD, plan_names[i], flags);
		names->file[i].image =
			fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? fd : -1;
	}
}

int names_attach(const struct new_root *root, struct ovl_error *err)
{
	int ret = 0;

	for (int i = 0; ret == 0 && i < NAMES_COUNT; i++) {
		ret = attach(root, AT_FDCWD, made[i], plan_names[i],
			     ATTACH_READ_ONLY | ATTACH_OPTIONAL | ATTACH_MAKE, false, err);
	}
	return ret;
}

/* True for what can stand in a field. */
static bool is_field(const char *text)
{
	return text && *text && !strpbrk(text, ":\n");
}

static bool is_his(const struct caller *caller, bool is_group, id_t id)
{
	return is_group ? accounts_has_group(caller, id) : id == caller->uid;
}

static bool write_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t put = write(fd, text, len);

		if (put < 0 && errno != EINTR)
			return false;
		text += put > 0 ? put : 0;
		len -= put > 0 ? (size_t)put : 0;
	}
	return true;
}

/* Copies the caller's lines of the host's file. Returns their number, or -1. */
static int copy_lines(const struct names_file *file, const struct caller *caller, bool is_group)
{
	ssize_t len = file->host >= 0 ? read(file->host, contents, sizeof(contents)) : 0;
	struct word rest = { contents, len > 0 ? (size_t)len : 0 };
	int count = 0;

	while (rest.len > 0) {
		struct word line = word_cut(&rest, '\n'), field = line, number;
		id_t id;

		word_cut(&field, ':');
		word_cut(&field, ':');
		number = word_cut(&field, ':');
		if (!word_to_id(number, &id) || !is_his(caller, is_group, id))
			continue;
		if (!write_all(file->made, line.at, line.len) || !write_all(file->made, "\n", 1))
			return -1;
		count++;
	}
	return count;
}

static bool copy_image(const struct names_file *file)
{
	ssize_t len;

	while ((len = read(file->image, contents, sizeof(contents))) > 0) {
		if (!write_all(file->made, contents, (size_t)len))
			return false;
	}
	return len == 0;
}

int names_fill(const struct name_files *names, const struct caller *caller, const char *user,
	       const char *home, struct ovl_error *err)
{
	for (int i = 0; i < NAMES_COUNT; i++) {
		const struct names_file *file = &names->file[i];
		int count = copy_lines(file, caller, i == 1), len = 0;

		if (count == 0 && i == 0)
			len = dprintf(file->made, "%s:x:%u:%u::%s:/bin/sh\n",
				      is_field(user) ? user : "user", caller->uid, caller->gid,
				      is_field(home) ? home : "/");
		if (count < 0 || len < 0 || (file->image >= 0 && !copy_image(file)))
			return ovl_cannot(err, errno, "write", plan_names[i], NULL);
		close(file->made);
		close(file->image);
		close(file->host);
	}
	return 0;
}
