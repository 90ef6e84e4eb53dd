/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request walks through the gates, each a row of one array, to its handler; whatever happens
 * there, one reply comes back. This file knows no command by name: what is special about one is a
 * flag in its row. It alone turns a GError into a class of the wire.
 *
 * A reply that is small and ready goes straight into the session's buffer, and the call is gone by
 * then; that is the path of nearly every request and is kept free of allocations that it can do
 * without.
 */
#include "agent/dispatch.h"

#include "agent/call.h"
#include "agent/error.h"
#include "agent/message.h"
#include "agent/reply.h"
#include "policy/policy.h"

#include <string.h>

struct TnDispatch {
    TnDispatchConfig config;
    guint n_calls; /* that somebody holds */
    gboolean is_closed;
    TnCall *spare; /* memory for the next call: nearly all come one after the other */
};

typedef gboolean (*Gate)(TnDispatch *dispatch, TnCall *call, GError **error);

/* A command without arguments; an empty object is fine. */
static const TnField no_fields[] = {{0}};

TnDispatch *
tn_dispatch_new(const TnDispatchConfig *config)
{
    TnDispatch *dispatch = g_new0(TnDispatch, 1);

    dispatch->config = *config;
    return dispatch;
}

void
tn_dispatch_free(TnDispatch *dispatch)
{
    if (dispatch == NULL)
        return;
    dispatch->is_closed = TRUE;
    g_clear_pointer(&dispatch->spare, g_free);
    if (dispatch->n_calls == 0)
        g_free(dispatch);
}

/* TnCallOps.release; a dispatcher that was freed before ends with its last call. */
static void
release_call(TnCall *call)
{
    TnDispatch *dispatch = call->owner;

    dispatch->n_calls--;
    if (dispatch->spare == NULL && !dispatch->is_closed)
        dispatch->spare = call;
    else
        g_free(call);
    if (dispatch->is_closed && dispatch->n_calls == 0)
        g_free(dispatch);
}

static gboolean
is_frozen(const TnDispatch *dispatch)
{
    return dispatch->config.is_frozen != NULL && dispatch->config.is_frozen(dispatch->config.data);
}

/* NULL, or why ENTRY would not be let in now: what the gates say and what guest-info shows. */
static const char *
explain_disabled(gpointer owner, const TnRegistryEntry *entry)
{
    const TnDispatch *dispatch = owner;
    gboolean frozen = is_frozen(dispatch);

    if (frozen && (entry->command->flags & TN_COMMAND_WHILE_FROZEN) == 0)
        return "the command is not allowed";
    return tn_policy_why_disabled(tn_policy_holder_get(dispatch->config.policy), entry->policy,
                                  frozen);
}

static gboolean
check_known(TnDispatch *dispatch, TnCall *call, GError **error)
{
    call->entry = tn_registry_find(dispatch->config.registry, call->request.name);
    if (call->entry != NULL)
        return TRUE;
    g_set_error(error, TN_REQUEST_ERROR, TN_REQUEST_ERROR_COMMAND_NOT_FOUND,
                "The command %s has not been found", call->request.name);
    return FALSE;
}

/* Frozen state and policy lists. */
static gboolean
check_enabled(TnDispatch *dispatch, TnCall *call, GError **error)
{
    const char *why = explain_disabled(dispatch, call->entry);
    const TnAction action = {
        .command = call->entry->command->name,
        .group = call->entry->command->group,
        .channel = call->channel,
        .frozen = is_frozen(dispatch),
    };

    if (why == NULL)
        return TRUE;
    tn_policy_note_disabled(dispatch->config.policy, &action, why);
    g_set_error(error, TN_POLICY_ERROR, TN_POLICY_ERROR_DISABLED,
                "Command %s has been disabled: %s", call->request.name, why);
    return FALSE;
}

static gboolean
decode_arguments(TnDispatch *dispatch, TnCall *call, GError **error)
{
    const TnField *fields = call->entry->command->args;

    if (fields == NULL && call->request.arguments == 0)
        return TRUE;
    return tn_fields_decode(fields != NULL ? fields : no_fields, call->message,
                            call->request.arguments, call->args, error);
}

static gint64
read_number(const TnField *row, const char *args)
{
    const void *slot = args + row->offset;

    if (row->present != 0 && !*(const bool *)(const void *)(args + row->present - 1))
        return 0;
    return *(const int64_t *)slot;
}

static const char *
read_text(const TnField *row, const void *slot)
{
    if (row->type == TN_TYPE_ENUM)
        return row->words[*(const int *)slot];
    return row->type == TN_TYPE_STRING ? *(char *const *)slot : NULL;
}

static gboolean
is_given(const TnField *row, const void *slot)
{
    if (row->type == TN_TYPE_BYTES)
        return ((const TnBytes *)slot)->data != NULL;
    return read_text(row, slot) != NULL;
}

/* Shows policy one argument; all borrowed. */
static void
mark_subject(TnAction *action, const TnField *row, const char *args)
{
    const void *slot = args + row->offset;

    if (row->present != 0 && !*(const bool *)(const void *)(args + row->present - 1))
        return;
    switch (row->subject) {
    case TN_SUBJECT_NONE:
        return;
    case TN_SUBJECT_PATH:
        action->path = read_text(row, slot);
        return;
    case TN_SUBJECT_TO:
        action->to = read_text(row, slot);
        return;
    case TN_SUBJECT_ARGV:
        action->argv = *(const char *const *const *)slot;
        return;
    case TN_SUBJECT_ENV:
        action->env = *(const char *const *const *)slot;
        return;
    case TN_SUBJECT_ENV_ADDED:
        action->env = *(const char *const *const *)slot;
        action->env_is_added = TRUE;
        return;
    case TN_SUBJECT_CWD:
        action->cwd = read_text(row, slot);
        return;
    case TN_SUBJECT_USER:
        action->user = read_text(row, slot);
        return;
    case TN_SUBJECT_MODE:
        action->mode = read_text(row, slot);
        return;
    case TN_SUBJECT_STDIN:
        action->has_stdin = action->has_stdin || is_given(row, slot);
        return;
    case TN_SUBJECT_TIMEOUT_MS:
        action->timeout_ms = read_number(row, args);
        return;
    case TN_SUBJECT_OUTPUT_MAX:
        action->output_max_bytes = read_number(row, args);
        return;
    }
    g_assert_not_reached();
}

static gboolean
ask_policy(TnDispatch *dispatch, TnCall *call, GError **error)
{
    const TnCommand *command = call->entry->command;
    TnAction action = {
        .command = command->name,
        .group = command->group,
        .channel = call->channel,
        .frozen = is_frozen(dispatch),
    };

    for (const TnField *row = command->args; row != NULL && row->name != NULL; row++) {
        if (row->subject != TN_SUBJECT_NONE)
            mark_subject(&action, row, call->args);
    }
    call->grant = tn_policy_grant(dispatch->config.policy, &action, error);
    return call->grant != NULL;
}

/* Stable words for programs (tenonctl, tests); NULL: there is none for this error. */
static const char *
find_request_reason(const GError *error)
{
    switch ((TnRequestError)error->code) {
    case TN_REQUEST_ERROR_NOT_FOUND:
        return "not-found";
    case TN_REQUEST_ERROR_NO_SUCH_JOB:
        return "no-such-job";
    case TN_REQUEST_ERROR_LOST:
        return "lost";
    case TN_REQUEST_ERROR_TOO_LARGE:
        return "too-large";
    case TN_REQUEST_ERROR_BUSY:
        return "agent-busy";
    case TN_REQUEST_ERROR_OUT_OF_RANGE:
        return "out-of-range";
    case TN_REQUEST_ERROR_CLOSED:
        return "closed";
    case TN_REQUEST_ERROR_GENERIC:
    case TN_REQUEST_ERROR_COMMAND_NOT_FOUND:
        return NULL;
    }
    return NULL;
}

static const char *
find_policy_reason(const TnDispatch *dispatch, const GError *error)
{
    switch ((TnPolicyError)error->code) {
    case TN_POLICY_ERROR_DISABLED:
        return is_frozen(dispatch) ? "agent-frozen" : "command-disabled";
    case TN_POLICY_ERROR_DENIED:
        return "policy-denied";
    case TN_POLICY_ERROR_QUOTA:
        return "agent-busy";
    case TN_POLICY_ERROR_NOT_FOUND:
    case TN_POLICY_ERROR_INVALID:
        return NULL;
    }
    return NULL;
}

/* A refusal carries its reason whatever the command; other errors do so for commands that
 * qemu-ga does not have. */
static const char *
find_reason(const TnDispatch *dispatch, const TnCall *call, const GError *error)
{
    const char *reason =
        error->domain == TN_POLICY_ERROR ? find_policy_reason(dispatch, error) : NULL;

    if (reason != NULL || call->entry == NULL ||
        !g_str_has_prefix(call->entry->command->name, "tenon-"))
        return reason;
    if (error->domain == TN_REQUEST_ERROR)
        return find_request_reason(error);
    if (g_error_matches(error, TN_POLICY_ERROR, TN_POLICY_ERROR_NOT_FOUND) ||
        g_error_matches(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
        return "not-found";
    if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT))
        return "timeout";
    return NULL;
}

static const char *
find_class(const GError *error)
{
    if (g_error_matches(error, TN_REQUEST_ERROR, TN_REQUEST_ERROR_COMMAND_NOT_FOUND) ||
        g_error_matches(error, TN_POLICY_ERROR, TN_POLICY_ERROR_DISABLED))
        return "CommandNotFound";
    return "GenericError";
}

static void
write_error(const TnDispatch *dispatch, TnCall *call, GString *line, const GError *error)
{
    tn_message_append_error(line, find_class(error), error->message,
                            find_reason(dispatch, call, error), call->id);
}

/* The success line into LINE; TRUE when it is complete. One that is too long for the channel
 * becomes an error, save bulk data, whose source keeps to the limit itself. */
static gboolean
write_result(const TnDispatch *dispatch, TnCall *call, GString *line)
{
    const TnCommand *command = call->entry->command;
    g_autoptr(GError) error = NULL;
    gsize before = line->len;

    if ((command->flags & TN_COMMAND_NO_SUCCESS_REPLY) != 0)
        return TRUE;
    if (!tn_reply_begin(&call->reply, line, (command->flags & TN_COMMAND_DELIMITED_REPLY) != 0,
                        command->result, call->result, call->id))
        return FALSE;
    if (line->len - before <= call->reply_limit_bytes)
        return TRUE;
    g_set_error(&error, TN_REQUEST_ERROR, TN_REQUEST_ERROR_TOO_LARGE,
                "reply of %" G_GSIZE_FORMAT " bytes exceeds the limit of this channel",
                line->len - before);
    g_string_truncate(line, before);
    write_error(dispatch, call, line, error);
    return TRUE;
}

/* Makes the one reply of CALL, into the session's buffer if it may and else into the call. */
static void
write_answer(TnDispatch *dispatch, TnCall *call, const GError *error)
{
    GString *line = call->out;
    gsize before = 0;

    if (line == NULL)
        line = call->reply.text = g_string_new(NULL);
    before = line->len;
    if (error != NULL) {
        write_error(dispatch, call, line, error);
        call->is_written = line == call->out;
    } else if (write_result(dispatch, call, line)) {
        call->is_written = line == call->out;
    } else if (line == call->out) {
        /* It goes on behind bulk data, so the session holds the call; the beginning with it. */
        call->reply.text = g_string_new_len(line->str + before, (gssize)(line->len - before));
        g_string_truncate(line, before);
    }
}

/* TnCallOps.answer */
static void
answer_call(TnCall *call, GError *take_error)
{
    g_autoptr(GError) error = take_error;
    TnDispatch *dispatch = call->owner;
    gboolean was_deferred = call->phase == TN_CALL_DEFERRED;

    if (call->phase == TN_CALL_ANSWERED) {
        g_critical("%s answered twice", call->entry->command->name);
        return;
    }
    call->phase = TN_CALL_ANSWERED;
    call->hurry = NULL;
    if (call->link != NULL && !dispatch->is_closed)
        write_answer(dispatch, call, error);
    /* Within its turn (there is a message) tn_dispatch_request() returns the call itself. */
    if (call->link != NULL && call->message == NULL && !dispatch->is_closed)
        call->link->answered(call, call->link->data);
    if (was_deferred)
        tn_call_unref(call);
}

/* TnCallOps.submit */
static void
submit_call(TnCall *call)
{
    TnDispatch *dispatch = call->owner;

    call->phase = TN_CALL_WORKING;
    tn_call_ref(call);
    if (dispatch->config.submit == NULL) {
        tn_call_work(call);
        tn_call_end_work(call);
        return;
    }
    tn_call_keep_message(call);
    if (dispatch->config.submit(call, dispatch->config.data))
        return;
    tn_call_end(call, g_error_new_literal(TN_REQUEST_ERROR, TN_REQUEST_ERROR_BUSY,
                                          "the agent is busy: all workers hang or too much waits"));
    tn_call_unref(call);
}

static void
run_call(TnDispatch *dispatch, TnCall *call)
{
    static const Gate gates[] = {
        check_known,
        check_enabled,
        decode_arguments,
        ask_policy,
    };
    GError *error = NULL;

    for (gsize i = 0; i < G_N_ELEMENTS(gates); i++) {
        if (!gates[i](dispatch, call, &error)) {
            answer_call(call, error);
            return;
        }
        if (gates[i] == check_known)
            tn_call_make_room(call);
    }
    if ((call->entry->command->flags & TN_COMMAND_BLOCKING) != 0)
        submit_call(call);
    else
        tn_call_run(call);
}

/* FALSE when the id is too long to be kept. */
static gboolean
keep_id(TnCall *call, guint id, GError **error)
{
    g_autoptr(GString) text = NULL;

    if (id == 0)
        return TRUE;
    text = g_string_new(NULL);
    if (!tn_message_append_token(call->message, id, TN_MESSAGE_ID_BYTES, text)) {
        g_set_error(error, TN_REQUEST_ERROR, TN_REQUEST_ERROR_GENERIC,
                    "QMP input member 'id' is longer than %d bytes", TN_MESSAGE_ID_BYTES);
        return FALSE;
    }
    call->id = g_string_free(g_steal_pointer(&text), FALSE);
    return TRUE;
}

static TnCall *
begin_call(TnDispatch *dispatch, TnPeerLink *link, GString *out)
{
    static const TnCallOps ops = {
        .answer = answer_call,
        .submit = submit_call,
        .release = release_call,
        .explain_disabled = explain_disabled,
    };
    TnCall *call = dispatch->spare != NULL ? dispatch->spare : g_new(TnCall, 1);

    dispatch->spare = NULL;
    tn_call_init(call, link);
    call->owner = dispatch;
    call->registry = dispatch->config.registry;
    call->ops = &ops;
    call->out = out;
    dispatch->n_calls++;
    return call;
}

/* Ends the request's turn: from here on the call owns all that it needs. */
static TnCall *
end_turn(TnCall *call)
{
    call->out = NULL;
    call->frame = NULL;
    call->message = NULL;
    if (!call->is_written)
        return call;
    tn_call_unref(call);
    return NULL;
}

TnCall *
tn_dispatch_request(TnDispatch *dispatch, TnPeerLink *link, TnFrame *frame, TnMessage *message,
                    GString *out)
{
    TnCall *call = begin_call(dispatch, link, out);
    GError *error = NULL;

    call->frame = frame;
    call->message = message;
    if (tn_message_parse(message, &call->request, &error)) {
        if (keep_id(call, call->request.id, &error))
            run_call(dispatch, call);
    } else if (!keep_id(call, tn_message_find_id(message), NULL)) {
        g_debug("an id is too long to be echoed");
    }
    if (error != NULL)
        answer_call(call, error);
    return end_turn(call);
}

TnCall *
tn_dispatch_malformed(TnDispatch *dispatch, TnPeerLink *link, const char *why, GString *out)
{
    TnCall *call = begin_call(dispatch, link, out);
    TnMessage nothing = {0};

    call->message = &nothing; /* it is this call's turn; it has no tokens to look at */
    answer_call(call, g_error_new(TN_REQUEST_ERROR, TN_REQUEST_ERROR_GENERIC, "%s", why));
    return end_turn(call);
}
