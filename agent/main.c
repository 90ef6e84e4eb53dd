/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Wires the rooms together and leaves: configuration, log, state, modules, policy, engine, main
 * loop; and takes them apart in the reverse order. No logic beyond that.
 */

#include "agent/config.h"
#include "agent/engine.h"
#include "agent/notify.h"
#include "agent/registry.h"
#include "agent/state.h"
#include "build-config.h"
#include "commands/commands.h"
#include "platform/jobs.h"
#include "platform/log.h"
#include "platform/loop.h"
#include "policy/policy.h"

#include <malloc.h>
#include <signal.h>

enum {
    MMAP_BYTES = 512 * 1024, /* larger blocks go back to the kernel when they are freed */
};

typedef struct {
    TnConfig *config;
    TnLog *log;
    TnState *state;
    TnRegistry *registry;
    TnPolicyHolder *policy;
    TnSpawner *spawner;
    TnJobs *jobs;
    TnEngine *engine;
    TnSignals *signals;
    GMainLoop *loop;
    int exit_code;
} Agent;

static void
take_signal(int number, gpointer data)
{
    Agent *agent = data;

    if (number == SIGHUP)
        return; /* the policy stays what it is */
    /* As qemu-ga: an agent that ends while file systems are frozen could not be asked to thaw. */
    if (tn_state_is_frozen(agent->state)) {
        g_warning("signal %d is ignored while file systems are frozen", number);
        return;
    }
    g_main_loop_quit(agent->loop);
}

static void
note_ended(const char *why, gpointer data)
{
    Agent *agent = data;

    agent->exit_code = 1;
    g_main_loop_quit(agent->loop);
}

static void
note_frozen(gboolean frozen, gpointer data)
{
    Agent *agent = data;

    tn_log_set_frozen(agent->log, frozen);
}

static gboolean
make_policy(Agent *agent, GError **error)
{
    const GArray *lists = agent->config->lists;
    TnPolicyOptions options = {
        .compat = TRUE,
        .lists = (const TnPolicyList *)(const void *)lists->data,
        .n_lists = lists->len,
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
take_number(gpointer data, gint64 *ret_number, GError **error)
{
    return tn_state_take_number(data, ret_number, error);
}

static gboolean
make_jobs(Agent *agent, GError **error)
{
    agent->spawner = tn_spawner_new(NULL, error);
    if (agent->spawner != NULL)
        agent->jobs = tn_jobs_new(agent->spawner, NULL, take_number, agent->state, error);
    return agent->jobs != NULL;
}

static void
start_modules(Agent *agent)
{
    const TnModuleContext context = {
        .state = agent->state,
        .jobs = agent->jobs,
        .policy = agent->policy,
        .version = agent->config->compat ? TN_QGA_VERSION : TN_VERSION,
    };

    tn_registry_start(agent->registry, &context);
}

static gboolean
start_agent(Agent *agent, GError **error)
{
    const int signals[] = {SIGTERM, SIGINT, SIGHUP, 0};
    TnEngineSetup setup = {.config = agent->config, .ended = note_ended, .data = agent};

    agent->registry = tn_registry_new();
    agent->loop = g_main_loop_new(NULL, FALSE);
    agent->state = tn_state_new(agent->config->state_path, error);
    if (agent->state == NULL)
        return FALSE;
    tn_state_on_frozen(agent->state, note_frozen, agent);
    tn_log_set_frozen(agent->log, tn_state_is_frozen(agent->state));
    agent->signals = tn_signals_new(signals, take_signal, agent, error);
    if (agent->signals == NULL || !make_policy(agent, error) || !make_jobs(agent, error))
        return FALSE;
    start_modules(agent);
    setup.state = agent->state;
    setup.registry = agent->registry;
    setup.policy = agent->policy;
    agent->engine = tn_engine_new(&setup, error);
    return agent->engine != NULL;
}

static void
stop_agent(Agent *agent)
{
    tn_spawner_free(agent->spawner);
    tn_jobs_stop(agent->jobs);
    tn_engine_free(agent->engine);
    tn_registry_free(agent->registry);
    tn_jobs_free(agent->jobs);
    tn_policy_holder_free(agent->policy);
    tn_signals_free(agent->signals);
    tn_state_free(agent->state);
    g_main_loop_unref(agent->loop);
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
    TnConfigResult result;
    int exit_code;

    /* One arena and no threshold that grows: what a burst took goes back when it is over. */
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_MMAP_THRESHOLD, MMAP_BYTES);
    signal(SIGPIPE, SIG_IGN);

    result = tn_config_new(argc, argv, &agent.config);
    if (result != TN_CONFIG_RUN)
        return result == TN_CONFIG_DONE ? 0 : 1;
    agent.log = tn_log_new(agent.config->log_path, agent.config->verbose, &error);
    if (agent.log == NULL) {
        g_printerr("unable to open specified log file: %s\n", error->message);
        tn_config_free(agent.config);
        return 1;
    }
    tn_log_install(agent.log);
    exit_code = run_agent(&agent);
    stop_agent(&agent);
    tn_config_free(agent.config);
    return exit_code; /* the log stays for the last messages */
}
