/* SPDX-License-Identifier: MIT */
/* Reads the configuration of an image. */
#include <ctype.h>
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

/* True if Go's parser, which the engines have, takes key for the field name: by any case, with U+017F for s, U+212A for k. */
static bool is_spelling(const char *key, const char *name)
{
	for (; *name; name++) {
		size_t len = strncmp(key, "\u017f", 2) == 0   ? 2
			     : strncmp(key, "\u212a", 3) == 0 ? 3
							      : 1;
		char letter = len == 2 ? 's' : len == 3 ? 'k' : *key;

		if (tolower((unsigned char)letter) != tolower((unsigned char)*name))
			return false;
		key += len;
	}
	return *key == '\0';
}

/* Gives the fields that are read here their usual names; false if one is there twice. */
static bool name_fields(json_t *config)
{
	static const struct {
		const char *in, *name; /* in: "" is the config itself */
	} fields[] = { { "", "rootfs" },    { "", "config" },
		       { "", "created" },   { "rootfs", "diff_ids" },
		       { "config", "Env" }, { "config", "Entrypoint" },
		       { "config", "Cmd" }, { "config", "WorkingDir" },
		       { "config", "User" } };

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		json_t *in = fields[i].in[0] ? json_object_get(config, fields[i].in) : config;
		json_t *value, *found = NULL;
		const char *key;

		json_object_foreach(in, key, value)
		{
			if (!is_spelling(key, fields[i].name))
				continue;
			if (found)
				return false;
			found = value;
		}
		if (found)
			json_object_set(in, fields[i].name, found);
	}
	return true;
}

json_t *config_load(const struct store *store, const char *id, const char **wrong,
		    struct ovl_error *err)
{
	char path[PATH_SIZE], hex[DIGEST_HEX + 1];
	json_error_t error;
	json_t *config = NULL;
	char *text;
	size_t len;

	path_of(store, id, path);
	text = file_load(&store->root, path, FILE_CONFIG_MAX, &len, err);
	if (!text) {
		*wrong = "its config cannot be read";
		return NULL;
	}
	digest_of(text, len, hex);
	*wrong = "its config does not have the digest that names it";
	if (strcmp(hex, id) == 0) {
		*wrong = "its config is no valid JSON, or has too many parts";
		config = file_parse_json(text, len, FILE_CONFIG_MAX, &error);
	}
	free(text);
	if (config && !name_fields(config)) {
		*wrong = "a field of its config is there twice, in two spellings";
		json_decref(config);
		config = NULL;
	}
	if (!config)
		ovl_fail(err, EBADMSG, "use", *wrong, NULL, "%s/%s", store->root.path, path);
	return config;
}
