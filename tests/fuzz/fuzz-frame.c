/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The framer: any bytes. However the input is cut, the same messages and errors come out; each
 * message is well-formed in itself; errors are short; limits hold.
 *
 * The first byte of the input chooses the sizes of the pieces and small limits, the rest is fed.
 */

#include "tests/fuzz/fuzz.h"
#include "tests/unit/wire/feeding.h"

enum {
    WHY_MAX = 100
};

static void
check_message(const TnMessage *message, const TnFrameLimits *limits)
{
    g_assert(message->n_tokens > 0 && message->n_tokens <= limits->n_tokens);
    g_assert(message->tokens[0].next == message->n_tokens);
    for (guint i = 0; i < message->n_tokens; i++) {
        const TnToken *token = &message->tokens[i];
        guint child = i + 1;
        double number = 0;

        g_assert(token->type <= TN_TOKEN_OBJECT);
        g_assert(token->next > i && token->next <= message->n_tokens);
        g_assert(token->start + (gsize)token->length <= limits->message_bytes);
        for (guint n = 0; n < token->n_children; n++) {
            if (token->type == TN_TOKEN_OBJECT) {
                g_assert(message->tokens[child].type == TN_TOKEN_STRING);
                child++;
            }
            child = message->tokens[child].next;
        }
        g_assert(child == token->next);
        if (token->type == TN_TOKEN_STRING)
            g_assert(g_utf8_validate_len(message->bytes + token->start, token->length, NULL) ||
                     (token->flags & TN_TOKEN_HAS_NUL) != 0);
        if (token->type == TN_TOKEN_NUMBER) {
            int64_t integer = 0;

            number = tn_message_get_double(message, i);
            if (tn_message_get_int64(message, i, &integer))
                g_assert(number <= (double)integer && number >= (double)integer);
        }
    }
}

static void
take_results(TnFrame *frame, const TnFrameLimits *limits, GString *out)
{
    for (;;) {
        TnMessage message = {0};
        const char *why = NULL;

        switch (tn_frame_next(frame, &message, &why)) {
        case TN_FRAME_MORE:
            g_assert(tn_frame_get_begun_bytes(frame) <= limits->message_bytes);
            return;
        case TN_FRAME_ERROR:
            g_assert(strlen(why) < WHY_MAX);
            g_string_append_printf(out, "! %s ", why);
            break;
        case TN_FRAME_MESSAGE:
            check_message(&message, limits);
            if (out->len % 3 == 0)
                tn_frame_detach(frame, &message);
            for (guint i = 0; i < message.n_tokens; i++)
                describe_token(out, &message, i);
            g_string_append(out, "; ");
            tn_message_clear(&message);
            break;
        }
    }
}

static GString *
run_input(const TnFrameLimits *limits, const char *bytes, gsize size, gsize step, gboolean trim)
{
    g_autoptr(TnFrame) frame = tn_frame_new(limits);
    GString *out = g_string_new(NULL);

    for (gsize at = 0; at < size; at += step) {
        feed_bytes(frame, bytes + at, MIN(step, size - at));
        take_results(frame, limits, out);
        if (trim)
            tn_frame_trim(frame);
    }
    g_string_append_printf(out, "%" G_GSIZE_FORMAT, tn_frame_get_begun_bytes(frame));
    return out;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const TnFrameLimits choices[] = {
        {TN_FRAME_MESSAGE_BYTES, TN_FRAME_DEPTH, TN_FRAME_TOKENS},
        {64, 4, 8},
        {1000, 8, 200},
        {20, 3, 3},
    };
    const TnFrameLimits *limits = NULL;
    const char *bytes = (const char *)data;
    gsize step = 0;

    if (size < 2)
        return 0;
    limits = &choices[data[0] % G_N_ELEMENTS(choices)];
    step = 1 + data[0] / G_N_ELEMENTS(choices);
    bytes++;
    size--;
    {
        g_autoptr(GString) whole = run_input(limits, bytes, size, size, FALSE);
        g_autoptr(GString) pieces = run_input(limits, bytes, size, step, FALSE);
        g_autoptr(GString) singles = run_input(limits, bytes, size, 1, TRUE);

        g_assert(g_string_equal(whole, pieces));
        g_assert(g_string_equal(whole, singles));
    }
    return 0;
}
