/* SPDX-License-Identifier: MIT */
/* Merges directories as overlay does (format, section 6). */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <linux/capability.h>

#include "ovl/beneath.h"
#include "view.h"

#define INITIAL_USER_NS 0xEFFFFFFDu /* its inode (include/linux/proc_ns.h, PROC_USER_INIT_INO) */
#define MARK_SIZE	64

/* An entry of a layer's directory, and what it does to lower ones of its name. */
struct found {
	struct view_entry entry;
	unsigned int order; /* of the layer, from the uppermost */
	bool is_whiteout, is_shown;
};

struct finds {
	struct found *finds;
	size_t count;
};

const char *view_marks(const struct store *store)
{
	struct stat st;
	bool is_users = fstat(store->tree.fd, &st) == 0 && st.st_uid != 0;

	is_users =
		is_users || (stat("/proc/self/ns/user", &st) == 0 && st.st_ino != INITIAL_USER_NS);
	return is_users ? "user.overlay." : "trusted.overlay.";
}

static bool is_administrator(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	return syscall(SYS_capget, &header, data) == 0 && (data[0].effective & 1u << CAP_SYS_ADMIN);
}

int view_open(struct view *view, const struct store *store, unsigned int top, struct ovl_error *err)
{
	char word[8];

	*view = (struct view){ .store = store,
			       .marks = view_marks(store),
			       .unread = file_alloc(sizeof(*view->unread)) };
	/* To others the kernel says that there is no such attribute. */
	if (!is_administrator())
		return ovl_fail(err, EPERM, "examine", "only root can see overlay's marks", NULL,
				"the layers of %s", store->tree.path);
	/* To it ".wh." files are deletions (format, section 11). */
	if (file_read_line(&store->tree, ".has-mount-program", word, sizeof(word), err) > 0 &&
	    strcmp(word, "true") == 0)
		return ovl_cannot(err, EOPNOTSUPP, "compare the layers of", store->tree.path,
				  "their deletions are written for a mount program");
	return store_stack(store, top, &view->stack, err);
}

void view_without_top(struct view *view)
{
	if (view->stack.count == 0)
		return;
	view->stack.count--;
	memmove(view->stack.layers, view->stack.layers + 1,
		view->stack.count * sizeof(*view->stack.layers));
}

void view_top_alone(struct view *view)
{
	view->stack.count = view->stack.count > 0;
}

struct view_dir view_root(const struct view *view)
{
	struct view_dir root = { file_alloc(view->stack.count * sizeof(*root.layers)),
				 view->stack.count };

	if (root.count)
		memcpy(root.layers, view->stack.layers, root.count * sizeof(*root.layers));
	return root;
}

/* Opens path in a layer; -ENOENT if it is not there. */
static int open_in(const struct view *view, unsigned int layer, const char *path, int flags)
{
	const char *id = view->store->layers[layer].id;
	size_t size = strlen(id) + sizeof("/diff/") + strlen(path);
	char *name = file_alloc(size);
	int fd;

	snprintf(name, size, "%s/diff%s%s", id, *path ? "/" : "", path);
	fd = ovl_beneath_open(view->store->tree.fd, name, flags);
	free(name);
	return fd;
}

static int fail(const struct view *view, unsigned int layer, const char *path, int errnum,
		struct ovl_error *err)
{
	return ovl_fail(err, errnum, "read", NULL, NULL, "%s/%s/diff/%s", view->store->tree.path,
			view->store->layers[layer].id, path);
}

/*
 * The extended attribute of entry in the open directory dirfd, or "."; with name NULL the list of their names. Through the working
 * directory: it opens nothing, and needs no /proc. Whatever else than that there is none is kept for view_check(): no mark must be
 * lost in silence.
 */
static ssize_t attribute_of(const struct view *view, unsigned int layer, const char *path,
			    int dirfd, const char *entry, const char *name, void *value,
			    size_t size)
{
	ssize_t len = fchdir(dirfd);

	if (len == 0)
		len = name ? lgetxattr(entry, name, value, size) : llistxattr(entry, value, size);
	if (len >= 0)
		return len;
	len = -errno;
	if (!name &&
	    len == -E2BIG) /* more names than the kernel lists: there is no mark to be lost */
		return len;
	/* Gone meanwhile; longer than it is asked for; of another namespace's root. */
	if (len != -ENODATA && len != -EOPNOTSUPP && len != -ENOENT && len != -ERANGE &&
	    len != -EOVERFLOW && view->unread->errnum == 0)
		fail(view, layer, path, (int)-len, view->unread);
	return len;
}

static bool has_mark(const struct view *view, unsigned int layer, const char *path, int dirfd,
		     const char *entry, const char *mark, const char *value)
{
	char name[MARK_SIZE], found = 0;

	stpcpy(stpcpy(name, view->marks), mark);
	return attribute_of(view, layer, path, dirfd, entry, name, &found, value ? 1 : 0) >= 0 &&
	       (!value || found == *value);
}

/* A regular file is one whether its directory is marked for such or not; that only decides whether the kernel lists it. */
static bool is_whiteout(const struct view *view, unsigned int layer, const char *path, int dirfd,
			const struct view_entry *entry)
{
	return view_is_whiteout(entry) ||
	       (S_ISREG(entry->st.st_mode) && entry->st.st_size == 0 &&
		has_mark(view, layer, path, dirfd, entry->name, "whiteout", NULL));
}

/* Adds the entries of one layer's directory. */
static int read_layer(const struct view *view, unsigned int layer, unsigned int order,
		      const char *path, struct finds *all, struct ovl_error *err)
{
	int fd = open_in(view, layer, path, O_RDONLY | O_DIRECTORY), ret = 0;
	const struct dirent *entry;
	DIR *dir;

	if (fd == -ENOENT)
		return 0;
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir)
		return fail(view, layer, path, fd < 0 ? -fd : errno, err);
	while (ret == 0 && (errno = 0, entry = readdir(dir))) {
		struct found found = { .entry.layer = layer, .order = order };

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (fstatat(fd, entry->d_name, &found.entry.st, AT_SYMLINK_NOFOLLOW) < 0) {
			if (errno != ENOENT)
				ret = fail(view, layer, path, errno, err);
			continue;
		}
		found.entry.name = file_copy(entry->d_name);
		found.is_whiteout = is_whiteout(view, layer, path, fd, &found.entry);
		all->finds = file_grow(all->finds, all->count, sizeof(found));
		all->finds[all->count++] = found;
	}
	if (ret == 0 && errno)
		ret = fail(view, layer, path, errno, err);
	closedir(dir);
	return ret;
}

static int compare(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	return strcmp(x->entry.name, y->entry.name)
		       ?: (x->order > y->order) - (x->order < y->order);
}

int view_list(const struct view *view, const struct view_dir *dir, const char *path,
	      struct view_list *list, struct ovl_error *err)
{
	struct finds all = { 0 };
	int ret = 0;

	*list = (struct view_list){ 0 };
	for (unsigned int i = 0; i < dir->count && ret == 0; i++)
		ret = read_layer(view, dir->layers[i], i, path, &all, err);
	if (all.count)
		qsort(all.finds, all.count, sizeof(*all.finds), compare);
	for (size_t i = 0; i < all.count; i++)
		all.finds[i].is_shown = (view->is_raw || !all.finds[i].is_whiteout) &&
					(i == 0 || strcmp(all.finds[i - 1].entry.name,
							  all.finds[i].entry.name) != 0);
	list->entries = file_alloc(all.count * sizeof(*list->entries));
	for (size_t i = 0; i < all.count; i++) {
		if (all.finds[i].is_shown)
			list->entries[list->count++] = all.finds[i].entry;
		else
			free(all.finds[i].entry.name);
	}
	free(all.finds);
	if (ret < 0)
		view_list_free(list);
	return ret;
}

void view_list_free(struct view_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->entries[i].name);
	free(list->entries);
	*list = (struct view_list){ 0 };
}

/* True if lower directories are not merged with the one that is open as fd. */
static bool is_opaque(struct view *view, unsigned int layer, const char *path, int fd)
{
	if (has_mark(view, layer, path, fd, ".", "redirect", NULL)) {
		view->has_redirects = true;
		return true;
	}
	return has_mark(view, layer, path, fd, ".", "opaque", "y");
}

int view_enter(struct view *view, const struct view_dir *dir, const char *path,
	       struct view_dir *child, struct ovl_error *err)
{
	bool is_last = false;

	*child = (struct view_dir){ file_alloc(dir->count * sizeof(*child->layers)), 0 };
	for (unsigned int i = 0; i < dir->count && !is_last; i++) {
		int fd = open_in(view, dir->layers[i], path, O_PATH);
		struct stat st;

		if (fd == -ENOENT)
			continue;
		if (fd < 0 || fstat(fd, &st) < 0) {
			int ret = fail(view, dir->layers[i], path, fd < 0 ? -fd : errno, err);

			if (fd >= 0)
				close(fd);
			free(child->layers);
			*child = (struct view_dir){ 0 };
			return ret;
		}
		if (S_ISDIR(st.st_mode))
			child->layers[child->count++] = dir->layers[i];
		is_last = !S_ISDIR(st.st_mode) ||
			  (is_opaque(view, dir->layers[i], path, fd) && !view->is_raw);
		close(fd);
	}
	return 0;
}

/* Of the kinds of whiteouts the one that engines write. */
bool view_is_whiteout(const struct view_entry *entry)
{
	return S_ISCHR(entry->st.st_mode) && entry->st.st_rdev == 0;
}

bool view_is_opaque(const struct view *view, unsigned int layer, const char *path)
{
	int fd = open_in(view, layer, path, O_PATH | O_DIRECTORY);
	bool is = fd >= 0 && has_mark(view, layer, path, fd, ".", "opaque", "y");

	if (fd >= 0)
		close(fd);
	return is;
}

ssize_t view_attribute(const struct view *view, unsigned int layer, const char *path,
		       const char *name, void *value, size_t size)
{
	const char *slash = strrchr(path, '/');
	char *parent = slash ? strndup(path, (size_t)(slash - path)) : file_copy("");
	int fd = parent ? open_in(view, layer, parent, O_PATH | O_DIRECTORY) : -ENOMEM;
	ssize_t len = fd;

	if (fd >= 0) {
		len = attribute_of(view, layer, path, fd, slash ? slash + 1 : path, name, value,
				   size);
		close(fd);
	}
	free(parent);
	return len;
}

ssize_t view_attribute_names(const struct view *view, unsigned int layer, const char *path,
			     char *names, size_t size)
{
	return view_attribute(view, layer, path, NULL, names, size);
}

int view_check(const struct view *view, struct ovl_error *err)
{
	if (view->unread->errnum)
		*err = *view->unread;
	return -view->unread->errnum;
}
