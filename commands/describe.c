/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent describes itself: rows and field tables of all commands as JSON, made anew for each
 * request since enabled follows policy and frozen state. Nothing is written here by hand.
 */
#include "commands/describe.h"

typedef struct {
    char *command;
} Args;

typedef struct {
    JsonNode *list;
} Result;

static void
add_flag(JsonObject *object, const char *name, const TnCommand *command, TnCommandFlags flag)
{
    json_object_set_boolean_member(object, name, (command->flags & flag) != 0);
}

static void
add_text(JsonObject *object, const char *name, const char *text)
{
    if (text != NULL)
        json_object_set_string_member(object, name, text);
}

static void
add_command(JsonArray *list, const TnCommand *command, const char *why_disabled)
{
    JsonObject *object = json_object_new();

    add_text(object, "name", command->name);
    add_text(object, "group", command->group);
    add_text(object, "doc", command->doc);
    add_text(object, "since", command->since);
    json_object_set_boolean_member(object, "enabled", why_disabled == NULL);
    add_text(object, "why-not", why_disabled);
    add_flag(object, "while-frozen", command, TN_COMMAND_WHILE_FROZEN);
    add_flag(object, "mutates", command, TN_COMMAND_MUTATES);
    add_flag(object, "blocking", command, TN_COMMAND_BLOCKING);
    json_object_set_member(object, "arguments", tn_fields_describe(command->args));
    json_object_set_member(object, "returns", tn_fields_describe_value(command->result));
    json_array_add_object_element(list, object);
}

static gboolean
run_describe(TnCall *call, const void *args, void *result, GError **error)
{
    const char *name = ((const Args *)args)->command;
    JsonNode **list = &((Result *)result)->list;
    JsonArray *array = json_array_new();
    guint n_commands = tn_call_get_n_commands(call);

    *list = json_node_new(JSON_NODE_ARRAY);
    json_node_take_array(*list, array);
    for (guint i = 0; i < n_commands; i++) {
        const char *why_disabled = NULL;
        const TnCommand *command = tn_call_get_nth_command(call, i, &why_disabled);

        if (name == NULL || g_str_equal(name, command->name))
            add_command(array, command, why_disabled);
    }
    if (name == NULL || json_array_get_length(array) > 0)
        return TRUE;
    g_set_error(error, TN_REQUEST_ERROR, TN_REQUEST_ERROR_NOT_FOUND,
                "The command %s has not been found", name);
    return FALSE;
}

static const TnField describe_args[] = {
    {"command", TN_STRING(Args, command, .doc = "only this one")},
    {0},
};

static const TnField describe_result = {
    NULL, TN_NODE(Result, list, .flags = TN_FIELD_REQUIRED,
                  .doc = "a list of {name, group, doc, since, enabled, why-not, while-frozen, "
                         "mutates, blocking, arguments, returns}")};

static const TnCommand commands[] = {
    {
        .name = "tenon-describe",
        .group = "@sync",
        .args = describe_args,
        .args_size = sizeof(Args),
        .result = &describe_result,
        .result_size = sizeof(Result),
        .run = run_describe,
        .since = "tenon 0.1",
        .doc = "Commands with their arguments and replies, made from their tables.",
    },
    {0},
};

const TnModule tn_describe_module = {
    .name = "describe",
    .commands = commands,
};
