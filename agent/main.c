/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Wires the rooms together and leaves: configuration, log, state, modules, policy, dispatcher,
 * sessions, channel, main loop; and takes them apart in the reverse order. No logic beyond that.
 */

#include "agent/channels.h"
#include "agent/config.h"
#include "agent/dispatch.h"
#include "agent/notify.h"
#include "agent/registry.h"
#include "agent/session.h"
#include "agent/state.h"
#include "agent/worker.h"
#include "commands/commands.h"
#include "platform/log.h"
#include "platform/loop.h"
#include "policy/policy.h"

#include <malloc.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    MMAP_BYTES = 512 * 1024, /* larger blocks go back to the kernel when they are freed */
};

typedef struct {
    TnConfig *config;
    TnLog *log;
    TnState *state;
    TnRegistry *registry;
    TnPolicyHolder *policy;
    TnWorkers *workers;
    TnDispatch *dispatch;
    TnSessions *sessions;
    TnChannel *channel;
    TnSignals *signals;
    GMainLoop *loop;
    int exit_code;
} Agent;

static void
stop_for_signal(int number, gpointer data)
{
    Agent *agent = data;

    if (number == SIGHUP)
        return;
    /* As qemu-ga: an agent that ends while file systems are frozen could not be asked to thaw. */
    if (tn_state_is_frozen(agent->state)) {
        g_warning("signal %d is ignored while file systems are frozen", number);
        return;
    }
    g_main_loop_quit(agent->loop);
}

static void
stop_for_channel(TnChannel *channel, const char *why, gpointer data)
{
    Agent *agent = data;

    g_critical("channel '%s' ended: %s", channel->name, why);
    agent->exit_code = 1;
    g_main_loop_quit(agent->loop);
}

static void
serve_peer(TnPeer *peer, gpointer data)
{
    Agent *agent = data;

    tn_sessions_add(agent->sessions, peer);
}

static gboolean
ask_frozen(gpointer data)
{
    Agent *agent = data;

    return tn_state_is_frozen(agent->state);
}

static void
note_frozen(gboolean frozen, gpointer data)
{
    Agent *agent = data;

    tn_log_set_frozen(agent->log, frozen);
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
    Agent *agent = data;

    return tn_workers_run(agent->workers, run_work, end_work, call);
}

static gboolean
open_channel(Agent *agent, GError **error)
{
    const TnChannelHandler handler = {
        .arrived = serve_peer,
        .ended = stop_for_channel,
        .data = agent,
    };

    agent->channel = tn_channels_open(agent->config, 0, &handler, error);
    return agent->channel != NULL;
}

static gboolean
make_policy(Agent *agent, GError **error)
{
    TnPolicyOptions options = {
        .compat = TRUE,
        .lists = (const TnPolicyList *)(const void *)agent->config->lists->data,
        .n_lists = agent->config->lists->len,
    };
    guint n_commands;

    for (gsize i = 0; tn_commands_modules[i] != NULL; i++) {
        if (!tn_registry_add(agent->registry, tn_commands_modules[i], error))
            return FALSE;
    }
    options.commands = tn_registry_get_policy_commands(agent->registry, &n_commands);
    options.n_commands = n_commands;
    agent->policy = tn_policy_holder_new(&options, error);
    return agent->policy != NULL;
}

static gboolean
start_agent(Agent *agent, GError **error)
{
    const int signals[] = {SIGTERM, SIGINT, SIGHUP, 0};
    TnDispatchConfig dispatch = {.is_frozen = ask_frozen, .submit = submit_work, .data = agent};
    TnModuleContext context = {0};

    agent->state = tn_state_new(agent->config->state_path, error);
    if (agent->state == NULL)
        return FALSE;
    tn_state_on_frozen(agent->state, note_frozen, agent);
    tn_log_set_frozen(agent->log, tn_state_is_frozen(agent->state));
    agent->signals = tn_signals_new(signals, stop_for_signal, agent, error);
    if (agent->signals == NULL || !make_policy(agent, error))
        return FALSE;

    context.state = agent->state;
    context.policy = agent->policy;
    tn_registry_start(agent->registry, &context);
    agent->workers = tn_workers_new(0);
    dispatch.registry = agent->registry;
    dispatch.policy = agent->policy;
    agent->dispatch = tn_dispatch_new(&dispatch);
    agent->sessions = tn_sessions_new(
        agent->dispatch,
        tn_policy_get_settings(tn_policy_holder_get(agent->policy))->max_begun_bytes);
    return open_channel(agent, error);
}

static void
stop_agent(Agent *agent)
{
    tn_sessions_free(agent->sessions);
    tn_channel_free(agent->channel);
    tn_dispatch_free(agent->dispatch);
    tn_registry_free(agent->registry);
    tn_workers_free(agent->workers);
    tn_policy_holder_free(agent->policy);
    tn_signals_free(agent->signals);
    tn_state_free(agent->state);
}

static int
run_agent(Agent *agent)
{
    g_autoptr(GError) error = NULL;

    if (!start_agent(agent, &error)) {
        g_critical("%s", error->message);
        g_critical("error initializing guest agent");
        return 1;
    }
    tn_notify_send(agent->config->notify_socket, "READY=1");
    g_main_loop_run(agent->loop);
    tn_notify_send(agent->config->notify_socket, "STOPPING=1");
    return agent->exit_code;
}

int
main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    Agent agent = {0};
    int exit_code = 1;

    /* One arena and no threshold that grows: what a burst took goes back when it is over. */
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_MMAP_THRESHOLD, MMAP_BYTES);
    signal(SIGPIPE, SIG_IGN);

    TnConfigResult result = tn_config_new(argc, argv, &agent.config);
    if (result != TN_CONFIG_RUN)
        return result == TN_CONFIG_DONE ? 0 : 1;
    agent.log = tn_log_new(agent.config->log_path, agent.config->verbose, &error);
    if (agent.log == NULL) {
        g_critical("unable to open specified log file: %s", error->message);
        tn_config_free(agent.config);
        return 1;
    }
    tn_log_install(agent.log);
    agent.registry = tn_registry_new();
    agent.loop = g_main_loop_new(NULL, FALSE);
    exit_code = run_agent(&agent);
    stop_agent(&agent);
    g_main_loop_unref(agent.loop);
    tn_config_free(agent.config);
    return exit_code; /* the log stays for the last messages */
}
