/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The argument language: what hosts try in order to reach over a rule, and a comparison with a
 * plain model that is written the obvious, slow way.
 */

#include "policy/match.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static gboolean
match(const char *line, ...)
{
    g_autoptr(GPtrArray) argv = g_ptr_array_new();
    g_autoptr(GError) error = NULL;
    g_autoptr(TnPattern) pattern = NULL;
    g_autofree char *why = NULL;
    const char *arg;
    gsize offset;
    gboolean matches;
    va_list args;

    va_start(args, line);
    while ((arg = va_arg(args, const char *)) != NULL)
        g_ptr_array_add(argv, g_strdup(arg));
    va_end(args);
    g_ptr_array_add(argv, NULL);
    pattern = tn_pattern_parse(line, &offset, &error);
    assert_null(error);
    matches = tn_pattern_match(pattern, (const char *const *)argv->pdata);
    why = tn_pattern_explain(pattern, (const char *const *)argv->pdata);
    assert_int_equal(why == NULL, matches);
    g_ptr_array_set_free_func(argv, g_free);
    return matches;
}

#define ALLOW(...) assert_true(match(__VA_ARGS__, NULL))
#define DENY(...)  assert_false(match(__VA_ARGS__, NULL))

static void
test_literal(void **state)
{
    ALLOW("-h", "-h");
    DENY("-h", "-h", "/etc");
    DENY("-h", "-h /etc");
    DENY("-h", "");
    DENY("-h", "-hh");
    DENY("-h", "-");
    DENY("-h", NULL);
    ALLOW("\"a b\" \"\" \"{any}\" \"\\x41\\n\"", "a b", "", "{any}", "A\n");
    DENY("\"a b\"", "a", "b");
    ALLOW("", NULL);
    DENY("", "");
}

static void
test_int(void **state)
{
    ALLOW("{int:1..10}", "1");
    ALLOW("{int:1..10}", "10");
    ALLOW("{int:-5..5}", "-5");
    ALLOW("{int:-5..5}", "0");
    DENY("{int:-5..5}", "-0");
    DENY("{int:1..10}", "0");
    DENY("{int:1..10}", "11");
    DENY("{int:1..10}", "+5");
    DENY("{int:1..10}", "05");
    DENY("{int:1..10}", "5\n");
    DENY("{int:1..10}", " 5");
    DENY("{int:1..10}", "0x5");
    DENY("{int:1..10}", "９");
    DENY("{int:1..10}", "99999999999999999999");
    DENY("{int:1..10}", "");
    DENY("{int:1..10}", "-");
    ALLOW("{int:-9223372036854775808..9223372036854775807}", "-9223372036854775808");
    DENY("{int:-9223372036854775808..9223372036854775807}", "9223372036854775808");
}

static void
test_word(void **state)
{
    g_autofree char *fits = g_strnfill(128, 'x');
    g_autofree char *long_by_one = g_strnfill(129, 'x');
    g_autofree char *huge = g_strnfill(1024 * 1024, 'x');

    ALLOW("{word}", "nginx.service");
    ALLOW("{word}", "a@b:c-d_e");
    ALLOW("{word}", fits);
    DENY("{word}", long_by_one);
    DENY("{word}", huge);
    DENY("{word}", "-o");
    DENY("{word}", "--x");
    DENY("{word}", "a/b");
    DENY("{word}", "");
    DENY("{word}", "a b");
    DENY("{word}", "nginx;reboot");
    DENY("{word}", "a\n");
    DENY("{word}", ".x");
}

static void
test_path(void **state)
{
    ALLOW("{path:/srv}", "/srv");
    ALLOW("{path:/srv}", "/srv/a/..b/.c");
    ALLOW("{path:/}", "/");
    ALLOW("{path:/}", "/x");
    DENY("{path:/srv}", "/srv/../etc/shadow");
    DENY("{path:/srv}", "/srvx");
    DENY("{path:/srv}", "//srv");
    DENY("{path:/srv}", "/srv/./x");
    DENY("{path:/srv}", "/srv//x");
    DENY("{path:/srv}", "/srv/");
    DENY("{path:/srv}", "/srv/x/..");
    DENY("{path:/srv}", "/srv/.");
    DENY("{path:/srv}", "srv/x");
    DENY("{path:/srv}", "");
    DENY("{path:/srv}", "/srv/a\nb");
    DENY("{path:/srv}", "/");
    DENY("{path:/}", "//");
    DENY("{path:/}", "/..");
}

static void
test_glob(void **state)
{
    ALLOW("{glob:*.log}", "a.log");
    ALLOW("{glob:*.log}", "a.b.log");
    DENY("{glob:*.log}", ".log");
    DENY("{glob:*.log}", "-x.log");
    DENY("{glob:*.log}", ".x.log");
    DENY("{glob:*.log}", "a/b.log");
    DENY("{glob:*.log}", "a.logx");
    DENY("{glob:*}", "");
    ALLOW("{glob:/var/log/*/*.log}", "/var/log/a/b.log");
    DENY("{glob:/var/log/*/*.log}", "/var/log/a/.b.log");
    DENY("{glob:/var/log/*/*.log}", "/var/log/../b.log");
    DENY("{glob:/var/log/*.log}", "/var/log/a/b.log");
    ALLOW("{glob:a*b*c}", "aXbXbXc");
    DENY("{glob:a*b*c}", "aXbXbX");
    ALLOW("{glob:*[a]?}", "x[a]?");
    DENY("{glob:*[a]?}", "xab");
}

static void
test_enum_flag_any_rest(void **state)
{
    ALLOW("{enum:start stop} {word}", "stop", "nginx");
    DENY("{enum:start stop}", "start stop");
    DENY("{enum:start stop}", "sto");
    ALLOW("{flag:-v --all} x", "x");
    ALLOW("{flag:-v --all} x", "-v", "--all", "-v", "x");
    DENY("{flag:-v --all} x", "-v");
    ALLOW("{flag:-v} {any}", "-v");
    ALLOW("{flag:-v} {any}", "-v", "-v");
    DENY("{flag:-v} {any}", "a", "b");
    ALLOW("{any}", "");
    DENY("{any}", NULL);
    ALLOW("a {rest}", "a");
    ALLOW("a {rest}", "a", "b", "c");
    DENY("a {rest}", "b", "a");
    ALLOW("{flag:-a} {flag:-b} c", "-b", "c");
    DENY("{flag:-a} {flag:-b} c", "-b", "-a", "c");
}

static void
test_inside_a_word(void **state)
{
    ALLOW("--lines={int:1..5000}", "--lines=20");
    DENY("--lines={int:1..5000}", "--lines=5001");
    DENY("--lines={int:1..5000}", "--lines=20 ");
    DENY("--lines={int:1..5000}", "--lines=");
    ALLOW("{word}:{word}", "a:b");
    ALLOW("{word}:{word}", "a:b:c");
    DENY("{word}:{word}", "a:");
    ALLOW("{int:1..9}-{int:1..9}", "1-9");
    DENY("{int:1..9}-{int:1..9}", "1--9");
    ALLOW("--file={path:/srv}", "--file=/srv/x");
    DENY("--file={path:/srv}", "--file=/srv/../x");
    ALLOW("{enum:a ab}{enum:bc c}", "abc");
    DENY("{enum:a ab}{enum:bc c}", "abbcc");
    ALLOW("\"{\"{int:0..1}\"}\"", "{1}");
}

static void
test_refuses_bad_lines(void **state)
{
    static const char *const LINES[] = {
        "{int}",
        "{int:}",
        "{int:5}",
        "{int:9..1}",
        "{int:1..x}",
        "{int:+1..2}",
        "{word:x}",
        "{enum}",
        "{enum: }",
        "{glob}",
        "{path}",
        "{path:srv}",
        "{path:/a/}",
        "{path:/a//b}",
        "{path:/a/../b}",
        "{flag}",
        "{any:x}",
        "{rest} a",
        "{rest}{any}",
        "x{any}",
        "{flag:-v}x",
        "{glob:*}x",
        "{path:/x}{int:1..2}",
        "{nonsense}",
        "{int:1..2",
        "a}",
        "{{any}}",
        "\"open",
        "\"\\q\"",
        "\"\\x00\"",
        "\"\\x4\"",
        "{path:/a/.}",
        "{path:/..}",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(LINES); i++) {
        g_autoptr(GError) error = NULL;
        gsize offset = 0;

        if (tn_pattern_parse(LINES[i], &offset, &error) != NULL)
            fail_msg("%s was taken", LINES[i]);
        assert_non_null(error);
        assert_true(offset <= strlen(LINES[i]));
    }
}

static void
test_explains(void **state)
{
    static const char *const ARGV[] = {"-n", "x", "more", NULL};
    static const struct {
        const char *line;
        const char *why;
    } CASES[] = {
        {"-n {int:1..5}", "arg 2: \"x\" is not {int:1..5}"},
        {"-n x", "arg 3: \"more\" is one too many"},
        {"-n x more {word}", "arg 4: missing, {word} is expected"},
        {"", "arg 1: \"-n\" is one too many"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(CASES); i++) {
        gsize offset;
        g_autoptr(TnPattern) pattern = tn_pattern_parse(CASES[i].line, &offset, NULL);
        g_autofree char *why = tn_pattern_explain(pattern, ARGV);

        assert_string_equal(why, CASES[i].why);
    }
}

static void
test_bounds(void **state)
{
    g_autofree char *path = g_strnfill(4095, 'a');
    g_autofree char *longer = g_strnfill(4096, 'a');
    static const char *const WIDEST = "{int:-9223372036854775808..9223372036854775807}";

    ALLOW("{glob:*}", path);
    DENY("{glob:*}", longer);
    path[0] = '/';
    longer[0] = '/';
    ALLOW("{path:/}", path);
    DENY("{path:/}", longer);
    DENY("{path:/}", "");
    ALLOW(WIDEST, "-9223372036854775808");
    ALLOW(WIDEST, "9223372036854775807");
    DENY(WIDEST, "9223372036854775808");
    DENY(WIDEST, "-");
}

static void
test_open_lines(void **state)
{
    static const struct {
        const char *line;
        gboolean open;
    } CASES[] = {
        {"", FALSE}, {"a {word}", FALSE}, {"a {any} b", TRUE}, {"{rest}", TRUE}, {"a {rest}", TRUE},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(CASES); i++) {
        gsize offset;
        g_autoptr(TnPattern) pattern = tn_pattern_parse(CASES[i].line, &offset, NULL);

        assert_int_equal(tn_pattern_is_open(pattern), CASES[i].open);
    }
}

/*
 * The model: a recursive descent over a subset in which all parts are literals, enums, small
 * numbers and words, plus flag, any and rest. It tries every way.
 */

static gboolean model_parts(const char *pattern, const char *end, const char *arg);

/* NOLINTNEXTLINE(misc-no-recursion): a model is meant to be obvious */
static gboolean
model_placeholder(const char *body, const char *rest, const char *end, const char *arg)
{
    for (gsize n = 1; n <= strlen(arg); n++) {
        g_autofree char *head = g_strndup(arg, n);
        gboolean fits = FALSE;

        if (g_str_has_prefix(body, "int:0..99"))
            fits = (n == 1 && g_ascii_isdigit(head[0])) ||
                   (n == 2 && head[0] >= '1' && head[0] <= '9' && g_ascii_isdigit(head[1]));
        else if (g_str_has_prefix(body, "word"))
            fits = g_regex_match_simple("\\A[A-Za-z0-9][A-Za-z0-9._@:-]{0,127}\\z", head, 0, 0);
        else if (g_str_has_prefix(body, "enum:a ab b"))
            fits = strcmp(head, "a") == 0 || strcmp(head, "ab") == 0 || strcmp(head, "b") == 0;
        if (fits && model_parts(rest, end, arg + n))
            return TRUE;
    }
    return FALSE;
}

/* NOLINTNEXTLINE(misc-no-recursion) */
static gboolean
model_parts(const char *pattern, const char *end, const char *arg)
{
    if (pattern == end)
        return *arg == '\0';
    if (*pattern == '{')
        return model_placeholder(pattern + 1, strchr(pattern, '}') + 1, end, arg);
    return *pattern == *arg && model_parts(pattern + 1, end, arg + 1);
}

/* NOLINTNEXTLINE(misc-no-recursion) */
static gboolean
model_line(char **elements, const char *const *argv)
{
    const char *element = elements[0];

    if (element == NULL)
        return argv[0] == NULL;
    if (strcmp(element, "{rest}") == 0)
        return TRUE;
    if (strcmp(element, "{flag:-}") == 0 && model_line(elements + 1, argv))
        return TRUE;
    if (argv[0] == NULL)
        return FALSE;
    if (strcmp(element, "{flag:-}") == 0)
        return strcmp(argv[0], "-") == 0 && model_line(elements, argv + 1);
    if (strcmp(element, "{any}") == 0)
        return model_line(elements + 1, argv + 1);
    return model_parts(element, element + strlen(element), argv[0]) &&
           model_line(elements + 1, argv + 1);
}

static void
test_agrees_with_the_model(void **state)
{
    static const char *const ELEMENTS[] = {
        "a",
        "-",
        "{word}",
        "{int:0..99}",
        "{flag:-}",
        "{any}",
        "a{int:0..99}",
        "{word}-{word}",
        "{int:0..99}{int:0..99}",
        "{int:0..99}b{word}",
    };
    static const char *const ARGS[] = {"a",   "-",   "",   "a1", "a-b", "12",
                                       "012", "1b2", "--", "a-", "7"};
    GRand *rand = g_rand_new_with_seed(20250314);
    guint matched = 0;

    for (int round = 0; round < 60000; round++) {
        g_autoptr(GPtrArray) elements = g_ptr_array_new();
        const char *argv[6] = {NULL};
        g_autofree char *line = NULL;
        g_autoptr(TnPattern) pattern = NULL;
        gsize offset;
        gboolean model;
        int n = g_rand_int_range(rand, 0, 5);

        for (int i = 0; i < n; i++)
            g_ptr_array_add(
                elements,
                (gpointer)(guintptr)ELEMENTS[g_rand_int_range(rand, 0, G_N_ELEMENTS(ELEMENTS))]);
        if (g_rand_int_range(rand, 0, 8) == 0)
            g_ptr_array_add(elements, (gpointer)(guintptr) "{rest}");
        g_ptr_array_add(elements, NULL);
        n = g_rand_int_range(rand, 0, 6);
        for (int i = 0; i < n; i++)
            argv[i] = ARGS[g_rand_int_range(rand, 0, G_N_ELEMENTS(ARGS))];
        line = g_strjoinv(" ", (char **)elements->pdata);
        pattern = tn_pattern_parse(line, &offset, NULL);
        assert_non_null(pattern);
        model = model_line((char **)elements->pdata, argv);
        matched += model ? 1 : 0;
        if (tn_pattern_match(pattern, argv) != model)
            fail_msg("differs: %s, %d arguments, the model says %d", line, n, model);
    }
    g_rand_free(rand);
    /* Neither side may win by saying always the same. */
    assert_true(matched > 1000 && matched < 59000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_literal),       cmocka_unit_test(test_int),
        cmocka_unit_test(test_word),          cmocka_unit_test(test_path),
        cmocka_unit_test(test_glob),          cmocka_unit_test(test_enum_flag_any_rest),
        cmocka_unit_test(test_inside_a_word), cmocka_unit_test(test_refuses_bad_lines),
        cmocka_unit_test(test_explains),      cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_open_lines),    cmocka_unit_test(test_agrees_with_the_model),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
