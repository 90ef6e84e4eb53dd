/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Any bytes through the lexer to a request: the request's parts are what they claim to be, and an
 * id rendered again is one line of ASCII that reads as the same tokens.
 */

#include "agent/message.h"
#include "agent/wire/frame.h"
#include "tests/fuzz/fuzz.h"

#include <glib.h>
#include <string.h>

static void
feed(TnFrame *frame, const char *bytes, gsize size)
{
    while (size > 0) {
        gsize room = 0;
        char *place = tn_frame_reserve(frame, &room);
        gsize n = MIN(room, size);

        memcpy(place, bytes, n);
        tn_frame_commit(frame, n);
        bytes += n;
        size -= n;
    }
}

/* The tokens of A from A_AT and of B from B_AT mean the same. */
static void
assert_same(const TnMessage *a, guint a_at, const TnMessage *b, guint b_at)
{
    guint n = a->tokens[a_at].next - a_at;

    g_assert_cmpuint(n, ==, b->tokens[b_at].next - b_at);
    for (guint i = 0; i < n; i++) {
        const TnToken *x = &a->tokens[a_at + i];
        const TnToken *y = &b->tokens[b_at + i];

        g_assert_cmpuint(x->type, ==, y->type);
        g_assert_cmpuint(x->n_children, ==, y->n_children);
        g_assert_true(x->length == y->length &&
                      memcmp(a->bytes + x->start, b->bytes + y->start, x->length) == 0);
    }
}

static void
try_id(const TnMessage *message, guint id)
{
    g_autoptr(GString) text = g_string_new("[");
    g_autoptr(TnFrame) frame = tn_frame_new(NULL);
    TnMessage again = {0};
    const char *why = NULL;

    if (!tn_message_append_token(message, id, TN_MESSAGE_ID_BYTES, text)) {
        g_assert_cmpstr(text->str, ==, "[");
        return;
    }
    g_assert_cmpuint(text->len, <=, TN_MESSAGE_ID_BYTES + 1);
    for (gsize i = 0; i < text->len; i++)
        g_assert_true(text->str[i] >= ' ' && text->str[i] < 0x7f);
    g_string_append_c(text, ']');
    feed(frame, text->str, text->len);
    if (tn_frame_next(frame, &again, &why) == TN_FRAME_MESSAGE)
        assert_same(message, id, &again, 1);
    else /* one level deeper than the limit */
        g_assert_nonnull(strstr(why, "depth"));
}

static void
try_message(const TnMessage *message)
{
    TnRequest request = {0};
    g_autoptr(GError) error = NULL;
    guint id = tn_message_find_id(message);

    if (id != 0)
        try_id(message, id);
    if (!tn_message_parse(message, &request, &error)) {
        g_autoptr(GString) line = g_string_new(NULL);

        g_assert_nonnull(error);
        tn_message_append_error(line, "GenericError", error->message, NULL, NULL);
        g_assert_true(g_str_is_ascii(line->str));
        g_assert_true(strchr(line->str, '\n') == line->str + line->len - 1);
        return;
    }
    g_assert_nonnull(request.name);
    g_assert_cmpuint(request.id, ==, id);
    if (request.arguments != 0)
        g_assert_cmpuint(message->tokens[request.arguments].type, ==, TN_TOKEN_OBJECT);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(TnFrame) frame = tn_frame_new(NULL);
    TnMessage message = {0};
    const char *why = NULL;
    TnFrameResult result = TN_FRAME_MORE;

    feed(frame, (const char *)data, size);
    while ((result = tn_frame_next(frame, &message, &why)) != TN_FRAME_MORE) {
        if (result == TN_FRAME_MESSAGE)
            try_message(&message);
    }
    return 0;
}
