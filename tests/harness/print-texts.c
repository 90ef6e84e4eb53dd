/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Prints the corpus of JSON texts for scripts: one line each, base64 of the text and its verdict.
 */

#include "tests/unit/wire/json-texts.h"

#include <glib.h>

int
main(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(json_texts); i++) {
        g_autofree char *text =
            g_base64_encode((const guchar *)json_texts[i].text, json_texts[i].size);

        g_print("%s %s\n", text, json_texts[i].verdict);
    }
    return 0;
}
