/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>
#include <stdint.h>
#include <string.h>

/*
 * Values to pure ASCII JSON text, appended to a GString. Spacing is that of qemu-ga's replies:
 * `": "` behind a key, `", "` between members. Nothing here fails.
 */

/* Appends SIZE bytes as they are. Replies are made of many short pieces, so this stands here, where
 * g_string_append_len() would be a call for each. */
static inline void
tn_text_append(GString *text, const char *bytes, gsize size)
{
    if (text->allocated_len - text->len <= size) {
        g_string_append_len(text, bytes, (gssize)size);
        return;
    }
    memcpy(text->str + text->len, bytes, size);
    text->len += size;
    text->str[text->len] = '\0';
}

/* Appends "…" with everything outside printable ASCII escaped: \uXXXX with upper-case hex and
 * surrogate pairs, the short escapes \" \\ \b \f \n \r \t; DEL and each ill-formed UTF-8 sequence
 * become \u007F and \uFFFD. SIZE in bytes, -1: up to the NUL. */
void tn_text_append_string(GString *text, const char *value, gssize size);
/* Appends an integer or a double (%.17g; not finite: 0), locale-free. */
void tn_text_append_int(GString *text, int64_t value);
void tn_text_append_uint(GString *text, uint64_t value);
void tn_text_append_double(GString *text, double value);
