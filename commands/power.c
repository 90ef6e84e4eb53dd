/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Power off, restart, suspend: the distribution's own programs by absolute path, so that services
 * are stopped as the guest's owner set it up. Success is silent: the machine's own event tells.
 */
#include "commands/power.h"

#include "platform/fd.h"
#include "platform/helper.h"
#include "platform/sysroot.h"

#include <string.h>
#include <unistd.h>

#define SHUTDOWN_LIMIT_US (60 * G_USEC_PER_SEC)
#define CHECK_LIMIT_US    (10 * G_USEC_PER_SEC)
/* Time stands still while suspended. */
#define SUSPEND_LIMIT_US (120 * G_USEC_PER_SEC)

#define POWER_STATE "/sys/power/state"

typedef struct {
    char *mode;
} ShutdownArgs;

typedef struct {
    const char *word;
    const char *program;
    const char *flag; /* of /sbin/shutdown */
} ShutdownMode;

typedef struct {
    const char *service;
    const char *verb; /* of systemctl */
    const char *pm_flag;
    const char *pm_program;
    const char *state; /* of the kernel; NULL: it has none */
} SuspendMode;

static const ShutdownMode shutdown_modes[] = {
    {"powerdown", "/sbin/poweroff", "-P"},
    {"halt", "/sbin/halt", "-H"},
    {"reboot", "/sbin/reboot", "-r"},
};

static const SuspendMode suspend_disk = {"systemd-hibernate", "hibernate", "--hibernate",
                                         "pm-hibernate", "disk"};
static const SuspendMode suspend_ram = {"systemd-suspend", "suspend", "--suspend", "pm-suspend",
                                        "mem"};
static const SuspendMode suspend_hybrid = {"systemd-hybrid-sleep", "hybrid-sleep",
                                           "--suspend-hybrid", "pm-suspend-hybrid", NULL};

static const ShutdownMode *
find_mode(const char *word)
{
    for (gsize i = 0; i < G_N_ELEMENTS(shutdown_modes); i++) {
        if (word == NULL || strcmp(shutdown_modes[i].word, word) == 0)
            return &shutdown_modes[i];
    }
    return NULL;
}

static gboolean
run_shutdown(TnCall *call, const void *data, void *result, GError **error)
{
    const ShutdownMode *mode = find_mode(((const ShutdownArgs *)data)->mode);
    const char *plain[] = {NULL, NULL};
    const char *full[] = {
        "/sbin/shutdown", "-h", NULL, "+0", "hypervisor initiated shutdown", NULL};

    if (mode == NULL) {
        g_set_error_literal(error, TN_REQUEST_ERROR, TN_REQUEST_ERROR_GENERIC,
                            "mode is invalid (valid values are: halt|powerdown|reboot");
        return FALSE;
    }
    plain[0] = mode->program;
    full[2] = mode->flag;
    return tn_helpers_must_run(tn_call_get_context(call)->helpers, "shutdown",
                               access(mode->program, X_OK) == 0 ? plain : full, NULL,
                               SHUTDOWN_LIMIT_US, "shutdown", error);
}

/* The absolute path of NAME where distributions have it; NULL: none. The caller owns it. */
static char *
find_program(const char *name)
{
    static const char *const directories[] = {"/usr/bin", "/bin", "/usr/sbin", "/sbin"};

    for (gsize i = 0; i < G_N_ELEMENTS(directories); i++) {
        g_autofree char *path = g_build_filename(directories[i], name, NULL);

        if (access(path, X_OK) == 0)
            return g_steal_pointer(&path);
    }
    return NULL;
}

/* Exit status of a question, -1 when it could not be asked. */
static int
ask_program(TnHelpers *helpers, const char *const *argv)
{
    g_autoptr(GError) ignored = NULL;
    g_auto(TnHelperEnd) end = {0};

    if (!tn_helpers_run(helpers, "suspend", argv, NULL, CHECK_LIMIT_US, &end, &ignored))
        return -1;
    return end.exited && !end.timed_out ? end.status : -1;
}

/* The ways to suspend: each says whether it exists here, and then does it. */

static gboolean
suspend_by_systemd(TnHelpers *helpers, const SuspendMode *mode, gboolean *ret_exists,
                   GError **error)
{
    g_autofree char *program = find_program("systemctl");
    const char *status[] = {program, "status", mode->service, NULL};
    const char *act[] = {program, mode->verb, NULL};
    int answer = program != NULL ? ask_program(helpers, status) : -1;

    /* systemctl(1): 4 is "no such unit". */
    *ret_exists = answer > 0 && answer < 4;
    return *ret_exists &&
           tn_helpers_must_run(helpers, "suspend", act, NULL, SUSPEND_LIMIT_US, "suspend", error);
}

static gboolean
suspend_by_pm(TnHelpers *helpers, const SuspendMode *mode, gboolean *ret_exists, GError **error)
{
    g_autofree char *question = find_program("pm-is-supported");
    g_autofree char *program = find_program(mode->pm_program);
    const char *ask[] = {question, mode->pm_flag, NULL};
    const char *act[] = {program, NULL};

    *ret_exists = question != NULL && program != NULL && ask_program(helpers, ask) == 0;
    return *ret_exists &&
           tn_helpers_must_run(helpers, "suspend", act, NULL, SUSPEND_LIMIT_US, "suspend", error);
}

static gboolean
suspend_by_kernel(TnHelpers *helpers, const SuspendMode *mode, gboolean *ret_exists, GError **error)
{
    g_auto(GStrv) words = NULL;
    tn_autofd int fd = -1;
    char text[64];

    *ret_exists = FALSE;
    if (mode->state == NULL ||
        tn_sysroot_read_attr(TN_SYSROOT_HOST, POWER_STATE, text, sizeof(text)) < 0)
        return FALSE;
    words = g_strsplit(text, " ", -1);
    *ret_exists = g_strv_contains((const char *const *)words, mode->state);
    if (!*ret_exists)
        return FALSE;
    fd = tn_sysroot_open(TN_SYSROOT_HOST, POWER_STATE, O_WRONLY);
    if (fd >= 0 && write(fd, mode->state, strlen(mode->state)) >= 0)
        return TRUE;
    return tn_error_from_errno(error, errno, "suspend: cannot write to '%s'", POWER_STATE);
}

static gboolean
suspend(TnCall *call, const SuspendMode *mode, GError **error)
{
    static gboolean (*const ways[])(TnHelpers *, const SuspendMode *, gboolean *, GError **) = {
        suspend_by_systemd,
        suspend_by_pm,
        suspend_by_kernel,
    };
    g_autoptr(GError) last = NULL;

    for (gsize i = 0; i < G_N_ELEMENTS(ways); i++) {
        g_autoptr(GError) failure = NULL;
        gboolean exists = FALSE;

        if (ways[i](tn_call_get_context(call)->helpers, mode, &exists, &failure))
            return TRUE;
        if (failure != NULL) {
            g_clear_error(&last);
            last = g_steal_pointer(&failure);
        }
    }
    if (last != NULL)
        g_propagate_error(error, g_steal_pointer(&last));
    else
        g_set_error_literal(error, TN_REQUEST_ERROR, TN_REQUEST_ERROR_GENERIC,
                            "the requested suspend mode is not supported by the guest");
    return FALSE;
}

static gboolean
run_suspend_disk(TnCall *call, const void *args, void *result, GError **error)
{
    return suspend(call, &suspend_disk, error);
}

static gboolean
run_suspend_ram(TnCall *call, const void *args, void *result, GError **error)
{
    return suspend(call, &suspend_ram, error);
}

static gboolean
run_suspend_hybrid(TnCall *call, const void *args, void *result, GError **error)
{
    return suspend(call, &suspend_hybrid, error);
}

static const TnField shutdown_args[] = {
    {"mode", TN_STRING(ShutdownArgs, mode, .doc = "powerdown (default), halt or reboot")},
    {0},
};

#define POWER_FLAGS (TN_COMMAND_MUTATES | TN_COMMAND_BLOCKING | TN_COMMAND_NO_SUCCESS_REPLY)

static const TnCommand commands[] = {
    {
        .name = "guest-shutdown",
        .group = "@power",
        .args = shutdown_args,
        .args_size = sizeof(ShutdownArgs),
        .run = run_shutdown,
        .flags = POWER_FLAGS,
        .since = "0.15.0",
        .doc = "Powers off, halts or restarts the guest.",
    },
    {
        .name = "guest-suspend-disk",
        .group = "@power",
        .run = run_suspend_disk,
        .flags = POWER_FLAGS,
        .since = "1.1",
        .doc = "Suspends the guest to its disk.",
    },
    {
        .name = "guest-suspend-ram",
        .group = "@power",
        .run = run_suspend_ram,
        .flags = POWER_FLAGS,
        .since = "1.1",
        .doc = "Suspends the guest to memory.",
    },
    {
        .name = "guest-suspend-hybrid",
        .group = "@power",
        .run = run_suspend_hybrid,
        .flags = POWER_FLAGS,
        .since = "1.1",
        .doc = "Suspends the guest to memory, ready to resume from its disk.",
    },
    {0},
};

const TnModule tn_power_module = {
    .name = "power",
    .commands = commands,
};
