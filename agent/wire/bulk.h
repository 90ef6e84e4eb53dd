/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>
#include <stdint.h>

/*
 * A bulk source: bytes that never enter a DOM and are never in memory as a whole. The session
 * pulls a piece, encodes it as base64 and hands it to the peer, and pulls the next one only when
 * the peer has taken the last. File contents and captured output travel this way.
 */

/* Largest piece that is pulled at a time: raw bytes whose base64 is 256 KiB. */
#define TN_BULK_PIECE_BYTES (192 * 1024)

typedef struct TnBulk TnBulk;

struct TnBulk {
    /* Points *RET_DATA at the next at most MAX bytes and returns their number; 0 at the end. The
     * bytes belong to the source and are valid until its next call. -1 and ERROR on failure: the
     * data ends there, short but well-formed, and the source must tell the error to its next
     * user. Never blocks for longer than a read of cached or local data does. */
    gssize (*pull)(TnBulk *bulk, gsize max, const uint8_t **ret_data, GError **error);
    /* Frees the source; called exactly once, also when the peer went away half-way. */
    void (*free)(TnBulk *bulk);
};

/* Frees BULK, which may be NULL. */
static inline void
tn_bulk_free(TnBulk *bulk)
{
    if (bulk != NULL)
        bulk->free(bulk);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TnBulk, tn_bulk_free)
