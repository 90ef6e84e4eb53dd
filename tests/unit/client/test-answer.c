/* SPDX-License-Identifier: Apache-2.0 */

#include "client/answer.h"

#include "client/failure.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static TnAnswer *
parse(const char *text)
{
    g_autoptr(GError) error = NULL;
    TnAnswer *reply = tn_answer_parse(text, strlen(text), &error);

    if (reply == NULL)
        fail_msg("%s: %s", text, error->message);
    return reply;
}

static void
test_unwraps(void **state)
{
    g_autoptr(TnAnswer) reply = parse("{\"return\": {\"pid\": 7, \"s\": \"x\", \"b\": true, "
                                      "\"d\": 1.5, \"z\": \"a\\u0000b\", \"big\": 1e3}}\r\n");
    g_autoptr(GError) error = NULL;
    gint64 value = 0;
    gboolean flag = FALSE;
    double number = 0;
    guint at = 0;

    assert_true(tn_answer_unwrap(reply, &at, &error));
    assert_true(tn_answer_get_int(reply, at, "pid", &value));
    assert_int_equal(value, 7);
    assert_string_equal(tn_answer_get_string(reply, at, "s"), "x");
    assert_true(tn_answer_get_bool(reply, at, "b", &flag));
    assert_true(flag);
    assert_true(tn_answer_get_double(reply, at, "d", &number));
    assert_true(number > 1.4 && number < 1.6);
    /* Wrong types and absent members are no values. */
    assert_false(tn_answer_get_int(reply, at, "s", &value));
    assert_false(tn_answer_get_int(reply, at, "d", &value));
    assert_false(tn_answer_get_int(reply, at, "big", &value));
    assert_false(tn_answer_get_int(reply, at, "absent", &value));
    assert_false(tn_answer_get_bool(reply, at, "pid", &flag));
    assert_null(tn_answer_get_string(reply, at, "pid"));
    assert_null(tn_answer_get_string(reply, at, "z"));
    assert_int_equal(value, 7);
}

static void
check_unwrap_failure(const char *text, TnFailure failure, const char *message)
{
    g_autoptr(TnAnswer) reply = parse(text);
    g_autoptr(GError) error = NULL;
    guint at = 0;

    assert_false(tn_answer_unwrap(reply, &at, &error));
    if (!g_error_matches(error, TN_FAILURE, (int)failure))
        fail_msg("%s: %s", text, error->message);
    if (message != NULL)
        assert_string_equal(error->message, message);
}

static void
test_unwraps_errors(void **state)
{
    check_unwrap_failure("{\"error\": {\"class\": \"CommandNotFound\", \"desc\": \"The command x "
                         "has not been found\"}}",
                         TN_FAILURE_NO_SUCH_COMMAND, "The command x has not been found");
    check_unwrap_failure("{\"error\": {\"desc\": \"no\", \"reason\": \"policy-denied\"}}",
                         TN_FAILURE_POLICY_DENIED, "no");
    /* An error wins over a return. */
    check_unwrap_failure("{\"return\": {}, \"error\": {\"class\": \"GenericError\", \"desc\": "
                         "\"no\"}}",
                         TN_FAILURE_GUEST, "no");
    check_unwrap_failure("{\"error\": \"text\"}", TN_FAILURE_PROTOCOL, NULL);
    check_unwrap_failure("{\"error\": {\"desc\": 5}}", TN_FAILURE_PROTOCOL, NULL);
    check_unwrap_failure("{}", TN_FAILURE_PROTOCOL, NULL);
    check_unwrap_failure("[1]", TN_FAILURE_PROTOCOL, NULL);
    check_unwrap_failure("7\n", TN_FAILURE_PROTOCOL, NULL);
}

static void
test_refuses_malformed(void **state)
{
    static const char *const texts[] = {
        "",
        "{",
        "{\"return\": 1} {\"return\": 2}",
        "{\"return\": 010}",
        "{\"return\": 1, \"return\": 2}",
        "{'return': 1}",
        "{\"return\": 1} // no",
        "{\"return\": \"a\x1b\"}",
        "{\"return\": \"\xc3\"}",
        "hello",
    };
    g_autofree char *deep = g_strnfill(200000, '[');
    g_autoptr(GError) error = NULL;

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GError) why = NULL;

        if (tn_answer_parse(texts[i], strlen(texts[i]), &why) != NULL)
            fail_msg("'%s' was accepted", texts[i]);
        assert_true(g_error_matches(why, TN_FAILURE, TN_FAILURE_PROTOCOL));
    }
    assert_null(tn_answer_parse(deep, strlen(deep), &error));
}

static void
test_decodes_bytes(void **state)
{
    g_autoptr(TnAnswer) reply =
        parse("{\"a\": \"aGVsbG8=\", \"bad\": \"a*b\", \"n\": 5, \"empty\": \"\"}");
    const guint8 *data = NULL;
    gsize size = 0;

    assert_true(tn_answer_get_bytes(reply, 0, "a", &data, &size, NULL));
    assert_int_equal(size, 5);
    assert_memory_equal(data, "hello", 5);
    assert_false(tn_answer_get_bytes(reply, 0, "bad", &data, &size, NULL));
    assert_false(tn_answer_get_bytes(reply, 0, "n", &data, &size, NULL));
    assert_true(tn_answer_get_bytes(reply, 0, "empty", &data, &size, NULL));
    assert_int_equal(size, 0);
    assert_true(tn_answer_get_bytes(reply, 0, "absent", &data, &size, NULL));
    assert_int_equal(size, 0);
}

static void
test_walks(void **state)
{
    g_autoptr(TnAnswer) reply = parse("{\"l\": [1, [2, 3], {\"x\": [4]}, \"e\"], \"m\": []}");
    const char *key = NULL;
    guint iter = 0;
    guint element = 0;
    guint n = 0;

    while ((element = tn_answer_next(reply, tn_answer_find(reply, 0, "l"), &iter)) != 0)
        n++;
    assert_int_equal(n, 4);
    iter = 0;
    assert_int_equal(tn_answer_next(reply, tn_answer_find(reply, 0, "m"), &iter), 0);
    iter = 0;
    assert_int_not_equal(tn_answer_next_member(reply, 0, &iter, &key), 0);
    assert_string_equal(key, "l");
    assert_int_not_equal(tn_answer_next_member(reply, 0, &iter, &key), 0);
    assert_string_equal(key, "m");
    assert_int_equal(tn_answer_next_member(reply, 0, &iter, &key), 0);
}

static void
test_prints(void **state)
{
    static const char text[] = "{\"a\": [1, -2.50, {\"b\": {}}, []], \"c\": {\"d\": null, \"e\": "
                               "[true, false]}, \"f\": \"x\\u00E9\\n\", \"g\": 1}";
    g_autoptr(TnAnswer) reply = parse(text);
    g_autoptr(GString) whole = g_string_new(NULL);
    g_autoptr(GString) part = g_string_new(NULL);
    g_autoptr(GString) elided = g_string_new(NULL);

    /* Also after a string was taken out. */
    assert_non_null(tn_answer_get_string(reply, 0, "f"));
    tn_answer_append_json(reply, 0, G_MAXSIZE, whole);
    assert_string_equal(whole->str, text);
    tn_answer_append_json(reply, tn_answer_find(reply, 0, "c"), G_MAXSIZE, part);
    assert_string_equal(part->str, "{\"d\": null, \"e\": [true, false]}");
    tn_answer_append_json(reply, tn_answer_find(reply, 0, "f"), 3, elided);
    assert_string_equal(elided->str, "\"<4 bytes>\"");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unwraps),
        cmocka_unit_test(test_unwraps_errors),
        cmocka_unit_test(test_refuses_malformed),
        cmocka_unit_test(test_decodes_bytes),
        cmocka_unit_test(test_walks),
        cmocka_unit_test(test_prints),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
