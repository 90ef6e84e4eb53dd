/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Command-line options as tables: one row says how an option is written, where its value goes, and
 * what help prints about it. Values borrow from argv.
 */

typedef enum {
    TN_OPTION_FLAG,           /* gboolean: TRUE when given */
    TN_OPTION_STRING,         /* const char *: the last one counts */
    TN_OPTION_STRINGS,        /* GPtrArray *: one element each time; NULL until the first */
    TN_OPTION_DURATION,       /* gint64, microseconds */
    TN_OPTION_MAYBE_DURATION, /* gint64; --name alone means the row's fallback */
    TN_OPTION_INT,            /* gint64, 0 or more */
} TnOptionKind;

typedef struct {
    const char *name; /* long form, without dashes; NULL ends a table */
    char letter;      /* short form; 0: none */
    TnOptionKind kind;
    gsize offset;      /* of the value within the struct of the table */
    const char *value; /* what help calls the value; NULL for flags */
    const char *doc;
    gint64 fallback;
} TnOption;

typedef struct {
    const TnOption *options;
    gpointer place; /* the struct that the offsets are for */
} TnOptionTable;

/* Reads ARGV (ends in NULL) up to a "--": options of the TABLES (end in an empty row) may stand
 * before, between and behind the positional arguments, which are added to POSITIONAL. *RET_REST is
 * what stands behind "--", or NULL when there is none. Errors: TN_FAILURE_USAGE. */
gboolean tn_options_parse(const TnOptionTable *tables, char **argv, GPtrArray *positional,
                          char ***ret_rest, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Sets all durations and numbers of TABLE to -1: not given. */
void tn_options_init(const TnOptionTable *table);

/* Frees the arrays of TN_OPTION_STRINGS. */
void tn_options_clear(const TnOptionTable *table);

/* Appends one line of help for each row. OPTIONS may be NULL. */
void tn_options_append_help(const TnOption *options, GString *text);
