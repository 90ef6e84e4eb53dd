/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The first line is a rule's args, the others are arguments: the answer is the same twice, agrees
 * with the explanation, and a line of literals matches itself alone.
 */

#include "policy/match.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup(size > 0 ? (const char *)data : "", size);
    g_auto(GStrv) lines = g_strsplit(text, "\n", 64);
    g_autoptr(GError) error = NULL;
    gsize offset = 0;
    g_autoptr(TnPattern) pattern = NULL;
    const char *const *argv;
    g_autofree char *why = NULL;
    gboolean matches;

    if (lines[0] == NULL)
        return 0;
    pattern = tn_pattern_parse(lines[0], &offset, &error);
    if (pattern == NULL) {
        g_assert_true(error != NULL && offset <= strlen(lines[0]));
        return 0;
    }
    argv = (const char *const *)lines + 1;
    matches = tn_pattern_match(pattern, argv);
    g_assert_true(matches == tn_pattern_match(pattern, argv));
    why = tn_pattern_explain(pattern, argv);
    g_assert_true(matches == (why == NULL));
    if (strpbrk(lines[0], "{}\"\\ ") == NULL && lines[0][0] != '\0')
        g_assert_true(matches ==
                      (argv[0] != NULL && argv[1] == NULL && strcmp(argv[0], lines[0]) == 0));
    return 0;
}
