/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Matching of arguments. Two small machines without recursion: over the arguments a set of live
 * elements (a {flag} may take an argument or be skipped, so there may be several), over the bytes
 * of one argument a set of live positions (a placeholder inside a word may end in several places).
 * Both are bounded by the line, not by what a host sends.
 *
 * The line is read by match-parse.c.
 */

#include "policy/match.h"

#include "policy/match-pattern.h"

#include <string.h>

/* '*' only; '*' takes no '/', and at the start of a component no '.' or '-'. Iterative: one place
 * to come back to is enough, since a later '*' makes an earlier one's choice irrelevant as long as
 * no '/' lies between, and no '*' crosses one. */
static gboolean
match_glob(const char *glob, const char *text, gsize size)
{
    gsize g = 0;
    gsize t = 0;
    gsize back_g = G_MAXSIZE;
    gsize back_t = 0;

    while (t < size) {
        gboolean starts = t == 0 || text[t - 1] == '/';

        if (glob[g] == '*' && !(starts && (text[t] == '.' || text[t] == '-'))) {
            back_g = ++g;
            back_t = t;
            continue;
        }
        if (glob[g] == text[t] && glob[g] != '*' && glob[g] != '\0') {
            g++;
            t++;
            continue;
        }
        if (back_g == G_MAXSIZE || text[back_t] == '/')
            return FALSE;
        g = back_g;
        t = ++back_t;
    }
    while (glob[g] == '*')
        g++;
    return glob[g] == '\0';
}

static gboolean
match_path(const char *prefix, const char *text, gsize size)
{
    gsize n = strlen(prefix);
    gsize start = 1;

    if (size == 0 || size > TN_PATTERN_PATH_LIMIT_BYTES || text[0] != '/')
        return FALSE;
    for (gsize i = 0; i < size; i++)
        if (g_ascii_iscntrl(text[i]))
            return FALSE;
    /* Every component between slashes must be a real name; "/" alone has none. */
    for (gsize i = 1; size > 1 && i <= size; i++) {
        if (i < size && text[i] != '/')
            continue;
        if (i == start || (i - start == 1 && text[start] == '.') ||
            (i - start == 2 && text[start] == '.' && text[start + 1] == '.'))
            return FALSE;
        start = i + 1;
    }
    if (n == 1)
        return TRUE;
    return size >= n && memcmp(text, prefix, n) == 0 && (size == n || text[n] == '/');
}

/* Canonical decimal: no plus, no leading zero, no minus zero. */
static gboolean
match_int(const TnPart *part, const char *text, gsize size)
{
    char digits[24];
    gint64 value;
    gsize first = text[0] == '-' ? 1 : 0;

    if (size <= first || size >= sizeof digits)
        return FALSE;
    for (gsize i = first; i < size; i++)
        if (!g_ascii_isdigit(text[i]))
            return FALSE;
    if (text[first] == '0' && size > 1)
        return FALSE;
    memcpy(digits, text, size);
    digits[size] = '\0';
    return g_ascii_string_to_signed(digits, 10, part->min, part->max, &value, NULL);
}

static void
mark_numbers(const TnPart *part, const char *text, gsize size, guint8 *next)
{
    for (gsize n = 1; n <= MIN(size, (gsize)TN_PATTERN_INT_LIMIT_BYTES); n++)
        if (match_int(part, text, n))
            next[n] = 1;
}

static gboolean
is_word_byte(char c)
{
    return g_ascii_isalnum(c) || (c != '\0' && strchr("._@:-", c) != NULL);
}

static void
mark_words(const char *text, gsize size, guint8 *next)
{
    if (size == 0 || !g_ascii_isalnum(text[0]))
        return;
    for (gsize n = 1; n <= MIN(size, (gsize)TN_PATTERN_WORD_LIMIT_BYTES); n++) {
        if (!is_word_byte(text[n - 1]))
            return;
        next[n] = 1;
    }
}

static void
mark_literal(const char *literal, const char *text, gsize size, guint8 *next)
{
    gsize n = strlen(literal);

    if (n <= size && memcmp(literal, text, n) == 0)
        next[n] = 1;
}

/* Marks in NEXT (relative to TEXT) where PART may end when it begins at TEXT. */
static void
mark_ends(const TnPart *part, const char *text, gsize size, guint8 *next)
{
    switch (part->kind) {
    case TN_PART_LITERAL:
        mark_literal(part->text, text, size, next);
        break;
    case TN_PART_INT:
        mark_numbers(part, text, size, next);
        break;
    case TN_PART_WORD:
        mark_words(text, size, next);
        break;
    case TN_PART_ENUM:
        for (gsize i = 0; part->words[i] != NULL; i++)
            mark_literal(part->words[i], text, size, next);
        break;
    case TN_PART_GLOB:
        if (size > 0 && size <= TN_PATTERN_PATH_LIMIT_BYTES && match_glob(part->text, text, size))
            next[size] = 1;
        break;
    case TN_PART_PATH:
        if (match_path(part->text, text, size))
            next[size] = 1;
        break;
    case TN_PART_N:
        break;
    }
}

static gboolean
is_literal(const TnElement *element)
{
    return element->kind == TN_ELEMENT_PARTS && element->n_parts == 1 &&
           element->parts[0].kind == TN_PART_LITERAL;
}

static gboolean
match_parts(const TnElement *element, const char *arg)
{
    gsize size = strlen(arg);
    g_autofree guint8 *now = NULL;
    g_autofree guint8 *next = NULL;

    if (size > TN_PATTERN_ARG_LIMIT_BYTES)
        return FALSE;
    if (is_literal(element))
        return strcmp(element->parts[0].text, arg) == 0;
    now = g_malloc0(size + 1);
    next = g_malloc0(size + 1);
    now[0] = 1;
    for (gsize p = 0; p < element->n_parts; p++) {
        guint8 *swap = now;

        memset(next, 0, size + 1);
        for (gsize i = 0; i <= size; i++)
            if (now[i] != 0)
                mark_ends(&element->parts[p], arg + i, size - i, next + i);
        now = next;
        next = swap;
    }
    return now[size] != 0;
}

static gboolean
match_element(const TnElement *element, const char *arg)
{
    switch (element->kind) {
    case TN_ELEMENT_PARTS:
        return match_parts(element, arg);
    case TN_ELEMENT_FLAG:
        return g_strv_contains((const char *const *)element->flags, arg);
    case TN_ELEMENT_ANY:
    case TN_ELEMENT_REST:
        return TRUE;
    case TN_ELEMENT_N:
        break;
    }
    return FALSE;
}

typedef struct {
    /* Element i may come next; the one behind the last: the end. No more is set than there are. */
    guint8 live[TN_PATTERN_ELEMENTS_LIMIT + 1];
} States;

/* A {flag} or {rest} may also take nothing. */
static void
skip_optional(const TnPattern *pattern, States *states)
{
    for (gsize i = 0; i < pattern->n_elements; i++)
        if (states->live[i] != 0 && (pattern->elements[i].kind == TN_ELEMENT_FLAG ||
                                     pattern->elements[i].kind == TN_ELEMENT_REST))
            states->live[i + 1] = 1;
}

/* FALSE when nothing is live after ARG. */
static gboolean
step(const TnPattern *pattern, const States *now, const char *arg, States *next)
{
    gboolean any = FALSE;

    memset(next->live, 0, pattern->n_elements + 1);
    for (gsize i = 0; i < pattern->n_elements; i++) {
        const TnElement *element = &pattern->elements[i];
        gboolean stays = element->kind == TN_ELEMENT_FLAG || element->kind == TN_ELEMENT_REST;

        if (now->live[i] == 0 || !match_element(element, arg))
            continue;
        next->live[stays ? i : i + 1] = 1;
        any = TRUE;
    }
    skip_optional(pattern, next);
    return any;
}

/* Runs the machine; *RET_STATES is what was live before the argument *RET_INDEX, which either is
 * the first that does not fit or the end of ARGV. */
static gboolean
run(const TnPattern *pattern, const char *const *argv, States *ret_states, gsize *ret_index)
{
    States next;
    gsize i = 0;

    memset(ret_states->live, 0, pattern->n_elements + 1);
    ret_states->live[0] = 1;
    skip_optional(pattern, ret_states);
    for (; argv != NULL && argv[i] != NULL; i++) {
        if (!step(pattern, ret_states, argv[i], &next)) {
            *ret_index = i;
            return FALSE;
        }
        memcpy(ret_states->live, next.live, pattern->n_elements + 1);
    }
    *ret_index = i;
    return ret_states->live[pattern->n_elements] != 0;
}

gboolean
tn_pattern_match(const TnPattern *pattern, const char *const *argv)
{
    States states;
    gsize index;

    return run(pattern, argv, &states, &index);
}

char *
tn_pattern_explain(const TnPattern *pattern, const char *const *argv)
{
    States states;
    gsize index;
    gsize wanted = 0;
    g_autofree char *cut = NULL;
    g_autofree char *shown = NULL;

    if (run(pattern, argv, &states, &index))
        return NULL;
    while (wanted < pattern->n_elements && states.live[wanted] == 0)
        wanted++;
    if (argv == NULL || argv[index] == NULL)
        return g_strdup_printf("arg %" G_GSIZE_FORMAT ": missing, %s is expected", index + 1,
                               pattern->elements[wanted].source);
    cut = g_strndup(argv[index], TN_PATTERN_SHOWN_BYTES);
    shown = g_strescape(cut, NULL);
    if (wanted == pattern->n_elements)
        return g_strdup_printf("arg %" G_GSIZE_FORMAT ": \"%s\" is one too many", index + 1, shown);
    return g_strdup_printf("arg %" G_GSIZE_FORMAT ": \"%s\" is not %s", index + 1, shown,
                           pattern->elements[wanted].source);
}

char **
tn_pattern_get_words(const TnPattern *pattern, gboolean *ret_is_whole)
{
    char **words = g_new0(char *, pattern->n_elements + 1);
    gsize n = 0;

    for (; n < pattern->n_elements && is_literal(&pattern->elements[n]); n++)
        words[n] = g_strdup(pattern->elements[n].parts[0].text);
    *ret_is_whole = n == pattern->n_elements;
    return words;
}

const char *
tn_pattern_get_text(const TnPattern *pattern)
{
    return pattern->text;
}

gboolean
tn_pattern_is_open(const TnPattern *pattern)
{
    for (gsize i = 0; i < pattern->n_elements; i++)
        if (pattern->elements[i].kind == TN_ELEMENT_ANY ||
            pattern->elements[i].kind == TN_ELEMENT_REST)
            return TRUE;
    return FALSE;
}
