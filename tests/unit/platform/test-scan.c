/* SPDX-License-Identifier: Apache-2.0 */

#include "platform/scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/tree.h"

static TnScan
over(const char *text)
{
    return (TnScan){text, text + strlen(text)};
}

static void
test_takes_lines_and_words(void **state)
{
    TnScan text = over("one  two\n\n\tthree");
    TnScan line;
    TnScan word;

    assert_true(tn_scan_line(&text, &line));
    assert_true(tn_scan_word(&line, &word));
    assert_true(tn_scan_is(&word, "one"));
    assert_false(tn_scan_is(&word, "on"));
    assert_false(tn_scan_is(&word, "ones"));
    assert_true(tn_scan_word(&line, &word));
    assert_true(tn_scan_is(&word, "two"));
    assert_false(tn_scan_word(&line, &word));
    assert_true(tn_scan_line(&text, &line));
    assert_false(tn_scan_word(&line, &word));
    assert_true(tn_scan_line(&text, &line));
    assert_true(tn_scan_word(&line, &word));
    assert_true(tn_scan_is(&word, "three"));
    assert_false(tn_scan_line(&text, &line));
}

static void
expect_u64(const char *text, guint base, gboolean good, guint64 expected)
{
    TnScan word = over(text);
    guint64 value = 99;

    assert_int_equal(tn_scan_to_u64(&word, base, &value), good);
    assert_int_equal(value, good ? expected : 99);
}

static void
test_numbers_are_whole_words(void **state)
{
    expect_u64("0", 10, TRUE, 0);
    expect_u64("18446744073709551615", 10, TRUE, G_MAXUINT64);
    expect_u64("18446744073709551616", 10, FALSE, 0);
    expect_u64("99999999999999999999", 10, FALSE, 0);
    expect_u64("ffffffffffffffff", 16, TRUE, G_MAXUINT64);
    expect_u64("10000000000000000", 16, FALSE, 0);
    expect_u64("Ff", 16, TRUE, 255);
    expect_u64("", 10, FALSE, 0);
    expect_u64("-1", 10, FALSE, 0);
    expect_u64("+1", 10, FALSE, 0);
    expect_u64("1x", 10, FALSE, 0);
    expect_u64("0x10", 16, FALSE, 0);
}

static void
expect_double(const char *text, gboolean good, double expected)
{
    TnScan word = over(text);
    double value = 99;

    assert_int_equal(tn_scan_to_double(&word, &value), good);
    assert_true(value == (good ? expected : 99));
}

static void
test_points_but_no_signs(void **state)
{
    expect_double("0.42", TRUE, 0.42);
    expect_double("17", TRUE, 17);
    expect_double("1.2.3", FALSE, 0);
    expect_double("-0.1", FALSE, 0);
    expect_double("nan", FALSE, 0);
    expect_double("0x1p3", FALSE, 0);
    expect_double("1e9", FALSE, 0);
    expect_double(".5", FALSE, 0);
    expect_double("", FALSE, 0);
    expect_double("123456789012345678901234567890123456789012345678901234567890", FALSE, 0);
}

static void
test_copies_are_utf8(void **state)
{
    TnScan word = over("caf\xe9");
    g_autofree char *copy = tn_scan_dup(&word);

    assert_string_equal(copy, "caf\xef\xbf\xbd");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_takes_lines_and_words),
        cmocka_unit_test(test_numbers_are_whole_words),
        cmocka_unit_test(test_points_but_no_signs),
        cmocka_unit_test(test_copies_are_utf8),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
