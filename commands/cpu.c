/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processors, their time and their load, from the kernel's own files, by number.
 */
#include "commands/cpu.h"

#include "platform/cpus.h"
#include "platform/loadavg.h"
#include "platform/sysroot.h"

typedef struct {
    GPtrArray *list;
} List;

typedef struct {
    int64_t n;
} Count;

static gboolean
run_vcpus(TnCall *call, const void *args, void *result, GError **error)
{
    List *answer = result;

    answer->list = tn_cpus_read(TN_SYSROOT_HOST, error);
    return answer->list != NULL;
}

/* The first that cannot be done ends it; an error only when nothing was done before, since a host
 * repeats with the rest. */
static gboolean
run_set_vcpus(TnCall *call, const void *args, void *result, GError **error)
{
    const GPtrArray *list = ((const List *)args)->list;
    Count *count = result;

    for (guint i = 0; i < list->len; i++) {
        const TnCpu *cpu = g_ptr_array_index(list, i);
        g_autoptr(GError) failure = NULL;

        if (!tn_cpus_set_online(TN_SYSROOT_HOST, cpu->logical_id, cpu->online, &failure)) {
            if (i > 0)
                return TRUE;
            g_propagate_error(error, g_steal_pointer(&failure));
            return FALSE;
        }
        count->n++;
    }
    return TRUE;
}

static gboolean
run_cpustats(TnCall *call, const void *args, void *result, GError **error)
{
    List *answer = result;

    answer->list = tn_cpus_read_stats(TN_SYSROOT_HOST, error);
    return answer->list != NULL;
}

static gboolean
run_load(TnCall *call, const void *args, void *result, GError **error)
{
    return tn_loadavg_read(TN_SYSROOT_HOST, result, error);
}

static const char *const family_words[] = {"linux", NULL};

static const TnField vcpu_fields[] = {
    {"logical-id", TN_INT(TnCpu, logical_id, .flags = TN_FIELD_REQUIRED)},
    {"online", TN_BOOL(TnCpu, online, .flags = TN_FIELD_REQUIRED)},
    {"can-offline", TN_BOOL(TnCpu, can_offline, .flags = TN_FIELD_REQUIRED)},
    {0},
};

static const TnField vcpus_result = {
    NULL, TN_LIST(List, list, TnCpu, .fields = vcpu_fields, .flags = TN_FIELD_REQUIRED)};

static const TnField set_vcpu_fields[] = {
    {"logical-id", TN_INT(TnCpu, logical_id, .flags = TN_FIELD_REQUIRED)},
    {"online", TN_BOOL(TnCpu, online, .flags = TN_FIELD_REQUIRED)},
    {"can-offline", TN_BOOL(TnCpu, can_offline, .doc = "not looked at")},
    {0},
};

static const TnField set_vcpus_args[] = {
    {"vcpus", TN_LIST(List, list, TnCpu, .fields = set_vcpu_fields, .flags = TN_FIELD_REQUIRED)},
    {0},
};

static const TnField set_vcpus_result = {
    NULL, TN_INT(Count, n, .flags = TN_FIELD_REQUIRED, .doc = "how many were dealt with")};

static const TnField cpustat_fields[] = {
    {"type", TN_ENUM(TnCpuStat, family, .words = family_words, .flags = TN_FIELD_REQUIRED)},
    {"cpu", TN_INT(TnCpuStat, cpu, .flags = TN_FIELD_REQUIRED)},
    {"user", TN_UINT(TnCpuStat, user, .flags = TN_FIELD_REQUIRED, .doc = "milliseconds, as all")},
    {"nice", TN_UINT(TnCpuStat, nice, .flags = TN_FIELD_REQUIRED)},
    {"system", TN_UINT(TnCpuStat, system, .flags = TN_FIELD_REQUIRED)},
    {"idle", TN_UINT(TnCpuStat, idle, .flags = TN_FIELD_REQUIRED)},
    {"iowait", TN_UINT(TnCpuStat, iowait, TN_PRESENT(TnCpuStat, has_iowait))},
    {"irq", TN_UINT(TnCpuStat, irq, TN_PRESENT(TnCpuStat, has_irq))},
    {"softirq", TN_UINT(TnCpuStat, softirq, TN_PRESENT(TnCpuStat, has_softirq))},
    {"steal", TN_UINT(TnCpuStat, steal, TN_PRESENT(TnCpuStat, has_steal))},
    {"guest", TN_UINT(TnCpuStat, guest, TN_PRESENT(TnCpuStat, has_guest))},
    {"guestnice", TN_UINT(TnCpuStat, guestnice, TN_PRESENT(TnCpuStat, has_guestnice))},
    {0},
};

static const TnField cpustats_result = {
    NULL, TN_LIST(List, list, TnCpuStat, .fields = cpustat_fields, .flags = TN_FIELD_REQUIRED)};

static const TnField load_fields[] = {
    {"load1m", TN_NUMBER(TnLoadavg, load1m, .flags = TN_FIELD_REQUIRED)},
    {"load5m", TN_NUMBER(TnLoadavg, load5m, .flags = TN_FIELD_REQUIRED)},
    {"load15m", TN_NUMBER(TnLoadavg, load15m, .flags = TN_FIELD_REQUIRED)},
    {0},
};

static const TnField load_result = {
    NULL,
    .type = TN_TYPE_OBJECT,
    .flags = TN_FIELD_REQUIRED,
    .fields = load_fields,
};

static const TnCommand commands[] = {
    {
        .name = "guest-get-vcpus",
        .group = "@info",
        .result = &vcpus_result,
        .result_size = sizeof(List),
        .run = run_vcpus,
        .since = "1.5",
        .doc = "Logical processors by number.",
    },
    {
        .name = "guest-set-vcpus",
        .group = "@resize",
        .args = set_vcpus_args,
        .args_size = sizeof(List),
        .result = &set_vcpus_result,
        .result_size = sizeof(Count),
        .run = run_set_vcpus,
        .flags = TN_COMMAND_MUTATES | TN_COMMAND_BLOCKING,
        .since = "1.5",
        .doc = "Switches logical processors on and off.",
    },
    {
        .name = "guest-get-cpustats",
        .group = "@info",
        .result = &cpustats_result,
        .result_size = sizeof(List),
        .run = run_cpustats,
        .since = "7.1",
        .doc = "Time that each processor spent, in milliseconds.",
    },
    {
        .name = "guest-get-load",
        .group = "@info",
        .result = &load_result,
        .result_size = sizeof(TnLoadavg),
        .run = run_load,
        .since = "10.0",
        .doc = "Load averages.",
    },
    {0},
};

const TnModule tn_cpu_module = {
    .name = "cpu",
    .commands = commands,
};
