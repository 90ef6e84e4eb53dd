/* SPDX-License-Identifier: Apache-2.0 */

#include "agent/error.h"
#include "agent/message.h"
#include "agent/wire/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static TnMessage
read_message(TnFrame *frame, const char *text)
{
    TnMessage message = {0};
    const char *why = NULL;
    gsize size = strlen(text);

    while (size > 0) {
        gsize room = 0;
        char *place = tn_frame_reserve(frame, &room);
        gsize n = MIN(room, size);

        memcpy(place, text, n);
        tn_frame_commit(frame, n);
        text += n;
        size -= n;
    }
    assert_int_equal(tn_frame_next(frame, &message, &why), TN_FRAME_MESSAGE);
    return message;
}

static void
test_errors(void **state)
{
    static const struct {
        const char *text;
        const char *expected;
    } rows[] = {
        {"[]", "QMP input must be a JSON object"},
        {"1 ", "QMP input must be a JSON object"},
        {"\"a\\u0000\"", "QMP input must be a JSON object"},
        {"{}", "QMP input lacks member 'execute'"},
        {"{\"execute\":1}", "QMP input member 'execute' must be a string"},
        {"{\"execute\":\"x\",\"arguments\":null}",
         "QMP input member 'arguments' must be an object"},
        {"{\"execute\":\"x\",\"arguments\":[]}", "QMP input member 'arguments' must be an object"},
        {"{\"exec-oob\":\"x\"}", "QMP input member 'exec-oob' is unexpected"},
        {"{\"execute\":\"x\",\"y%s\":1}", "QMP input member 'y%s' is unexpected"},
        {"{\"execute\":\"x\",\"id\":\"a\\u0000b\"}", "QMP input string contains U+0000"},
        {"{\"execute\":\"x\",\"arguments\":{\"a\":[{\"\\u0000\":1}]}}",
         "QMP input string contains U+0000"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(TnFrame) frame = tn_frame_new(NULL);
        g_autoptr(GError) error = NULL;
        TnMessage message = read_message(frame, rows[i].text);
        TnRequest request = {.id = 99};

        assert_false(tn_message_parse(&message, &request, &error));
        assert_string_equal(error->message, rows[i].expected);
        assert_int_equal(request.id, 99);
    }
}

static void
test_request(void **state)
{
    g_autoptr(TnFrame) frame = tn_frame_new(NULL);
    TnMessage message =
        read_message(frame, "{\"id\":null,\"arguments\":{\"a\":[1]},\"execute\":\"guest-x\"}");
    TnRequest request = {0};

    assert_true(tn_message_parse(&message, &request, NULL));
    assert_string_equal(request.name, "guest-x");
    assert_int_equal(message.tokens[request.arguments].type, TN_TOKEN_OBJECT);
    assert_int_equal(message.tokens[request.id].type, TN_TOKEN_NULL);
    assert_int_equal(tn_message_find_id(&message), request.id);

    message = read_message(frame, "{\"execute\":\"guest-ping\"}");
    assert_true(tn_message_parse(&message, &request, NULL));
    assert_true(request.arguments == 0 && request.id == 0);
}

static void
assert_renders(const char *id, const char *expected)
{
    g_autoptr(TnFrame) frame = tn_frame_new(NULL);
    g_autofree char *text = g_strdup_printf("{\"execute\":\"x\",\"id\":%s}", id);
    TnMessage message = read_message(frame, text);
    g_autoptr(GString) out = g_string_new("<");

    assert_true(tn_message_append_token(&message, tn_message_find_id(&message), 1000, out));
    assert_string_equal(out->str + 1, expected);
    g_string_assign(out, "<");
    assert_false(
        tn_message_append_token(&message, tn_message_find_id(&message), strlen(expected) - 1, out));
    assert_string_equal(out->str, "<");
}

static void
test_ids(void **state)
{
    assert_renders("1", "1");
    assert_renders("2.50", "2.50");
    assert_renders("-0", "-0");
    assert_renders("1E400", "1E400");
    assert_renders("123456789012345678901234567890", "123456789012345678901234567890");
    assert_renders("null", "null");
    assert_renders("true", "true");
    assert_renders("false", "false");
    assert_renders("\"\"", "\"\"");
    assert_renders("\"\xc3\xa9\\n\\/\\ud83d\\ude00\"", "\"\\u00E9\\n/\\uD83D\\uDE00\"");
    assert_renders("{\"a\":\n1}", "{\"a\":1}");
    assert_renders("[ ]", "[]");
    assert_renders("{ }", "{}");
    assert_renders("[[],{},[{\"a\" : [1 , 2], \"b\":{\"c\":null}}] , 3]",
                   "[[],{},[{\"a\":[1,2],\"b\":{\"c\":null}}],3]");
}

static void
test_deep_id(void **state)
{
    g_autoptr(GString) id = g_string_new(NULL);

    for (guint i = 0; i < 1023; i++)
        g_string_append_c(id, '[');
    for (guint i = 0; i < 1023; i++)
        g_string_append_c(id, ']');
    {
        g_autoptr(TnFrame) frame = tn_frame_new(NULL);
        g_autofree char *text = g_strdup_printf("{\"id\":%s}", id->str);
        TnMessage message = read_message(frame, text);
        g_autoptr(GString) out = g_string_new(NULL);

        assert_true(tn_message_append_token(&message, tn_message_find_id(&message), 4096, out));
        assert_string_equal(out->str, id->str);
    }
}

static void
test_lines(void **state)
{
    g_autoptr(GString) line = g_string_new(NULL);

    tn_message_begin_return(line, FALSE);
    g_string_append(line, "5");
    tn_message_end_line(line, NULL);
    assert_string_equal(line->str, "{\"return\": 5}\n");
    g_string_truncate(line, 0);
    tn_message_begin_return(line, TRUE);
    g_string_append(line, "{}");
    tn_message_end_line(line, "[1]");
    assert_string_equal(line->str, "\xff{\"return\": {}, \"id\": [1]}\n");
    g_string_truncate(line, 0);
    tn_message_append_error(line, "GenericError", "\xe2\x80\x9cx\xff\n", NULL, NULL);
    assert_string_equal(line->str, "{\"error\": {\"class\": \"GenericError\", "
                                   "\"desc\": \"\\u201Cx\\uFFFD\\n\"}}\n");
    g_string_truncate(line, 0);
    tn_message_append_error(line, "GenericError", "d", "too-large", "null");
    assert_string_equal(line->str, "{\"error\": {\"class\": \"GenericError\", \"desc\": \"d\", "
                                   "\"reason\": \"too-large\"}, \"id\": null}\n");
}

static void
test_long_desc(void **state)
{
    g_autoptr(GString) desc = g_string_new("x");
    g_autoptr(GString) line = g_string_new(NULL);

    while (desc->len < (gsize)TN_MESSAGE_DESC_BYTES * 2)
        g_string_append(desc, "\xe2\x80\x9c");
    tn_message_append_error(line, "GenericError", desc->str, NULL, NULL);
    /* cut between two characters */
    assert_null(strstr(line->str, "FFFD"));
    assert_true(line->len > (gsize)TN_MESSAGE_DESC_BYTES &&
                line->len < (gsize)TN_MESSAGE_DESC_BYTES * 2 + 100);
    assert_true(g_str_has_suffix(line->str, "\\u201C\"}}\n"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errors), cmocka_unit_test(test_request),
        cmocka_unit_test(test_ids),    cmocka_unit_test(test_deep_id),
        cmocka_unit_test(test_lines),  cmocka_unit_test(test_long_desc),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
