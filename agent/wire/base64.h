/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>
#include <stdint.h>

/*
 * Base64 (RFC 4648, standard alphabet) for bulk data: the best of AVX2, SSSE3, NEON and plain C is
 * chosen at run time. No I/O, no allocation.
 */

/* Encoded size of N bytes, padding included. */
static inline gsize
tn_base64_encoded_size(gsize n)
{
    return (n + 2) / 3 * 4;
}

/* Encodes SIZE bytes with padding; writes tn_base64_encoded_size(SIZE) characters to OUT, no NUL,
 * no newlines, nothing behind them. */
gsize tn_base64_encode(const uint8_t *data, gsize size, char *out);

/* Decodes SIZE characters to OUT, which has room for SIZE / 4 * 3 + 2 bytes, or equals TEXT: in
 * place. Newlines (\n, \r\n) anywhere are skipped (Perl's encode_base64 puts one every 76 columns).
 * Text without padding is accepted when its last group has 2 or 3 characters and zero spare bits; a
 * single left-over character, padding in the middle, spare bits that are set, and every other
 * character are errors, and then FALSE is returned (OUT has been written to). *RET_SIZE is the
 * number of bytes. Source: RFC 4648. */
gboolean tn_base64_decode(const char *text, gsize size, uint8_t *out, gsize *ret_size)
    G_GNUC_WARN_UNUSED_RESULT;
