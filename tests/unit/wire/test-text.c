/* SPDX-License-Identifier: Apache-2.0 */

#include "agent/wire/text.h"

#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
assert_string_text(const char *value, gssize size, const char *expected)
{
    g_autoptr(GString) text = g_string_new(NULL);

    tn_text_append_string(text, value, size);
    assert_string_equal(text->str, expected);
}

static void
test_string_plain(void **state)
{
    assert_string_text("", -1, "\"\"");
    assert_string_text("abc /'~", -1, "\"abc /'~\"");
    assert_string_text("abc", 2, "\"ab\"");
    assert_string_text("abc", 0, "\"\"");
}

static void
test_string_escapes(void **state)
{
    assert_string_text("\"\\\b\f\n\r\t", -1, "\"\\\"\\\\\\b\\f\\n\\r\\t\"");
    assert_string_text("a\0b", 3, "\"a\\u0000b\"");
    assert_string_text("\x01\x1f\x7f", -1, "\"\\u0001\\u001F\\u007F\"");
}

static void
test_string_unicode(void **state)
{
    assert_string_text("\u00e9\u20ac", -1, "\"\\u00E9\\u20AC\"");
    assert_string_text("\U0001f600", -1, "\"\\uD83D\\uDE00\"");
    assert_string_text("\U0010ffff", -1, "\"\\uDBFF\\uDFFF\"");
    assert_string_text("\uffff", -1, "\"\\uFFFF\"");
}

static void
test_string_ill_formed(void **state)
{
    /* each maximal beginning of a sequence is one U+FFFD */
    assert_string_text("a\x80z", -1, "\"a\\uFFFDz\"");
    assert_string_text("\xff\xfe", -1, "\"\\uFFFD\\uFFFD\"");
    assert_string_text("\xc0\x80", -1, "\"\\uFFFD\\uFFFD\"");
    assert_string_text("\xe2\x82", -1, "\"\\uFFFD\"");
    assert_string_text("\xe2\x82z", -1, "\"\\uFFFDz\"");
    assert_string_text("\xf0\x9f\x98", -1, "\"\\uFFFD\"");
    assert_string_text("\xed\xa0\x80", -1, "\"\\uFFFD\\uFFFD\\uFFFD\"");
    assert_string_text("\xf4\x90\x80\x80", -1, "\"\\uFFFD\\uFFFD\\uFFFD\\uFFFD\"");
    assert_string_text("\xe0\x9f\xbf", -1, "\"\\uFFFD\\uFFFD\\uFFFD\"");
    assert_string_text("\xc3\xa9", 1, "\"\\uFFFD\"");
}

/* Every character goes out as ASCII that says the same character again. */
static void
test_string_every_character(void **state)
{
    g_autoptr(GString) text = g_string_new(NULL);

    for (gunichar c = 0; c <= 0x10ffff; c++) {
        char utf8[6];
        gssize length = 0;

        if (c >= 0xd800 && c <= 0xdfff)
            continue;
        length = g_unichar_to_utf8(c, utf8);
        g_string_truncate(text, 0);
        tn_text_append_string(text, utf8, length);
        for (gsize i = 0; i < text->len; i++)
            assert_in_range(text->str[i], 0x20, 0x7e);
        if (c >= 0x80 && c < 0x10000) {
            char expected[16];

            g_snprintf(expected, sizeof expected, "\"\\u%04X\"", c);
            assert_string_equal(text->str, expected);
        }
    }
}

static void
test_int(void **state)
{
    static const int64_t values[] = {0,         1,         9,         10,         -1, 99,
                                     INT64_MAX, INT64_MIN, INT32_MIN, 1000000007, -7, -1234567890};

    for (gsize i = 0; i < G_N_ELEMENTS(values); i++) {
        g_autoptr(GString) text = g_string_new(NULL);
        g_autofree char *expected = g_strdup_printf("%" G_GINT64_FORMAT, values[i]);

        tn_text_append_int(text, values[i]);
        assert_string_equal(text->str, expected);
    }
}

static void
test_uint(void **state)
{
    g_autoptr(GString) text = g_string_new("x");

    tn_text_append_uint(text, UINT64_MAX);
    tn_text_append_uint(text, 0);
    assert_string_equal(text->str, "x184467440737095516150");
}

static void
test_double(void **state)
{
    g_autoptr(GString) text = g_string_new(NULL);

    /* a locale with a decimal comma must change nothing; when it is missing, the C one serves */
    (void)setlocale(LC_NUMERIC, "de_DE.UTF-8");
    tn_text_append_double(text, 2.5);
    g_string_append_c(text, ' ');
    tn_text_append_double(text, 0.1);
    g_string_append_c(text, ' ');
    tn_text_append_double(text, -1e300);
    g_string_append_c(text, ' ');
    tn_text_append_double(text, (double)NAN);
    g_string_append_c(text, ' ');
    tn_text_append_double(text, (double)INFINITY);
    (void)setlocale(LC_NUMERIC, "C");
    assert_string_equal(text->str, "2.5 0.10000000000000001 -1.0000000000000001e+300 0 0");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_string_plain),
        cmocka_unit_test(test_string_escapes),
        cmocka_unit_test(test_string_unicode),
        cmocka_unit_test(test_string_ill_formed),
        cmocka_unit_test(test_string_every_character),
        cmocka_unit_test(test_int),
        cmocka_unit_test(test_uint),
        cmocka_unit_test(test_double),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
