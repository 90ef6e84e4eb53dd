/* SPDX-License-Identifier: Apache-2.0 */

/*
 * How the parts of the lexer end: with an error text, in want of bytes, or at a sentinel.
 */

#include "agent/wire/lexer.h"

enum {
    SHOWN_MAX = 40 /* bytes of an offending string or number that are shown */
};

TnStep
tn_lexer_fail(TnLexer *lexer, const char *why)
{
    g_strlcpy(lexer->why, why, sizeof lexer->why);
    return TN_STEP_FAILED;
}

TnStep
tn_lexer_wait(TnLexer *lexer, gsize size)
{
    if (size < lexer->limits.message_bytes)
        return TN_STEP_MORE;
    return tn_lexer_fail(lexer, "JSON token size limit exceeded");
}

TnStep
tn_lexer_resync(TnLexer *lexer, gsize at)
{
    lexer->read = at;
    return TN_STEP_RESYNC;
}

TnStep
tn_lexer_fail_stray(TnLexer *lexer, const char *quote, const char *piece, gsize size, uint8_t byte)
{
    char shown[SHOWN_MAX + 1] = {0};
    char last[] = {(char)byte, '\0'};
    const char *dots = size > SHOWN_MAX ? "..." : "";

    if (byte == TN_LEXER_SENTINEL)
        return TN_STEP_RESYNC;
    for (gsize i = 0; i < MIN(size, SHOWN_MAX); i++)
        shown[i] = (char)(piece[i] == '\0' ? ' ' : piece[i]);
    g_snprintf(lexer->why, sizeof lexer->why, "JSON parse error, stray '%s%s%s%s'", quote, shown,
               dots, last);
    return TN_STEP_FAILED;
}
