/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Between clone and exec. Alone in its object file, so that its undefined symbols can be compared
 * with a list of async-signal-safe calls (tests/lint). The steps are rows of one table and small
 * functions over a plan in memory: no decisions are made here, only carried out. Raw system calls
 * stand where libc's function would do more than the call (its set*id signal all threads).
 */

#include "platform/child-run.h"

#include "platform/confine-child-run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    EXIT_NOT_STARTED = 127,
    /* Where close_range(2) is missing (before Linux 5.9): no agent has more descriptors. */
    FALLBACK_FD_MAX = 65536,
    CLOEXEC_FLAG = 1 << 2, /* CLOSE_RANGE_CLOEXEC, linux/close_range.h */
    KERNEL_SIGSET_BYTES = 8,
};

/* Each returns 0 or an errno. */
typedef int (*StepRun)(const TnChildPlan *plan);

typedef struct {
    const char *name;
    StepRun run;
} Step;

/* A handler of the agent must never run in the child, whose memory is the agent's. Ignored signals
 * would stay ignored in the program. */
static int
reset_signals(const TnChildPlan *plan)
{
    struct sigaction action = {.sa_handler = SIG_DFL};

    for (int number = 1; number < NSIG; number++)
        sigaction(number, &action, NULL); /* fails for KILL, STOP and libc's own: no matter */
    return 0;
}

static int
make_session(const TnChildPlan *plan)
{
    return setsid() < 0 ? errno : 0;
}

static int
set_stdio(const TnChildPlan *plan)
{
    for (int i = 0; i < 3; i++)
        if (dup2(plan->stdio[i], i) < 0)
            return errno;
    return 0;
}

static int
close_descriptors(const TnChildPlan *plan)
{
    if (syscall(SYS_close_range, 3U, ~0U, CLOEXEC_FLAG) == 0)
        return 0;
    for (int fd = 3; fd < FALLBACK_FD_MAX; fd++)
        fcntl(fd, F_SETFD, FD_CLOEXEC); /* fails where there is none */
    return 0;
}

static int
set_limits(const TnChildPlan *plan)
{
    for (guint i = 0; i < plan->n_limits; i++)
        if (syscall(SYS_prlimit64, 0, plan->limits[i].resource, &plan->limits[i].soft, NULL) < 0)
            return errno;
    return 0;
}

static int
set_umask(const TnChildPlan *plan)
{
    if (plan->umask >= 0)
        umask((mode_t)plan->umask);
    return 0;
}

static int
change_directory(const TnChildPlan *plan)
{
    return plan->cwd != NULL && chdir(plan->cwd) < 0 ? errno : 0;
}

static int
unblock_signals(const TnChildPlan *plan)
{
    const guint64 none = 0;

    return syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, KERNEL_SIGSET_BYTES) < 0 ? errno
                                                                                          : 0;
}

static int
become_program(const TnChildPlan *plan)
{
    int error;

    execve(plan->path, plan->argv, plan->envp);
    error = errno;
    if (error == ENOEXEC) /* a script without #!, as execvp(3) treats it */
        execve(plan->script_argv[0], plan->script_argv, plan->envp);
    return error;
}

static int
make_namespaces(const TnChildPlan *plan)
{
    return tn_confine_make_namespaces(plan->confine);
}

static int
make_mounts(const TnChildPlan *plan)
{
    return tn_confine_make_mounts(plan->confine);
}

static int
drop_bounding(const TnChildPlan *plan)
{
    return tn_confine_drop_bounding(plan->confine);
}

static int
change_user(const TnChildPlan *plan)
{
    return tn_confine_change_user(plan->confine);
}

static int
set_capabilities(const TnChildPlan *plan)
{
    return tn_confine_set_capabilities(plan->confine);
}

static int
set_death_signal(const TnChildPlan *plan)
{
    return tn_confine_set_death_signal(plan->confine);
}

static int
set_no_new_privs(const TnChildPlan *plan)
{
    return tn_confine_set_no_new_privs(plan->confine);
}

static int
install_filters(const TnChildPlan *plan)
{
    return tn_confine_install_filters(plan->filters, plan->n_filters);
}

static const Step steps[TN_CHILD_STEP_N] = {
    [TN_CHILD_STEP_SIGNALS] = {"signals", reset_signals},
    [TN_CHILD_STEP_SESSION] = {"session", make_session},
    [TN_CHILD_STEP_STDIO] = {"stdio", set_stdio},
    [TN_CHILD_STEP_DESCRIPTORS] = {"descriptors", close_descriptors},
    [TN_CHILD_STEP_NAMESPACES] = {"namespaces", make_namespaces},
    [TN_CHILD_STEP_MOUNTS] = {"mounts", make_mounts},
    [TN_CHILD_STEP_LIMITS] = {"limits", set_limits},
    [TN_CHILD_STEP_BOUNDING] = {"bounding", drop_bounding},
    [TN_CHILD_STEP_USER] = {"user", change_user},
    [TN_CHILD_STEP_CAPABILITIES] = {"capabilities", set_capabilities},
    [TN_CHILD_STEP_DEATH_SIGNAL] = {"death-signal", set_death_signal},
    [TN_CHILD_STEP_UMASK] = {"umask", set_umask},
    [TN_CHILD_STEP_DIRECTORY] = {"directory", change_directory},
    [TN_CHILD_STEP_NO_NEW_PRIVS] = {"no-new-privs", set_no_new_privs},
    [TN_CHILD_STEP_FILTERS] = {"seccomp", install_filters},
    [TN_CHILD_STEP_SIGMASK] = {"sigmask", unblock_signals},
    [TN_CHILD_STEP_EXEC] = {"exec", become_program},
};

int
tn_child_run(void *data)
{
    const TnChildPlan *plan = data;

    for (int i = 0; i < TN_CHILD_STEP_N; i++) {
        int error;

        plan->report->step = i;
        error = steps[i].run(plan);
        if (error != 0) {
            plan->report->error = error;
            break;
        }
    }
    _exit(EXIT_NOT_STARTED);
}

const char *
tn_child_step_name(TnChildStep step)
{
    return step < TN_CHILD_STEP_N ? steps[step].name : "unknown";
}
