/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a host asks first: whether the agent is there, whether both are at the same place of the
 * stream, and what it can do. guest-info's entries have exactly three keys, because clients compare
 * them as a whole.
 */
#include "commands/sync.h"

typedef struct {
    int64_t id;
} Sync;

typedef struct {
    char *name;
    bool enabled;
    bool has_success_reply;
} CommandInfo;

typedef struct {
    char *version;
    GBytes *commands; /* of CommandInfo */
} AgentInfo;

/* libvirt asks for guest-info at every connection and each quiesce, and the list changes with the
 * policy and with freezing only: it is kept as text, with what it says of each command. */
typedef struct {
    GByteArray *enabled; /* a byte for each command */
    GBytes *text;        /* the list that says so; NULL: none was asked for */
} SyncState;

static gboolean
run_ping(TnCall *call, const void *args, void *result, GError **error)
{
    return TRUE;
}

static gboolean
run_sync(TnCall *call, const void *args, void *result, GError **error)
{
    const Sync *sync = args;
    Sync *answer = result;

    answer->id = sync->id;
    return TRUE;
}

static const TnField command_fields[] = {
    {"name", TN_STRING(CommandInfo, name, .flags = TN_FIELD_REQUIRED)},
    {"enabled", TN_BOOL(CommandInfo, enabled, .flags = TN_FIELD_REQUIRED,
                        .doc = "whether it would be let in now")},
    {"success-response", TN_BOOL(CommandInfo, has_success_reply, .flags = TN_FIELD_REQUIRED,
                                 .doc = "false: success is silent")},
    {0},
};

static const TnField commands_row = {NULL, .type = TN_TYPE_LIST, .size = sizeof(CommandInfo),
                                     .fields = command_fields, .flags = TN_FIELD_REQUIRED};

static gpointer
create_state(const TnModuleContext *context)
{
    SyncState *state = g_new0(SyncState, 1);

    state->enabled = g_byte_array_new();
    return state;
}

static void
destroy_state(gpointer data)
{
    SyncState *state = data;

    g_byte_array_unref(state->enabled);
    g_clear_pointer(&state->text, g_bytes_unref);
    g_free(state);
}

/* TRUE when the kept list is not, or no longer, true. */
static gboolean
update_enabled(SyncState *state, TnCall *call)
{
    guint n_commands = tn_call_get_n_commands(call);
    gboolean is_changed = state->text == NULL;

    g_byte_array_set_size(state->enabled, n_commands);
    for (guint i = 0; i < n_commands; i++) {
        const char *why_disabled = NULL;
        guint8 enabled = 0;

        (void)tn_call_get_nth_command(call, i, &why_disabled);
        enabled = why_disabled == NULL;
        is_changed = is_changed || state->enabled->data[i] != enabled;
        state->enabled->data[i] = enabled;
    }
    return is_changed;
}

static GBytes *
encode_commands(const SyncState *state, TnCall *call)
{
    GPtrArray *list = g_ptr_array_new_full(state->enabled->len, g_free);
    GBytes *text = NULL;

    for (guint i = 0; i < state->enabled->len; i++) {
        const TnCommand *command = tn_call_get_nth_command(call, i, NULL);
        CommandInfo *entry = g_new0(CommandInfo, 1);

        entry->name = g_strdup(command->name);
        entry->enabled = state->enabled->data[i] != 0;
        entry->has_success_reply = (command->flags & TN_COMMAND_NO_SUCCESS_REPLY) == 0;
        g_ptr_array_add(list, entry);
    }
    text = tn_fields_encode(&commands_row, &list);
    tn_fields_clear_value(&commands_row, &list);
    return text;
}

static gboolean
run_info(TnCall *call, const void *args, void *result, GError **error)
{
    SyncState *state = tn_call_get_module(call);
    AgentInfo *info = result;

    if (update_enabled(state, call)) {
        g_clear_pointer(&state->text, g_bytes_unref);
        state->text = encode_commands(state, call);
    }
    info->version = g_strdup(tn_call_get_context(call)->version);
    info->commands = g_bytes_ref(state->text);
    return TRUE;
}

static const TnField sync_args[] = {
    {"id", TN_INT(Sync, id, .flags = TN_FIELD_REQUIRED, .doc = "a number that comes back")},
    {0},
};

static const TnField sync_result = {NULL, TN_INT(Sync, id, .flags = TN_FIELD_REQUIRED)};

static const TnField info_fields[] = {
    {"version", TN_STRING(AgentInfo, version, .flags = TN_FIELD_REQUIRED,
                          .doc = "under the name qemu-ga: the level of qemu-ga")},
    {"supported_commands", TN_ENCODED(AgentInfo, commands, CommandInfo, .fields = command_fields,
                                      .flags = TN_FIELD_REQUIRED)},
    {0},
};

static const TnField info_result = {
    NULL,
    .type = TN_TYPE_OBJECT,
    .flags = TN_FIELD_REQUIRED,
    .fields = info_fields,
};

static const TnCommand commands[] = {
    {
        .name = "guest-sync-delimited",
        .group = "@sync",
        .args = sync_args,
        .args_size = sizeof(Sync),
        .result = &sync_result,
        .result_size = sizeof(Sync),
        .run = run_sync,
        .flags = TN_COMMAND_WHILE_FROZEN | TN_COMMAND_WHILE_SEALED | TN_COMMAND_DELIMITED_REPLY,
        .since = "1.1",
        .doc = "Returns the id given, with a byte 0xFF before the reply.",
    },
    {
        .name = "guest-sync",
        .group = "@sync",
        .args = sync_args,
        .args_size = sizeof(Sync),
        .result = &sync_result,
        .result_size = sizeof(Sync),
        .run = run_sync,
        .flags = TN_COMMAND_WHILE_FROZEN | TN_COMMAND_WHILE_SEALED,
        .since = "0.15.0",
        .doc = "Returns the id given.",
    },
    {
        .name = "guest-ping",
        .group = "@sync",
        .run = run_ping,
        .flags = TN_COMMAND_WHILE_FROZEN | TN_COMMAND_WHILE_SEALED,
        .since = "0.15.0",
        .doc = "Does nothing, successfully.",
    },
    {
        .name = "guest-info",
        .group = "@sync",
        .result = &info_result,
        .result_size = sizeof(AgentInfo),
        .run = run_info,
        .flags = TN_COMMAND_WHILE_FROZEN | TN_COMMAND_WHILE_SEALED,
        .since = "0.15.0",
        .doc = "Version of the agent and its commands.",
    },
    {0},
};

const TnModule tn_sync_module = {
    .name = "sync",
    .commands = commands,
    .create = create_state,
    .destroy = destroy_state,
};
