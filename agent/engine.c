/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Puts together what serves requests, and holds the few lines that its parts need between them: a
 * peer goes to the sessions, a blocking call to the workers, the frozen mark to the dispatcher.
 */

#include "agent/engine.h"

#include "agent/dispatch.h"
#include "agent/notify.h"
#include "agent/report.h"
#include "agent/session.h"
#include "agent/worker.h"
#include "platform/clock.h"

enum {
    /* How long a port stays closed after a process that may have left half a reply in it: QEMU
     * tells of a port's opening and closing once a second at most, and a host that misses the
     * closing takes the next reply for the rest of that one. */
    CLOSED_US = 1200 * 1000,
};

struct TnEngine {
    TnEngineSetup setup;
    TnWorkers *workers;
    TnDispatch *dispatch;
    TnSessions *sessions;
    TnChannel *channel;
    gboolean was_served;
};

static gboolean
ask_frozen(gpointer data)
{
    TnEngine *engine = data;

    return tn_state_is_frozen(engine->setup.state);
}

static void
run_work(gpointer data)
{
    tn_call_work(data);
}

static void
end_work(gpointer data)
{
    tn_call_end_work(data);
}

static gboolean
submit_work(TnCall *call, gpointer data)
{
    TnEngine *engine = data;

    return tn_workers_run(engine->workers, run_work, end_work, call);
}

static void
serve_peer(TnPeer *peer, gpointer data)
{
    TnEngine *engine = data;

    engine->was_served = TRUE;
    tn_sessions_add(engine->sessions, peer);
}

static void
note_ended(TnChannel *channel, const char *why, gpointer data)
{
    TnEngine *engine = data;

    g_critical("channel '%s' ended: %s", channel->name, why);
    engine->setup.ended(why, engine->setup.data);
}

static void
tell_ready(const TnEngine *engine)
{
    const TnPolicy *policy = tn_policy_holder_get(engine->setup.policy);
    const char *wrong = tn_policy_get_sealed_reason(policy);
    g_autofree char *state = NULL;

    if (wrong == NULL)
        wrong = tn_policy_get_stale_reason(policy);
    state = wrong != NULL
                ? g_strdup_printf("READY=1\nSTATUS=policy error: %s", wrong)
                : g_strdup_printf("READY=1\nSTATUS=policy: %s", tn_policy_get_source(policy));
    tn_notify_send(engine->setup.config->notify_socket, state);
}

static gboolean
is_serial(const TnConfig *config)
{
    return config->method == TN_METHOD_VIRTIO || config->method == TN_METHOD_ISA;
}

TnEngine *
tn_engine_new(const TnEngineSetup *setup, GError **error)
{
    g_autoptr(TnEngine) engine = g_new0(TnEngine, 1);
    const TnPolicySettings *settings = tn_policy_get_settings(tn_policy_holder_get(setup->policy));
    const TnChannelHandler handler = {
        .arrived = serve_peer,
        .ended = note_ended,
        .data = engine,
    };
    const TnDispatchConfig dispatch = {
        .registry = setup->registry,
        .policy = setup->policy,
        .is_frozen = ask_frozen,
        .submit = submit_work,
        .data = engine,
    };

    gint64 not_before_us = 0;

    engine->setup = *setup;
    engine->workers = tn_workers_new(0);
    engine->dispatch = tn_dispatch_new(&dispatch);
    engine->sessions = tn_sessions_new(engine->dispatch, settings->max_begun_bytes);
    if (is_serial(setup->config) && tn_state_begin_port(setup->state) &&
        setup->config->port_fd == 0)
        not_before_us = tn_clock_monotonic_us() + CLOSED_US;
    engine->channel =
        tn_channels_open(setup->config, setup->policy, not_before_us, &handler, error);
    return engine->channel == NULL ? NULL : g_steal_pointer(&engine);
}

void
tn_engine_announce(TnEngine *engine)
{
    tn_report_log_policy(tn_policy_holder_get(engine->setup.policy));
    tell_ready(engine);
}

void
tn_engine_reload(TnEngine *engine)
{
    g_autofree char *state =
        g_strdup_printf("RELOADING=1\nMONOTONIC_USEC=%" G_GINT64_FORMAT, tn_clock_monotonic_us());

    if (tn_state_is_frozen(engine->setup.state)) {
        g_warning("the policy is not read again while file systems are frozen");
        return;
    }
    tn_notify_send(engine->setup.config->notify_socket, state);
    tn_report_reload_policy(engine->setup.policy);
    tell_ready(engine);
}

void
tn_engine_drain(TnEngine *engine, void (*done)(gpointer data), gpointer data)
{
    tn_sessions_drain(engine->sessions, done, data);
}

void
tn_engine_resume(TnEngine *engine)
{
    tn_sessions_resume(engine->sessions);
}

int
tn_engine_keep_port(const TnEngine *engine)
{
    if (engine->channel->ops->keep == NULL || !tn_sessions_is_quiet(engine->sessions))
        return -1;
    return engine->channel->ops->keep(engine->channel);
}

void
tn_engine_free(TnEngine *engine)
{
    if (engine == NULL)
        return;
    if (engine->was_served && is_serial(engine->setup.config) &&
        !tn_sessions_is_mid_reply(engine->sessions))
        tn_state_end_port(engine->setup.state);
    tn_sessions_free(engine->sessions);
    tn_channel_free(engine->channel);
    tn_dispatch_free(engine->dispatch);
    tn_workers_free(engine->workers);
    g_free(engine);
}
