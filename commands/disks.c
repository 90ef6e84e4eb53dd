/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Disks and what they did. guest-get-disks may wait for a disk (its health, a virtio serial
 * number), so it runs in a worker; both read everything anew.
 */
#include "commands/disks.h"

#include "commands/diskfields.h"
#include "platform/block.h"
#include "platform/diskstats.h"
#include "platform/sysroot.h"

typedef struct {
    GPtrArray *list;
} List;

static gboolean
run_disks(TnCall *call, const void *args, void *result, GError **error)
{
    List *answer = result;

    answer->list = tn_block_read_disks(TN_SYSROOT_HOST, TRUE, error);
    return answer->list != NULL;
}

static gboolean
run_diskstats(TnCall *call, const void *args, void *result, GError **error)
{
    List *answer = result;

    answer->list = tn_diskstats_read(TN_SYSROOT_HOST, error);
    return answer->list != NULL;
}

#define COUNTER(name, member)                                               \
    {name "-lo", TN_UINT(TnSmart, member.lo, .flags = TN_FIELD_REQUIRED)},  \
    {                                                                       \
        name "-hi", TN_UINT(TnSmart, member.hi, .flags = TN_FIELD_REQUIRED) \
    }

static const TnField smart_fields[] = {
    {"type",
     TN_ENUM(TnSmart, bus_type, .words = tn_diskfields_bus_words, .flags = TN_FIELD_REQUIRED)},
    {"critical-warning", TN_INT(TnSmart, critical_warning, .flags = TN_FIELD_REQUIRED)},
    {"temperature", TN_INT(TnSmart, temperature, .flags = TN_FIELD_REQUIRED, .doc = "kelvin")},
    {"available-spare", TN_INT(TnSmart, available_spare, .flags = TN_FIELD_REQUIRED)},
    {"available-spare-threshold",
     TN_INT(TnSmart, available_spare_threshold, .flags = TN_FIELD_REQUIRED)},
    {"percentage-used", TN_INT(TnSmart, percentage_used, .flags = TN_FIELD_REQUIRED)},
    COUNTER("data-units-read", data_units_read),
    COUNTER("data-units-written", data_units_written),
    COUNTER("host-read-commands", host_read_commands),
    COUNTER("host-write-commands", host_write_commands),
    COUNTER("controller-busy-time", controller_busy_time),
    COUNTER("power-cycles", power_cycles),
    COUNTER("power-on-hours", power_on_hours),
    COUNTER("unsafe-shutdowns", unsafe_shutdowns),
    COUNTER("media-errors", media_errors),
    COUNTER("number-of-error-log-entries", number_of_error_log_entries),
    {0},
};

static const TnField disk_fields[] = {
    {"name", TN_STRING(TnDisk, name, .flags = TN_FIELD_REQUIRED)},
    {"partition", TN_BOOL(TnDisk, partition, .flags = TN_FIELD_REQUIRED)},
    {"dependencies", TN_STRV(TnDisk, dependencies)},
    {"address", TN_OBJECT(TnDisk, address, TnDiskAddress, .fields = tn_diskfields_address,
                          TN_PRESENT(TnDisk, has_address))},
    {"alias", TN_STRING(TnDisk, alias, .doc = "device mapper's name")},
    {"smart",
     TN_OBJECT(TnDisk, smart, TnSmart, .fields = smart_fields, TN_PRESENT(TnDisk, has_smart))},
    {0},
};

static const TnField disks_result = {
    NULL, TN_LIST(List, list, TnDisk, .fields = disk_fields, .flags = TN_FIELD_REQUIRED)};

#define STAT(name, member)                                            \
    {                                                                 \
        name, TN_UINT(TnDiskstat, member, .flags = TN_FIELD_REQUIRED) \
    }
#define STAT_IF(name, member, has)                                     \
    {                                                                  \
        name, TN_UINT(TnDiskstat, member, TN_PRESENT(TnDiskstat, has)) \
    }

static const TnField stat_fields[] = {
    STAT("read-sectors", read_sectors),
    STAT("read-ios", read_ios),
    STAT("read-merges", read_merges),
    STAT("write-sectors", write_sectors),
    STAT("write-ios", write_ios),
    STAT("write-merges", write_merges),
    STAT_IF("discard-sectors", discard_sectors, has_discard),
    STAT_IF("discard-ios", discard_ios, has_discard),
    STAT_IF("discard-merges", discard_merges, has_discard),
    STAT_IF("flush-ios", flush_ios, has_flush),
    STAT("read-ticks", read_ticks),
    STAT("write-ticks", write_ticks),
    STAT_IF("discard-ticks", discard_ticks, has_discard),
    STAT_IF("flush-ticks", flush_ticks, has_flush),
    STAT("ios-pgr", ios_pgr),
    STAT("total-ticks", total_ticks),
    STAT("weight-ticks", weight_ticks),
    {0},
};

/* The counters lie in the same struct as the name: an object in the reply, not in memory. */
static const TnField diskstat_fields[] = {
    {"name", TN_STRING(TnDiskstat, name, .flags = TN_FIELD_REQUIRED)},
    {"major", TN_UINT(TnDiskstat, major, .flags = TN_FIELD_REQUIRED)},
    {"minor", TN_UINT(TnDiskstat, minor, .flags = TN_FIELD_REQUIRED)},
    {"stats", .type = TN_TYPE_OBJECT, .flags = TN_FIELD_REQUIRED, .fields = stat_fields},
    {0},
};

static const TnField diskstats_result = {
    NULL, TN_LIST(List, list, TnDiskstat, .fields = diskstat_fields, .flags = TN_FIELD_REQUIRED)};

static const TnCommand commands[] = {
    {
        .name = "guest-get-disks",
        .group = "@info",
        .result = &disks_result,
        .result_size = sizeof(List),
        .run = run_disks,
        .flags = TN_COMMAND_BLOCKING,
        .since = "5.2",
        .doc = "Disks and partitions.",
    },
    {
        .name = "guest-get-diskstats",
        .group = "@info",
        .result = &diskstats_result,
        .result_size = sizeof(List),
        .run = run_diskstats,
        .since = "7.1",
        .doc = "What each block device did since boot.",
    },
    {0},
};

const TnModule tn_disks_module = {
    .name = "disks",
    .commands = commands,
};
