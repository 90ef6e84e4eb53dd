/* SPDX-License-Identifier: Apache-2.0 */

#include "agent/wire/frame.h"

#include "tests/unit/wire/feeding.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Everything that waits in FRAME, as one line of text. */
static char *
describe_all(TnFrame *frame)
{
    GString *out = g_string_new(NULL);

    describe_results(frame, out, NULL);
    return g_string_free(out, FALSE);
}

static void
assert_input(const char *input, gssize size, const char *expected)
{
    gsize n = size < 0 ? strlen(input) : (gsize)size;
    g_autoptr(TnFrame) whole = tn_frame_new(NULL);
    g_autofree char *got = NULL;

    feed_bytes(whole, input, n);
    got = describe_all(whole);
    assert_string_equal(got, expected);

    for (gsize cut = 0; cut <= n; cut++) {
        g_autoptr(TnFrame) frame = tn_frame_new(NULL);
        g_autofree char *first = NULL;
        g_autofree char *second = NULL;
        g_autofree char *both = NULL;

        feed_bytes(frame, input, cut);
        first = describe_all(frame);
        feed_bytes(frame, input + cut, n - cut);
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
                 "O2>12 S(execute)>2 S(guest-ping)>3 S(id)>4 A5>12 Ni(1)>6 N(-2.5e3)>7 t>8 n>9 "
                 "O1>12 S(a)>11 f>12 ; ");
    assert_input("1 \"x\"true ", -1, "Ni(1)>1 ; S(x)>1 ; t>1 ; ");
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

/* What comes before is malformed as it should be, and the next request is answered. */
static void
assert_error_then_message(TnFrame *frame, const char *why_expected)
{
    TnMessage message = {0};
    const char *why = NULL;

    assert_int_equal(tn_frame_next(frame, &message, &why), TN_FRAME_ERROR);
    assert_string_equal(why, why_expected);
    assert_int_equal(tn_frame_next(frame, &message, &why), TN_FRAME_MORE);
    feed_bytes(frame, "\n{}\n", 4);
    assert_int_equal(tn_frame_next(frame, &message, &why), TN_FRAME_MESSAGE);
    assert_int_equal(tn_frame_next(frame, &message, &why), TN_FRAME_MORE);
}

static void
test_depth(void **state)
{
    static const char *const pieces[] = {"[", "{\"a\":", "[{\"a\":"};
    const guint per_piece[] = {1, 1, 2};

    for (gsize i = 0; i < G_N_ELEMENTS(pieces); i++) {
        g_autoptr(TnFrame) frame = tn_frame_new(NULL);
        TnMessage message = {0};
        const char *why = NULL;

        feed_repeated(frame, pieces[i], 1024 / per_piece[i]);
        assert_int_equal(tn_frame_next(frame, &message, &why), TN_FRAME_MORE);
        feed_repeated(frame, pieces[i], 1);
        assert_error_then_message(frame, "JSON nesting depth limit exceeded");
    }
}

static void
test_depth_at_its_limit(void **state)
{
    g_autoptr(TnFrame) frame = tn_frame_new(NULL);
    TnMessage message = {0};
    const char *why = NULL;

    feed_bytes(frame, "{\"a\":", 5);
    feed_repeated(frame, "[", 1023);
    feed_repeated(frame, "]", 1023);
    feed_bytes(frame, "}", 1);
    assert_int_equal(tn_frame_next(frame, &message, &why), TN_FRAME_MESSAGE);
    assert_int_equal(message.n_tokens, 1025);
    assert_int_equal(message.tokens[0].next, 1025);
}

static void
test_million_brackets(void **state)
{
    static const char *const pieces[] = {"[", "{\"a\":", "]", "}"};

    for (gsize i = 0; i < G_N_ELEMENTS(pieces); i++) {
        g_autoptr(TnFrame) frame = tn_frame_new(NULL);

        feed_repeated(frame, pieces[i], 1000000);
        assert_error_then_message(frame, i < 2 ? "JSON nesting depth limit exceeded"
                                               : "JSON parse error, expecting value");
    }
}

static void
test_token_count(void **state)
{
    g_autoptr(TnFrame) frame = tn_frame_new(NULL);
    TnMessage message = {0};
    const char *why = NULL;

    feed_bytes(frame, "[0", 2);
    feed_repeated(frame, ",0", TN_FRAME_TOKENS - 2);
    feed_bytes(frame, "]", 1);
    assert_int_equal(tn_frame_next(frame, &message, &why), TN_FRAME_MESSAGE);
    assert_int_equal(message.n_tokens, TN_FRAME_TOKENS);
    assert_int_equal(message.tokens[0].n_children, TN_FRAME_TOKENS - 1);

    feed_bytes(frame, "[0", 2);
    feed_repeated(frame, ",0", TN_FRAME_TOKENS - 1);
    assert_error_then_message(frame, "JSON token count limit exceeded");
}

static void
test_size(void **state)
{
    const TnFrameLimits limits = {.message_bytes = 100000, .depth = 10, .n_tokens = 10};
    g_autoptr(TnFrame) frame = tn_frame_new(&limits);
    TnMessage message = {0};
    const char *why = NULL;

    /* white space in front is not of the message */
    feed_repeated(frame, " ", 200000);
    assert_int_equal(tn_frame_next(frame, &message, &why), TN_FRAME_MORE);
    feed_bytes(frame, "\"", 1);
    feed_repeated(frame, "x", 100000 - 2);
    assert_int_equal(tn_frame_next(frame, &message, &why), TN_FRAME_MORE);
    assert_int_equal(tn_frame_get_begun_bytes(frame), 100000 - 1);
    feed_bytes(frame, "\"", 1);
    assert_int_equal(tn_frame_next(frame, &message, &why), TN_FRAME_MESSAGE);
    assert_int_equal(message.tokens[0].length, 100000 - 2);

    feed_bytes(frame, "\"", 1);
    feed_repeated(frame, "x", 100000 - 1);
    feed_bytes(frame, "\"", 1);
    assert_error_then_message(frame, "JSON token size limit exceeded");
    feed_bytes(frame, "[", 1);
    feed_repeated(frame, " ", 100000);
    assert_error_then_message(frame, "JSON token size limit exceeded");
    feed_repeated(frame, "1", 100001);
    assert_error_then_message(frame, "JSON token size limit exceeded");
    feed_bytes(frame, "\"", 1);
    feed_repeated(frame, "\\n", 50000);
    assert_error_then_message(frame, "JSON token size limit exceeded");
}

/* A sanitizer's allocator keeps what is freed. */
#if defined(__SANITIZE_ADDRESS__)
#define CAN_MEASURE FALSE
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CAN_MEASURE FALSE
#endif
#endif
#ifndef CAN_MEASURE
#define CAN_MEASURE TRUE
#endif

static guint64
get_resident_kib(void)
{
    g_autofree char *status = NULL;
    const char *line = NULL;

    /* what the tests themselves have freed is not of interest */
    (void)malloc_trim(0);
    assert_true(g_file_get_contents("/proc/self/status", &status, NULL, NULL));
    line = strstr(status, "VmRSS:");
    assert_non_null(line);
    return g_ascii_strtoull(line + strlen("VmRSS:"), NULL, 10);
}

static void
test_endless_string(void **state)
{
    g_autoptr(TnFrame) frame = tn_frame_new(NULL);
    g_autofree char *piece = g_malloc(1 << 20);
    guint64 before = 0;
    guint64 peak = 0;
    guint n_errors = 0;

    memset(piece, 'a', 1 << 20);
    before = get_resident_kib();
    feed_bytes(frame, "{\"execute\":\"", 12);
    for (int i = 0; i < 150; i++) {
        TnMessage message = {0};
        const char *why = NULL;

        feed_bytes(frame, piece, 1 << 20);
        if (tn_frame_next(frame, &message, &why) == TN_FRAME_ERROR) {
            assert_string_equal(why, "JSON token size limit exceeded");
            assert_int_equal(tn_frame_next(frame, &message, &why), TN_FRAME_MORE);
            n_errors++;
        }
        peak = MAX(peak, get_resident_kib());
    }
    assert_int_equal(n_errors, 1);
    if (CAN_MEASURE) {
        assert_in_range(peak - before, 60 * 1024, 70 * 1024);
        assert_in_range(get_resident_kib(), 0, before + 1024);
    }
}

static void
test_memory_goes_back(void **state)
{
    static const char *const ends[] = {"\"]", "\xff", ""};

    for (gsize i = 0; i < G_N_ELEMENTS(ends); i++) {
        g_autoptr(TnFrame) frame = tn_frame_new(NULL);
        guint64 before = get_resident_kib();

        for (int round = 0; round < 3; round++) {
            TnMessage message = {0};
            const char *why = NULL;

            feed_bytes(frame, "[0", 2);
            for (int j = 0; j < 100; j++)
                feed_repeated(frame, ",0", 1000);
            feed_bytes(frame, ",\"", 2);
            for (int j = 0; j < 8; j++)
                feed_repeated(frame, "0123456789abcdef", 65536);
            assert_int_equal(tn_frame_next(frame, &message, &why), TN_FRAME_MORE);
            feed_bytes(frame, ends[i], strlen(ends[i]));
            assert_int_equal(tn_frame_next(frame, &message, &why),
                             i == 0 ? TN_FRAME_MESSAGE : TN_FRAME_MORE);
            if (i == 2)
                tn_frame_reset(frame);
            else
                tn_frame_trim(frame);
            assert_int_equal(tn_frame_get_begun_bytes(frame), 0);
        }
        if (CAN_MEASURE)
            assert_in_range(get_resident_kib(), 0, before + 2048);
    }
}

static void
test_one_byte_commits_are_linear(void **state)
{
    g_autoptr(TnFrame) frame = tn_frame_new(NULL);
    gint64 begin = g_get_monotonic_time();
    guint n_messages = 0;

    for (int i = 0; i < 300000; i++) {
        static const char input[] = "[\"\\u00e9a\",";
        gsize room = 0;
        TnMessage message = {0};
        const char *why = NULL;
        char *place = tn_frame_reserve(frame, &room);

        place[0] = i == 0 ? '[' : input[i % 11];
        if (i >= 11 && i % 11 == 0)
            place[0] = ' ';
        tn_frame_commit(frame, 1);
        n_messages += tn_frame_next(frame, &message, &why) == TN_FRAME_MESSAGE;
    }
    assert_int_equal(n_messages, 0);
    assert_true(tn_frame_get_begun_bytes(frame) > 250000);
    /* 20 ns a byte; quadratic it would be minutes */
    assert_true(g_get_monotonic_time() - begin < 5 * G_USEC_PER_SEC);
}

static void
append_members(GString *text, guint n)
{
    for (guint i = 0; i < n; i++)
        g_string_append_printf(text, "%s\"key-%u\":%u", i == 0 ? "" : ",", i, i);
}

static void
test_many_keys(void **state)
{
    g_autoptr(TnFrame) frame = tn_frame_new(NULL);
    g_autoptr(GString) text = g_string_new("{");
    gint64 begin = g_get_monotonic_time();
    TnMessage message = {0};
    const char *why = NULL;
    int64_t value = 0;

    append_members(text, 100000);
    g_string_append(text, "}");
    feed_bytes(frame, text->str, text->len);
    assert_int_equal(tn_frame_next(frame, &message, &why), TN_FRAME_MESSAGE);
    assert_int_equal(message.tokens[0].n_children, 100000);
    assert_true(tn_message_get_int64(&message, tn_message_find(&message, 0, "key-99999"), &value));
    assert_int_equal(value, 99999);

    g_string_truncate(text, text->len - 1);
    g_string_append(text, ",\"key-77777\":0}");
    feed_bytes(frame, text->str, text->len);
    assert_error_then_message(frame, "JSON parse error, duplicate key");
    assert_true(g_get_monotonic_time() - begin < 10 * G_USEC_PER_SEC);
}

/* Around the number of members from which keys are hashed. */
static void
test_duplicate_of_each_key(void **state)
{
    for (guint n = 1; n < 40; n++) {
        for (guint again = 0; again < n; again++) {
            g_autoptr(TnFrame) frame = tn_frame_new(NULL);
            g_autoptr(GString) text = g_string_new("{");

            append_members(text, n);
            g_string_append_printf(text, ",\"key-%u\":[]}", again);
            feed_bytes(frame, text->str, text->len);
            assert_error_then_message(frame, "JSON parse error, duplicate key");
        }
    }
}

static void
test_detach(void **state)
{
    for (gsize n = 1; n < 40000; n = n * 3 + 1) {
        g_autoptr(TnFrame) frame = tn_frame_new(NULL);
        TnMessage first = {0};
        TnMessage second = {0};
        const char *why = NULL;

        feed_bytes(frame, "[\"", 2);
        feed_repeated(frame, "a", n);
        feed_bytes(frame, "\",12]{\"b\":", 10);
        assert_int_equal(tn_frame_next(frame, &first, &why), TN_FRAME_MESSAGE);
        tn_frame_detach(frame, &first);
        assert_true(tn_frame_has_input(frame));

        assert_int_equal(tn_frame_next(frame, &second, &why), TN_FRAME_MORE);
        assert_int_equal(tn_frame_get_begun_bytes(frame), 5);
        feed_bytes(frame, "1}7 ", 4);
        assert_int_equal(tn_frame_next(frame, &second, &why), TN_FRAME_MESSAGE);
        assert_int_equal(second.tokens[0].type, TN_TOKEN_OBJECT);
        assert_int_equal(tn_message_find(&second, 0, "b"), 2);
        assert_int_equal(tn_frame_next(frame, &second, &why), TN_FRAME_MESSAGE);
        tn_frame_detach(frame, &second);
        tn_frame_reset(frame);

        assert_int_equal(first.n_tokens, 3);
        assert_int_equal(first.tokens[1].length, n);
        assert_int_equal(strlen(tn_message_get_string(&first, 1)), n);
        assert_true(tn_message_get_double(&first, 2) == 12.0);
        assert_true(tn_message_get_double(&second, 0) == 7.0);
        tn_message_clear(&first);
        tn_message_clear(&second);
        tn_message_clear(&second);
    }
}

/* A large message's memory serves the one behind it, and nothing of the two is mixed up. */
static void
test_recycle(void **state)
{
    g_autoptr(TnFrame) frame = tn_frame_new(NULL);
    const gsize n = 100 * 1000;
    const char *why = NULL;

    for (int round = 0; round < 4; round++) {
        g_autofree char *body = g_strnfill(n, (char)('a' + round));
        g_autofree char *text = g_strconcat("[\"", body, "\"] [", NULL);
        TnMessage message = {0};

        feed_bytes(frame, text, strlen(text));
        assert_int_equal(tn_frame_next(frame, &message, &why), TN_FRAME_MESSAGE);
        tn_frame_detach(frame, &message);
        assert_string_equal(tn_message_get_string(&message, 1), body);
        tn_frame_recycle(frame, &message);
        assert_null(message.bytes);
        feed_bytes(frame, "]", 1);
        assert_int_equal(tn_frame_next(frame, &message, &why), TN_FRAME_MESSAGE);
    }
}

static void
test_reset_forgets(void **state)
{
    static const char *const begun[] = {"{\"a\":[1,", "\"abc\\u00", "12", "tru",
                                        "T junk",     "[1,]",       "{}"};

    for (gsize i = 0; i < G_N_ELEMENTS(begun); i++) {
        g_autoptr(TnFrame) frame = tn_frame_new(NULL);
        g_autofree char *dropped = NULL;
        g_autofree char *got = NULL;

        feed_bytes(frame, begun[i], strlen(begun[i]));
        dropped = describe_all(frame);
        tn_frame_reset(frame);
        assert_int_equal(tn_frame_get_begun_bytes(frame), 0);
        assert_false(tn_frame_has_input(frame));
        feed_bytes(frame, "{}", 2);
        got = describe_all(frame);
        assert_string_equal(got, "O0>1 ; ");
    }
}

static void
test_trim_keeps_what_has_begun(void **state)
{
    g_autoptr(TnFrame) frame = tn_frame_new(NULL);
    g_autofree char *got = NULL;
    TnMessage message = {0};
    const char *why = NULL;

    feed_repeated(frame, " ", 100000);
    feed_bytes(frame, "[\"\\n", 4);
    assert_int_equal(tn_frame_next(frame, &message, &why), TN_FRAME_MORE);
    tn_frame_trim(frame);
    feed_bytes(frame, "x\"]", 3);
    tn_frame_trim(frame);
    got = describe_all(frame);
    assert_string_equal(got, "A1>2 S(\nx)>2 ; ");
}

static void
test_has_input(void **state)
{
    g_autoptr(TnFrame) frame = tn_frame_new(NULL);
    TnMessage message = {0};
    const char *why = NULL;

    assert_false(tn_frame_has_input(frame));
    feed_bytes(frame, "{} \n{}\n", 7);
    assert_int_equal(tn_frame_next(frame, &message, &why), TN_FRAME_MESSAGE);
    assert_true(tn_frame_has_input(frame));
    assert_int_equal(tn_frame_next(frame, &message, &why), TN_FRAME_MESSAGE);
    assert_false(tn_frame_has_input(frame));
    assert_int_equal(tn_frame_get_begun_bytes(frame), 0);
}

static void
test_error_text_is_bounded(void **state)
{
    g_autoptr(TnFrame) frame = tn_frame_new(NULL);
    TnMessage message = {0};
    const char *why = NULL;

    feed_bytes(frame, "\"", 1);
    feed_repeated(frame, "x", 100000);
    feed_bytes(frame, "\x01", 1);
    assert_int_equal(tn_frame_next(frame, &message, &why), TN_FRAME_ERROR);
    assert_string_equal(
        why, "JSON parse error, stray '\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...\x01'");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_sentinel),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_depth_at_its_limit),
        cmocka_unit_test(test_million_brackets),
        cmocka_unit_test(test_token_count),
        cmocka_unit_test(test_size),
        cmocka_unit_test(test_endless_string),
        cmocka_unit_test(test_memory_goes_back),
        cmocka_unit_test(test_one_byte_commits_are_linear),
        cmocka_unit_test(test_many_keys),
        cmocka_unit_test(test_duplicate_of_each_key),
        cmocka_unit_test(test_detach),
        cmocka_unit_test(test_recycle),
        cmocka_unit_test(test_reset_forgets),
        cmocka_unit_test(test_trim_keeps_what_has_begun),
        cmocka_unit_test(test_has_input),
        cmocka_unit_test(test_error_text_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
