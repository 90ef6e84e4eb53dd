/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * A cursor over the text files of /proc: lines, words and numbers between white space, without
 * copies. Nothing here allocates, fails loudly or reads beyond END.
 */

/* The unread part of a text; AT moves towards END, which it never passes. */
typedef struct {
    const char *at;
    const char *end;
} TnScan;

/* Takes the next line, without its newline, as *RET_LINE. FALSE at the end of the text. */
gboolean tn_scan_line(TnScan *text, TnScan *ret_line);

/* Takes the next word after white space. FALSE, with the line used up, if there is none. */
gboolean tn_scan_word(TnScan *line, TnScan *ret_word);

/* TRUE if the word's bytes are exactly TEXT. */
gboolean tn_scan_is(const TnScan *word, const char *text);

/* TRUE if WORD is nothing but digits of BASE (10 or 16) that fit 64 bits; then *RET_VALUE. */
gboolean tn_scan_to_u64(const TnScan *word, guint base, guint64 *ret_value);

/* The next word as a decimal number; FALSE, with the word taken, if it is none. */
gboolean tn_scan_u64(TnScan *line, guint64 *ret_value);

/* TRUE if WORD is digits with at most one point ("0.42"), whatever the locale. */
gboolean tn_scan_to_double(const TnScan *word, double *ret_value);

/* A copy of WORD, with U+FFFD for bytes that are not UTF-8; the caller owns it. */
char *tn_scan_dup(const TnScan *word);
