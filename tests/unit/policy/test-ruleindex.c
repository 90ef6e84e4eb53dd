/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the index leaves out would not have fitted: random rules and arguments, compared with a look
 * at every rule.
 */

#include "policy/match.h"
#include "policy/ruleindex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum {
    POLICIES_N = 300,
    RULES_MAX = 12,
    LINES_MAX = 4, /* 0 to 3 of them */
    ASKED_N = 40,
    ARGS_MAX = 4
};

static const char *const LINES[] = {
    "a",      "a b",      "b",         "a {int:1..9}", "{word}",    "{flag:-v} a",
    "{rest}", "a {rest}", "b c {any}", "a{int:1..9}",  "\"{any}\"", "{any} b",
};
static const char *const ARGS[] = {"a", "b", "c", "-v", "5", "a5", "{any}", ""};

typedef struct {
    TnExecRule rules[RULES_MAX];
    TnExecConf confs[RULES_MAX];
    guint n_rules;
    TnRuleIndex *index;
} Rules;

static void
free_line(gpointer line)
{
    tn_pattern_free(line);
}

static void
make_rules(GRand *dice, Rules *rules)
{
    rules->n_rules = (guint)g_rand_int_range(dice, 1, RULES_MAX + 1);
    rules->index = tn_ruleindex_new();
    for (guint i = 0; i < rules->n_rules; i++) {
        TnExecConf *conf = &rules->confs[i];
        int n_lines = g_rand_int_range(dice, 0, LINES_MAX);

        *conf = (TnExecConf){.verdict = g_rand_int_range(dice, 0, 2)};
        conf->args = g_ptr_array_new_with_free_func(free_line);
        for (int k = 0; k < n_lines; k++) {
            gsize offset = 0;
            const char *text = LINES[g_rand_int_range(dice, 0, (gint32)G_N_ELEMENTS(LINES))];
            TnPattern *line = tn_pattern_parse(text, &offset, NULL);

            assert_non_null(line);
            g_ptr_array_add(conf->args, line);
        }
        rules->rules[i] = (TnExecRule){.conf = conf, .order = i};
        tn_ruleindex_add(rules->index, &rules->rules[i]);
    }
}

static void
clear_rules(Rules *rules)
{
    for (guint i = 0; i < rules->n_rules; i++)
        g_ptr_array_unref(rules->confs[i].args);
    tn_ruleindex_free(rules->index);
}

static gboolean
may_fit(const TnExecConf *conf, const char *const *argv)
{
    if (conf->args->len == 0)
        return conf->verdict != 0 || argv[0] == NULL;
    for (guint i = 0; i < conf->args->len; i++)
        if (tn_pattern_match(g_ptr_array_index(conf->args, i), argv))
            return TRUE;
    return FALSE;
}

static void
check_walk(const Rules *rules, const char *const *argv, guint *n_found, guint *n_left_out)
{
    gboolean is_found[RULES_MAX] = {FALSE};
    const TnExecRule *rule = NULL;
    TnRuleWalk walk;
    guint next = 0;

    tn_ruleindex_begin(rules->index, argv, &walk);
    while ((rule = tn_ruleindex_next(&walk)) != NULL) {
        assert_true(rule->order >= next); /* in order, and each once */
        next = rule->order + 1;
        is_found[rule->order] = TRUE;
    }
    for (guint i = 0; i < rules->n_rules; i++) {
        assert_true(is_found[i] || !may_fit(&rules->confs[i], argv));
        *n_found += is_found[i] ? 1 : 0;
        *n_left_out += is_found[i] ? 0 : 1;
    }
}

static void
leaves_out_only_what_does_not_fit(void **state)
{
    g_autoptr(GRand) dice = g_rand_new_with_seed(49);
    guint n_found = 0;
    guint n_left_out = 0;

    for (int i = 0; i < POLICIES_N; i++) {
        Rules rules = {0};

        make_rules(dice, &rules);
        for (int k = 0; k < ASKED_N; k++) {
            const char *argv[ARGS_MAX + 1] = {NULL};
            int n = g_rand_int_range(dice, 0, ARGS_MAX + 1);

            for (int a = 0; a < n; a++)
                argv[a] = ARGS[g_rand_int_range(dice, 0, (gint32)G_N_ELEMENTS(ARGS))];
            check_walk(&rules, argv, &n_found, &n_left_out);
        }
        clear_rules(&rules);
    }
    /* It found some and spared some, or it would say nothing. */
    assert_true(n_found > POLICIES_N && n_left_out > POLICIES_N);
}

static void
nothing_is_no_arguments(void **state)
{
    TnExecConf conf = {.args = g_ptr_array_new()};
    TnExecRule rule = {.conf = &conf};
    TnRuleIndex *index = tn_ruleindex_new();
    TnRuleWalk walk;

    tn_ruleindex_add(index, &rule);
    tn_ruleindex_begin(index, NULL, &walk);
    assert_ptr_equal(tn_ruleindex_next(&walk), &rule);
    assert_null(tn_ruleindex_next(&walk));
    tn_ruleindex_begin(NULL, NULL, &walk);
    assert_null(tn_ruleindex_next(&walk));
    tn_ruleindex_free(index);
    g_ptr_array_unref(conf.args);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaves_out_only_what_does_not_fit),
        cmocka_unit_test(nothing_is_no_arguments),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
