/* SPDX-License-Identifier: MIT */
/* What is directly in a tree, who can reach it, and the entries of l/ that no layer claims. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "check.h"

/* Docker's by version: up to 19.03.14, from 19.03.15 and 20.10.3, from 20.10.9; containers/storage's, with shared stores. */
static bool is_usual(enum store_kind kind, mode_t mode, bool is_links)
{
	bool is_docker = mode == 0700 || mode == 0701 || (mode == 0710 && !is_links);
	bool is_podman = mode == 0700 || mode == 0755 || (mode == 0711 && !is_links);

	return (kind != STORE_PODMAN && is_docker) || (kind != STORE_DOCKER && is_podman);
}

static void check_mode(struct check *check, const char *name, bool is_links)
{
	struct stat st;

	if (fstatat(check->store->tree.fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	if (!is_usual(check->store->kind, st.st_mode & 0777, is_links))
		check_found(check, RULE_MODE, name, "mode %04o is none of the engine's",
			    st.st_mode & 07777);
}

/* A directory that keeps others out closes all below it. */
static void check_reach(struct check *check)
{
	bool others_pass = true, group_passes = true;
	char *path = file_copy(check->store->tree.path);
	char *end = path + strlen(path);
	struct stat st;

	for (;;) {
		bool has_list = getxattr(path, "system.posix_acl_access", NULL, 0) > 0;

		if (stat(path, &st) < 0)
			break;
		if (!(st.st_mode & S_IXOTH)) {
			others_pass = false;
			if (!has_list && (!(st.st_mode & S_IXGRP) || st.st_gid == 0))
				group_passes = false;
		}
		end = strrchr(path, '/');
		if (path[1] == '\0')
			break;
		end[end == path] = '\0';
	}
	free(path);
	if (others_pass)
		check_found(
			check, RULE_REACHABLE, ".",
			"every user can enter it and use what is in its layers, set-id files too");
	else if (group_passes)
		check_found(check, RULE_GROUP, ".",
			    "members of a group, or of an access list, can enter it");
}

static bool begins(const char *name, const char *const *with, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strncmp(name, with[i], strlen(with[i])) == 0)
			return true;
	}
	return false;
}

static int check_child(const char *name, void *context)
{
	static const char *const probes[] = { "check-overlayfs-support", "opaque-bug-check",
					      "metacopy-check", "userxattr-check" };
	static const char *const known[] = {
		"l", "staging", "tempdirs", "backingFsBlockDev", ".has-mount-program", "lost+found"
	};
	struct check *check = context;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(name, known[i]) == 0)
			return 0;
	}
	if (ovl_id_is_valid(name, strlen(name))) {
		if (store_layer(check->store, name) ==
		    NO_LAYER) /* the scan takes directories only */
			check_found(check, RULE_LAYER, name, "not a directory");
	} else if (begins(name, probes, sizeof(probes) / sizeof(probes[0]))) {
		check_found(check, RULE_LEFTOVER, name, "left by a probe that was interrupted");
	} else {
		check_found(check, RULE_STRANGER, name, "its name is no layer's");
	}
	return 0;
}

static int add_link(const char *name, void *context)
{
	struct check *check = context;
	char object[NAME_MAX + 3] = "l/";
	struct spare_link *spare;

	if (!ovl_link_is_valid(name, strlen(name))) {
		check_found(check, RULE_STRANGER, strcat(object, name), "its name is no link's");
		return 0;
	}
	/* What a layer claims is looked at with that layer. */
	if (store_link(check->store, name) != NO_LAYER)
		return 0;
	check->spare = file_grow(check->spare, check->spare_count, sizeof(*spare));
	spare = &check->spare[check->spare_count++];
	spare->is_needed = false;
	memcpy(spare->link, name, sizeof(spare->link));
	return 0;
}

static int compare_spare(const void *a, const void *b)
{
	return strcmp(((const struct spare_link *)a)->link, ((const struct spare_link *)b)->link);
}

int check_tree(struct check *check, struct ovl_error *err)
{
	const struct store *store = check->store;
	struct ovl_error why = { 0 };
	int ret;

	check->is_trusted = ovl_tree_open(&check->tree, store->tree.path, &why) == 0;
	if (!check->is_trusted) {
		enum rule rule = why.errnum == EPERM	    ? RULE_UNTRUSTED
				 : why.errnum == EOPNOTSUPP ? RULE_MOUNT_PROGRAM
							    : RULE_TREE;

		check_found(check, rule, why.object, "%s", why.reason ?: strerror(why.errnum));
		/* The rest can be looked at all the same. */
		check->tree = (struct ovl_tree){ .path = store->tree.path, .fd = store->tree.fd };
	}
	check_mode(check, ".", false);
	check_mode(check, "l", true);
	for (unsigned int i = 0; i < store->layer_count; i++) {
		if (ovl_id_is_valid(store->layers[i].id, strlen(store->layers[i].id)))
			check_mode(check, store->layers[i].id, false);
	}
	check_reach(check);
	ret = file_each(&store->tree, ".", check_child, check, err)
		      ?: file_each(&store->tree, "l", add_link, check, err);
	if (check->spare_count)
		qsort(check->spare, check->spare_count, sizeof(*check->spare), compare_spare);
	return ret;
}
