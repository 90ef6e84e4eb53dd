/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Printing: failures, notes, tables, JSON. stdout carries results only, everything else goes to
 * stderr. Deliberately not here: a program's own output, which passes untouched.
 */

#include "client/print.h"

#include "agent/wire/text.h"
#include "client/failure.h"

#include <string.h>

#define COLUMN_GAP 2

struct TnTable {
    const char *const *heads;
    guint n_columns;
    GPtrArray *cells;
};

/* Direction marks, and separators that a terminal takes for a new line. */
static gboolean
is_unsafe(gunichar c)
{
    return !g_unichar_isprint(c) || (c >= 0x200B && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) ||
           (c >= 0x2066 && c <= 0x2069) || c == 0xFEFF;
}

char *
tn_print_escape(const char *text)
{
    GString *out = g_string_new(NULL);

    for (const char *p = text; *p != '\0';) {
        gunichar c = g_utf8_get_char_validated(p, -1);

        if (c == (gunichar)-1 || c == (gunichar)-2) {
            g_string_append_printf(out, "\\x%02x", (guint8)*p);
            p++;
            continue;
        }
        if (!is_unsafe(c))
            g_string_append_unichar(out, c);
        else if (c < 0x80)
            g_string_append_printf(out, "\\x%02x", c);
        else
            g_string_append_printf(out, "\\u%04x", c);
        p += g_unichar_to_utf8(c, NULL);
    }
    return g_string_free(out, FALSE);
}

static void
print_json_failure(const GError *error)
{
    g_autoptr(GString) line = g_string_new("{\"error\": {\"code\": ");
    const char *hint = tn_failure_get_hint(error);

    tn_text_append_int(line, tn_failure_get_exit_code(error));
    g_string_append(line, ", \"reason\": ");
    tn_text_append_string(line, tn_failure_get_reason(error), -1);
    g_string_append(line, ", \"message\": ");
    tn_text_append_string(line, error->message, -1);
    g_string_append(line, ", \"hint\": ");
    if (hint == NULL)
        g_string_append(line, "null");
    else
        tn_text_append_string(line, hint, -1);
    g_string_append(line, "}}\n");
    fputs(line->str, stderr);
}

void
tn_print_failure(const char *where, const GError *error, gboolean is_json)
{
    const char *hint = tn_failure_get_hint(error);

    if (is_json) {
        print_json_failure(error);
        return;
    }
    tn_print_note(where, "%s", error->message);
    if (hint != NULL)
        tn_print_note(where, "%s", hint);
}

void
tn_print_note(const char *where, const char *format, ...)
{
    g_autofree char *note = NULL;
    g_autofree char *text = NULL;
    g_autofree char *safe = NULL;
    va_list args;

    va_start(args, format);
    note = g_strdup_vprintf(format, args);
    va_end(args);
    text = where == NULL ? g_strdup(note) : g_strdup_printf("%s: %s", where, note);
    safe = tn_print_escape(text);
    fprintf(stderr, "tenonctl: %s\n", safe);
}

void
tn_print_answer(FILE *file, const TnAnswer *reply, guint at)
{
    g_autoptr(GString) text = g_string_new(NULL);

    tn_answer_append_json(reply, at, G_MAXSIZE, text);
    g_string_append_c(text, '\n');
    (void)fwrite(text->str, 1, text->len, file);
}

TnTable *
tn_table_new(const char *const *heads)
{
    TnTable *table = g_new0(TnTable, 1);

    table->heads = heads;
    table->n_columns = heads == NULL ? 2 : 0;
    while (heads != NULL && heads[table->n_columns] != NULL)
        table->n_columns++;
    table->cells = g_ptr_array_new_with_free_func(g_free);
    return table;
}

void
tn_table_free(TnTable *table)
{
    if (table == NULL)
        return;
    g_ptr_array_unref(table->cells);
    g_free(table);
}

void
tn_table_add(TnTable *table, const char *text)
{
    g_ptr_array_add(table->cells, tn_print_escape(text == NULL || *text == '\0' ? "-" : text));
}

void
tn_table_add_int(TnTable *table, gint64 value)
{
    g_ptr_array_add(table->cells, g_strdup_printf("%" G_GINT64_FORMAT, value));
}

static const char *
get_head(const TnTable *table, guint column)
{
    const char *head = table->heads == NULL ? "" : table->heads[column];

    return *head == '>' ? head + 1 : head;
}

static gsize
measure_column(const TnTable *table, guint column)
{
    glong width = g_utf8_strlen(get_head(table, column), -1);

    for (guint i = column; i < table->cells->len; i += table->n_columns)
        width = MAX(width, g_utf8_strlen(table->cells->pdata[i], -1));
    return (gsize)width;
}

static void
append_padding(GString *line, gsize n)
{
    for (gsize i = 0; i < n; i++)
        g_string_append_c(line, ' ');
}

static void
append_cell(const TnTable *table, guint column, const char *text, gsize width, GString *line)
{
    gsize missing = width - (gsize)g_utf8_strlen(text, -1);
    gboolean is_right = table->heads != NULL && table->heads[column][0] == '>';
    gboolean is_last = column + 1 == table->n_columns;

    if (is_right)
        append_padding(line, missing);
    g_string_append(line, text);
    if (!is_last)
        append_padding(line, COLUMN_GAP + (is_right ? 0 : missing));
}

void
tn_table_print(const TnTable *table, FILE *file)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree gsize *widths = g_new0(gsize, table->n_columns);

    for (guint column = 0; column < table->n_columns; column++)
        widths[column] = measure_column(table, column);
    for (guint column = 0; table->heads != NULL && column < table->n_columns; column++)
        append_cell(table, column, get_head(table, column), widths[column], text);
    if (table->heads != NULL)
        g_string_append_c(text, '\n');
    for (guint i = 0; i < table->cells->len; i++) {
        guint column = i % table->n_columns;

        append_cell(table, column, table->cells->pdata[i], widths[column], text);
        if (column + 1 == table->n_columns)
            g_string_append_c(text, '\n');
    }
    (void)fwrite(text->str, 1, text->len, file);
}

char *
tn_print_format_size(guint64 bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    gsize unit = 0;
    guint64 tenths = 0;

    for (guint64 rest = bytes; rest >= 1024 && unit + 1 < G_N_ELEMENTS(units); rest /= 1024)
        unit++;
    if (unit == 0)
        return g_strdup_printf("%" G_GUINT64_FORMAT " B", bytes);
    /* Tenths of the unit, without a double and without overflow. */
    tenths = (bytes >> (10 * (unit - 1))) * 10 / 1024;
    if (tenths >= 1000)
        return g_strdup_printf("%" G_GUINT64_FORMAT " %s", tenths / 10, units[unit]);
    return g_strdup_printf("%" G_GUINT64_FORMAT ".%" G_GUINT64_FORMAT " %s", tenths / 10,
                           tenths % 10, units[unit]);
}
