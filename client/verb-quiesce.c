/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quiesce: freeze the guest's file systems, run a command here, thaw. The thaw comes in any case:
 * when the command fails, on Ctrl-C, when the time is over, over a new connection if the old one
 * broke. Should tenonctl itself be killed, the agent's own limit thaws (tenond.conf, freeze-limit;
 * a stock agent has none). Deliberately not here: hooks, which are the guest's.
 */

#include "client/duration.h"
#include "client/failure.h"
#include "client/print.h"
#include "client/pump.h"
#include "client/verb.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define FREEZE_ANSWER_US G_GINT64_CONSTANT(600000000) /* hooks may take their time */
#define THAW_ANSWER_US   G_GINT64_CONSTANT(60000000)
#define THAW_RETURN_US   G_GINT64_CONSTANT(30000000)
#define THAW_TRIES       5

typedef struct {
    gint64 max_us;
    gboolean is_check;
} QuiesceOptions;

static const TnOption quiesce_options[] = {
    {"max", 0, TN_OPTION_DURATION, offsetof(QuiesceOptions, max_us), "DURATION",
     "thaw after that time, and end the command"},
    {"check", 0, TN_OPTION_FLAG, offsetof(QuiesceOptions, is_check), NULL,
     "only tell whether it would work"},
    {0},
};

typedef struct {
    const TnInvocation *invocation;
    const QuiesceOptions *options;
    TnAgent *agent;
    gint64 frozen_us; /* when */
    gint64 n_frozen;
    int signal_fd;
    pid_t child;
    int status;       /* of the command, as a shell tells it */
    int signal;       /* that stopped us */
    gboolean is_late; /* the time was over */
} Quiesce;

static void
clear_quiesce(Quiesce *quiesce)
{
    g_clear_pointer(&quiesce->agent, tn_dial_close);
    if (quiesce->signal_fd >= 0)
        close(quiesce->signal_fd);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Quiesce, clear_quiesce)

G_GNUC_PRINTF(2, 3)
static void
tell(const Quiesce *quiesce, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    if (quiesce->invocation->globals->is_quiet)
        return;
    va_start(args, format);
    text = g_strdup_vprintf(format, args);
    va_end(args);
    tn_print_note(quiesce->invocation->args[0], "%s", text);
}

static gboolean
ask_number(TnAgent *agent, const char *command, gint64 answer_us, gint64 *ret_number,
           GError **error)
{
    g_autoptr(TnAsk) ask = tn_ask_new(command);
    guint at = 0;
    g_autoptr(TnAnswer) answer = tn_dial_send(agent, ask, answer_us, &at, error);
    int64_t number = 0;

    if (answer == NULL)
        return FALSE;
    if (tn_answer_get_type(answer, at) == TN_TOKEN_NUMBER)
        (void)tn_message_get_int64(&answer->message, at, &number);
    *ret_number = number;
    return TRUE;
}

/* Thaws until it has worked; the time that the user gave for everything does not count here. */
static gboolean
thaw(Quiesce *quiesce, GError **error)
{
    g_autoptr(GError) last = NULL;
    gint64 n_thawed = 0;

    tn_dial_extend(quiesce->agent, -1);
    for (guint i = 0; i < THAW_TRIES; i++) {
        g_clear_error(&last);
        if (ask_number(quiesce->agent, "guest-fsfreeze-thaw", THAW_ANSWER_US, &n_thawed, &last)) {
            g_autofree char *time = tn_duration_format(g_get_monotonic_time() - quiesce->frozen_us);

            tell(quiesce, "thawed %" G_GINT64_FORMAT " of %" G_GINT64_FORMAT " after %s", n_thawed,
                 quiesce->n_frozen, time);
            return TRUE;
        }
        if (tn_failure_get_exit_code(last) != 125)
            break;
        if (!tn_dial_again(quiesce->agent, THAW_RETURN_US, NULL))
            tn_deadline_pause(G_USEC_PER_SEC, TN_DEADLINE_NEVER);
    }
    g_propagate_error(error, g_steal_pointer(&last));
    g_prefix_error(error, "the guest may still be frozen: ");
    return FALSE;
}

static gboolean
start_command(Quiesce *quiesce, GError **error)
{
    char **argv = quiesce->invocation->rest;
    sigset_t none;
    int failed = 0;

    quiesce->child = fork();
    if (quiesce->child == 0) {
        sigemptyset(&none);
        (void)pthread_sigmask(SIG_SETMASK, &none, NULL);
        (void)signal(SIGPIPE, SIG_DFL);
        execvp(argv[0], argv);
        failed = errno;
        dprintf(STDERR_FILENO, "tenonctl: run '%s': %s\n", argv[0], g_strerror(failed));
        /* As a shell does it. */
        _exit(failed == ENOENT ? 127 : 126);
    }
    if (quiesce->child > 0)
        return TRUE;
    g_set_error(error, TN_FAILURE, TN_FAILURE_LOCAL, "start '%s': %s", argv[0], g_strerror(errno));
    return FALSE;
}

/* TRUE once the command has ended. */
static gboolean
reap_command(Quiesce *quiesce)
{
    int status = 0;

    if (waitpid(quiesce->child, &status, WNOHANG) != quiesce->child)
        return FALSE;
    quiesce->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    quiesce->child = 0;
    return TRUE;
}

static void
pass_signal(Quiesce *quiesce)
{
    struct signalfd_siginfo info;

    while (read(quiesce->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo == SIGCHLD)
            continue;
        /* A terminal has sent it to the command as well; once more does no harm. */
        (void)kill(quiesce->child, (int)info.ssi_signo);
        quiesce->signal = (int)info.ssi_signo;
    }
}

static gboolean
watch_signals(Quiesce *quiesce, GError **error)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGCHLD);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
    quiesce->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (quiesce->signal_fd >= 0)
        return TRUE;
    g_set_error(error, TN_FAILURE, TN_FAILURE_LOCAL, "signalfd: %s", g_strerror(errno));
    return FALSE;
}

/* Waits for the end of the command, of the time, or for a signal: the guest comes first, so a
 * command that does not end at once is left behind. */
static void
wait_for_command(Quiesce *quiesce)
{
    gint64 deadline_us =
        MIN(tn_deadline_after(quiesce->options->max_us), tn_dial_get_deadline(quiesce->agent));

    while (!reap_command(quiesce) && quiesce->signal == 0) {
        struct pollfd fd = {.fd = quiesce->signal_fd, .events = POLLIN};

        if (tn_deadline_is_over(deadline_us)) {
            quiesce->is_late = TRUE;
            (void)kill(quiesce->child, SIGTERM);
            return;
        }
        if (poll(&fd, 1, tn_deadline_get_poll_ms(deadline_us)) > 0)
            pass_signal(quiesce);
    }
}

static gboolean
freeze(Quiesce *quiesce, GError **error)
{
    gint64 start_us = g_get_monotonic_time();
    g_autofree char *time = NULL;

    quiesce->frozen_us = start_us;
    if (!ask_number(quiesce->agent, "guest-fsfreeze-freeze", FREEZE_ANSWER_US, &quiesce->n_frozen,
                    error))
        return FALSE;
    quiesce->frozen_us = g_get_monotonic_time();
    time = tn_duration_format(quiesce->frozen_us - start_us);
    tell(quiesce, "froze %" G_GINT64_FORMAT " file systems (%s)", quiesce->n_frozen, time);
    return TRUE;
}

static int
finish(Quiesce *quiesce, GError **error)
{
    if (quiesce->is_late) {
        g_set_error_literal(error, TN_FAILURE, TN_FAILURE_TIMEOUT,
                            "the command took too long: the guest was thawed before its end");
        return -1;
    }
    return quiesce->signal != 0 ? 128 + quiesce->signal : quiesce->status;
}

static int
run_frozen(Quiesce *quiesce, GError **error)
{
    g_autoptr(GError) freeze_error = NULL;
    g_autoptr(GError) thaw_error = NULL;
    gboolean is_started = FALSE;

    if (!watch_signals(quiesce, error))
        return -1;
    if (!freeze(quiesce, &freeze_error)) {
        /* Without its answer nobody knows; a refusal is certain. */
        int code = tn_failure_get_exit_code(freeze_error);

        if ((code == 124 || code == 125) && !thaw(quiesce, &thaw_error))
            tn_print_note(quiesce->invocation->args[0], "%s", thaw_error->message);
        g_propagate_error(error, g_steal_pointer(&freeze_error));
        return -1;
    }
    is_started = start_command(quiesce, error);
    if (is_started)
        wait_for_command(quiesce);
    if (!thaw(quiesce, &thaw_error)) {
        if (is_started)
            g_propagate_error(error, g_steal_pointer(&thaw_error));
        return -1;
    }
    return is_started ? finish(quiesce, error) : -1;
}

static void
check_commands(const TnAnswer *answer, guint at, gboolean *can_freeze, gboolean *can_thaw)
{
    guint list = tn_answer_find(answer, at, "supported_commands");
    guint iter = 0;
    guint entry = 0;

    while (list != 0 && (entry = tn_answer_next(answer, list, &iter)) != 0) {
        const char *name = tn_answer_get_string(answer, entry, "name");
        gboolean is_enabled = FALSE;

        (void)tn_answer_get_bool(answer, entry, "enabled", &is_enabled);
        *can_freeze |= is_enabled && g_strcmp0(name, "guest-fsfreeze-freeze") == 0;
        *can_thaw |= is_enabled && g_strcmp0(name, "guest-fsfreeze-thaw") == 0;
    }
}

static void
warn_of_loops(const TnAnswer *answer, guint at)
{
    guint iter = 0;
    guint entry = 0;

    while ((entry = tn_answer_next(answer, at, &iter)) != 0) {
        const char *name = tn_answer_get_string(answer, entry, "name");
        const char *mount = tn_answer_get_string(answer, entry, "mountpoint");
        g_autofree char *safe = mount == NULL ? NULL : tn_print_escape(mount);

        if (name != NULL && safe != NULL && g_str_has_prefix(name, "loop"))
            printf("warn %s is a loop mount: a stock agent may hang on it\n", safe);
    }
}

/* One line each, "ok", "warn" or "fail". */
static int
run_check(const Quiesce *quiesce, GError **error)
{
    g_autoptr(TnAnswer) status = NULL;
    g_autoptr(TnAnswer) info = NULL;
    g_autoptr(TnAnswer) mounts = NULL;
    const char *word = NULL;
    gboolean can_freeze = FALSE;
    gboolean can_thaw = FALSE;
    gboolean is_thawed = FALSE;
    guint at = 0;

    info = tn_dial_simple(quiesce->agent, "guest-info", &at, error);
    if (info == NULL)
        return -1;
    check_commands(info, at, &can_freeze, &can_thaw);
    printf("%s the agent lets one freeze\n", can_freeze ? "ok  " : "fail");
    printf("%s the agent lets one thaw\n", can_thaw ? "ok  " : "fail");
    status = tn_dial_simple(quiesce->agent, "guest-fsfreeze-status", &at, error);
    if (status == NULL)
        return -1;
    word = tn_answer_get_text(status, at);
    is_thawed = g_strcmp0(word, "thawed") == 0;
    printf("%s nothing is frozen now\n", is_thawed ? "ok  " : "fail");
    mounts = is_thawed ? tn_dial_simple(quiesce->agent, "guest-get-fsinfo", &at, NULL) : NULL;
    if (mounts != NULL)
        warn_of_loops(mounts, at);
    return can_freeze && can_thaw && is_thawed ? 0 : 1;
}

static int
run_quiesce(const TnInvocation *invocation, GError **error)
{
    const QuiesceOptions *options = invocation->options;
    g_auto(Quiesce) quiesce = {.invocation = invocation, .options = options, .signal_fd = -1};
    gboolean has_command = invocation->rest != NULL && invocation->rest[0] != NULL;

    if (options->is_check == has_command) {
        g_set_error_literal(error, TN_FAILURE, TN_FAILURE_USAGE,
                            "write quiesce ENDPOINT -- COMMAND, or quiesce --check ENDPOINT");
        return -1;
    }
    quiesce.agent = tn_verb_open(invocation, error);
    if (quiesce.agent == NULL)
        return -1;
    return options->is_check ? run_check(&quiesce, error) : run_frozen(&quiesce, error);
}

const TnVerb tn_verb_quiesce = {
    .name = "quiesce",
    .synopsis = "ENDPOINT -- COMMAND [ARGUMENT...]",
    .doc = "freeze the guest's file systems, run a command here, thaw",
    .options = quiesce_options,
    .options_size = sizeof(QuiesceOptions),
    .n_args_min = 1,
    .n_args_max = 1,
    .rest = TN_VERB_REST_OPTIONAL,
    .run = run_quiesce,
};
