/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a handler, a session and a worker see of one request. A call has one answer: the phase says
 * whether it was given, and a second one is our own bug, said aloud and ignored. Args may point
 * into the request; who keeps a call beyond its turn takes the request's memory along.
 */
#include "agent/call.h"

#include <string.h>

enum {
    /* Bytes stolen below this size are copied: cheaper than a new buffer for the frame. */
    STEAL_COPY_BYTES = 65536
};

void
tn_call_init(TnCall *call, TnPeerLink *link)
{
    memset(call, 0, offsetof(TnCall, reply));
    call->n_refs = 1;
    call->link = link;
    call->channel = link->channel;
    call->reply_limit_bytes = link->reply_limit_bytes;
    call->is_serial = link->is_serial;
    /* The encoder within is set up when it is used; zeroing it would cost more than a ping. */
    call->reply.text = NULL;
    call->reply.n_taken = 0;
    call->reply.has_encoder = FALSE;
    call->reply.bulk = NULL;
}

TnCall *
tn_call_ref(TnCall *call)
{
    call->n_refs++;
    return call;
}

static void
unref_held(gpointer data)
{
    TnHeldMessage *held = data;

    if (!g_atomic_ref_count_dec(&held->n_refs))
        return;
    tn_message_clear(&held->message);
    g_free(held);
}

void
tn_call_unref(TnCall *call)
{
    if (--call->n_refs > 0)
        return;
    tn_reply_clear(&call->reply);
    if (call->result != NULL && call->entry->command->result != NULL)
        tn_fields_clear_value(call->entry->command->result, call->result);
    if (call->args != NULL && call->entry->command->args != NULL)
        tn_fields_clear(call->entry->command->args, call->args);
    if ((char *)call->args != call->space)
        g_free(call->args);
    if (call->grant != NULL)
        tn_grant_unref(call->grant);
    if (call->held != NULL)
        unref_held(call->held);
    g_clear_error(&call->error);
    g_free(call->id);
    call->ops->release(call);
}

void
tn_call_make_room(TnCall *call)
{
    const TnCommand *command = call->entry->command;
    gsize align = _Alignof(max_align_t);
    gsize args_size = (command->args_size + align - 1) / align * align;
    gsize size = args_size + command->result_size;

    if (size == 0)
        return;
    if (size <= sizeof call->space)
        call->args = memset(call->space, 0, size);
    else
        call->args = g_malloc0(size);
    call->result = (char *)call->args + args_size;
}

/* Args that point into the old memory of the message point into the new one. */
static void
move_bytes(TnCall *call, const char *old)
{
    const TnField *row = call->entry->command->args;

    for (; row != NULL && row->name != NULL; row++) {
        void *slot = (char *)call->args + row->offset;
        TnBytes *bytes = slot;

        if (row->type == TN_TYPE_BYTES && bytes->data != NULL)
            bytes->data = (uint8_t *)call->message->bytes + ((const char *)bytes->data - old);
    }
}

/* The request's memory as an object of its own. NULL: its turn is over and nobody kept it. */
static TnHeldMessage *
hold_message(TnCall *call)
{
    const char *old = NULL;

    if (call->held != NULL || call->frame == NULL)
        return call->held;
    old = call->message->bytes;
    tn_frame_detach(call->frame, call->message);
    move_bytes(call, old); /* a small message is copied */
    call->held = g_new0(TnHeldMessage, 1);
    g_atomic_ref_count_init(&call->held->n_refs);
    call->held->message = *call->message;
    return call->held;
}

void
tn_call_keep_message(TnCall *call)
{
    const TnField *row = call->entry->command->args;

    for (; row != NULL && row->name != NULL; row++) {
        const void *slot = (const char *)call->args + row->offset;

        if (row->type == TN_TYPE_BYTES && ((const TnBytes *)slot)->data != NULL) {
            hold_message(call);
            return;
        }
    }
}

static GError *
make_silent_failure(const TnCommand *command)
{
    g_critical("%s failed and did not say why", command->name);
    return g_error_new(TN_REQUEST_ERROR, TN_REQUEST_ERROR_GENERIC,
                       "internal error: %s failed and did not say why", command->name);
}

void
tn_call_work(TnCall *call)
{
    TnHandler work = call->work != NULL ? call->work : call->entry->command->run;

    call->has_succeeded = work(call, call->args, call->result, &call->error);
}

void
tn_call_end(TnCall *call, GError *take_error)
{
    GError *error = take_error;

    if (call->end != NULL && !call->end(call, call->args, call->result, &error) && error == NULL)
        error = make_silent_failure(call->entry->command);
    call->ops->answer(call, error);
}

void
tn_call_end_work(TnCall *call)
{
    GError *error = g_steal_pointer(&call->error);

    if (!call->has_succeeded && error == NULL)
        error = make_silent_failure(call->entry->command);
    tn_call_end(call, error);
    tn_call_unref(call);
}

void
tn_call_run(TnCall *call)
{
    const TnCommand *command = call->entry->command;
    GError *error = NULL;

    if (command->run(call, call->args, call->result, &error)) {
        if (call->work != NULL)
            call->ops->submit(call);
        else if (call->phase == TN_CALL_RUNNING)
            call->ops->answer(call, NULL);
        return;
    }
    if (error == NULL)
        error = make_silent_failure(command);
    /* A handler that keeps the call and fails all the same may answer it later: its reference
     * stays, so that this is heard of as a second answer and does no harm. */
    if (call->phase == TN_CALL_DEFERRED)
        tn_call_ref(call);
    call->ops->answer(call, error);
}

gpointer
tn_call_get_module(TnCall *call)
{
    return call->entry->module;
}

const TnModuleContext *
tn_call_get_context(TnCall *call)
{
    return tn_registry_get_context(call->registry);
}

const TnCommand *
tn_call_get_command(TnCall *call)
{
    return call->entry->command;
}

guint
tn_call_get_n_commands(TnCall *call)
{
    return tn_registry_get_n_commands(call->registry);
}

const TnCommand *
tn_call_get_nth_command(TnCall *call, guint nth, const char **ret_why_disabled)
{
    const TnRegistryEntry *entry = tn_registry_get_nth(call->registry, nth);

    if (ret_why_disabled != NULL)
        *ret_why_disabled = call->ops->explain_disabled(call->owner, entry);
    return entry->command;
}

TnGrant *
tn_call_get_grant(TnCall *call)
{
    return call->grant;
}

const char *
tn_call_get_channel(TnCall *call)
{
    return call->channel;
}

gsize
tn_call_get_reply_limit(TnCall *call)
{
    return call->reply_limit_bytes;
}

gboolean
tn_call_is_serial(TnCall *call)
{
    return call->is_serial;
}

void
tn_call_defer(TnCall *call)
{
    g_assert(call->phase == TN_CALL_RUNNING);
    call->phase = TN_CALL_DEFERRED;
    tn_call_ref(call);
    tn_call_keep_message(call);
}

gboolean
tn_call_go_on(TnCall *call, TnHandler work, TnHandler end)
{
    g_assert(call->phase == TN_CALL_RUNNING && call->work == NULL);
    call->work = work;
    call->end = end;
    return TRUE;
}

gpointer
tn_call_get_result(TnCall *call)
{
    return call->result;
}

void
tn_call_return(TnCall *call)
{
    call->ops->answer(call, NULL);
}

void
tn_call_fail(TnCall *call, GError *take_error)
{
    if (take_error == NULL)
        take_error = g_error_new(TN_REQUEST_ERROR, TN_REQUEST_ERROR_GENERIC,
                                 "internal error: %s failed and did not say why",
                                 call->entry->command->name);
    call->ops->answer(call, take_error);
}

void
tn_call_on_hurry(TnCall *call, TnCallHurry hurry, gpointer data)
{
    call->hurry = hurry;
    call->hurry_data = data;
}

static const char *
get_message_bytes(const TnCall *call)
{
    return call->held != NULL ? call->held->message.bytes : call->message->bytes;
}

GBytes *
tn_call_steal_bytes(TnCall *call, TnBytes *bytes)
{
    TnHeldMessage *held = NULL;
    GBytes *stolen = NULL;

    if (bytes->data == NULL)
        return NULL;
    if (bytes->size >= STEAL_COPY_BYTES) {
        /* BYTES may be the handler's copy, which does not move along. */
        gssize at = (const char *)bytes->data - get_message_bytes(call);

        held = hold_message(call);
        bytes->data = (uint8_t *)held->message.bytes + at;
        g_atomic_ref_count_inc(&held->n_refs);
        stolen = g_bytes_new_with_free_func(bytes->data, bytes->size, unref_held, held);
    } else {
        stolen = g_bytes_new(bytes->data, bytes->size);
    }
    *bytes = (TnBytes){0};
    return stolen;
}

TnReply *
tn_call_get_reply(TnCall *call)
{
    return call->phase == TN_CALL_ANSWERED ? &call->reply : NULL;
}

gboolean
tn_call_is_overlapping(const TnCall *call)
{
    return call->entry != NULL && (call->entry->command->flags & TN_COMMAND_OVERLAPS) != 0;
}

void
tn_call_hurry(TnCall *call)
{
    TnCallHurry hurry = call->hurry;

    call->hurry = NULL;
    if (hurry != NULL && call->phase != TN_CALL_ANSWERED)
        hurry(call, call->hurry_data);
}

void
tn_call_drop(TnCall *call)
{
    /* Nobody is told of the answer any more; it may come while it hurries. */
    call->link = NULL;
    tn_call_hurry(call);
    tn_call_unref(call);
}
