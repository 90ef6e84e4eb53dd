/* SPDX-License-Identifier: Apache-2.0 */

#include "client/print.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
check_escape(const char *text, const char *expected)
{
    g_autofree char *escaped = tn_print_escape(text);

    assert_string_equal(escaped, expected);
}

static void
test_escapes(void **state)
{
    check_escape("plain “quotes” é", "plain “quotes” é");
    check_escape("a\x1b[2Jb", "a\\x1b[2Jb");
    check_escape("a\nb\r\t", "a\\x0ab\\x0d\\x09");
    check_escape("\x7f", "\\x7f");
    check_escape("\xc2\x9b", "\\u009b");
    check_escape("\xe2\x80\xae", "\\u202e");
    check_escape("\xff\xfe", "\\xff\\xfe");
    check_escape("\xe2\x80", "\\xe2\\x80");
}

static char *
print_table(const TnTable *table)
{
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);

    tn_table_print(table, file);
    fclose(file);
    return text;
}

static void
test_aligns(void **state)
{
    static const char *const heads[] = {"NAME", ">SIZE", "NOTE", NULL};
    g_autoptr(TnTable) table = tn_table_new(heads);
    g_autofree char *text = NULL;

    tn_table_add(table, "ä");
    tn_table_add_int(table, 12345);
    tn_table_add(table, NULL);
    tn_table_add(table, "longer");
    tn_table_add_int(table, 7);
    tn_table_add(table, "x\x1b");
    text = print_table(table);
    assert_string_equal(text, "NAME     SIZE  NOTE\n"
                              "ä       12345  -\n"
                              "longer      7  x\\x1b\n");
}

static void
check_size(guint64 bytes, const char *expected)
{
    g_autofree char *text = tn_print_format_size(bytes);

    assert_string_equal(text, expected);
}

static void
test_formats_sizes(void **state)
{
    check_size(0, "0 B");
    check_size(1023, "1023 B");
    check_size(1024, "1.0 KiB");
    check_size(1258291, "1.1 MiB");
    check_size(G_GUINT64_CONSTANT(212) << 20, "212 MiB");
    check_size(G_MAXUINT64, "15.9 EiB");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_aligns),
        cmocka_unit_test(test_formats_sizes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
