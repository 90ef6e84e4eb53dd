/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Re-execution. The successor is asked first, as a child, because nothing can be undone once the
 * descriptors stand at the places where it looks for them.
 */

#include "platform/reexec.h"

#include "platform/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    FIRST_FD = 3, /* SD_LISTEN_FDS_START */
    ANSWER_S = 5,
};

/* linux/wait.h; older libc headers lack it. */
#define WAIT_PIDFD 3

typedef struct {
    int pidfd;
    guint timeout;
    TnReexecDone done;
    gpointer data;
} Question;

gboolean
tn_reexec_answer(int argc, char **argv, gint64 version, int *ret_exit_code)
{
    gint64 asked = 0;

    if (argc != 3 || strcmp(argv[1], TN_REEXEC_QUESTION) != 0)
        return FALSE;
    *ret_exit_code =
        g_ascii_string_to_signed(argv[2], 10, 1, G_MAXINT64, &asked, NULL) && asked <= version ? 0
                                                                                               : 1;
    return TRUE;
}

char *
tn_reexec_find_program(void)
{
    static const char deleted[] = " (deleted)";
    char *path = g_file_read_link("/proc/self/exe", NULL);

    /* An upgrade has put another file in its place. */
    if (path != NULL && g_str_has_suffix(path, deleted))
        path[strlen(path) - strlen(deleted)] = '\0';
    return path;
}

static void
end_question(Question *question, gboolean accepted)
{
    if (question->timeout != 0)
        g_source_remove(question->timeout);
    tn_fd_clear(&question->pidfd);
    question->done(accepted, question->data);
    g_free(question);
}

static gboolean
handle_exit(int fd, GIOCondition condition, gpointer data)
{
    Question *question = data;
    siginfo_t status = {0};
    gboolean accepted = waitid((idtype_t)WAIT_PIDFD, (id_t)fd, &status, WEXITED) == 0 &&
                        status.si_code == CLD_EXITED && status.si_status == 0;

    end_question(question, accepted);
    return G_SOURCE_REMOVE;
}

static gboolean
handle_timeout(gpointer data)
{
    Question *question = data;

    question->timeout = 0;
    syscall(SYS_pidfd_send_signal, question->pidfd, SIGKILL, NULL, 0);
    return G_SOURCE_REMOVE;
}

static gboolean
report_failure(gpointer data)
{
    end_question(data, FALSE);
    return G_SOURCE_REMOVE;
}

void
tn_reexec_ask(const char *program, gint64 version, TnReexecDone done, gpointer data)
{
    Question *question = g_new0(Question, 1);
    g_autofree char *path = g_strdup(program);
    g_autofree char *number = g_strdup_printf("%" G_GINT64_FORMAT, version);
    g_autofree char *option = g_strdup(TN_REEXEC_QUESTION);
    char *argv[] = {path, option, number, NULL};
    pid_t pid = 0;

    question->done = done;
    question->data = data;
    question->pidfd = -1;
    if (posix_spawn(&pid, program, NULL, NULL, argv, environ) == 0)
        question->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (question->pidfd < 0) {
        g_idle_add(report_failure, question);
        return;
    }
    fcntl(question->pidfd, F_SETFD, FD_CLOEXEC);
    g_unix_fd_add(question->pidfd, G_IO_IN, handle_exit, question);
    question->timeout = g_timeout_add_seconds(ANSWER_S, handle_timeout, question);
}

/* Moves the descriptors to their places, above all of them first so that none is overwritten. */
static gboolean
place_descriptors(GArray *fds)
{
    int above = FIRST_FD + (int)fds->len;

    for (guint i = 0; i < fds->len; i++) {
        g_array_index(fds, int, i) = fcntl(g_array_index(fds, int, i), F_DUPFD_CLOEXEC, above);
        if (g_array_index(fds, int, i) < 0)
            return FALSE;
    }
    for (guint i = 0; i < fds->len; i++)
        if (dup3(g_array_index(fds, int, i), FIRST_FD + (int)i, 0) < 0)
            return FALSE;
    return TRUE;
}

void
tn_reexec_run(const char *program, char **argv, const TnReexecStream *stream, const GArray *fds,
              const char *prefix)
{
    g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(int));
    g_autoptr(GString) names = g_string_new(stream->fd >= 0 ? stream->name : NULL);
    g_auto(GStrv) env = g_get_environ();
    g_autofree char *number = NULL;
    g_autofree char *pid = g_strdup_printf("%d", (int)getpid());

    if (stream->fd >= 0)
        g_array_append_val(all, stream->fd);
    for (guint i = 0; fds != NULL && i < fds->len; i++) {
        g_array_append_val(all, g_array_index(fds, int, i));
        if (names->len > 0)
            g_string_append_c(names, ':');
        if (i == 0)
            g_string_append_printf(names, "%sstate", prefix);
        else
            g_string_append_printf(names, "%s%u", prefix, i);
    }
    number = g_strdup_printf("%u", all->len);
    if (all->len > 0) {
        env = g_environ_setenv(env, "LISTEN_PID", pid, TRUE);
        env = g_environ_setenv(env, "LISTEN_FDS", number, TRUE);
        env = g_environ_setenv(env, "LISTEN_FDNAMES", names->str, TRUE);
    }
    if (place_descriptors(all))
        execve(program, argv, env);
}
