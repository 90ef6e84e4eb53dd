/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/wire/lexer.h"

/*
 * The strings of the lexer; see lex.h.
 */

/* Goes on with the string that is the last token, at lexer->read; TN_STEP_ON when its closing quote
 * was taken. Checks escapes, UTF-8 and control characters, and decodes in place. */
TnStep tn_lexstring_walk(TnLexer *lexer, char *bytes, gsize size);
