/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Wires the rooms together and leaves: configuration, log, state, modules, policy, engine, main
 * loop; and takes them apart in the reverse order. No logic beyond that.
 */

#include "agent/channel-activation.h"
#include "agent/config.h"
#include "agent/daemon.h"
#include "agent/engine.h"
#include "agent/notify.h"
#include "agent/registry.h"
#include "agent/report.h"
#include "agent/startup.h"
#include "agent/state.h"
#include "build-config.h"
#include "commands/commands.h"
#include "platform/grouplimits.h"
#include "platform/handover.h"
#include "platform/helper.h"
#include "platform/jobs.h"
#include "platform/localfs.h"
#include "platform/log.h"
#include "platform/loop.h"
#include "platform/reexec.h"
#include "policy/policy.h"

#include <fcntl.h>
#include <malloc.h>
#include <signal.h>

enum {
    MMAP_BYTES = 4 * 1024 * 1024, /* larger blocks go back to the kernel when they are freed */
    TRIM_BYTES = MMAP_BYTES,      /* stays for the next request, until the burst is over */
};

typedef struct {
    TnConfig *config;
    TnDaemon *daemon; /* NULL: in the foreground */
    TnLog *log;
    TnState *state;
    char *state_dir;
    char *run_dir;
    TnRegistry *registry;
    TnPolicyHolder *policy;
    TnSpawner *spawner;
    TnHelpers *helpers;
    TnLocalFs *local;
    TnJobs *jobs;
    TnEngine *engine;
    TnSignals *signals;
    GMainLoop *loop;
    gboolean is_ending; /* as soon as everything is thawed */
    TnStartStep step;   /* of the start, for its messages */
    int exit_code;
    char **argv;
    char *successor;       /* the program to become instead of ending; NULL: none */
    TnReexecStream stream; /* kept for it */
} Agent;

static void
end_drained(gpointer data)
{
    Agent *agent = data;

    if (agent->successor == NULL || !tn_state_is_frozen(agent->state)) {
        g_main_loop_quit(agent->loop);
        return;
    }
    /* What was under way froze: who froze, thaws. */
    g_warning("not becoming %s: file systems were frozen meanwhile", agent->successor);
    g_clear_pointer(&agent->successor, g_free);
    tn_engine_resume(agent->engine);
}

static void
note_answer(gboolean accepted, gpointer data)
{
    Agent *agent = data;

    if (accepted) {
        g_message("becoming %s", agent->successor);
        tn_engine_drain(agent->engine, end_drained, agent);
        return;
    }
    g_warning("%s does not take over from this version; going on", agent->successor);
    g_clear_pointer(&agent->successor, g_free);
}

static void
ask_successor(Agent *agent)
{
    if (agent->successor != NULL)
        return;
    if (agent->config->daemonize) {
        g_warning("re-execution is not possible in the background");
        return;
    }
    agent->successor = tn_reexec_find_program();
    if (agent->successor != NULL)
        tn_reexec_ask(agent->successor, TN_HANDOVER_VERSION, note_answer, agent);
}

static void
take_signal(int number, gpointer data)
{
    Agent *agent = data;

    if (number == SIGHUP) {
        tn_engine_reload(agent->engine);
        return;
    }
    /* No freeze without its thaw: then it ends, see end_thawed(). */
    if (tn_state_is_frozen(agent->state)) {
        if (number == SIGUSR2)
            g_warning("signal %d is ignored while file systems are frozen", number);
        else if (!agent->is_ending && tn_state_ask_thaw(agent->state))
            agent->is_ending = TRUE;
        return;
    }
    if (number == SIGUSR2) {
        ask_successor(agent);
        return;
    }
    g_clear_pointer(&agent->successor, g_free);
    g_main_loop_quit(agent->loop);
}

static void
end_thawed(gpointer data)
{
    Agent *agent = data;

    if (agent->is_ending)
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
    tn_policy_holder_set_frozen(agent->policy, frozen);
}

static gboolean
add_modules(Agent *agent, GError **error)
{
    agent->registry = tn_registry_new();
    for (gsize i = 0; tn_commands_modules[i] != NULL; i++) {
        if (!tn_registry_add(agent->registry, tn_commands_modules[i], error))
            return FALSE;
    }
    return TRUE;
}

static gboolean
make_policy(Agent *agent, GError **error)
{
    agent->policy = tn_startup_make_policy(agent->config, agent->registry, error);
    if (agent->state != NULL)
        tn_policy_holder_set_frozen(agent->policy, tn_state_is_frozen(agent->state));
    return agent->policy != NULL;
}

static gboolean
take_number(gpointer data, gint64 *ret_number, GError **error)
{
    return tn_state_take_number(data, ret_number, error);
}

static TnSpawnPlan *
plan_helper(const char *name, const char *const *argv, gpointer data, GError **error)
{
    return tn_policy_plan_helper(((Agent *)data)->policy, name, argv, error);
}

static gboolean
make_jobs(Agent *agent, GError **error)
{
    agent->spawner = tn_spawner_new(NULL, error);
    if (agent->spawner == NULL)
        return FALSE;
    agent->helpers = tn_helpers_new(agent->spawner, plan_helper, agent);
    agent->jobs = tn_jobs_new(agent->spawner, NULL, take_number, agent->state, error);
    return agent->jobs != NULL;
}

/* Jobs that an earlier agent had. What cannot be read is lost, and the agent starts all the same.
 */
static void
take_over_jobs(Agent *agent)
{
    g_autoptr(GError) error = NULL;

    if (agent->config->kept_names == NULL)
        return;
    if (!tn_handover_restore(agent->jobs, agent->config->kept_fd, agent->config->kept_names,
                             &error))
        g_warning("jobs of the last agent: %s", error->message);
    for (gsize i = 0; agent->config->kept_names[i] != NULL; i++) {
        g_autofree char *text =
            g_strdup_printf("FDSTOREREMOVE=1\nFDNAME=%s", agent->config->kept_names[i]);

        tn_notify_send(agent->config->notify_socket, text);
    }
}

/* The jobs for whoever comes next: this process as another program, or one that the service manager
 * starts. The connections are closed by now; their clients come again and go on by offset. */
static void
hand_over_jobs(Agent *agent)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GArray) fds = NULL;

    if (agent->jobs == NULL || (agent->successor == NULL && agent->config->notify_socket == NULL))
        return;
    fds = tn_handover_save(agent->jobs, &error);
    if (error != NULL)
        g_warning("jobs are not handed over: %s", error->message);
    if (agent->successor != NULL) {
        tn_reexec_run(agent->successor, agent->argv, &agent->stream, fds, TN_HANDOVER_PREFIX);
        g_critical("cannot become %s", agent->successor);
        agent->exit_code = 1;
    }
    for (guint i = 0; fds != NULL && i < fds->len; i++) {
        g_autofree char *name = g_strdup_printf(TN_HANDOVER_PREFIX "%u", i);
        g_autofree char *text =
            g_strdup_printf("FDSTORE=1\nFDPOLL=0\nFDNAME=%s", i == 0 ? TN_HANDOVER_STATE : name);

        tn_notify_send_fd(agent->config->notify_socket, text, g_array_index(fds, int, i));
    }
}

static void
start_modules(Agent *agent)
{
    agent->local = tn_localfs_new();

    const TnModuleContext context = {
        .state = agent->state,
        .helpers = agent->helpers,
        .local = agent->local,
        .jobs = agent->jobs,
        .policy = agent->policy,
        .version = agent->config->compat ? TN_QGA_VERSION : TN_VERSION,
        .state_dir = agent->state_dir,
        .hide_interfaces = (const char *const *)agent->config->hide_interfaces,
        .run_dir = agent->run_dir,
        .hook_path = agent->config->hook_path,
    };

    tn_registry_start(agent->registry, &context);
}

static gboolean
start_agent(Agent *agent, GError **error)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR2, 0};
    TnEngineSetup setup = {.config = agent->config, .ended = note_ended, .data = agent};

    agent->loop = g_main_loop_new(NULL, FALSE);
    agent->step = TN_START_METHOD;
    if (agent->config->fault != NULL) {
        g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, agent->config->fault);
        return FALSE;
    }
    agent->step = TN_START_STATE;
    agent->state_dir = g_path_get_dirname(agent->config->state_path);
    agent->state = tn_startup_open_state(agent->config, agent->state_dir, &agent->run_dir, error);
    if (agent->state == NULL)
        return FALSE;
    tn_state_on_thawed(agent->state, end_thawed, agent);
    tn_state_on_frozen(agent->state, note_frozen, agent);
    tn_log_set_frozen(agent->log, tn_state_is_frozen(agent->state));
    agent->step = TN_START_POLICY;
    agent->signals = tn_signals_new(signals, take_signal, agent, error);
    if (agent->signals == NULL || !add_modules(agent, error) || !make_policy(agent, error) ||
        !make_jobs(agent, error))
        return FALSE;
    take_over_jobs(agent);
    start_modules(agent);
    setup.state = agent->state;
    setup.registry = agent->registry;
    setup.policy = agent->policy;
    agent->step = TN_START_CHANNEL;
    agent->engine = tn_engine_new(&setup, error);
    return agent->engine != NULL;
}

/* A listener, or the open port: its host sees neither an end nor a beginning. Connections to a
 * listener of our own end here; their clients come again. */
static void
keep_stream(Agent *agent)
{
    if (agent->config->method == TN_METHOD_ACTIVATION) {
        agent->stream.fd = fcntl(TN_ACTIVATION_FD, F_DUPFD_CLOEXEC, TN_ACTIVATION_FD + 1);
        agent->stream.name = "listener";
    } else if (agent->engine != NULL) {
        agent->stream.fd = tn_engine_keep_port(agent->engine);
        agent->stream.name = TN_HANDOVER_PORT;
    }
}

static void
stop_agent(Agent *agent)
{
    tn_spawner_free(agent->spawner);
    tn_jobs_stop(agent->jobs);
    if (agent->successor != NULL)
        keep_stream(agent);
    tn_engine_free(agent->engine);
    hand_over_jobs(agent);
    tn_registry_free(agent->registry);
    tn_jobs_free(agent->jobs);
    tn_helpers_free(agent->helpers);
    tn_localfs_free(agent->local);
    tn_policy_holder_free(agent->policy);
    tn_signals_free(agent->signals);
    tn_state_free(agent->state);
    g_clear_pointer(&agent->loop, g_main_loop_unref);
    g_free(agent->state_dir);
    g_free(agent->successor);
    g_free(agent->run_dir);
}

static int
run_agent(Agent *agent)
{
    g_autoptr(GError) error = NULL;

    if (!start_agent(agent, &error)) {
        tn_report_start_failure(agent->step, error->message);
        return 1;
    }
    if (agent->daemon != NULL)
        tn_daemon_ready(agent->daemon);
    tn_engine_announce(agent->engine);
    g_main_loop_run(agent->loop);
    if (agent->successor == NULL)
        tn_notify_send(agent->config->notify_socket, "STOPPING=1");
    return agent->exit_code;
}

/* Answers what needs no serving; FALSE when there is nothing of that. */
static gboolean
answer_only(Agent *agent, TnConfigResult result, int *ret_exit_code)
{
    g_autoptr(GError) error = NULL;

    *ret_exit_code = result == TN_CONFIG_WRONG ? 1 : 0;
    if (result == TN_CONFIG_DONE || result == TN_CONFIG_WRONG)
        return TRUE;
    if (result == TN_CONFIG_RUN && !agent->config->check_only)
        return FALSE;
    if (!add_modules(agent, &error) || (result == TN_CONFIG_RUN && !make_policy(agent, &error))) {
        g_printerr("%s\n", error->message);
        *ret_exit_code = 1;
    } else if (result == TN_CONFIG_NAMES) {
        tn_report_names(agent->registry);
    } else {
        *ret_exit_code = tn_report_policy(tn_policy_holder_get(agent->policy));
    }
    stop_agent(agent);
    return TRUE;
}

int
main(int argc, char **argv)
{
    Agent agent = {.argv = argv, .stream = {.fd = -1}};
    int exit_code = 1;

    if (tn_reexec_answer(argc, argv, TN_HANDOVER_VERSION, &exit_code) ||
        tn_grouplimits_answer(argc, argv, &exit_code))
        return exit_code;

    /* One arena and no threshold that grows: what a burst took goes back when it is over. */
    /* NOLINTBEGIN(concurrency-mt-unsafe): before any thread */
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_MMAP_THRESHOLD, MMAP_BYTES);
    mallopt(M_TRIM_THRESHOLD, TRIM_BYTES);
    /* NOLINTEND(concurrency-mt-unsafe) */
    signal(SIGPIPE, SIG_IGN);

    if (!answer_only(&agent, tn_config_new(argc, argv, &agent.config), &exit_code) &&
        tn_startup_open_log(agent.config, &agent.daemon, &agent.log, &exit_code)) {
        exit_code = run_agent(&agent);
        stop_agent(&agent);
    }
    tn_daemon_free(agent.daemon);
    tn_config_free(agent.config);
    return exit_code; /* the log stays for the last messages */
}
