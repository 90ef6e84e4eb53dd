/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/wire/frame.h"

#include <glib.h>

/*
 * One reply of an agent: text that our own strict lexer has passed, read through its tokens. A
 * guest is not trusted: every accessor checks the type, and no other parser ever sees the bytes.
 * AT is the index of a token, 0 the whole reply. Nothing here blocks.
 */

typedef struct {
    TnMessage message;
} TnAnswer;

/* Takes the message that FRAME handed out last. Free with tn_answer_free. */
TnAnswer *tn_answer_take(TnFrame *frame, TnMessage *message);

/* Reads TEXT, which must be exactly one JSON value. Errors: TN_FAILURE_PROTOCOL. */
TnAnswer *tn_answer_parse(const char *text, gsize size, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* REPLY may be NULL. */
void tn_answer_free(TnAnswer *reply);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TnAnswer, tn_answer_free)

/* Finds what the command returned. Errors: the agent's own as tn_failure_new_from_guest makes it;
 * TN_FAILURE_PROTOCOL when REPLY is neither a return nor an error. */
gboolean tn_answer_unwrap(const TnAnswer *reply, guint *ret_at, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/* The type of the value AT. */
TnTokenType tn_answer_get_type(const TnAnswer *reply, guint at);

/* Index of member NAME of the object AT; 0 when AT is no object or lacks it. */
guint tn_answer_find(const TnAnswer *reply, guint at, const char *name);

/* TRUE and *RET_VALUE when the member is there and an int64 (a number; a boolean). */
gboolean tn_answer_get_int(const TnAnswer *reply, guint at, const char *name, gint64 *ret_value);
gboolean tn_answer_get_bool(const TnAnswer *reply, guint at, const char *name, gboolean *ret_value);
/* Any number. */
gboolean tn_answer_get_double(const TnAnswer *reply, guint at, const char *name, double *ret_value);

/* The member's text, borrowed; NULL when it is absent, no string, or holds U+0000. */
const char *tn_answer_get_string(const TnAnswer *reply, guint at, const char *name);

/* The string AT itself; NULL when it is no string or holds U+0000. */
const char *tn_answer_get_text(const TnAnswer *reply, guint at);

/* Decodes the member's base64 in place, so it can be asked for once only. An absent member is an
 * empty byte string. Errors: TN_FAILURE_PROTOCOL. */
gboolean tn_answer_get_bytes(TnAnswer *reply, guint at, const char *name, const guint8 **ret_data,
                             gsize *ret_size, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Walks the elements of an array: *ITER is 0 before the first; returns the index of the next
 * element, or 0 at the end and when AT is no array. */
guint tn_answer_next(const TnAnswer *reply, guint at, guint *iter);

/* Walks the members of an object in the same way; *RET_KEY is borrowed. */
guint tn_answer_next_member(const TnAnswer *reply, guint at, guint *iter, const char **ret_key);

/* Appends AT as one line of ASCII JSON. Strings of more than ELIDE_ABOVE bytes are replaced by
 * "<N bytes>" (for traces); G_MAXSIZE keeps all. */
void tn_answer_append_json(const TnAnswer *reply, guint at, gsize elide_above, GString *out);
