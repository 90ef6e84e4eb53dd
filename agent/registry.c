/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of tables. Names are looked up in a hash, everything else keeps the order of addition,
 * which is what guest-info shows. Pointers into the arrays are handed out only after the start,
 * when nothing is added any more.
 */
#include "agent/registry.h"

#include <string.h>

typedef struct {
    const TnModule *module;
    gpointer state;
    guint n_commands;
} Module;

struct TnRegistry {
    GArray *entries;   /* TnRegistryEntry */
    GArray *policy;    /* TnPolicyCommand, same order */
    GArray *modules;   /* Module */
    GHashTable *index; /* name to number of the entry, plus 1 */
    TnModuleContext context;
    gboolean is_started;
};

TnRegistry *
tn_registry_new(void)
{
    TnRegistry *registry = g_new0(TnRegistry, 1);

    registry->entries = g_array_new(FALSE, TRUE, sizeof(TnRegistryEntry));
    registry->policy = g_array_new(FALSE, TRUE, sizeof(TnPolicyCommand));
    registry->modules = g_array_new(FALSE, TRUE, sizeof(Module));
    registry->index = g_hash_table_new(g_str_hash, g_str_equal);
    return registry;
}

void
tn_registry_free(TnRegistry *registry)
{
    if (registry == NULL)
        return;
    for (guint i = registry->modules->len; i > 0; i--) {
        Module *module = &g_array_index(registry->modules, Module, i - 1);

        if (module->state != NULL && module->module->destroy != NULL)
            module->module->destroy(module->state);
    }
    g_array_unref(registry->entries);
    g_array_unref(registry->policy);
    g_array_unref(registry->modules);
    g_hash_table_unref(registry->index);
    g_free(registry);
}

/* Bytes point into the request, and a call that outlives its request looks for them in the args
 * struct itself only. */
static void
assert_bytes_on_top(const TnField *fields)
{
    for (const TnField *row = fields; row != NULL && row->name != NULL; row++) {
        for (const TnField *below = row->fields; below != NULL && below->name != NULL; below++)
            g_assert(below->type != TN_TYPE_BYTES);
    }
}

static gboolean
names_path(const TnField *fields)
{
    for (const TnField *row = fields; row != NULL && row->name != NULL; row++)
        if (row->subject == TN_SUBJECT_PATH)
            return TRUE;
    return FALSE;
}

static void
add_command(TnRegistry *registry, const TnCommand *command)
{
    TnRegistryEntry entry = {.command = command};
    TnPolicyCommand policy = {
        .name = command->name,
        .group = command->group,
        .while_frozen = (command->flags & TN_COMMAND_WHILE_FROZEN) != 0,
        .while_sealed = (command->flags & TN_COMMAND_WHILE_SEALED) != 0,
        .always = (command->flags & TN_COMMAND_ALWAYS) != 0,
        .names_path = names_path(command->args),
    };

    assert_bytes_on_top(command->args);
    g_array_append_val(registry->entries, entry);
    g_array_append_val(registry->policy, policy);
    g_hash_table_insert(registry->index, (gpointer)(guintptr)command->name,
                        GUINT_TO_POINTER(registry->entries->len));
}

gboolean
tn_registry_add(TnRegistry *registry, const TnModule *module, GError **error)
{
    Module record = {.module = module};

    g_assert(!registry->is_started);
    for (const TnCommand *command = module->commands; command->name != NULL; command++) {
        if (!g_hash_table_contains(registry->index, command->name))
            continue;
        g_set_error(error, TN_REQUEST_ERROR, TN_REQUEST_ERROR_GENERIC,
                    "module %s: there is a command %s already", module->name, command->name);
        return FALSE;
    }
    for (const TnCommand *command = module->commands; command->name != NULL; command++) {
        add_command(registry, command);
        record.n_commands++;
    }
    g_array_append_val(registry->modules, record);
    return TRUE;
}

void
tn_registry_start(TnRegistry *registry, const TnModuleContext *context)
{
    guint nth = 0;

    g_assert(!registry->is_started);
    registry->is_started = TRUE;
    registry->context = *context;
    registry->context.registry = registry;
    for (guint i = 0; i < registry->modules->len; i++) {
        Module *module = &g_array_index(registry->modules, Module, i);

        if (module->module->create != NULL)
            module->state = module->module->create(&registry->context);
        for (guint j = 0; j < module->n_commands; j++, nth++) {
            TnRegistryEntry *entry = &g_array_index(registry->entries, TnRegistryEntry, nth);

            entry->policy = &g_array_index(registry->policy, TnPolicyCommand, nth);
            entry->module = module->state;
        }
    }
}

const TnModuleContext *
tn_registry_get_context(const TnRegistry *registry)
{
    return &registry->context;
}

const TnRegistryEntry *
tn_registry_find(const TnRegistry *registry, const char *name)
{
    guint nth = GPOINTER_TO_UINT(g_hash_table_lookup(registry->index, name));

    return nth > 0 ? &g_array_index(registry->entries, TnRegistryEntry, nth - 1) : NULL;
}

guint
tn_registry_get_n_commands(const TnRegistry *registry)
{
    return registry->entries->len;
}

const TnRegistryEntry *
tn_registry_get_nth(const TnRegistry *registry, guint nth)
{
    return &g_array_index(registry->entries, TnRegistryEntry, nth);
}

const TnPolicyCommand *
tn_registry_get_policy_commands(const TnRegistry *registry, guint *ret_n)
{
    *ret_n = registry->policy->len;
    return (const TnPolicyCommand *)(const void *)registry->policy->data;
}
