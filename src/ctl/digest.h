/* SPDX-License-Identifier: MIT */
/* SHA-256, by libcrypto. */
#ifndef CTL_DIGEST_H
#define CTL_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

#define DIGEST_HEX 64

/* Hex digits of the digest of len bytes, terminated. */
void digest_of(const void *data, size_t len, char hex[DIGEST_HEX + 1]);

/* True for exactly 64 lower-case hex digits. */
bool digest_is_hex(const char *text);

/* What follows "sha256:" if text is that and 64 hex digits, else NULL. */
const char *digest_hex_of(const char *text);

/*
 * The chain-id (hex digits) of a layer with diff-id diff ("sha256:...") on one with chain-id parent (hex digits, "" for a
 * base). OCI's rule, which is Docker's: SHA256("sha256:PARENT sha256:DIFF"); that of containers/storage: SHA256("PARENT+DIFF").
 */
void digest_chain(const char *parent, const char *diff, bool is_podman, char chain[DIGEST_HEX + 1]);

#endif
