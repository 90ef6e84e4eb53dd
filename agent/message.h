/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/wire/frame.h"

#include <gio/gio.h>
#include <glib.h>

/*
 * The envelope: tokens to a request, a reply to one line. Sans-I/O, and nothing is known here of
 * commands. Source: qemu's docs/interop/qmp-spec; the words are those of qemu-ga.
 */

/* Longest text of an id that is echoed; a request with a longer one is refused. */
#define TN_MESSAGE_ID_BYTES 65536
/* Longest desc of an error reply; what is beyond it is cut. */
#define TN_MESSAGE_DESC_BYTES 16384

/* One request; borrows from its message. */
typedef struct {
    const char *name; /* NUL-ended */
    guint arguments;  /* token of the object, 0: none given */
    guint id;         /* token of any value, 0: none given */
} TnRequest;

/* Takes the request out of MESSAGE (whose strings may be NUL-ended in place). Errors:
 * TN_REQUEST_ERROR_GENERIC in qemu-ga's words and order; the first wrong member in the order of the
 * text is named. A string with U+0000 anywhere in the request is an error. */
gboolean tn_message_parse(const TnMessage *message, TnRequest *ret_request, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/* Token of the id, also of a request that tn_message_parse() refuses; 0: none. */
guint tn_message_find_id(const TnMessage *message);

/* Renders the value of TOKEN again and appends it to TEXT: numbers in their own digits, strings as
 * escaped ASCII, no white space. Without recursion. FALSE, and TEXT as before, when that would
 * take more than LIMIT bytes. */
gboolean tn_message_append_token(const TnMessage *message, guint token, gsize limit, GString *text)
    G_GNUC_WARN_UNUSED_RESULT;

/* Opens a success line, `{"return": `, with 0xFF before it when DELIMITED; the value and
 * tn_message_end_line() follow. */
void tn_message_begin_return(GString *line, gboolean delimited);
/* Closes a line: `, "id": ID}` and the newline; ID is rendered text or NULL. */
void tn_message_end_line(GString *line, const char *id);
/* Appends a whole error line. DESC is UTF-8 (other bytes become U+FFFD) and is cut at
 * TN_MESSAGE_DESC_BYTES; REASON and ID may be NULL. */
void tn_message_append_error(GString *line, const char *error_class, const char *desc,
                             const char *reason, const char *id);
