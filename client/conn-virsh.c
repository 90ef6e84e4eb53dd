/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An agent behind libvirt where only the virsh program is installed: one run of it per request,
 * with an argument vector and never through a shell. Slower, and requests are short: an argument of
 * a program cannot be longer than 128 KiB. Deliberately not here: a conversation with one virsh.
 */

#include "client/conn.h"
#include "client/duration.h"
#include "client/failure.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define REQUEST_MAX_BYTES (128 * 1024 - 1) /* MAX_ARG_STRLEN of the kernel, its NUL not counted */
#define REPLY_MAX_BYTES   (4 * 1024 * 1024)
#define OUTPUT_MAX_BYTES  (REPLY_MAX_BYTES + 4096)
#define WAIT_MAX_MS       200
#define GRACE_US          (G_GINT64_CONSTANT(2) * G_USEC_PER_SEC) /* virsh's own time-out ends first */

typedef struct {
    TnConn base;
    char *domain;
    char *uri;
} VirshConn;

typedef struct {
    GPid pid;
    int out_fd;
    int err_fd;
    GString *out;
    GString *err;
} VirshRun;

static void
clear_run(VirshRun *run)
{
    if (run->pid > 0) {
        (void)kill(run->pid, SIGKILL);
        while (waitpid(run->pid, NULL, 0) < 0 && errno == EINTR)
            continue;
        run->pid = 0;
    }
    if (run->out_fd >= 0)
        close(run->out_fd);
    if (run->err_fd >= 0)
        close(run->err_fd);
    g_string_free(run->out, TRUE);
    g_string_free(run->err, TRUE);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(VirshRun, clear_run)

/* Takes what has come on *FD; closes it at its end. FALSE when there is too much. */
static gboolean
drain_fd(int *fd, GString *text)
{
    char buffer[16 * 1024];
    ssize_t n = read(*fd, buffer, sizeof(buffer));

    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return TRUE;
    if (n <= 0) {
        close(*fd);
        *fd = -1;
        return TRUE;
    }
    g_string_append_len(text, buffer, n);
    return text->len <= OUTPUT_MAX_BYTES;
}

static gboolean
collect_output(VirshRun *run, gint64 deadline_us, GError **error)
{
    while (run->out_fd >= 0 || run->err_fd >= 0) {
        struct pollfd fds[] = {
            {.fd = run->out_fd, .events = POLLIN},
            {.fd = run->err_fd, .events = POLLIN},
        };
        int n = poll(fds, G_N_ELEMENTS(fds), tn_deadline_get_poll_ms(deadline_us));

        if (n < 0 && errno != EINTR) {
            g_set_error(error, TN_FAILURE, TN_FAILURE_LOCAL, "poll: %s", g_strerror(errno));
            return FALSE;
        }
        if (n <= 0 && tn_deadline_is_over(deadline_us)) {
            g_set_error_literal(error, TN_FAILURE, TN_FAILURE_TIMEOUT, "no answer from virsh");
            return FALSE;
        }
        if (n > 0 && ((fds[0].revents != 0 && !drain_fd(&run->out_fd, run->out)) ||
                      (fds[1].revents != 0 && !drain_fd(&run->err_fd, run->err)))) {
            g_set_error_literal(error, TN_FAILURE, TN_FAILURE_TOO_LARGE,
                                "virsh printed more than a reply can hold");
            return FALSE;
        }
    }
    return TRUE;
}

static gboolean
wait_for_exit(VirshRun *run, int *ret_status, GError **error)
{
    pid_t pid = 0;

    /* Both pipes are closed: it ends at once. */
    do
        pid = waitpid(run->pid, ret_status, 0);
    while (pid < 0 && errno == EINTR);
    run->pid = 0;
    if (pid > 0)
        return TRUE;
    g_set_error(error, TN_FAILURE, TN_FAILURE_LOCAL, "waitpid: %s", g_strerror(errno));
    return FALSE;
}

static gboolean
run_virsh(char **argv, gint64 deadline_us, VirshRun *run, GError **error)
{
    g_auto(GStrv) env = g_environ_setenv(g_get_environ(), "LC_ALL", "C", TRUE);
    g_autoptr(GError) spawn_error = NULL;
    g_autofree char *message = NULL;
    int status = 0;

    if (!g_spawn_async_with_pipes(
            NULL, argv, env,
            G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDIN_FROM_DEV_NULL, NULL,
            NULL, &run->pid, NULL, &run->out_fd, &run->err_fd, &spawn_error)) {
        g_set_error(error, TN_FAILURE, TN_FAILURE_LOCAL,
                    "libvirt: neither its client libraries nor virsh can be used here: %s",
                    spawn_error->message);
        return FALSE;
    }
    if (!collect_output(run, deadline_us, error) || !wait_for_exit(run, &status, error))
        return FALSE;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return TRUE;
    message = g_strstrip(g_strdup(run->err->str));
    g_propagate_error(error, tn_conn_new_libvirt_failure(
                                 0, g_str_has_prefix(message, "error: ") ? message + 7 : message));
    return FALSE;
}

static gboolean
exchange_virsh(TnConn *base, const GString *request, gint64 deadline_us, TnAnswer **ret_reply,
               GError **error)
{
    const VirshConn *conn = (const VirshConn *)base;
    g_auto(VirshRun) run = {.out_fd = -1, .err_fd = -1};
    int left_ms = tn_deadline_get_poll_ms(deadline_us);
    gint64 end_us = deadline_us == TN_DEADLINE_NEVER ? deadline_us : deadline_us + GRACE_US;
    g_autofree char *timeout = g_strdup_printf("%d", MAX(1, (left_ms + 999) / 1000));
    g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);

    run.out = g_string_new(NULL);
    run.err = g_string_new(NULL);
    g_ptr_array_add(argv, g_strdup("virsh"));
    if (conn->uri != NULL) {
        g_ptr_array_add(argv, g_strdup("--connect"));
        g_ptr_array_add(argv, g_strdup(conn->uri));
    }
    g_ptr_array_add(argv, g_strdup("qemu-agent-command"));
    if (left_ms < 0) {
        g_ptr_array_add(argv, g_strdup("--block"));
    } else {
        g_ptr_array_add(argv, g_strdup("--timeout"));
        g_ptr_array_add(argv, g_steal_pointer(&timeout));
    }
    g_ptr_array_add(argv, g_strdup("--"));
    g_ptr_array_add(argv, g_strdup(conn->domain));
    g_ptr_array_add(argv, g_strdup(request->str));
    g_ptr_array_add(argv, NULL);
    if (!run_virsh((char **)argv->pdata, end_us, &run, error))
        return FALSE;
    *ret_reply = tn_answer_parse(run.out->str, run.out->len, error);
    return *ret_reply != NULL;
}

static void
free_virsh(TnConn *base)
{
    VirshConn *conn = (VirshConn *)base;

    g_free(conn->domain);
    g_free(conn->uri);
    g_free(conn);
}

static const TnConnOps virsh_ops = {
    .exchange = exchange_virsh,
    .free = free_virsh,
};

TnConn *
tn_conn_virsh_open(const char *domain, const char *uri, GError **error)
{
    VirshConn *conn = g_new0(VirshConn, 1);

    conn->base.ops = &virsh_ops;
    conn->base.request_max = REQUEST_MAX_BYTES;
    conn->base.reply_max = REPLY_MAX_BYTES;
    conn->base.wait_max_ms = WAIT_MAX_MS;
    conn->base.wake_fd = -1;
    conn->domain = g_strdup(domain);
    conn->uri = g_strdup(uri);
    return &conn->base;
}
