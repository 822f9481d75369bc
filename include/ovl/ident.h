/* SPDX-License-Identifier: MIT */
/*
 * Identifiers of an overlay2 tree: the only strings that may become part of a path or of mount
 * data.
 *
 * cache-id: 64 lower-case hex digits, with "-init" for the layer Docker puts under a container, or
 *           25 characters [0-9a-z] for a layer that BuildKit made. The name of a layer's directory.
 * link:     26 characters of the RFC 4648 base32 alphabet, [A-Z2-7]. The short name in l/.
 *
 * (moby: daemon/graphdriver/overlay2, layer/layer_store.go; BuildKit: identity.NewID.)
 * Neither alphabet holds a character that means anything in a path or in mount data: no '/', '.',
 * ',', ':', '\', no control byte. The matchers are written by hand: no locale, no regex.
 */
#ifndef OVL_IDENT_H
#define OVL_IDENT_H

#include <stdbool.h>
#include <stddef.h>

#define OVL_ID_MAX   69 /* bytes of the longest cache-id: 64 + strlen("-init") */
#define OVL_LINK_LEN 26 /* bytes of every link */

/* s: len bytes, need not be terminated. True if the whole of it is a cache-id. */
bool ovl_id_is_valid(const char *s, size_t len);

/* s: len bytes, need not be terminated. True if the whole of it is a link. */
bool ovl_link_is_valid(const char *s, size_t len);

#endif
