/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The argument language: one line is a list of elements, matched against the arguments one by one
 * and to the end. Nothing is joined, so an argument cannot reach over its boundary, and nothing is
 * a regular expression.
 *
 *   literal        exactly these bytes
 *   {int:A..B}     decimal in canonical form
 *   {word}         [A-Za-z0-9][A-Za-z0-9._@:-]{0,127}
 *   {enum:a b c}   one of these
 *   {glob:*.log}   '*' never matches '/', nor a leading '-' or '.'
 *   {path:/dir}    absolute, lexically normal, /dir or beneath; not looked up
 *   {flag:-v --x}  any number of these, or none
 *   {any}          one argument, whatever it is
 *   {rest}         all that follow; last only
 *
 * Placeholders may stand inside a word (--lines={int:1..9}); {path} and {glob} only at its end,
 * {flag}, {any} and {rest} only alone. What is quoted is literal.
 */

typedef struct TnPattern TnPattern; /* immutable */

/* Reads one line. On failure *RET_OFFSET is the byte that is wrong; TN_POLICY_ERROR_INVALID. */
TnPattern *tn_pattern_parse(const char *text, gsize *ret_offset, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;
void tn_pattern_free(TnPattern *pattern);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TnPattern, tn_pattern_free)

/* TRUE if the NULL-ended ARGV (without argv[0]; NULL is none) is what the line says. Time is
 * bounded by elements x bytes; does not block. */
gboolean tn_pattern_match(const TnPattern *pattern, const char *const *argv);

/* Why ARGV does not match, in words for the owner, such as `arg 2: "x" is not {int:1..5}`; NULL
 * if it matches. */
char *tn_pattern_explain(const TnPattern *pattern, const char *const *argv);

/* The literal arguments with which the line begins; *RET_IS_WHOLE if nothing else may come, so
 * that the line is exactly these words. The caller owns the array. */
char **tn_pattern_get_words(const TnPattern *pattern, gboolean *ret_is_whole);

/* The line as it was written. */
const char *tn_pattern_get_text(const TnPattern *pattern);
/* TRUE if some argument may be anything ({any} or {rest}). */
gboolean tn_pattern_is_open(const TnPattern *pattern);
