/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines in pieces: text from the encoder, then base64 of what a bulk source gives, then text again.
 * A source may give any number of bytes at a time; the one or two that do not fill a group of three
 * wait for the next pull. An error of a source ends its data and is the source's to report: half a
 * line has gone out by then.
 */
#include "agent/reply.h"

#include "agent/message.h"
#include "agent/wire/base64.h"

enum {
    GROUP = 3,         /* bytes that base64 makes four characters of */
    ENCODE_SLACK = 32, /* tn_base64_encode() stores that far behind its end */
};

gboolean
tn_reply_begin(TnReply *reply, GString *line, gboolean delimited, const TnField *value,
               const void *base, const char *id)
{
    TnBulk *bulk = NULL;

    tn_message_begin_return(line, delimited);
    if (value == NULL) {
        g_string_append_len(line, "{}", 2);
        tn_message_end_line(line, id);
        return TRUE;
    }
    tn_encoder_init(&reply->encoder, value, base);
    if (tn_encoder_step(&reply->encoder, line, &bulk)) {
        tn_encoder_clear(&reply->encoder);
        tn_message_end_line(line, id);
        return TRUE;
    }
    reply->has_encoder = TRUE;
    reply->bulk = bulk;
    reply->n_carry = 0;
    reply->id = id;
    return FALSE;
}

void
tn_reply_clear(TnReply *reply)
{
    if (reply->has_encoder)
        tn_encoder_clear(&reply->encoder);
    reply->has_encoder = FALSE;
    reply->bulk = NULL;
    reply->n_taken = 0;
    if (reply->text != NULL)
        g_string_free(reply->text, TRUE);
    reply->text = NULL;
}

static void
append_base64(GString *out, const guint8 *data, gsize size)
{
    gsize at = out->len;

    g_string_set_size(out, at + tn_base64_encoded_size(size) + ENCODE_SLACK);
    tn_base64_encode(data, size, out->str + at);
    g_string_truncate(out, at + tn_base64_encoded_size(size));
}

/* Whole groups of DATA to OUT, the rest to the carry. */
static void
append_piece(TnReply *reply, GString *out, const guint8 *data, gsize size)
{
    gsize whole = 0;

    if (reply->n_carry > 0) {
        while (reply->n_carry < GROUP && size > 0) {
            reply->carry[reply->n_carry++] = *data++;
            size--;
        }
        if (reply->n_carry < GROUP)
            return;
        append_base64(out, reply->carry, GROUP);
        reply->n_carry = 0;
    }
    whole = size - size % GROUP;
    append_base64(out, data, whole);
    while (whole < size)
        reply->carry[reply->n_carry++] = data[whole++];
}

/* One piece of the source in work, of about MAX characters. */
static void
pull_piece(TnReply *reply, GString *out, gsize max)
{
    g_autoptr(GError) error = NULL;
    const guint8 *data = NULL;
    gsize want = CLAMP(max / 4 * (gsize)GROUP, 4096, (gsize)TN_BULK_PIECE_BYTES);
    gssize n = reply->bulk->pull(reply->bulk, want, &data, &error);

    if (n > 0) {
        append_piece(reply, out, data, (gsize)n);
        return;
    }
    if (n < 0)
        g_debug("bulk data ends short: %s", error != NULL ? error->message : "no reason");
    append_base64(out, reply->carry, reply->n_carry);
    reply->n_carry = 0;
    reply->bulk = NULL;
}

static void
take_text(TnReply *reply, GString *out, gsize max)
{
    gsize n = MIN(max, reply->text->len - reply->n_taken);

    g_string_append_len(out, reply->text->str + reply->n_taken, (gssize)n);
    reply->n_taken += n;
}

gboolean
tn_reply_fill(TnReply *reply, GString *out, gsize max)
{
    gsize end = out->len + MAX(max, 1);

    while (out->len < end) {
        if (reply->text != NULL && reply->n_taken < reply->text->len) {
            take_text(reply, out, end - out->len);
        } else if (reply->bulk != NULL) {
            pull_piece(reply, out, end - out->len);
        } else if (!reply->has_encoder) {
            return TRUE;
        } else if (tn_encoder_step(&reply->encoder, out, &reply->bulk)) {
            tn_encoder_clear(&reply->encoder);
            reply->has_encoder = FALSE;
            tn_message_end_line(out, reply->id);
            return TRUE;
        }
    }
    return !reply->has_encoder && (reply->text == NULL || reply->n_taken == reply->text->len);
}
