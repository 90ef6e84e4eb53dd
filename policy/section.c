/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Values of keys: text to member and back, by the rows of keys.c. Numbers are whole and in plain
 * decimal with at most one unit; what is out of range is an error and is never clipped.
 */

#include "policy/keytable.h"
#include "policy/match.h"
#include "policy/policy.h"
#include "policy/words.h"

#include <string.h>

enum {
    LIST_LIMIT = 4096
};

typedef struct {
    const char *suffix;
    guint64 factor;
} Unit;

static const Unit SIZE_UNITS[] = {
    {"G", 1024 * 1024 * 1024},
    {"M", 1024 * 1024},
    {"K", 1024},
    {NULL, 1},
};

static const Unit TIME_UNITS[] = {
    {"ms", 1000},
    {"min", 60 * G_GUINT64_CONSTANT(1000000)},
    {"h", 3600 * G_GUINT64_CONSTANT(1000000)},
    {"s", 1000000},
    {NULL, 0},
};

G_GNUC_PRINTF(2, 3)
static gboolean
fail(GError **error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    if (error != NULL)
        *error = g_error_new_valist(TN_POLICY_ERROR, TN_POLICY_ERROR_INVALID, format, args);
    va_end(args);
    return FALSE;
}

static gpointer
get_member(TnSection *section, const TnKey *key)
{
    return (char *)section + key->offset;
}

static gconstpointer
peek_member(const TnSection *section, const TnKey *key)
{
    return (const char *)section + key->offset;
}

static gsize
index_key(const TnKey *key)
{
    gsize n;

    return (gsize)(key - tn_keys_get(key->section, &n));
}

static void
free_pattern(gpointer pattern)
{
    tn_pattern_free(pattern);
}

TnSection *
tn_section_new(TnSectionKind kind, const char *name, const TnPlace *place)
{
    TnSection *section = g_malloc0(tn_keys_get_section(kind)->size);
    gsize n;
    const TnKey *keys = tn_keys_get(kind, &n);

    section->kind = kind;
    section->name = g_strdup(name);
    section->place = *place;
    section->key_places = g_new0(TnPlace, n);
    for (gsize i = 0; i < n; i++) {
        GPtrArray **list = get_member(section, &keys[i]);

        if (keys[i].type == TN_KEY_WORDS)
            *list = g_ptr_array_new_with_free_func(g_free);
        else if (keys[i].type == TN_KEY_ARGS)
            *list = g_ptr_array_new_with_free_func(free_pattern);
    }
    return section;
}

void
tn_section_free(TnSection *section)
{
    gsize n;
    const TnKey *keys;

    if (section == NULL)
        return;
    keys = tn_keys_get(section->kind, &n);
    for (gsize i = 0; i < n; i++) {
        if (keys[i].type == TN_KEY_WORDS || keys[i].type == TN_KEY_ARGS)
            g_ptr_array_unref(*(GPtrArray **)get_member(section, &keys[i]));
        else if (keys[i].type == TN_KEY_TEXT)
            g_free(*(char **)get_member(section, &keys[i]));
    }
    g_free(section->key_places);
    g_free(section->name);
    g_free(section);
}

static gboolean
set_choice(TnSection *section, const TnKey *key, const char *word, GError **error)
{
    g_auto(GStrv) values = g_strsplit(key->values, " ", -1);
    g_autofree char *shown = NULL;

    for (int i = 0; values[i] != NULL; i++) {
        if (strcmp(values[i], word) == 0) {
            *(int *)get_member(section, key) = i;
            return TRUE;
        }
    }
    g_free(shown);
    shown = g_strjoinv(", ", values);
    return fail(error, "%s is one of: %s", key->name, shown);
}

/* Decimal digits and one of UNITS. */
static gboolean
parse_quantity(const char *word, const Unit *units, guint64 *ret_value)
{
    gsize n = strlen(word);
    const Unit *unit = units;
    g_autofree char *digits = NULL;
    guint64 value;

    while (unit->suffix != NULL && !g_str_has_suffix(word, unit->suffix))
        unit++;
    if (unit->suffix != NULL)
        n -= strlen(unit->suffix);
    digits = g_strndup(word, n);
    if (unit->factor == 0 || !g_ascii_isdigit(digits[0]) ||
        !g_ascii_string_to_unsigned(digits, 10, 0, G_MAXINT64 / unit->factor, &value, NULL))
        return FALSE;
    *ret_value = value * unit->factor;
    return TRUE;
}

static gboolean
set_quantity(TnSection *section, const TnKey *key, const char *word, const Unit *units,
             const char *example, GError **error)
{
    guint64 value = 0;

    if (key->may_be_none && strcmp(word, "none") == 0) {
        *(guint64 *)get_member(section, key) = 0;
        return TRUE;
    }
    if (!parse_quantity(word, units, &value))
        return fail(error, "%s: a number such as %s is expected", key->name, example);
    if (value < key->min || value > key->max)
        return fail(error, "%s: out of range", key->name);
    *(guint64 *)get_member(section, key) = value;
    return TRUE;
}

static gboolean
set_count(TnSection *section, const TnKey *key, const char *word, GError **error)
{
    if (!g_ascii_string_to_unsigned(word, 10, key->min, key->max, get_member(section, key), NULL))
        return fail(error,
                    "%s: a number from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT " is expected",
                    key->name, key->min, key->max);
    return TRUE;
}

static gboolean
set_octal(TnSection *section, const TnKey *key, const char *word, GError **error)
{
    guint64 value;

    if (word[0] != '0' || !g_ascii_string_to_unsigned(word, 8, 0, key->max, &value, NULL))
        return fail(error, "%s: an octal number such as 0644 is expected", key->name);
    *(int *)get_member(section, key) = (int)value;
    return TRUE;
}

static gboolean
set_rate(TnSection *section, const TnKey *key, const char *word, GError **error)
{
    TnRate *rate = get_member(section, key);
    const char *slash = strchr(word, '/');
    g_autofree char *digits = NULL;
    g_autofree char *unit = NULL;
    guint64 n;
    guint64 per;

    if (strcmp(word, "none") == 0) {
        rate->n = 0;
        return TRUE;
    }
    digits = slash != NULL ? g_strndup(word, (gsize)(slash - word)) : g_strdup("");
    unit = slash != NULL ? g_strconcat("1", slash + 1, NULL) : g_strdup("");
    if (!g_ascii_string_to_unsigned(digits, 10, 1, key->max, &n, NULL) ||
        !parse_quantity(unit, TIME_UNITS, &per))
        return fail(error, "%s: a rate such as 10/min is expected", key->name);
    rate->n = (guint)n;
    rate->per_us = (gint64)per;
    return TRUE;
}

static gboolean
append_words(TnSection *section, const TnKey *key, GPtrArray *words, GError **error)
{
    GPtrArray *list = *(GPtrArray **)get_member(section, key);

    /* "none" says that the list is meant to be empty; beside other words it would be a name. */
    if (words->len == 1 && list->len == 0 && strcmp(g_ptr_array_index(words, 0), "none") == 0)
        return TRUE;
    if (list->len + words->len > LIST_LIMIT)
        return fail(error, "%s: more than %d words", key->name, LIST_LIMIT);
    g_ptr_array_extend_and_steal(list, g_ptr_array_ref(words));
    return TRUE;
}

static gboolean
set_args(TnSection *section, const TnKey *key, const char *text, gsize *ret_offset, GError **error)
{
    GPtrArray *list = *(GPtrArray **)get_member(section, key);
    TnPattern *pattern;

    if (strcmp(text, "none") == 0 && list->len == 0)
        return TRUE;
    if (list->len == LIST_LIMIT)
        return fail(error, "%s: more than %d lines", key->name, LIST_LIMIT);
    pattern = tn_pattern_parse(text, ret_offset, error);
    if (pattern == NULL)
        return FALSE;
    g_ptr_array_add(list, pattern);
    return TRUE;
}

static gboolean
set_scalar(TnSection *section, const TnKey *key, const char *word, GError **error)
{
    switch (key->type) {
    case TN_KEY_CHOICE:
        return set_choice(section, key, word, error);
    case TN_KEY_COUNT:
        return set_count(section, key, word, error);
    case TN_KEY_SIZE:
        return set_quantity(section, key, word, SIZE_UNITS, "64M", error);
    case TN_KEY_DURATION:
        return set_quantity(section, key, word, TIME_UNITS, "30s", error);
    case TN_KEY_OCTAL:
        return set_octal(section, key, word, error);
    case TN_KEY_RATE:
        return set_rate(section, key, word, error);
    case TN_KEY_TEXT:
        g_free(*(char **)get_member(section, key));
        *(char **)get_member(section, key) = strcmp(word, "none") == 0 ? NULL : g_strdup(word);
        return TRUE;
    case TN_KEY_WORDS:
    case TN_KEY_ARGS:
    case TN_KEY_N:
        break;
    }
    return fail(error, "%s: not a single value", key->name);
}

gboolean
tn_section_set(TnSection *section, const TnKey *key, const char *text, gsize *ret_offset,
               GError **error)
{
    g_autoptr(GPtrArray) words = NULL;

    *ret_offset = 0;
    if (key->type == TN_KEY_ARGS)
        return set_args(section, key, text, ret_offset, error);
    words = tn_words_split(text, ret_offset, error);
    if (words == NULL)
        return FALSE;
    if (words->len == 0)
        return fail(error, "%s: the value is empty; none says so", key->name);
    if (key->type == TN_KEY_WORDS)
        return append_words(section, key, words, error);
    if (words->len > 1)
        return fail(error, "%s: one word is expected", key->name);
    return set_scalar(section, key, g_ptr_array_index(words, 0), error);
}

gboolean
tn_section_finish(TnSection *section, gboolean compat, GError **error)
{
    gsize n;
    const TnKey *keys = tn_keys_get(section->kind, &n);

    for (gsize i = 0; i < n; i++) {
        const TnKey *key = &keys[i];
        const char *def = compat && key->compat_def != NULL ? key->compat_def : key->def;
        gsize offset;

        if (section->key_places[index_key(key)].line > 0)
            continue;
        if (def == NULL)
            return fail(error, "%s is missing", key->name);
        if (!tn_section_set(section, key, def, &offset, error))
            return FALSE;
    }
    return TRUE;
}

static void
print_quantity(guint64 value, const TnKey *key, const Unit *units, GString *out)
{
    const Unit *best = NULL;

    if (value == 0 && key->may_be_none) {
        g_string_append(out, "none");
        return;
    }
    for (const Unit *unit = units; unit->suffix != NULL; unit++)
        if (value > 0 && value % unit->factor == 0 && (best == NULL || unit->factor > best->factor))
            best = unit;
    g_string_append_printf(out, "%" G_GUINT64_FORMAT "%s",
                           best != NULL ? value / best->factor : value,
                           best != NULL ? best->suffix : "");
}

static void
print_list(const GPtrArray *list, gboolean patterns, GString *out)
{
    if (list->len == 0)
        g_string_append(out, "none");
    for (guint i = 0; i < list->len; i++)
        g_string_append_printf(out, "%s%s",
                               i == 0     ? ""
                               : patterns ? " | "
                                          : " ",
                               patterns ? tn_pattern_get_text(g_ptr_array_index(list, i))
                                        : (const char *)g_ptr_array_index(list, i));
}

static void
print_choice(int value, const TnKey *key, GString *out)
{
    g_auto(GStrv) values = g_strsplit(key->values, " ", -1);

    g_string_append(out, values[value]);
}

static void
print_rate(const TnRate *rate, const TnKey *key, GString *out)
{
    if (rate->n == 0) {
        g_string_append(out, "none");
        return;
    }
    g_string_append_printf(out, "%u/", rate->n);
    for (const Unit *unit = TIME_UNITS; unit->suffix != NULL; unit++)
        if (unit->factor == (guint64)rate->per_us)
            g_string_append(out, unit->suffix);
}

void
tn_section_print(const TnSection *section, const TnKey *key, GString *out)
{
    gconstpointer member = peek_member(section, key);

    switch (key->type) {
    case TN_KEY_CHOICE:
        print_choice(*(const int *)member, key, out);
        break;
    case TN_KEY_COUNT:
        g_string_append_printf(out, "%" G_GUINT64_FORMAT, *(const guint64 *)member);
        break;
    case TN_KEY_SIZE:
        print_quantity(*(const guint64 *)member, key, SIZE_UNITS, out);
        break;
    case TN_KEY_DURATION:
        print_quantity(*(const guint64 *)member, key, TIME_UNITS, out);
        break;
    case TN_KEY_OCTAL:
        g_string_append_printf(out, "%04o", (guint) * (const int *)member);
        break;
    case TN_KEY_RATE:
        print_rate(member, key, out);
        break;
    case TN_KEY_TEXT:
        g_string_append(out, *(char *const *)member != NULL ? *(char *const *)member : "none");
        break;
    case TN_KEY_WORDS:
    case TN_KEY_ARGS:
        print_list(*(GPtrArray *const *)member, key->type == TN_KEY_ARGS, out);
        break;
    case TN_KEY_N:
        break;
    }
}
