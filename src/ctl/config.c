/* SPDX-License-Identifier: MIT */
/* Reads the configuration of an image. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "config.h"
#include "digest.h"

#define PATH_SIZE 512

/* Docker names the file by the digest, containers/storage by "=" and the base64 of its key. */
static void path_of(const struct store *store, const char *id, char path[PATH_SIZE])
{
	char key[DIGEST_HEX + 8], name[2 * sizeof(key)];

	snprintf(key, sizeof(key), "sha256:%s", id);
	EVP_EncodeBlock((unsigned char *)name, (const unsigned char *)key, (int)strlen(key));
	if (store->kind == STORE_PODMAN)
		snprintf(path, PATH_SIZE, "overlay-images/%s/=%s", id, name);
	else
		snprintf(path, PATH_SIZE, "image/overlay2/imagedb/content/sha256/%s", id);
}

json_t *config_load(const struct store *store, const char *id, const char **wrong,
		    struct ovl_error *err)
{
	char path[PATH_SIZE], hex[DIGEST_HEX + 1];
	json_t *config = NULL;
	char *text;
	size_t len;

	path_of(store, id, path);
	text = file_load(&store->root, path, FILE_JSON_MAX, &len, err);
	if (!text) {
		*wrong = "its config cannot be read";
		return NULL;
	}
	digest_of(text, len, hex);
	*wrong = "its config does not have the digest that names it";
	if (strcmp(hex, id) == 0) {
		*wrong = "its config is no valid JSON";
		config = json_loadb(text, len, 0, NULL);
	}
	free(text);
	if (!config)
		ovl_fail(err, EBADMSG, "use", *wrong, NULL, "%s/%s", store->root.path, path);
	return config;
}
