/* SPDX-License-Identifier: Apache-2.0 */

#include "client/ask.h"

#include "client/answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
test_writes_plain(void **state)
{
    g_autoptr(TnAsk) ask = tn_ask_new("guest-ping");

    assert_string_equal(tn_ask_get_text(ask)->str, "{\"execute\": \"guest-ping\"}");
    assert_string_equal(tn_ask_get_shown(ask), "{\"execute\": \"guest-ping\"}");
}

static void
test_writes_arguments(void **state)
{
    static const char *const args[] = {"a\nb", "é", NULL};
    static const char *const env[] = {"TOKEN=hunter2", NULL};
    static const char expected[] =
        "{\"execute\": \"guest-exec\", \"arguments\": {\"path\": \"p\", \"arg\": "
        "[\"a\\nb\", \"\\u00E9\"], \"env\": [\"TOKEN=hunter2\"], \"input-data\": \"AAEC\", "
        "\"n\": -5, \"capture-output\": true}}";
    static const guint8 data[] = {0, 1, 2};
    g_autoptr(TnAsk) ask = tn_ask_new("guest-exec");

    tn_ask_add_string(ask, "path", "p");
    tn_ask_add_strings(ask, "arg", args);
    tn_ask_add_strings(ask, "absent", NULL);
    tn_ask_add_secret_strings(ask, "env", env);
    tn_ask_add_bytes(ask, "input-data", data, sizeof(data));
    tn_ask_add_int(ask, "n", -5);
    tn_ask_add_bool(ask, "capture-output", TRUE);
    assert_string_equal(tn_ask_get_text(ask)->str, expected);
    assert_null(strstr(tn_ask_get_shown(ask), "hunter2"));
    assert_null(strstr(tn_ask_get_shown(ask), "AAEC"));
    assert_non_null(strstr(tn_ask_get_shown(ask), "\"input-data\": \"<3 bytes>\""));
    assert_non_null(strstr(tn_ask_get_shown(ask), "\"n\": -5"));
}

/* Both texts are JSON for the lexer that the agent uses too. */
static void
test_is_json(void **state)
{
    g_autoptr(TnAsk) ask = tn_ask_new("x");
    g_autoptr(TnAnswer) text = NULL;
    g_autoptr(TnAnswer) shown = NULL;
    const char *const env[] = {NULL};

    tn_ask_add_secret_strings(ask, "env", env);
    tn_ask_add_bytes(ask, "b", NULL, 0);
    text = tn_answer_parse(tn_ask_get_text(ask)->str, tn_ask_get_text(ask)->len, NULL);
    assert_non_null(text);
    shown = tn_answer_parse(tn_ask_get_shown(ask), strlen(tn_ask_get_shown(ask)), NULL);
    assert_non_null(shown);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_writes_plain),
        cmocka_unit_test(test_writes_arguments),
        cmocka_unit_test(test_is_json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
