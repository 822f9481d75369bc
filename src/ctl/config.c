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

json_t *config_load(const struct store *store, const struct image *image, struct ovl_error *err)
{
	char key[DIGEST_HEX + 8], name[2 * sizeof(key)], path[PATH_SIZE], hex[DIGEST_HEX + 1];
	json_t *config = NULL;
	char *text;
	size_t len;

	snprintf(key, sizeof(key), "sha256:%s", image->id);
	EVP_EncodeBlock((unsigned char *)name, (const unsigned char *)key, (int)strlen(key));
	if (store->kind == STORE_PODMAN)
		snprintf(path, sizeof(path), "overlay-images/%s/=%s", image->id, name);
	else
		snprintf(path, sizeof(path), "image/overlay2/imagedb/content/sha256/%s", image->id);
	text = file_load(&store->root, path, FILE_JSON_MAX, &len, err);
	if (!text)
		return NULL;
	digest_of(text, len, hex);
	if (strcmp(hex, image->id) == 0)
		config = json_loadb(text, len, 0, NULL);
	free(text);
	if (!config)
		ovl_fail(err, EBADMSG, "use", "it does not have its digest, or is no valid JSON",
			 NULL, "%s/%s", store->root.path, path);
	return config;
}
