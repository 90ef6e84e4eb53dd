/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Three lists hold a rule, each by what its args lines begin with: all words known, the first word
 * known, or neither. A rule with lines of several kinds stands in several lists. Deliberately not
 * here: any match; a line that is in the wrong list would only cost time.
 */

#include "policy/ruleindex.h"

#include "policy/match.h"

struct TnRuleIndex {
    GPtrArray *all;
    GHashTable *by_words; /* char ** to GPtrArray: the whole argv is this */
    GHashTable *by_first; /* char * to GPtrArray: the first argument is this */
    GPtrArray *others;
};

static guint
hash_words(gconstpointer key)
{
    const char *const *words = key;
    guint hash = 0;

    for (gsize i = 0; words[i] != NULL; i++)
        hash = hash * 31 + g_str_hash(words[i]);
    return hash;
}

static gboolean
are_words_equal(gconstpointer a, gconstpointer b)
{
    return g_strv_equal(a, b);
}

static void
free_words(gpointer words)
{
    g_strfreev(words);
}

static void
free_list(gpointer list)
{
    g_ptr_array_unref(list);
}

TnRuleIndex *
tn_ruleindex_new(void)
{
    TnRuleIndex *index = g_new0(TnRuleIndex, 1);

    index->all = g_ptr_array_new();
    index->by_words = g_hash_table_new_full(hash_words, are_words_equal, free_words, free_list);
    index->by_first = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_list);
    index->others = g_ptr_array_new();
    return index;
}

void
tn_ruleindex_free(TnRuleIndex *index)
{
    if (index == NULL)
        return;
    g_ptr_array_unref(index->all);
    g_hash_table_unref(index->by_words);
    g_hash_table_unref(index->by_first);
    g_ptr_array_unref(index->others);
    g_free(index);
}

/* Two lines of a rule may lead to one list, two of its paths to one index. */
static void
append_once(GPtrArray *list, const TnExecRule *rule)
{
    if (list->len == 0 || g_ptr_array_index(list, list->len - 1) != rule)
        g_ptr_array_add(list, (gpointer)(guintptr)rule);
}

static void
add_by_words(TnRuleIndex *index, char **take_words, const TnExecRule *rule)
{
    GPtrArray *list = g_hash_table_lookup(index->by_words, take_words);

    if (list == NULL) {
        list = g_ptr_array_new();
        g_hash_table_insert(index->by_words, take_words, list);
    } else {
        g_strfreev(take_words);
    }
    append_once(list, rule);
}

static void
add_by_first(TnRuleIndex *index, const char *word, const TnExecRule *rule)
{
    GPtrArray *list = g_hash_table_lookup(index->by_first, word);

    if (list == NULL) {
        list = g_ptr_array_new();
        g_hash_table_insert(index->by_first, g_strdup(word), list);
    }
    append_once(list, rule);
}

static void
add_line(TnRuleIndex *index, const TnPattern *line, const TnExecRule *rule)
{
    gboolean is_whole = FALSE;
    g_auto(GStrv) words = tn_pattern_get_words(line, &is_whole);

    if (is_whole)
        add_by_words(index, g_steal_pointer(&words), rule);
    else if (words[0] != NULL)
        add_by_first(index, words[0], rule);
    else
        append_once(index->others, rule);
}

void
tn_ruleindex_add(TnRuleIndex *index, const TnExecRule *rule)
{
    const GPtrArray *lines = rule->conf->args;
    gboolean denies = rule->conf->verdict != 0;

    append_once(index->all, rule);
    /* Without a line a rule allows no arguments, or denies all. */
    if (lines->len == 0 && denies)
        append_once(index->others, rule);
    else if (lines->len == 0)
        add_by_words(index, g_new0(char *, 1), rule);
    for (guint i = 0; i < lines->len; i++)
        add_line(index, g_ptr_array_index(lines, i), rule);
}

const GPtrArray *
tn_ruleindex_get_all(const TnRuleIndex *index)
{
    return index->all;
}

void
tn_ruleindex_begin(const TnRuleIndex *index, const char *const *argv, TnRuleWalk *ret_walk)
{
    static const char *const none[] = {NULL};
    const char *const *words = argv != NULL ? argv : none;

    *ret_walk = (TnRuleWalk){0};
    if (index == NULL)
        return;
    ret_walk->lists[0] = g_hash_table_lookup(index->by_words, words);
    ret_walk->lists[1] = words[0] != NULL ? g_hash_table_lookup(index->by_first, words[0]) : NULL;
    ret_walk->lists[2] = index->others;
}

const TnExecRule *
tn_ruleindex_next(TnRuleWalk *walk)
{
    const TnExecRule *heads[TN_RULEINDEX_LISTS] = {NULL};
    const TnExecRule *first = NULL;

    for (guint i = 0; i < TN_RULEINDEX_LISTS; i++) {
        const GPtrArray *list = walk->lists[i];

        if (list == NULL || walk->next[i] == list->len)
            continue;
        heads[i] = g_ptr_array_index(list, walk->next[i]);
        if (first == NULL || heads[i]->order < first->order)
            first = heads[i];
    }
    /* A rule that stands in several lists is passed in all of them. */
    for (guint i = 0; i < TN_RULEINDEX_LISTS; i++)
        if (first != NULL && heads[i] == first)
            walk->next[i]++;
    return first;
}
