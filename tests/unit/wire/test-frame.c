/* SPDX-License-Identifier: Apache-2.0 */

#include "agent/wire/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
feed(TnFrame *frame, const char *bytes, gsize size)
{
    while (size > 0) {
        gsize room = 0;
        char *place = tn_frame_reserve(frame, &room);
        gsize n = MIN(room, size);

        assert_true(room >= 4096);
        memcpy(place, bytes, n);
        tn_frame_commit(frame, n);
        bytes += n;
        size -= n;
    }
}

static void
describe_token(GString *out, const TnMessage *message, guint *index)
{
    const TnToken *token = &message->tokens[(*index)++];

    g_string_append_c(out, "nftNSAO"[token->type]);
    if (token->type == TN_TOKEN_ARRAY || token->type == TN_TOKEN_OBJECT)
        g_string_append_printf(out, "%u", token->n_children);
    else if (token->type == TN_TOKEN_NUMBER || token->type == TN_TOKEN_STRING)
        g_string_append_printf(out, "(%.*s)", (int)token->length, message->bytes + token->start);
    g_string_append_printf(out, ">%u ", token->next);
}

/* Everything that INPUT gives, as one line of text. */
static char *
describe_all(TnFrame *frame)
{
    GString *out = g_string_new(NULL);

    for (;;) {
        TnMessage message = {0};
        const char *why = NULL;

        switch (tn_frame_next(frame, &message, &why)) {
        case TN_FRAME_MORE:
            return g_string_free(out, FALSE);
        case TN_FRAME_ERROR:
            g_string_append_printf(out, "! %s ", why);
            break;
        case TN_FRAME_MESSAGE:
            for (guint i = 0; i < message.n_tokens;)
                describe_token(out, &message, &i);
            g_string_append(out, "; ");
            break;
        }
    }
}

static void
assert_input(const char *input, gssize size, const char *expected)
{
    gsize n = size < 0 ? strlen(input) : (gsize)size;
    g_autoptr(TnFrame) whole = tn_frame_new(NULL);
    g_autofree char *got = NULL;

    feed(whole, input, n);
    got = describe_all(whole);
    assert_string_equal(got, expected);

    for (gsize cut = 0; cut <= n; cut++) {
        g_autoptr(TnFrame) frame = tn_frame_new(NULL);
        g_autofree char *first = NULL;
        g_autofree char *second = NULL;
        g_autofree char *both = NULL;

        feed(frame, input, cut);
        first = describe_all(frame);
        feed(frame, input + cut, n - cut);
        second = describe_all(frame);
        both = g_strconcat(first, second, NULL);
        assert_string_equal(both, expected);
    }
}

static void
test_values(void **state)
{
    assert_input("{}", -1, "O0>1 ; ");
    assert_input("[]{}", -1, "A0>1 ; O0>1 ; ");
    assert_input("{\"execute\":\"guest-ping\",\"id\":[1,-2.5e3,true,null,{\"a\":false}]}\n", -1,
                 "O2>12 S(execute)>2 S(guest-ping)>3 S(id)>4 A5>12 N(1)>6 N(-2.5e3)>7 t>8 n>9 "
                 "O1>12 S(a)>11 f>12 ; ");
    assert_input("1 \"x\"true ", -1, "N(1)>1 ; S(x)>1 ; t>1 ; ");
    assert_input("1", -1, "");
    assert_input(" [ ] \r\n\t", -1, "A0>1 ; ");
}

static void
test_strings(void **state)
{
    assert_input("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", -1, "S(\"\\/\b\f\n\r\t)>1 ; ");
    assert_input("\"a\\u0041\\u00e9\\u20AC\\ud83d\\ude00z\"", -1,
                 "S(aA\u00e9\u20ac\U0001f600z)>1 ; ");
    assert_input("\"\u00e9\u20ac\U0001f600\x7f\"", -1, "S(\u00e9\u20ac\U0001f600\x7f)>1 ; ");
    assert_input("[\"\\n\",\"b\",\"\"]", -1, "A3>4 S(\n)>2 S(b)>3 S()>4 ; ");
}

static void
test_errors(void **state)
{
    static const struct {
        const char *input;
        const char *why;
    } cases[] = {
        {"hello\n", "invalid keyword 'hello'"},
        {"T\n", "stray 'T'"},
        {"]\n", "expecting value"},
        {",\n", "expecting value"},
        {"[1,]\n", "expecting value"},
        {"{\"a\":}\n", "expecting value"},
        {"{\"a\":1,}\n", "expecting value"},
        {"{,}\n", "expecting value"},
        {"{1:2}\n", "key is not a string in object"},
        {"{\"a\" 1}\n", "missing : in object pair"},
        {"{\"a\"}\n", "missing : in object pair"},
        {"{\"a\":1 \"b\":2}\n", "expected separator in dict"},
        {"[1 2]\n", "expected separator in list"},
        {"[1x]\n", "expected separator in list"},
        {"01 \n", "stray '01'"},
        {"-x\n", "stray '-x'"},
        {"1.x\n", "stray '1.x'"},
        {"\"a\nb\"\n", "stray '\"a\n'"},
        {"[\"\\q\"]\n", "invalid escape sequence in string"},
        {"[\"\\ud800\"]\n", "\\ud800 is not a valid Unicode character"},
        {"[\"\\ud800\\u0041\"]\n", "\\ud800 is not a valid Unicode character"},
        {"[\"\\udc00\"]\n", "\\udc00 is not a valid Unicode character"},
        {"[\"\xc3(\"]\n", "invalid UTF-8 sequence in string"},
        {"[\"\xc0\x80\"]\n", "invalid UTF-8 sequence in string"},
        {"{\"a\":1,\"a\":2}\n", "duplicate key"},
        {"{\"a\":1,\"\\u0061\":2}\n", "duplicate key"},
        {"[tru]\n", "invalid keyword 'tru'"},
        {"['a']\n", "stray '''"},
        {"#x\n", "stray '#'"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *expected = g_strdup_printf("! JSON parse error, %s ", cases[i].why);
        g_autofree char *with_next = g_strconcat(cases[i].input, "{}", NULL);
        g_autofree char *expected_next = g_strconcat(expected, "O0>1 ; ", NULL);

        /* a newline that is itself the offending byte ends the line as well */
        if (strcmp(cases[i].input, "\"a\nb\"\n") == 0)
            continue;
        assert_input(cases[i].input, -1, expected);
        assert_input(with_next, -1, expected_next);
    }
    assert_input("\"a\n{}", -1, "! JSON parse error, stray '\"a\n' O0>1 ; ");
}

static void
test_sentinel(void **state)
{
    static const char *const begun[] = {
        "",
        "{",
        "[1,2",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "\"gu",
        "\"a\\",
        "\"a\\u",
        "\"\\u12",
        "\"\\ud83d",
        "\"\\ud83d\\",
        "\"\\ud83d\\ude",
        "\"\xe2\x82",
        "-",
        "12",
        "1.",
        "1e",
        "1e+",
        "tru",
        "true",
        "[",
        "{\"a\":1,",
        "\"\xc3",
        "hel",
        "[1,",
        "   ",
        "[[[[",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(begun); i++) {
        g_autofree char *input = g_strconcat(begun[i], "\xff{}", NULL);

        assert_input(input, -1, "O0>1 ; ");
    }
    assert_input("]zzz\xff{}", -1, "! JSON parse error, expecting value O0>1 ; ");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_sentinel),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
