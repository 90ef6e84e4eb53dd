/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The corpus of JSON texts: verdicts, independence of how the input is cut, and the values against
 * json-glib where that is to be trusted (it knows neither U+0000 nor numbers beyond int64).
 */

#include "agent/wire/text.h"
#include "tests/unit/wire/feeding.h"
#include "tests/unit/wire/json-texts.h"

#include <json-glib/json-glib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum {
    SHORT_BYTES = 64
};

static char *
join_text(const TnJsonText *text)
{
    char *input = g_malloc(text->size + 2);

    memcpy(input, text->text, text->size);
    input[text->size] = ' ';
    input[text->size + 1] = '\0';
    return input;
}

/* What INPUT gives when it is cut behind CUT bytes and then every STEP bytes. */
static char *
describe_cut(const char *input, gsize size, gsize cut, gsize step, char **ret_verdict)
{
    g_autoptr(TnFrame) frame = tn_frame_new(NULL);
    g_autoptr(GString) out = g_string_new(NULL);
    g_autoptr(GString) verdict = g_string_new(NULL);

    feed_bytes(frame, input, cut);
    describe_results(frame, out, verdict);
    for (gsize at = cut; at < size; at += step) {
        feed_bytes(frame, input + at, MIN(step, size - at));
        describe_results(frame, out, verdict);
    }
    if (tn_frame_get_begun_bytes(frame) > 0)
        g_string_append_c(verdict, '.');
    *ret_verdict = g_strdup(verdict->str);
    return g_strdup(out->str);
}

static void
test_verdicts(void **state)
{
    guint n_wrong = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(json_texts); i++) {
        const TnJsonText *text = &json_texts[i];
        g_autofree char *input = join_text(text);
        g_autofree char *verdict = NULL;
        g_autofree char *out = describe_cut(input, text->size + 1, text->size + 1, 1, &verdict);

        if (strcmp(verdict, text->verdict) == 0)
            continue;
        print_error("text %zu: %s\nis %s, not %s: %s\n", i, input, verdict, text->verdict, out);
        n_wrong++;
    }
    assert_int_equal(n_wrong, 0);
}

static void
test_cuts_change_nothing(void **state)
{
    for (gsize i = 0; i < G_N_ELEMENTS(json_texts); i++) {
        gsize size = json_texts[i].size + 1;
        g_autofree char *input = join_text(&json_texts[i]);
        g_autofree char *verdict = NULL;
        g_autofree char *whole = describe_cut(input, size, size, 1, &verdict);

        /* byte by byte from each position on: that covers every single cut and all of them */
        for (gsize cut = 0; cut < MIN(size, SHORT_BYTES); cut++) {
            g_autofree char *verdict_cut = NULL;
            g_autofree char *verdict_bytes = NULL;
            g_autofree char *halves = describe_cut(input, size, cut, size, &verdict_cut);
            g_autofree char *bytes = describe_cut(input, size, cut, 1, &verdict_bytes);

            assert_string_equal(verdict_cut, verdict);
            assert_string_equal(verdict_bytes, verdict);
            assert_string_equal(halves, whole);
            assert_string_equal(bytes, whole);
        }
    }
}

/* A text again from its tokens; decoding it must give the same tokens. */
static void
print_value(GString *out, const TnMessage *message, guint *index)
{
    guint ends[64];
    gboolean is_object[64];
    guint depth = 0;
    guint n_done = 0;

    while (*index < message->n_tokens) {
        const TnToken *token = &message->tokens[*index];

        if (token->type == TN_TOKEN_STRING)
            tn_text_append_string(out, message->bytes + token->start, (gssize)token->length);
        else if (token->type < TN_TOKEN_STRING)
            g_string_append_len(out, message->bytes + token->start, (gssize)token->length);
        (*index)++;
        n_done++;
        if (token->type >= TN_TOKEN_ARRAY) {
            assert_true(depth < G_N_ELEMENTS(ends));
            is_object[depth] = token->type == TN_TOKEN_OBJECT;
            ends[depth++] = token->next;
            n_done = 0;
            g_string_append_c(out, token->type == TN_TOKEN_OBJECT ? '{' : '[');
        }
        while (depth > 0 && *index == ends[depth - 1]) {
            g_string_append_c(out, is_object[--depth] ? '}' : ']');
            /* parity of what stands before in the outer one: a container is always a value */
            n_done = 2;
        }
        if (depth == 0)
            return;
        if (out->str[out->len - 1] == '{' || out->str[out->len - 1] == '[')
            continue;
        g_string_append_c(out, is_object[depth - 1] && n_done % 2 == 1 ? ':' : ',');
    }
}

/* Whether json-glib keeps the number as it stands. */
static gboolean
is_exact(const TnMessage *message, guint index)
{
    int64_t value = 0;
    const TnToken *token = &message->tokens[index];

    if (token->type == TN_TOKEN_STRING)
        return (token->flags & TN_TOKEN_HAS_NUL) == 0;
    if (token->type != TN_TOKEN_NUMBER)
        return TRUE;
    if ((token->flags & TN_TOKEN_IS_INTEGER) != 0)
        return tn_message_get_int64(message, index, &value);
    return tn_message_get_double(message, index) < 1e300 &&
           tn_message_get_double(message, index) > -1e300;
}

static void
test_values_like_json_glib(void **state)
{
    guint n_compared = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(json_texts); i++) {
        const TnJsonText *text = &json_texts[i];
        g_autoptr(TnFrame) frame = tn_frame_new(NULL);
        g_autoptr(JsonParser) theirs = json_parser_new();
        g_autoptr(JsonParser) ours = json_parser_new();
        g_autofree char *input = join_text(text);
        g_autoptr(GString) printed = g_string_new(NULL);
        TnMessage message = {0};
        const char *why = NULL;
        gboolean is_comparable = TRUE;
        guint index = 0;

        if (strcmp(text->verdict, "m") != 0 || memchr(text->text, 0xff, text->size) != NULL)
            continue;
        feed_bytes(frame, input, text->size + 1);
        assert_int_equal(tn_frame_next(frame, &message, &why), TN_FRAME_MESSAGE);
        for (guint t = 0; t < message.n_tokens; t++)
            is_comparable = is_comparable && is_exact(&message, t);
        if (!is_comparable)
            continue;
        print_value(printed, &message, &index);
        assert_int_equal(index, message.n_tokens);

        if (!json_parser_load_from_data(theirs, input, (gssize)text->size, NULL))
            fail_msg("json-glib refuses %s", input);
        if (!json_parser_load_from_data(ours, printed->str, -1, NULL))
            fail_msg("json-glib refuses %s", printed->str);
        if (!json_node_equal(json_parser_get_root(theirs), json_parser_get_root(ours)))
            fail_msg("%s is not %s", input, printed->str);
        n_compared++;
    }
    assert_true(n_compared > 150);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_cuts_change_nothing),
        cmocka_unit_test(test_values_like_json_glib),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
