/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory: the blocks that can be switched off, and, which no other guest agent tells, how much of
 * it is in use and how tight it is.
 */
#include "commands/memory.h"

#include "platform/memblocks.h"
#include "platform/meminfo.h"
#include "platform/sysroot.h"

typedef struct {
    GPtrArray *list;
} List;

typedef struct {
    uint64_t size;
} BlockInfo;

typedef struct {
    uint64_t phys_index;
    int outcome;
    int64_t error_code;
    bool has_error_code;
} BlockResponse;

typedef struct {
    TnPressure memory;
    TnPressure cpu;
    TnPressure io;
    bool has_memory;
    bool has_cpu;
    bool has_io;
} Pressures;

typedef struct {
    TnMeminfo info;
    Pressures pressures;
    TnVmstat vm;
    bool has_pressures;
    bool has_vm;
} Memory;

static gboolean
run_blocks(TnCall *call, const void *args, void *result, GError **error)
{
    List *answer = result;

    answer->list = tn_memblocks_read(TN_SYSROOT_HOST, error);
    return answer->list != NULL;
}

static gboolean
run_set_blocks(TnCall *call, const void *args, void *result, GError **error)
{
    const GPtrArray *wanted = ((const List *)args)->list;
    List *answer = result;

    answer->list = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < wanted->len; i++) {
        const TnMemblock *block = g_ptr_array_index(wanted, i);
        BlockResponse response = {.phys_index = block->phys_index};
        int why = 0;

        response.outcome =
            (int)tn_memblocks_set_online(TN_SYSROOT_HOST, block->phys_index, block->online, &why);
        response.error_code = why;
        response.has_error_code = why != 0;
        g_ptr_array_add(answer->list, g_memdup2(&response, sizeof(response)));
    }
    return TRUE;
}

static gboolean
run_block_info(TnCall *call, const void *args, void *result, GError **error)
{
    guint64 size = 0;

    if (!tn_memblocks_read_size(TN_SYSROOT_HOST, &size, error))
        return FALSE;
    ((BlockInfo *)result)->size = size;
    return TRUE;
}

static gboolean
run_memory(TnCall *call, const void *args, void *result, GError **error)
{
    Memory *memory = result;
    Pressures *all = &memory->pressures;

    if (!tn_meminfo_read(TN_SYSROOT_HOST, &memory->info, error))
        return FALSE;
    all->has_memory = tn_meminfo_read_pressure(TN_SYSROOT_HOST, "memory", &all->memory);
    all->has_cpu = tn_meminfo_read_pressure(TN_SYSROOT_HOST, "cpu", &all->cpu);
    all->has_io = tn_meminfo_read_pressure(TN_SYSROOT_HOST, "io", &all->io);
    memory->has_pressures = all->has_memory || all->has_cpu || all->has_io;
    memory->has_vm = tn_meminfo_read_vmstat(TN_SYSROOT_HOST, &memory->vm);
    return TRUE;
}

static const TnField block_fields[] = {
    {"phys-index", TN_UINT(TnMemblock, phys_index, .flags = TN_FIELD_REQUIRED)},
    {"online", TN_BOOL(TnMemblock, online, .flags = TN_FIELD_REQUIRED)},
    {"can-offline", TN_BOOL(TnMemblock, can_offline, TN_PRESENT(TnMemblock, has_can_offline))},
    {0},
};

static const TnField blocks_result = {
    NULL, TN_LIST(List, list, TnMemblock, .fields = block_fields, .flags = TN_FIELD_REQUIRED)};

static const TnField set_blocks_args[] = {
    {"mem-blks",
     TN_LIST(List, list, TnMemblock, .fields = block_fields, .flags = TN_FIELD_REQUIRED)},
    {0},
};

/* In the order of TnMemblockOutcome. */
static const char *const response_words[] = {
    "success", "not-found", "operation-not-supported", "operation-failed", NULL,
};

static const TnField response_fields[] = {
    {"phys-index", TN_UINT(BlockResponse, phys_index, .flags = TN_FIELD_REQUIRED)},
    {"response",
     TN_ENUM(BlockResponse, outcome, .words = response_words, .flags = TN_FIELD_REQUIRED)},
    {"error-code",
     TN_INT(BlockResponse, error_code, TN_PRESENT(BlockResponse, has_error_code), .doc = "errno")},
    {0},
};

static const TnField responses_result = {
    NULL,
    TN_LIST(List, list, BlockResponse, .fields = response_fields, .flags = TN_FIELD_REQUIRED)};

static const TnField block_info_fields[] = {
    {"size", TN_UINT(BlockInfo, size, .flags = TN_FIELD_REQUIRED, .doc = "bytes of each block")},
    {0},
};

static const TnField block_info_result = {
    NULL,
    .type = TN_TYPE_OBJECT,
    .flags = TN_FIELD_REQUIRED,
    .fields = block_info_fields,
};

static const TnField pressure_line_fields[] = {
    {"avg10", TN_NUMBER(TnPressureLine, avg10, .flags = TN_FIELD_REQUIRED,
                        .doc = "share of the last 10 s in percent, and so on")},
    {"avg60", TN_NUMBER(TnPressureLine, avg60, .flags = TN_FIELD_REQUIRED)},
    {"avg300", TN_NUMBER(TnPressureLine, avg300, .flags = TN_FIELD_REQUIRED)},
    {"total-us", TN_UINT(TnPressureLine, total_us, .flags = TN_FIELD_REQUIRED)},
    {0},
};

static const TnField pressure_fields[] = {
    {"some", TN_OBJECT(TnPressure, some, TnPressureLine, .fields = pressure_line_fields,
                       TN_PRESENT(TnPressure, has_some))},
    {"full", TN_OBJECT(TnPressure, full, TnPressureLine, .fields = pressure_line_fields,
                       TN_PRESENT(TnPressure, has_full))},
    {0},
};

static const TnField pressures_fields[] = {
    {"memory", TN_OBJECT(Pressures, memory, TnPressure, .fields = pressure_fields,
                         TN_PRESENT(Pressures, has_memory))},
    {"cpu", TN_OBJECT(Pressures, cpu, TnPressure, .fields = pressure_fields,
                      TN_PRESENT(Pressures, has_cpu))},
    {"io", TN_OBJECT(Pressures, io, TnPressure, .fields = pressure_fields,
                     TN_PRESENT(Pressures, has_io))},
    {0},
};

static const TnField vm_fields[] = {
    {"page-faults", TN_UINT(TnVmstat, page_faults, TN_PRESENT(TnVmstat, has_page_faults))},
    {"major-page-faults",
     TN_UINT(TnVmstat, major_page_faults, TN_PRESENT(TnVmstat, has_major_page_faults))},
    {"swap-in", TN_UINT(TnVmstat, swap_in, TN_PRESENT(TnVmstat, has_swap_in), .doc = "pages")},
    {"swap-out", TN_UINT(TnVmstat, swap_out, TN_PRESENT(TnVmstat, has_swap_out))},
    {0},
};

static const TnField memory_fields[] = {
    {"total", TN_UINT(Memory, info.total, .flags = TN_FIELD_REQUIRED, .doc = "bytes, as all")},
    {"free", TN_UINT(Memory, info.free, TN_PRESENT(Memory, info.has_free))},
    {"available", TN_UINT(Memory, info.available, TN_PRESENT(Memory, info.has_available))},
    {"buffers", TN_UINT(Memory, info.buffers, TN_PRESENT(Memory, info.has_buffers))},
    {"cached", TN_UINT(Memory, info.cached, TN_PRESENT(Memory, info.has_cached))},
    {"swap-total", TN_UINT(Memory, info.swap_total, TN_PRESENT(Memory, info.has_swap_total))},
    {"swap-free", TN_UINT(Memory, info.swap_free, TN_PRESENT(Memory, info.has_swap_free))},
    {"pressure", TN_OBJECT(Memory, pressures, Pressures, .fields = pressures_fields,
                           TN_PRESENT(Memory, has_pressures))},
    {"vm", TN_OBJECT(Memory, vm, TnVmstat, .fields = vm_fields, TN_PRESENT(Memory, has_vm))},
    {0},
};

static const TnField memory_result = {
    NULL,
    .type = TN_TYPE_OBJECT,
    .flags = TN_FIELD_REQUIRED,
    .fields = memory_fields,
};

static const TnCommand commands[] = {
    {
        .name = "guest-get-memory-blocks",
        .group = "@info",
        .result = &blocks_result,
        .result_size = sizeof(List),
        .run = run_blocks,
        .since = "2.3",
        .doc = "Memory blocks by number.",
    },
    {
        .name = "guest-set-memory-blocks",
        .group = "@resize",
        .args = set_blocks_args,
        .args_size = sizeof(List),
        .result = &responses_result,
        .result_size = sizeof(List),
        .run = run_set_blocks,
        .flags = TN_COMMAND_MUTATES | TN_COMMAND_BLOCKING,
        .since = "2.3",
        .doc = "Switches memory blocks on and off.",
    },
    {
        .name = "guest-get-memory-block-info",
        .group = "@info",
        .result = &block_info_result,
        .result_size = sizeof(BlockInfo),
        .run = run_block_info,
        .since = "2.3",
        .doc = "The size of a memory block.",
    },
    {
        .name = "tenon-get-memory",
        .group = "@info",
        .result = &memory_result,
        .result_size = sizeof(Memory),
        .run = run_memory,
        .since = "0.1",
        .doc = "Memory in use, pressure and paging.",
    },
    {0},
};

const TnModule tn_memory_module = {
    .name = "memory",
    .commands = commands,
};
