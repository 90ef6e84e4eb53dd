/* SPDX-License-Identifier: Apache-2.0 */

#include "agent/wire/token.h"

#include "tests/unit/wire/feeding.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
test_find(void **state)
{
    g_autoptr(TnFrame) frame = tn_frame_new(NULL);
    TnMessage message = {0};
    const char *why = NULL;
    static const char text[] = "{\"a\":{\"b\":[1,2],\"c\":3},\"b\":\"x\\ty\",\"\":null,\"d\":[]}";
    guint inner = 0;

    feed_bytes(frame, text, strlen(text));
    assert_int_equal(tn_frame_next(frame, &message, &why), TN_FRAME_MESSAGE);
    inner = tn_message_find(&message, 0, "a");
    assert_int_equal(inner, 2);
    assert_int_equal(message.tokens[tn_message_find(&message, inner, "b")].type, TN_TOKEN_ARRAY);
    assert_int_equal(message.tokens[tn_message_find(&message, inner, "c")].type, TN_TOKEN_NUMBER);
    assert_int_equal(tn_message_find(&message, inner, "a"), 0);
    assert_int_equal(tn_message_find(&message, 0, "c"), 0);
    assert_int_equal(message.tokens[tn_message_find(&message, 0, "")].type, TN_TOKEN_NULL);
    assert_string_equal(tn_message_get_string(&message, tn_message_find(&message, 0, "b")), "x\ty");
    /* the NUL has not hurt its neighbours */
    assert_int_equal(message.tokens[tn_message_find(&message, 0, "d")].type, TN_TOKEN_ARRAY);
}

static void
test_numbers(void **state)
{
    static const struct {
        const char *text;
        gboolean is_int64;
        int64_t int64;
        gboolean is_uint64;
        uint64_t uint64;
        double number;
    } cases[] = {
        {"0", TRUE, 0, TRUE, 0, 0.0},
        {"-0", TRUE, 0, TRUE, 0, -0.0},
        {"9223372036854775807", TRUE, INT64_MAX, TRUE, INT64_MAX, 9223372036854775807.0},
        {"-9223372036854775808", TRUE, INT64_MIN, FALSE, 0, -9223372036854775808.0},
        {"9223372036854775808", FALSE, 0, TRUE, UINT64_C(9223372036854775808), 0x1p63},
        {"-9223372036854775809", FALSE, 0, FALSE, 0, -0x1p63},
        {"18446744073709551615", FALSE, 0, TRUE, UINT64_MAX, 0x1p64},
        {"18446744073709551616", FALSE, 0, FALSE, 0, 0x1p64},
        {"99999999999999999999", FALSE, 0, FALSE, 0, 1e20},
        {"-1", TRUE, -1, FALSE, 0, -1.0},
        {"1.0", FALSE, 0, FALSE, 0, 1.0},
        {"1e3", FALSE, 0, FALSE, 0, 1000.0},
        {"-2.5e-1", FALSE, 0, FALSE, 0, -0.25},
        {"9007199254740993", TRUE, 9007199254740993, TRUE, 9007199254740993, 9007199254740992.0},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(TnFrame) frame = tn_frame_new(NULL);
        TnMessage message = {0};
        const char *why = NULL;
        int64_t int64 = 42;
        uint64_t uint64 = 42;

        feed_bytes(frame, cases[i].text, strlen(cases[i].text));
        feed_bytes(frame, " ", 1);
        assert_int_equal(tn_frame_next(frame, &message, &why), TN_FRAME_MESSAGE);
        assert_int_equal(tn_message_get_int64(&message, 0, &int64), cases[i].is_int64);
        assert_true(int64 == (cases[i].is_int64 ? cases[i].int64 : 42));
        assert_int_equal(tn_message_get_uint64(&message, 0, &uint64), cases[i].is_uint64);
        assert_true(uint64 == (cases[i].is_uint64 ? cases[i].uint64 : 42));
        assert_true(tn_message_get_double(&message, 0) == cases[i].number);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
