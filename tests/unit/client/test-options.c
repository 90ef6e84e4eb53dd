/* SPDX-License-Identifier: Apache-2.0 */

#include "client/options.h"

#include "client/failure.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

typedef struct {
    gboolean is_set;
    gboolean is_other;
    const char *text;
    GPtrArray *list;
    gint64 time_us;
    gint64 wait_us;
    gint64 number;
} Place;

static const TnOption rows[] = {
    {"set", 's', TN_OPTION_FLAG, offsetof(Place, is_set), NULL, "sets"},
    {"other", 't', TN_OPTION_FLAG, offsetof(Place, is_other), NULL, "sets too"},
    {"text", 'x', TN_OPTION_STRING, offsetof(Place, text), "TEXT", "takes a text"},
    {"env", 'e', TN_OPTION_STRINGS, offsetof(Place, list), "K=V", "adds"},
    {"time", 0, TN_OPTION_DURATION, offsetof(Place, time_us), "DURATION", "waits"},
    {"wait", 0, TN_OPTION_MAYBE_DURATION, offsetof(Place, wait_us), "DURATION", "waits", 7},
    {"number", 'n', TN_OPTION_INT, offsetof(Place, number), "N", "counts"},
    {0},
};

typedef struct {
    Place place;
    GPtrArray *positional;
    char **rest;
    GError *error;
} Run;

static gboolean
parse(Run *run, const char *line)
{
    static char **words; /* values borrow from it until the next call */
    TnOptionTable tables[] = {{rows, &run->place}, {0}};

    g_strfreev(words);
    words = line[0] == '\0' ? g_new0(char *, 1) : g_strsplit(line, " ", -1);
    run->place.wait_us = -1;
    run->positional = g_ptr_array_new();
    return tn_options_parse(tables, words, run->positional, &run->rest, &run->error);
}

static void
clear_run(Run *run)
{
    TnOptionTable table = {rows, &run->place};

    tn_options_clear(&table);
    assert_null(run->place.list);
    g_ptr_array_unref(run->positional);
    g_clear_error(&run->error);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Run, clear_run)

static void
test_mixes(void **state)
{
    g_auto(Run) run = {0};

    assert_true(parse(&run, "-s vm --time 2s -e A=1 --env=B=2 -eC=3 - --wait path -- -s --time"));
    assert_true(run.place.is_set);
    assert_int_equal(run.place.time_us, 2000000);
    assert_int_equal(run.place.wait_us, 7);
    assert_int_equal(run.place.list->len, 3);
    assert_string_equal(run.place.list->pdata[0], "A=1");
    assert_string_equal(run.place.list->pdata[1], "B=2");
    assert_string_equal(run.place.list->pdata[2], "C=3");
    assert_int_equal(run.positional->len, 3);
    assert_string_equal(run.positional->pdata[0], "vm");
    assert_string_equal(run.positional->pdata[1], "-");
    assert_string_equal(run.positional->pdata[2], "path");
    assert_string_equal(run.rest[0], "-s");
    assert_string_equal(run.rest[1], "--time");
    assert_null(run.rest[2]);
}

static void
test_clusters(void **state)
{
    g_auto(Run) run = {0};

    assert_true(parse(&run, "-stx word -n5 --wait=1s"));
    assert_true(run.place.is_set && run.place.is_other);
    assert_string_equal(run.place.text, "word");
    assert_int_equal(run.place.number, 5);
    assert_int_equal(run.place.wait_us, 1000000);
    assert_null(run.rest);
}

static void
test_refuses(void **state)
{
    static const char *const lines[] = {
        "--nope", "-z",   "--set=1",  "--time", "--time --", "-x",   "--time abc",
        "-n -1",  "-n x", "--wait=x", "--se",   "-sz",       "--=x",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(lines); i++) {
        g_auto(Run) run = {0};

        if (parse(&run, lines[i]))
            fail_msg("'%s' was accepted", lines[i]);
        assert_true(g_error_matches(run.error, TN_FAILURE, TN_FAILURE_USAGE));
    }
}

static void
test_accepts_nothing(void **state)
{
    g_auto(Run) run = {0};

    assert_true(parse(&run, ""));
    assert_int_equal(run.positional->len, 0);
}

static void
test_helps(void **state)
{
    g_autoptr(GString) text = g_string_new(NULL);

    tn_options_append_help(rows, text);
    assert_non_null(strstr(text->str, "  -x, --text TEXT           takes a text\n"));
    assert_non_null(strstr(text->str, "      --wait[=DURATION]     waits\n"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mixes),   cmocka_unit_test(test_clusters),
        cmocka_unit_test(test_refuses), cmocka_unit_test(test_accepts_nothing),
        cmocka_unit_test(test_helps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
