/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "client/answer.h"

#include <glib.h>
#include <stdio.h>

/*
 * What people and scripts get to see. Texts that come from a guest pass tn_print_escape before they
 * reach a terminal: a guest must not be able to move the cursor or rewrite what was printed.
 */

/* TEXT with everything that is no visible character escaped: control characters, DEL and the C1
 * range, characters that turn the writing direction, ill-formed UTF-8. Free with g_free. */
char *tn_print_escape(const char *text);

/* Prints "tenonctl: WHERE: MESSAGE" to stderr, or with IS_JSON one object
 * {"error": {"code", "reason", "message", "hint"}}. WHERE may be NULL. */
void tn_print_failure(const char *where, const GError *error, gboolean is_json);

/* Prints "tenonctl: WHERE: NOTE" to stderr. WHERE may be NULL. */
void tn_print_note(const char *where, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Prints a value of a reply as one line of JSON. */
void tn_print_answer(FILE *file, const TnAnswer *reply, guint at);

/* A table under construction: rows of cells, copied and escaped. */
typedef struct TnTable TnTable;

/* HEADS ends in NULL and outlives the table; a head that begins with '>' is printed without it and
 * its column is aligned to the right. A NULL HEADS prints rows only, in two columns. */
TnTable *tn_table_new(const char *const *heads);
void tn_table_free(TnTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TnTable, tn_table_free)
/* Adds the next cell; rows fill from the left. NULL is printed as "-". */
void tn_table_add(TnTable *table, const char *text);
void tn_table_add_int(TnTable *table, gint64 value);
/* Prints the heads and all complete rows. */
void tn_table_print(const TnTable *table, FILE *file);

/* "212 MiB", "1.2 MiB", "17 B". Free with g_free. */
char *tn_print_format_size(guint64 bytes);
