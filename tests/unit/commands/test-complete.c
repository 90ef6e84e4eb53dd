/* SPDX-License-Identifier: Apache-2.0 */

#include "commands/commands.h"
#include "tests/unit/desk.h"

#include <json-glib/json-glib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* What qemu-ga 10.2.2 has on Linux, from its interface: guest-get-devices is Windows' alone. */
static const struct {
    const char *name;
    gboolean has_success_reply;
    gboolean while_frozen;
} EXPECTED[] = {
    {"guest-exec", TRUE, FALSE},
    {"guest-exec-status", TRUE, FALSE},
    {"guest-file-close", TRUE, FALSE},
    {"guest-file-flush", TRUE, FALSE},
    {"guest-file-open", TRUE, FALSE},
    {"guest-file-read", TRUE, FALSE},
    {"guest-file-seek", TRUE, FALSE},
    {"guest-file-write", TRUE, FALSE},
    {"guest-fsfreeze-freeze", TRUE, FALSE},
    {"guest-fsfreeze-freeze-list", TRUE, FALSE},
    {"guest-fsfreeze-status", TRUE, TRUE},
    {"guest-fsfreeze-thaw", TRUE, TRUE},
    {"guest-fstrim", TRUE, FALSE},
    {"guest-get-cpustats", TRUE, FALSE},
    {"guest-get-disks", TRUE, FALSE},
    {"guest-get-diskstats", TRUE, FALSE},
    {"guest-get-fsinfo", TRUE, FALSE},
    {"guest-get-host-name", TRUE, FALSE},
    {"guest-get-load", TRUE, FALSE},
    {"guest-get-memory-block-info", TRUE, FALSE},
    {"guest-get-memory-blocks", TRUE, FALSE},
    {"guest-get-osinfo", TRUE, FALSE},
    {"guest-get-time", TRUE, FALSE},
    {"guest-get-timezone", TRUE, FALSE},
    {"guest-get-users", TRUE, FALSE},
    {"guest-get-vcpus", TRUE, FALSE},
    {"guest-info", TRUE, TRUE},
    {"guest-network-get-interfaces", TRUE, FALSE},
    {"guest-network-get-route", TRUE, FALSE},
    {"guest-ping", TRUE, TRUE},
    {"guest-set-memory-blocks", TRUE, FALSE},
    {"guest-set-time", TRUE, FALSE},
    {"guest-set-user-password", TRUE, FALSE},
    {"guest-set-vcpus", TRUE, FALSE},
    {"guest-shutdown", FALSE, FALSE},
    {"guest-ssh-add-authorized-keys", TRUE, FALSE},
    {"guest-ssh-get-authorized-keys", TRUE, FALSE},
    {"guest-ssh-remove-authorized-keys", TRUE, FALSE},
    {"guest-suspend-disk", FALSE, FALSE},
    {"guest-suspend-hybrid", FALSE, FALSE},
    {"guest-suspend-ram", FALSE, FALSE},
    {"guest-sync", TRUE, TRUE},
    {"guest-sync-delimited", TRUE, TRUE},
};

static JsonNode *
ask_info(Desk *desk)
{
    g_autofree char *answer = desk_ask(desk, "{\"execute\":\"guest-info\"}");
    g_autoptr(JsonNode) node = json_from_string(answer, NULL);
    JsonObject *info;

    assert_non_null(node);
    info = json_object_get_object_member(json_node_get_object(node), "return");
    return json_node_copy(json_object_get_member(info, "supported_commands"));
}

static JsonObject *
find_command(JsonNode *list, const char *name)
{
    JsonArray *commands = json_node_get_array(list);

    for (guint i = 0; i < json_array_get_length(commands); i++) {
        JsonObject *command = json_array_get_object_element(commands, i);

        if (strcmp(json_object_get_string_member(command, "name"), name) == 0)
            return command;
    }
    fail_msg("no command %s", name);
    return NULL;
}

static void
test_linux_commands_are_complete(void **state)
{
    g_autoptr(Desk) desk = desk_new(tn_commands_modules, NULL, NULL);
    g_autoptr(JsonNode) list = ask_info(desk);
    JsonArray *commands = json_node_get_array(list);
    guint n_own = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(EXPECTED); i++) {
        JsonObject *command = find_command(list, EXPECTED[i].name);

        assert_true(json_object_get_boolean_member(command, "enabled"));
        if (json_object_get_boolean_member(command, "success-response") !=
            EXPECTED[i].has_success_reply)
            fail_msg("%s: success-response", EXPECTED[i].name);
    }
    for (guint i = 0; i < json_array_get_length(commands); i++) {
        JsonObject *command = json_array_get_object_element(commands, i);

        if (g_str_has_prefix(json_object_get_string_member(command, "name"), "tenon-"))
            n_own++;
    }
    assert_int_equal(json_array_get_length(commands), G_N_ELEMENTS(EXPECTED) + n_own);
}

/* While file systems are frozen exactly those answer that qemu-ga lets in. */
static void
test_commands_while_frozen(void **state)
{
    g_autoptr(Desk) desk = desk_new(tn_commands_modules, NULL, NULL);
    g_autoptr(JsonNode) list = NULL;

    desk->frozen = TRUE;
    list = ask_info(desk);
    for (gsize i = 0; i < G_N_ELEMENTS(EXPECTED); i++) {
        JsonObject *command = find_command(list, EXPECTED[i].name);

        if (json_object_get_boolean_member(command, "enabled") != EXPECTED[i].while_frozen)
            fail_msg("%s while frozen", EXPECTED[i].name);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_linux_commands_are_complete),
        cmocka_unit_test(test_commands_while_frozen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
