/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The lock on the pid file belongs to the open file, not to the process (F_OFD_SETLK), so that the
 * parent can take it and the child hold it: a second daemon fails in the process that was started,
 * before it has touched a socket or a state file. Such a lock and qemu-ga's exclude each other.
 */

#include "agent/daemon.h"

#include "platform/fd.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct TnDaemon {
    char *pid_path;
    int lock_fd;
    int ready_fd; /* -1 once the parent was released */
};

void
tn_daemon_free(TnDaemon *daemon)
{
    if (daemon == NULL)
        return;
    if (daemon->lock_fd >= 0)
        (void)unlink(daemon->pid_path);
    tn_fd_clear(&daemon->lock_fd);
    tn_fd_clear(&daemon->ready_fd);
    g_free(daemon->pid_path);
    g_free(daemon);
}

static gboolean
fail(GError **error, int saved, const char *what)
{
    g_set_error(error, G_IO_ERROR, (gint)g_io_error_from_errno(saved), "%s: %s", what,
                g_strerror(saved));
    return FALSE;
}

/* FALSE without an error: the file was replaced meanwhile, try again. */
static gboolean
try_lock(TnDaemon *daemon, GError **error)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    struct stat opened;
    struct stat named;
    tn_autofd int fd =
        open(daemon->pid_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);

    if (fd < 0) {
        int saved = errno;
        g_autofree char *what = g_strdup_printf("Could not create '%s'", daemon->pid_path);

        return fail(error, saved, what);
    }
    if (fcntl(fd, F_OFD_SETLK, &lock) < 0)
        return fail(error, errno, "Cannot lock pid file");
    /* The last holder removes the file: then this lock is on one that nobody can find. */
    if (fstat(fd, &opened) < 0)
        return fail(error, errno, "Cannot stat pid file");
    if (stat(daemon->pid_path, &named) < 0 || named.st_ino != opened.st_ino ||
        named.st_dev != opened.st_dev)
        return FALSE;
    daemon->lock_fd = tn_fd_steal(&fd);
    return TRUE;
}

static gboolean
lock_file(TnDaemon *daemon, GError **error)
{
    g_autoptr(GError) failure = NULL;

    while (!try_lock(daemon, &failure)) {
        if (failure == NULL)
            continue;
        g_propagate_error(error, g_steal_pointer(&failure));
        return FALSE;
    }
    return TRUE;
}

static gboolean
become_daemon(TnDaemon *daemon, GError **error)
{
    g_autofree char *text = g_strdup_printf("%ld\n", (long)getpid());

    (void)umask(077);
    if (setsid() < 0)
        return fail(error, errno, "Cannot begin a session");
    if (chdir("/") < 0)
        return fail(error, errno, "Cannot change to '/'");
    if (ftruncate(daemon->lock_fd, 0) < 0)
        return fail(error, errno, "Cannot truncate pid file");
    if (!tn_fd_write_all(daemon->lock_fd, text, strlen(text), error)) {
        g_prefix_error(error, "Failed to write pid file: ");
        return FALSE;
    }
    return TRUE;
}

static int
wait_for_child(pid_t child, int ready_fd)
{
    char byte = 0;
    int status = 0;
    gssize n = 0;

    do
        n = read(ready_fd, &byte, 1);
    while (n < 0 && errno == EINTR);
    if (n == 1)
        return 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    return WIFEXITED(status) && WEXITSTATUS(status) != 0 ? WEXITSTATUS(status) : 1;
}

gboolean
tn_daemon_start(const char *pid_path, TnDaemon **ret_daemon, int *ret_exit_code, GError **error)
{
    g_autoptr(TnDaemon) daemon = g_new(TnDaemon, 1);
    int ends[2] = {-1, -1};
    pid_t child = -1;

    *daemon = (TnDaemon){.pid_path = g_strdup(pid_path), .lock_fd = -1, .ready_fd = -1};
    if (!lock_file(daemon, error))
        return FALSE;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return fail(error, errno, "Cannot make a pipe");
    child = fork();
    if (child < 0) {
        int saved = errno;

        tn_fd_clear(&ends[0]);
        tn_fd_clear(&ends[1]);
        return fail(error, saved, "Cannot fork");
    }
    if (child > 0) {
        tn_fd_clear(&ends[1]);
        /* The file and its lock are the child's from now on. */
        tn_fd_clear(&daemon->lock_fd);
        *ret_exit_code = wait_for_child(child, ends[0]);
        tn_fd_clear(&ends[0]);
        *ret_daemon = NULL;
        return TRUE;
    }
    tn_fd_clear(&ends[0]);
    daemon->ready_fd = ends[1];
    if (!become_daemon(daemon, error))
        return FALSE;
    *ret_daemon = g_steal_pointer(&daemon);
    return TRUE;
}

void
tn_daemon_ready(TnDaemon *daemon)
{
    tn_autofd int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    gssize n = 0;

    if (null_fd >= 0) {
        (void)dup3(null_fd, STDIN_FILENO, 0);
        (void)dup3(null_fd, STDOUT_FILENO, 0);
        (void)dup3(null_fd, STDERR_FILENO, 0);
    }
    n = write(daemon->ready_fd, "", 1);
    (void)n; /* a parent that was killed needs no answer */
    tn_fd_clear(&daemon->ready_fd);
}
