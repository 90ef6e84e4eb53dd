/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The spawning thread. It is created with all signals blocked, so the child inherits that and no
 * handler can run in it; it owns one stack for children, which the suspension by CLONE_VFORK makes
 * enough. The report of the child's steps stands in shared memory of its own, because clone becomes
 * a fork under valgrind. The main thread keeps the time: it alone can, while the thread is
 * suspended, and finds the pidfd where the kernel put it before the child ran.
 */

#include "platform/spawner.h"

#include "platform/clock.h"
#include "platform/clone3.h"
#include "platform/confine-child-run.h"
#include "platform/fd.h"
#include "platform/grouplimits.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    STACK_BYTES = 128 * 1024, /* execve(2) itself needs none of it; a step a few hundred bytes */
    GUARD_BYTES = 64 * 1024,  /* a multiple of every page size in use */
    FIRST_FREE_FD = 3,
};

typedef struct Request Request;

struct Request {
    Request *next;
    TnSpawnPlan *plan;
    int stdio[3];
    int group; /* borrowed */
    TnSpawnDone done;
    gpointer data;
    /* the answer */
    pid_t pid;
    int pidfd;
    TnChildStep step;
    GError *error;
    gint64 started_us;
};

typedef struct {
    Request *head;
    Request **tail;
} RequestList;

/* The main context's side of the answers. */
typedef struct {
    GSource source;
    TnSpawner *spawner;
} SpawnerSource;

struct TnSpawner {
    GThread *thread;
    SpawnerSource *source;
    int event_fd; /* answers are ready */
    int null_fd;
    char *stack;
    TnChildReport *report;

    GMutex lock; /* guards the lists and quit */
    GCond wake;
    RequestList waiting;
    RequestList finished;
    gboolean quit;

    /* Written by the thread, read by the main thread, which keeps the time. */
    gint64 begun_us; /* under lock; 0: nothing is being cloned */
    int child_pidfd; /* written by the kernel in clone; -1 before */
    gboolean late;   /* under lock: was killed for taking too long */
    guint n_open;    /* main thread only: requests without an answer */
};

static void
append_request(RequestList *list, Request *request)
{
    request->next = NULL;
    *list->tail = request;
    list->tail = &request->next;
}

static Request *
take_requests(RequestList *list)
{
    Request *head = list->head;

    list->head = NULL;
    list->tail = &list->head;
    return head;
}

static void
free_request(Request *request)
{
    for (int i = 0; i < 3; i++)
        tn_fd_clear(&request->stdio[i]);
    tn_fd_clear(&request->pidfd);
    tn_spawn_plan_unref(request->plan);
    g_clear_error(&request->error);
    g_free(request);
}

/* The kernel copies the instructions; they are only pointed at here. */
static void
add_filter(TnChildPlan *plan, GBytes *filter)
{
    struct sock_fprog *program = &plan->filters[plan->n_filters];
    gsize size;

    if (filter == NULL)
        return;
    program->filter = (struct sock_filter *)(guintptr)g_bytes_get_data(filter, &size);
    program->len = (unsigned short)(size / sizeof(struct sock_filter));
    plan->n_filters++;
}

static TnChildPlan
build_child_plan(const TnSpawner *spawner, const Request *request)
{
    const TnSpawnSpec *spec = tn_spawn_plan_get_spec(request->plan);
    TnChildPlan plan = {
        .path = spec->path,
        .argv = spec->argv,
        .envp = spec->envp,
        .script_argv = tn_spawn_plan_get_script_argv(request->plan),
        .cwd = spec->cwd,
        .umask = spec->umask,
        .limits = spec->limits,
        .n_limits = spec->n_limits,
        .confine = &spec->confine,
        .report = spawner->report,
    };

    for (int i = 0; i < 3; i++)
        plan.stdio[i] = request->stdio[i] >= 0 ? request->stdio[i] : spawner->null_fd;
    for (gsize i = 0; i < G_N_ELEMENTS(spec->confine.filters); i++)
        add_filter(&plan, spec->confine.filters[i]);
    return plan;
}

/* Returns the pid or -errno. It is made in GROUP (-1: in the agent's), and if it MUST be there it
 * is made nowhere else. The thread sleeps in here until the program runs or the child is gone. */
static pid_t
clone_child(TnSpawner *spawner, TnChildPlan *plan, int group, gboolean must)
{
    char *stack = spawner->stack + GUARD_BYTES;
    int flags = CLONE_VM | CLONE_VFORK | (int)tn_confine_get_clone_flags(plan->confine);
    struct clone_args args = {
        .flags = (unsigned)flags | CLONE_PIDFD,
        .pidfd = (guint64)(guintptr)&spawner->child_pidfd,
        .exit_signal = SIGCHLD,
        .stack = (guint64)(guintptr)stack,
        .stack_size = STACK_BYTES,
    };
    long pid = -EBADF;

    if (group >= 0) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = (unsigned)group;
        pid = tn_clone3(&args, sizeof args, tn_child_run, plan);
        if (must)
            return (pid_t)pid;
        args.flags &= ~(guint64)CLONE_INTO_CGROUP;
        args.cgroup = 0;
    }
    if (pid < 0 && pid != -EMFILE && pid != -EAGAIN && pid != -ENOMEM)
        pid = tn_clone3(&args, sizeof args, tn_child_run, plan);
    if (pid != -ENOSYS)
        return (pid_t)pid;
    pid = clone(tn_child_run, stack + STACK_BYTES, flags | CLONE_PIDFD | SIGCHLD, plan,
                &spawner->child_pidfd);
    if (pid < 0 && errno == EINVAL) /* valgrind knows no CLONE_PIDFD */
        pid = clone(tn_child_run, stack + STACK_BYTES, flags | SIGCHLD, plan);
    return pid < 0 ? -errno : (pid_t)pid;
}

static void
set_step_error(Request *request, TnChildStep step, int error, gboolean late)
{
    const TnSpawnSpec *spec = tn_spawn_plan_get_spec(request->plan);
    int code = (int)g_io_error_from_errno(error);

    request->step = step;
    if (late)
        g_set_error(&request->error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT,
                    "step '%s' took longer than %d s and was ended", tn_child_step_name(step),
                    (int)(TN_SPAWN_LIMIT_US / G_USEC_PER_SEC));
    else if (step == TN_CHILD_STEP_EXEC)
        g_set_error(&request->error, G_IO_ERROR, code, "Failed to execute child process “%s” (%s)",
                    spec->argv[0], g_strerror(error));
    else if (step == TN_CHILD_STEP_DIRECTORY)
        g_set_error(&request->error, G_IO_ERROR, code, "Failed to change to directory “%s” (%s)",
                    spec->cwd, g_strerror(error));
    else
        g_set_error(&request->error, G_IO_ERROR, code, "confinement step '%s' failed: %s",
                    tn_child_step_name(step), g_strerror(error));
}

/* A child that failed is reaped here and leaves nothing; it is gone or about to be. */
static void
reap_failed(pid_t pid)
{
    int status;

    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
}

/* FALSE: the limits cannot be had, and the program must not run without. */
static gboolean
prepare_group(Request *request, gboolean *ret_must)
{
    const TnSpawnGroup *limits = &tn_spawn_plan_get_spec(request->plan)->group;
    g_autoptr(GError) error = NULL;

    *ret_must = FALSE;
    if (!limits->is_wanted)
        return TRUE;
    *ret_must = tn_grouplimits_set(request->group, limits, &error);
    if (*ret_must || limits->is_optional)
        return TRUE;
    request->step = TN_CHILD_STEP_GROUP;
    request->error = g_steal_pointer(&error);
    g_prefix_error(&request->error, "confinement step 'cgroup' failed: ");
    return FALSE;
}

static pid_t
start_child(TnSpawner *spawner, Request *request)
{
    TnChildPlan plan = build_child_plan(spawner, request);
    gboolean must;

    *spawner->report = (TnChildReport){.step = 0};
    return prepare_group(request, &must) ? clone_child(spawner, &plan, request->group, must)
                                         : -ENOTSUP;
}

static void
run_request(TnSpawner *spawner, Request *request)
{
    pid_t pid = start_child(spawner, request);
    gboolean late;

    request->started_us = tn_clock_monotonic_us();

    g_mutex_lock(&spawner->lock);
    spawner->begun_us = 0;
    late = spawner->late;
    request->pidfd = spawner->child_pidfd;
    g_mutex_unlock(&spawner->lock);

    if (request->error != NULL) {
        request->pidfd = -1;
    } else if (pid < 0) {
        request->pidfd = -1;
        request->step = TN_CHILD_STEP_N;
        g_set_error(&request->error, G_IO_ERROR, (int)g_io_error_from_errno(-pid),
                    "Failed to fork (%s)", g_strerror(-pid));
    } else if (spawner->report->error != 0 || spawner->report->step < TN_CHILD_STEP_EXEC || late) {
        /* Late counts as failed even if the program began in the same moment: the kill is sent. */
        int error = spawner->report->error != 0 ? spawner->report->error : ESRCH;

        set_step_error(request, (TnChildStep)spawner->report->step, error, late);
        tn_fd_clear(&request->pidfd);
        reap_failed(pid);
    } else {
        if (request->pidfd < 0)
            request->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
        request->pid = pid;
    }
    for (int i = 0; i < 3; i++) /* readers see the end only when our copies are gone, too */
        tn_fd_clear(&request->stdio[i]);
}

static gpointer
run_thread(gpointer data)
{
    TnSpawner *spawner = data;

    g_mutex_lock(&spawner->lock);
    for (;;) {
        Request *request;
        gboolean first;

        while (spawner->waiting.head == NULL && !spawner->quit)
            g_cond_wait(&spawner->wake, &spawner->lock);
        if (spawner->quit)
            break;
        request = spawner->waiting.head;
        spawner->waiting.head = request->next;
        if (request->next == NULL)
            spawner->waiting.tail = &spawner->waiting.head;
        spawner->begun_us = tn_clock_monotonic_us();
        spawner->child_pidfd = -1;
        spawner->late = FALSE;
        g_mutex_unlock(&spawner->lock);

        run_request(spawner, request);

        g_mutex_lock(&spawner->lock);
        first = spawner->finished.head == NULL;
        append_request(&spawner->finished, request);
        if (first)
            eventfd_write(spawner->event_fd, 1);
    }
    g_mutex_unlock(&spawner->lock);
    return NULL;
}

/* Under the lock. Kills the child that is between clone and exec, if there is one. */
static void
kill_current(TnSpawner *spawner)
{
    int pidfd = __atomic_load_n(&spawner->child_pidfd, __ATOMIC_ACQUIRE);

    if (spawner->begun_us == 0 || pidfd < 0)
        return;
    spawner->late = TRUE;
    syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
}

static void
answer_requests(TnSpawner *spawner)
{
    Request *request;
    eventfd_t count;

    eventfd_read(spawner->event_fd, &count);
    g_mutex_lock(&spawner->lock);
    request = take_requests(&spawner->finished);
    g_mutex_unlock(&spawner->lock);
    while (request != NULL) {
        Request *next = request->next;
        TnSpawnOutcome outcome = {
            .pid = request->pid,
            .pidfd = tn_fd_steal(&request->pidfd),
            .step = request->step,
            .error = request->error,
            .started_us = request->started_us,
        };

        spawner->n_open--;
        request->done(request->data, &outcome);
        free_request(request);
        request = next;
    }
}

/* The timer stays armed when the last answer is given, since each change of it costs a wake-up; it
 * goes off once after a burst and rests then. */
static void
check_time(TnSpawner *spawner)
{
    gint64 now = tn_clock_monotonic_us();
    gint64 next;

    g_mutex_lock(&spawner->lock);
    if (spawner->begun_us != 0 && spawner->begun_us + TN_SPAWN_LIMIT_US <= now) {
        kill_current(spawner);
        next = now + TN_SPAWN_LIMIT_US;
    } else {
        next = (spawner->begun_us != 0 ? spawner->begun_us : now) + TN_SPAWN_LIMIT_US;
    }
    g_mutex_unlock(&spawner->lock);
    g_source_set_ready_time(&spawner->source->source, spawner->n_open > 0 ? next : -1);
}

static gboolean
dispatch_source(GSource *source, GSourceFunc callback, gpointer data)
{
    TnSpawner *spawner = ((SpawnerSource *)source)->spawner;
    gint64 ready = g_source_get_ready_time(source);

    answer_requests(spawner);
    if (ready >= 0 && ready <= g_source_get_time(source))
        check_time(spawner);
    return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = {.dispatch = dispatch_source};

static gboolean
open_descriptors(TnSpawner *spawner, GError **error)
{
    /* Above 2 even if the agent was started with its own standard streams closed. */
    for (;;) {
        spawner->null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
        if (spawner->null_fd < 0)
            return tn_error_from_errno(error, errno, "open '/dev/null'");
        if (spawner->null_fd >= FIRST_FREE_FD)
            break;
    }
    spawner->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (spawner->event_fd < 0)
        return tn_error_from_errno(error, errno, "eventfd");
    return TRUE;
}

static gboolean
map_memory(TnSpawner *spawner, GError **error)
{
    void *stack = mmap(NULL, STACK_BYTES + GUARD_BYTES, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    void *report;

    if (stack == MAP_FAILED)
        return tn_error_from_errno(error, errno, "mmap of the child's stack");
    spawner->stack = stack;
    if (mprotect(stack, GUARD_BYTES, PROT_NONE) < 0)
        return tn_error_from_errno(error, errno, "mprotect of the child's stack");
    report = mmap(NULL, sizeof(TnChildReport), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                  -1, 0);
    if (report == MAP_FAILED)
        return tn_error_from_errno(error, errno, "mmap of the child's report");
    spawner->report = report;
    return TRUE;
}

/* The new thread inherits the mask; the raw call also blocks the signals that libc keeps for
 * itself, which a handler of libc would else run for in the child. */
static gboolean
start_thread(TnSpawner *spawner, GError **error)
{
    const guint64 all = G_MAXUINT64;
    guint64 saved = 0;

    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &saved, sizeof all);
    spawner->thread = g_thread_try_new("spawner", run_thread, spawner, error);
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &saved, NULL, sizeof saved);
    return spawner->thread != NULL;
}

TnSpawner *
tn_spawner_new(GMainContext *context, GError **error)
{
    g_autoptr(TnSpawner) spawner = g_new0(TnSpawner, 1);

    spawner->event_fd = -1;
    spawner->null_fd = -1;
    spawner->child_pidfd = -1;
    take_requests(&spawner->waiting);
    take_requests(&spawner->finished);
    g_mutex_init(&spawner->lock);
    g_cond_init(&spawner->wake);
    if (!open_descriptors(spawner, error) || !map_memory(spawner, error) ||
        !start_thread(spawner, error))
        return NULL;
    spawner->source = (SpawnerSource *)g_source_new(&source_funcs, sizeof(SpawnerSource));
    spawner->source->spawner = spawner;
    g_source_set_name(&spawner->source->source, "spawner");
    g_source_set_can_recurse(&spawner->source->source, TRUE); /* saves two writes per dispatch */
    g_source_add_unix_fd(&spawner->source->source, spawner->event_fd, G_IO_IN);
    g_source_attach(&spawner->source->source, context);
    return g_steal_pointer(&spawner);
}

static void
free_requests(Request *request)
{
    while (request != NULL) {
        Request *next = request->next;

        free_request(request);
        request = next;
    }
}

void
tn_spawner_free(TnSpawner *spawner)
{
    if (spawner == NULL)
        return;
    if (spawner->thread != NULL) {
        g_mutex_lock(&spawner->lock);
        spawner->quit = TRUE;
        kill_current(spawner);
        g_cond_signal(&spawner->wake);
        g_mutex_unlock(&spawner->lock);
        g_thread_join(spawner->thread);
    }
    if (spawner->source != NULL) {
        g_source_destroy(&spawner->source->source);
        g_source_unref(&spawner->source->source);
    }
    free_requests(take_requests(&spawner->waiting));
    free_requests(take_requests(&spawner->finished));
    tn_fd_clear(&spawner->event_fd);
    tn_fd_clear(&spawner->null_fd);
    if (spawner->stack != NULL)
        munmap(spawner->stack, STACK_BYTES + GUARD_BYTES);
    if (spawner->report != NULL)
        munmap(spawner->report, sizeof(TnChildReport));
    g_mutex_clear(&spawner->lock);
    g_cond_clear(&spawner->wake);
    g_free(spawner);
}

void
tn_spawner_start_in(TnSpawner *spawner, const TnSpawnPlan *plan, const int stdio[3], int group,
                    TnSpawnDone done, gpointer data)
{
    Request *request = g_new0(Request, 1);

    request->plan = tn_spawn_plan_ref(plan);
    memcpy(request->stdio, stdio, sizeof request->stdio);
    request->group = group;
    request->done = done;
    request->data = data;
    request->pidfd = -1;
    spawner->n_open++;
    if (g_source_get_ready_time(&spawner->source->source) < 0)
        g_source_set_ready_time(&spawner->source->source,
                                tn_clock_monotonic_us() + TN_SPAWN_LIMIT_US);
    g_mutex_lock(&spawner->lock);
    append_request(&spawner->waiting, request);
    g_cond_signal(&spawner->wake);
    g_mutex_unlock(&spawner->lock);
}

void
tn_spawner_start(TnSpawner *spawner, const TnSpawnPlan *plan, const int stdio[3], TnSpawnDone done,
                 gpointer data)
{
    tn_spawner_start_in(spawner, plan, stdio, -1, done, data);
}
