/* SPDX-License-Identifier: MIT */
/* Digests of configs and chains. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "digest.h"

void digest_of(const void *data, size_t len, char hex[DIGEST_HEX + 1])
{
	unsigned char raw[EVP_MAX_MD_SIZE];

	if (!EVP_Digest(data, len, raw, NULL, EVP_sha256(), NULL)) {
		fputs("ovlctl: libcrypto has no SHA-256\n", stderr);
		exit(2);
	}
	for (int i = 0; i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", raw[i]);
}

bool digest_is_hex(const char *text)
{
	return strlen(text) == DIGEST_HEX && strspn(text, "0123456789abcdef") == DIGEST_HEX;
}

const char *digest_hex_of(const char *text)
{
	return text && strncmp(text, "sha256:", 7) == 0 && digest_is_hex(text + 7) ? text + 7
										   : NULL;
}

void digest_chain(const char *parent, const char *diff, bool is_podman, char chain[DIGEST_HEX + 1])
{
	char text[2 * (DIGEST_HEX + 8) + 2];
	int len;

	if (!*parent) {
		memcpy(chain, diff + 7, DIGEST_HEX + 1);
		return;
	}
	len = is_podman ? snprintf(text, sizeof(text), "%s+%s", parent, diff + 7)
			: snprintf(text, sizeof(text), "sha256:%s %s", parent, diff);
	digest_of(text, (size_t)len, chain);
}
