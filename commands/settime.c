/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Setting the clock. Reading it stands with the other facts (commands/os.c).
 */
#include "commands/settime.h"

#include "platform/rtc.h"
#include "platform/sysroot.h"

typedef struct {
    int64_t ns;
    bool has_ns;
} TimeArgs;

static gboolean
run_set_time(TnCall *call, const void *data, void *result, GError **error)
{
    const TimeArgs *args = data;

    return args->has_ns ? tn_rtc_set_time(&tn_rtc_ops, TN_SYSROOT_HOST, args->ns, error)
                        : tn_rtc_set_clock_from_it(&tn_rtc_ops, TN_SYSROOT_HOST, error);
}

static const TnField time_args[] = {
    {"time",
     TN_INT(TimeArgs, ns, TN_PRESENT(TimeArgs, has_ns),
            .doc = "nanoseconds since 1970; without it the hardware clock's time is taken")},
    {0},
};

static const TnCommand commands[] = {
    {
        .name = "guest-set-time",
        .group = "@time",
        .args = time_args,
        .args_size = sizeof(TimeArgs),
        .run = run_set_time,
        .flags = TN_COMMAND_MUTATES | TN_COMMAND_BLOCKING,
        .since = "1.5",
        .doc = "Sets the guest's clock and its hardware clock.",
    },
    {0},
};

const TnModule tn_settime_module = {
    .name = "settime",
    .commands = commands,
};
