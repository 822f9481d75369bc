/* SPDX-License-Identifier: MIT */
/*
 * Reads the files of the policy.
 *
 * MUST 1. Every file is root's and writable by nobody else, and so is every directory below /etc.
 *         (T10, T41)
 * MUST 2. A file of the policy is never left out silently: what cannot be read is an error. (T10)
 * MUST 3. Account files are read only if a rule names somebody. (policy.bats)
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ovl/beneath.h"
#include "policy_file.h"
#include "trusted.h"

#define NAME_MAX_LEN 64 /* bytes of the name of a file in POLICY_DIR */

/* Too large for the stack. What is not used of them is never touched. */
static struct policy policy;
static char policy_text[POLICY_SIZE_MAX];
static size_t policy_len;
static struct accounts accounts;
static struct word names[4]; /* of these files */
static char names_text[4][POLICY_SIZE_MAX];
static char record_text[IMAGE_RECORD_MAX + 1];

/* The path of a file in POLICY_DIR; its name alone begins behind sizeof(POLICY_DIR) bytes. */
struct conf_path {
	char text[sizeof(POLICY_DIR) + NAME_MAX_LEN + 1];
};

static int add_file(int dirfd, const char *name, const char *path, bool must_be_roots,
		    struct ovl_error *err)
{
	struct policy_text *text = &policy.texts[policy.count];
	char *buf = policy_text + policy_len;
	ssize_t len = trusted_read(dirfd, name, path, must_be_roots, buf,
				   sizeof(policy_text) - policy_len, err);

	if (len < 0)
		return (int)len;
	*text = (struct policy_text){ .file = path, .text = buf, .len = (size_t)len };
	policy_len += text->len;
	policy.count++;
	return 0;
}

static bool is_conf(const char *name)
{
	size_t len = strlen(name);

	return name[0] != '.' && len > 5 && strcmp(name + len - 5, ".conf") == 0;
}

/* Puts the path of the file name among the count paths, which are in the order of their bytes. */
static void insert_path(struct conf_path *paths, int count, const char *name)
{
	struct conf_path path;

	snprintf(path.text, sizeof(path.text), "%s/%.*s", POLICY_DIR, NAME_MAX_LEN, name);
	for (; count > 0 && strcmp(paths[count - 1].text, path.text) > 0; count--)
		paths[count] = paths[count - 1];
	paths[count] = path;
}

/* Lists the files of POLICY_DIR that count, in order. Returns their number. */
static int list_dir(int dirfd, struct conf_path *paths, struct ovl_error *err)
{
	_Alignas(struct dirent) char buf[4096]; /* readdir would take malloc into each launch */
	int count = 0, got;

	while ((got = getdents(dirfd, (struct dirent *)buf, sizeof(buf))) > 0) {
		const struct dirent *entry;

		for (int at = 0; at < got; at += entry->d_reclen) {
			entry = (const struct dirent *)(buf + at);
			if (!is_conf(entry->d_name))
				continue;
			if (count == POLICY_FILES_MAX - 1 || strlen(entry->d_name) > NAME_MAX_LEN)
				return ovl_cannot(err, E2BIG, "read", POLICY_DIR,
						  "more than 64 files, or a name over 64 bytes");
			insert_path(paths, count++, entry->d_name);
		}
	}
	if (got < 0)
		return ovl_cannot(err, errno, "read", POLICY_DIR, NULL);
	return count;
}

static int load_dir(struct ovl_error *err)
{
	static struct conf_path paths[POLICY_FILES_MAX - 1];
	int dirfd = openat(AT_FDCWD, POLICY_DIR, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int count, ret;

	if (dirfd < 0 && errno == ENOENT)
		return 0;
	if (dirfd < 0)
		return ovl_cannot(err, errno, "open", POLICY_DIR, NULL);
	ret = ovl_beneath_check(dirfd, POLICY_DIR, sizeof(POLICY_DIR) - 1, err);
	ret = count = ret < 0 ? ret : list_dir(dirfd, paths, err);
	for (int i = 0; i < count && ret >= 0; i++)
		ret = add_file(dirfd, paths[i].text + sizeof(POLICY_DIR), paths[i].text, true, err);
	close(dirfd);
	return ret < 0 ? ret : 0;
}

static int load_policy(struct ovl_error *err)
{
	int ret = add_file(AT_FDCWD, POLICY_FILE, POLICY_FILE, true, err);

	return ret < 0 && ret != -ENOENT ? ret : load_dir(err);
}

/* Reads two of the account files, from the first of them on; a missing one names nobody. */
static int read_names(int first, struct ovl_error *err)
{
	static const char *const files[] = { "/etc/passwd", "/etc/group", "/etc/subuid",
					     "/etc/subgid" };

	for (int i = first; i < first + 2; i++) {
		ssize_t len = trusted_read(AT_FDCWD, files[i], files[i], true, names_text[i],
					   sizeof(names_text[i]), err);

		if (len < 0 && len != -ENOENT)
			return (int)len;
		names[i] = (struct word){ names_text[i], len < 0 ? 0 : (size_t)len };
	}
	return 0;
}

static int load_accounts(const struct caller *caller, struct ovl_error *err)
{
	return read_names(0, err) ?: accounts_collect(&accounts, names[0], names[1], caller, err);
}

int policy_ask(const struct caller *caller, const struct request *request, struct grant *grant,
	       struct ovl_error *err)
{
	int load = load_policy(err), ret;

	if (load < 0 && caller->uid != 0)
		return load;
	if (load < 0)
		policy.count = 0;
	ret = policy_decide(&policy, NULL, caller, request, grant, err);
	if (ret == -EAGAIN)
		ret = load_accounts(caller, err)
			      ?: policy_decide(&policy, &accounts, caller, request, grant, err);
	return ret ?: load < 0;
}

unsigned int policy_check_file(const char *file,
			       void (*report)(const struct ovl_error *err, void *data), void *data)
{
	static const struct caller nobody = { .uid = (uid_t)-1, .gid = (gid_t)-1 };
	struct ovl_error err;
	int ret = file ? add_file(AT_FDCWD, file, file, false, &err) : load_policy(&err);

	if ((ret ?: load_accounts(&nobody, &err)) == 0)
		return policy_check(&policy, &accounts, report, data);
	report(&err, data);
	return 1;
}

#define RECORD_PATH_SIZE (sizeof(IMAGES_DIR) + 1 + IMAGE_NAME_SIZE)

/* Reads the record in the file name below IMAGES_DIR, which is no longer than that of an image. */
static ssize_t read_record(const char *name, char path[RECORD_PATH_SIZE], struct ovl_error *err)
{
	char *slash;
	struct stat st;
	ssize_t ret;
	int dirfd;

	snprintf(path, RECORD_PATH_SIZE, "%s/%s", IMAGES_DIR, name);
	slash = strrchr(path, '/');
	*slash = '\0';
	dirfd = ovl_beneath_open_trusted(path, err);
	*slash = '/';
	if (dirfd < 0)
		return dirfd;
	if (fstatat(dirfd, slash + 1, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode))
		return -ENOENT; /* a directory of others */
	ret = trusted_read(dirfd, slash + 1, path, true, record_text, IMAGE_RECORD_MAX, err);
	close(dirfd);
	return ret;
}

int policy_load_image(const char *name, struct image *image, struct ovl_error *err)
{
	char path[RECORD_PATH_SIZE], untagged[IMAGE_NAME_SIZE];
	const char *tag = strrchr(name, ':');
	ssize_t ret = read_record(name, path, err);

	if (ret == -ENOENT && tag && strcmp(tag, ":latest") == 0) {
		snprintf(untagged, sizeof(untagged), "%.*s", (int)(tag - name), name);
		ret = read_record(untagged, path, err);
	}
	if (ret == -ENOENT)
		return ovl_fail(err, ENOENT, "use image", "it is not published here",
				"`ls /etc/ovlrun.d/images` shows the images that are", "%s", name);
	if (ret < 0)
		return (int)ret;
	record_text[ret] = '\0';
	return image_parse(image, record_text, (size_t)ret, path, err);
}

int policy_load_idmap(const struct caller *caller, struct idmap *map, struct ovl_error *err)
{
	return load_accounts(caller, err)
		?: read_names(2, err)
		?: idmap_make(map, caller, &accounts, names[2], names[3], err);
}
