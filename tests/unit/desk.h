/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/dispatch.h"

#include <string.h>

/*
 * A desk for tests: module tables behind a dispatcher, text in and text out, without any channel.
 */
typedef struct {
    TnRegistry *registry;
    TnPolicyHolder *policy;
    TnDispatch *dispatch;
    TnFrame *frame;
    TnPeerLink link;
    gboolean frozen;
    guint n_answered;
    TnCall *answered; /* the last one that link.answered told of */
    gboolean (*submit)(TnCall *call, gpointer data);
} Desk;

static inline gboolean
desk_is_frozen(gpointer data)
{
    return ((Desk *)data)->frozen;
}

static inline gboolean
desk_submit(TnCall *call, gpointer data)
{
    return ((Desk *)data)->submit(call, data);
}

static inline void
desk_answered(TnCall *call, gpointer data)
{
    Desk *desk = data;

    desk->n_answered++;
    desk->answered = call;
}

/* BLOCKED: comma list of commands, or NULL. SUBMIT: what a worker does, or NULL. CONTEXT: for the
 * modules; the policy is added to it. */
static inline Desk *
desk_new_full(const TnModule *const *modules, const char *blocked,
              gboolean (*submit)(TnCall *call, gpointer data), TnModuleContext context)
{
    Desk *desk = g_new0(Desk, 1);
    TnPolicyList list = {.text = blocked, .origin = "-b"};
    TnPolicyOptions options = {.compat = TRUE, .lists = &list, .n_lists = blocked != NULL ? 1 : 0};
    TnDispatchConfig config = {.is_frozen = desk_is_frozen, .data = desk};
    guint n_commands = 0;

    desk->registry = tn_registry_new();
    for (; *modules != NULL; modules++) {
        if (!tn_registry_add(desk->registry, *modules, NULL))
            g_error("two commands of one name");
    }
    options.commands = tn_registry_get_policy_commands(desk->registry, &n_commands);
    options.n_commands = n_commands;
    desk->policy = tn_policy_holder_new(&options, NULL);
    if (desk->policy == NULL)
        g_error("no policy");
    context.policy = desk->policy;
    tn_registry_start(desk->registry, &context);
    desk->submit = submit;
    config.registry = desk->registry;
    config.policy = desk->policy;
    config.submit = submit != NULL ? desk_submit : NULL;
    desk->dispatch = tn_dispatch_new(&config);
    desk->frame = tn_frame_new(NULL);
    desk->link = (TnPeerLink){
        .channel = g_intern_string("test"),
        .reply_limit_bytes = G_MAXSIZE,
        .answered = desk_answered,
        .data = desk,
    };
    return desk;
}

static inline Desk *
desk_new(const TnModule *const *modules, const char *blocked,
         gboolean (*submit)(TnCall *call, gpointer data))
{
    return desk_new_full(modules, blocked, submit, (TnModuleContext){.version = "10.2.2"});
}

static inline void
desk_free(Desk *desk)
{
    tn_dispatch_free(desk->dispatch);
    tn_frame_free(desk->frame);
    tn_registry_free(desk->registry);
    tn_policy_holder_free(desk->policy);
    g_free(desk);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Desk, desk_free)

static inline void
desk_feed(Desk *desk, const char *text, gsize size)
{
    while (size > 0) {
        gsize room = 0;
        char *place = tn_frame_reserve(desk->frame, &room);
        gsize n = MIN(room, size);

        memcpy(place, text, n);
        tn_frame_commit(desk->frame, n);
        text += n;
        size -= n;
    }
}

/* The call of the next message (NULL: the reply is in OUT or there was none). */
static inline TnCall *
desk_begin(Desk *desk, GString *out)
{
    TnMessage message = {0};
    const char *why = NULL;

    switch (tn_frame_next(desk->frame, &message, &why)) {
    case TN_FRAME_MESSAGE:
        return tn_dispatch_request(desk->dispatch, &desk->link, desk->frame, &message, out);
    case TN_FRAME_ERROR:
        return tn_dispatch_malformed(desk->dispatch, &desk->link, why, out);
    case TN_FRAME_MORE:
        break;
    }
    return NULL;
}

/* Takes the whole reply of CALL, PIECE bytes at a time, and drops it. */
static inline void
desk_take(TnCall *call, GString *out, gsize piece)
{
    while (!tn_reply_fill(tn_call_get_reply(call), out, piece))
        ;
    tn_call_drop(call);
}

/* The reply to REQUEST, which must be answered at once. */
static inline char *
desk_ask(Desk *desk, const char *request)
{
    g_autoptr(GString) out = g_string_new(NULL);
    TnCall *call = NULL;

    desk_feed(desk, request, strlen(request));
    call = desk_begin(desk, out);
    if (call != NULL)
        desk_take(call, out, 4096);
    return g_string_free(g_steal_pointer(&out), FALSE);
}
