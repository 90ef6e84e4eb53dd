/* SPDX-License-Identifier: Apache-2.0 */

#include "agent/registry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static GString *history;

static gpointer
create_one(const TnModuleContext *context)
{
    assert_non_null(context->registry);
    assert_string_equal(context->version, "v");
    g_string_append(history, "+1");
    return g_strdup("one");
}

static gpointer
create_two(const TnModuleContext *context)
{
    g_string_append(history, "+2");
    return g_strdup("two");
}

static void
destroy_module(gpointer module)
{
    g_string_append_printf(history, "-%s", (char *)module);
    g_free(module);
}

static const TnCommand one_commands[] = {
    {.name = "b", .group = "@b", .flags = TN_COMMAND_WHILE_FROZEN | TN_COMMAND_ALWAYS},
    {.name = "a", .group = "@a", .flags = TN_COMMAND_WHILE_SEALED},
    {0},
};
static const TnCommand two_commands[] = {{.name = "c", .group = "@c"}, {0}};
static const TnCommand three_commands[] = {{.name = "d"}, {.name = "a"}, {0}};

static const TnModule one = {
    .name = "one", .commands = one_commands, .create = create_one, .destroy = destroy_module};
static const TnModule two = {
    .name = "two", .commands = two_commands, .create = create_two, .destroy = destroy_module};
static const TnModule three = {.name = "three", .commands = three_commands};

static void
test_registry(void **state)
{
    g_autoptr(GError) error = NULL;
    TnRegistry *registry = tn_registry_new();
    const TnPolicyCommand *policy = NULL;
    const TnRegistryEntry *entry = NULL;
    guint n = 0;

    history = g_string_new(NULL);
    assert_true(tn_registry_add(registry, &one, NULL));
    assert_true(tn_registry_add(registry, &two, NULL));
    assert_false(tn_registry_add(registry, &three, &error));
    assert_string_equal(error->message, "module three: there is a command a already");

    policy = tn_registry_get_policy_commands(registry, &n);
    assert_int_equal(n, 3);
    assert_string_equal(policy[0].name, "b");
    assert_true(policy[0].while_frozen && policy[0].always && !policy[0].while_sealed);
    assert_true(!policy[1].while_frozen && policy[1].while_sealed);
    assert_string_equal(policy[2].group, "@c");

    tn_registry_start(registry, &(TnModuleContext){.version = "v"});
    assert_string_equal(history->str, "+1+2");
    assert_int_equal(tn_registry_get_n_commands(registry), 3);
    entry = tn_registry_find(registry, "c");
    assert_ptr_equal(entry->command, &two_commands[0]);
    assert_string_equal(entry->module, "two");
    assert_string_equal(entry->policy->name, "c");
    assert_null(tn_registry_find(registry, "d"));
    assert_string_equal(tn_registry_get_nth(registry, 0)->command->name, "b");
    assert_string_equal(tn_registry_get_nth(registry, 1)->module, "one");
    assert_ptr_equal(tn_registry_get_context(registry)->registry, registry);

    tn_registry_free(registry);
    assert_string_equal(history->str, "+1+2-two-one");
    g_string_free(history, TRUE);
    tn_registry_free(NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_registry),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
