/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parser behind the option tables. A program behind "--" is never looked at, so that its
 * options cannot be taken for ours.
 */

#include "client/options.h"

#include "client/duration.h"
#include "client/failure.h"

#include <string.h>

#define HELP_COLUMN 28

typedef struct {
    const TnOptionTable *tables;
    char **next; /* the next word of argv */
} Reader;

static const TnOption *
find_option(const Reader *reader, const char *name, gsize size, char letter, gpointer *ret_place)
{
    for (const TnOptionTable *table = reader->tables; table->place != NULL; table++) {
        for (const TnOption *row = table->options; row != NULL && row->name != NULL; row++) {
            gboolean is_match =
                name != NULL ? strlen(row->name) == size && strncmp(row->name, name, size) == 0
                             : row->letter == letter;

            if (is_match) {
                *ret_place = (char *)table->place + row->offset;
                return row;
            }
        }
    }
    return NULL;
}

static gboolean
store_value(const TnOption *row, gpointer place, char *value, GError **error)
{
    switch (row->kind) {
    case TN_OPTION_FLAG:
        *(gboolean *)place = TRUE;
        return TRUE;
    case TN_OPTION_STRING:
        *(const char **)place = value;
        return TRUE;
    case TN_OPTION_STRINGS:
        if (*(GPtrArray **)place == NULL)
            *(GPtrArray **)place = g_ptr_array_new();
        g_ptr_array_add(*(GPtrArray **)place, value);
        return TRUE;
    case TN_OPTION_MAYBE_DURATION:
        if (value == NULL) {
            *(gint64 *)place = row->fallback;
            return TRUE;
        }
        return tn_duration_parse(value, place, error);
    case TN_OPTION_DURATION:
        return tn_duration_parse(value, place, error);
    case TN_OPTION_INT:
        if (g_ascii_string_to_signed(value, 10, 0, G_MAXINT64, place, NULL))
            return TRUE;
        g_set_error(error, TN_FAILURE, TN_FAILURE_USAGE, "--%s: '%s' is no number", row->name,
                    value);
        return FALSE;
    }
    g_assert_not_reached();
}

static gboolean
needs_value(const TnOption *row)
{
    return row->kind != TN_OPTION_FLAG && row->kind != TN_OPTION_MAYBE_DURATION;
}

/* Takes the value of ROW from the next word when it is not joined to the option. */
static gboolean
take_value(Reader *reader, const TnOption *row, gpointer place, char *joined, GError **error)
{
    if (joined != NULL && row->kind == TN_OPTION_FLAG) {
        g_set_error(error, TN_FAILURE, TN_FAILURE_USAGE, "--%s takes no value", row->name);
        return FALSE;
    }
    if (joined == NULL && needs_value(row)) {
        if (*reader->next == NULL || strcmp(*reader->next, "--") == 0) {
            g_set_error(error, TN_FAILURE, TN_FAILURE_USAGE, "--%s needs a value (%s)", row->name,
                        row->value);
            return FALSE;
        }
        joined = *reader->next++;
    }
    return store_value(row, place, joined, error);
}

static gboolean
read_long(Reader *reader, char *word, GError **error)
{
    char *name = word + 2;
    char *equals = strchr(name, '=');
    gsize size = equals == NULL ? strlen(name) : (gsize)(equals - name);
    gpointer place = NULL;
    const TnOption *row = find_option(reader, name, size, 0, &place);

    if (row == NULL) {
        g_set_error(error, TN_FAILURE, TN_FAILURE_USAGE, "unknown option '%.*s'", (int)size + 2,
                    word);
        return FALSE;
    }
    return take_value(reader, row, place, equals == NULL ? NULL : equals + 1, error);
}

/* "-it" is "-i -t"; "-eA=1" is "-e A=1". */
static gboolean
read_short(Reader *reader, char *word, GError **error)
{
    for (char *p = word + 1; *p != '\0'; p++) {
        gpointer place = NULL;
        const TnOption *row = find_option(reader, NULL, 0, *p, &place);

        if (row == NULL) {
            g_set_error(error, TN_FAILURE, TN_FAILURE_USAGE, "unknown option '-%c'", *p);
            return FALSE;
        }
        if (needs_value(row))
            return take_value(reader, row, place, p[1] == '\0' ? NULL : p + 1, error);
        if (!store_value(row, place, NULL, error))
            return FALSE;
    }
    return TRUE;
}

gboolean
tn_options_parse(const TnOptionTable *tables, char **argv, GPtrArray *positional, char ***ret_rest,
                 GError **error)
{
    Reader reader = {.tables = tables, .next = argv};

    *ret_rest = NULL;
    while (*reader.next != NULL) {
        char *word = *reader.next++;

        if (strcmp(word, "--") == 0) {
            *ret_rest = reader.next;
            return TRUE;
        }
        if (g_str_has_prefix(word, "--")) {
            if (!read_long(&reader, word, error))
                return FALSE;
        } else if (word[0] == '-' && word[1] != '\0') {
            if (!read_short(&reader, word, error))
                return FALSE;
        } else {
            g_ptr_array_add(positional, word);
        }
    }
    return TRUE;
}

void
tn_options_init(const TnOptionTable *table)
{
    for (const TnOption *row = table->options; row != NULL && row->name != NULL; row++) {
        if (row->kind == TN_OPTION_DURATION || row->kind == TN_OPTION_MAYBE_DURATION ||
            row->kind == TN_OPTION_INT)
            *(gint64 *)(gpointer)((char *)table->place + row->offset) = -1;
    }
}

void
tn_options_clear(const TnOptionTable *table)
{
    for (const TnOption *row = table->options; row != NULL && row->name != NULL; row++) {
        GPtrArray **array = (GPtrArray **)(gpointer)((char *)table->place + row->offset);

        if (row->kind == TN_OPTION_STRINGS)
            g_clear_pointer(array, g_ptr_array_unref);
    }
}

void
tn_options_append_help(const TnOption *options, GString *text)
{
    for (const TnOption *row = options; row != NULL && row->name != NULL; row++) {
        gsize from = text->len;

        if (row->letter != 0)
            g_string_append_printf(text, "  -%c, --%s", row->letter, row->name);
        else
            g_string_append_printf(text, "      --%s", row->name);
        if (row->kind == TN_OPTION_MAYBE_DURATION)
            g_string_append_printf(text, "[=%s]", row->value);
        else if (row->value != NULL)
            g_string_append_printf(text, " %s", row->value);
        do
            g_string_append_c(text, ' ');
        while (text->len - from < HELP_COLUMN);
        g_string_append_printf(text, "%s\n", row->doc);
    }
}
