/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Values of the policy language: words between blanks, "quoted" where a word needs a blank or a
 * character that has a meaning. Nothing here knows keys or sections.
 */

/* Reads the quoted text that begins at **CURSOR (a '"') and appends what it means to OUT; the
 * escapes are \" \\ \n and \xHH (not \x00). Leaves the cursor behind the closing quote, or at the
 * byte that is wrong. Errors: TN_POLICY_ERROR_INVALID. */
gboolean tn_words_unquote(const char **cursor, GString *out, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/* Refuses what looks like a comment behind a value: an unquoted ';' or a '#' after a blank.
 * *RET_OFFSET is the byte meant. */
gboolean tn_words_check_inline(const char *text, gsize *ret_offset, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/* Splits TEXT into words. The array owns them; it may be empty. On failure *RET_OFFSET (may not be
 * NULL) is the byte that is wrong. */
GPtrArray *tn_words_split(const char *text, gsize *ret_offset, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;
