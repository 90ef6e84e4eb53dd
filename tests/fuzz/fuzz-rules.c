/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Any text through the parser of policies: an error has a place, and what is taken prints.
 */

#include "policy/rules-check.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(TnRules) rules = tn_rules_new();
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) out = g_string_new(NULL);

    if (tn_rules_add(rules, "f", (const char *)data, size, &error) &&
        tn_rules_finish(rules, NULL, &error)) {
        tn_rules_print(rules, out);
        g_assert_true(out->len > 0);
    } else {
        g_assert_true(error != NULL && (g_str_has_prefix(error->message, "f:") ||
                                        g_str_has_prefix(error->message, "built-in:")));
    }
    return 0;
}
