/* SPDX-License-Identifier: Apache-2.0 */
/*
 * File systems, disks and what they did. guest-get-fsinfo answers at once as long as all file
 * systems are local; one whose server may be gone is asked by a thread, and the answer goes out
 * without its numbers when it has not come in time. Ordering and selection are qemu-ga's; numbers
 * that are missing are the only mark that its reply has for a file system that hangs.
 */
#include "commands/fsinfo.h"

#include "platform/block.h"
#include "platform/diskstats.h"
#include "platform/filesystems.h"
#include "platform/sysroot.h"

enum {
    /* Within the second that vdsm gives each call, with room for the rest of it. */
    SPACE_LIMIT_MS = 800
};

typedef struct {
    GPtrArray *list;
} List;

/* What the result's table does not name would not be released with it. */
static void
drop_private(GPtrArray *filesystems)
{
    for (guint i = 0; i < filesystems->len; i++) {
        TnFilesystem *filesystem = filesystems->pdata[i];

        g_clear_pointer(&filesystem->path, g_free);
        g_clear_pointer(&filesystem->source, g_free);
        g_clear_pointer(&filesystem->root, g_free);
    }
}

static void
answer_fsinfo(GPtrArray *filesystems, gpointer data)
{
    drop_private(filesystems);
    tn_call_return(data);
}

static gboolean
run_fsinfo(TnCall *call, const void *args, void *result, GError **error)
{
    List *answer = result;
    TnStatfs *statfs = tn_call_get_module(call);

    answer->list = tn_filesystems_read(TN_SYSROOT_HOST, TN_FILESYSTEMS_ON_DISKS, error);
    if (answer->list == NULL)
        return FALSE;
    if (tn_filesystems_ask(answer->list, statfs, SPACE_LIMIT_MS, answer_fsinfo, call))
        drop_private(answer->list);
    else
        tn_call_defer(call);
    return TRUE;
}

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

/* In the order of TnBus. */
static const char *const bus_words[] = {"ide",
                                        "fdc",
                                        "scsi",
                                        "virtio",
                                        "xen",
                                        "usb",
                                        "uml",
                                        "sata",
                                        "sd",
                                        "unknown",
                                        "ieee1394",
                                        "ssa",
                                        "fibre",
                                        "raid",
                                        "iscsi",
                                        "sas",
                                        "mmc",
                                        "virtual",
                                        "file-backed-virtual",
                                        "nvme",
                                        NULL};

static const TnField pci_fields[] = {
    {"domain", TN_INT(TnPciAddress, domain, .flags = TN_FIELD_REQUIRED, .doc = "-1: not known")},
    {"bus", TN_INT(TnPciAddress, bus, .flags = TN_FIELD_REQUIRED)},
    {"slot", TN_INT(TnPciAddress, slot, .flags = TN_FIELD_REQUIRED)},
    {"function", TN_INT(TnPciAddress, function, .flags = TN_FIELD_REQUIRED)},
    {0},
};

static const TnField ccw_fields[] = {
    {"cssid", TN_INT(TnCcwAddress, cssid, .flags = TN_FIELD_REQUIRED)},
    {"ssid", TN_INT(TnCcwAddress, ssid, .flags = TN_FIELD_REQUIRED)},
    {"subchno", TN_INT(TnCcwAddress, subchno, .flags = TN_FIELD_REQUIRED)},
    {"devno", TN_INT(TnCcwAddress, devno, .flags = TN_FIELD_REQUIRED)},
    {0},
};

static const TnField address_fields[] = {
    {"pci-controller",
     TN_OBJECT(TnDiskAddress, pci, TnPciAddress, .fields = pci_fields, .flags = TN_FIELD_REQUIRED)},
    {"bus-type", TN_ENUM(TnDiskAddress, bus_type, .words = bus_words, .flags = TN_FIELD_REQUIRED)},
    {"bus", TN_INT(TnDiskAddress, bus, .flags = TN_FIELD_REQUIRED)},
    {"target", TN_INT(TnDiskAddress, target, .flags = TN_FIELD_REQUIRED)},
    {"unit", TN_INT(TnDiskAddress, unit, .flags = TN_FIELD_REQUIRED)},
    {"serial", TN_STRING(TnDiskAddress, serial)},
    {"dev", TN_STRING(TnDiskAddress, dev)},
    {"ccw-address", TN_OBJECT(TnDiskAddress, ccw, TnCcwAddress, .fields = ccw_fields,
                              TN_PRESENT(TnDiskAddress, has_ccw))},
    {0},
};

static const TnField filesystem_fields[] = {
    {"name", TN_STRING(TnFilesystem, name, .flags = TN_FIELD_REQUIRED)},
    {"mountpoint", TN_STRING(TnFilesystem, mountpoint, .flags = TN_FIELD_REQUIRED)},
    {"type", TN_STRING(TnFilesystem, type, .flags = TN_FIELD_REQUIRED)},
    {"used-bytes", TN_UINT(TnFilesystem, space.used_bytes, TN_PRESENT(TnFilesystem, has_space))},
    {"total-bytes", TN_UINT(TnFilesystem, space.total_bytes, TN_PRESENT(TnFilesystem, has_space),
                            .doc = "without the blocks reserved for root")},
    {"total-bytes-privileged",
     TN_UINT(TnFilesystem, space.total_privileged_bytes, TN_PRESENT(TnFilesystem, has_space))},
    {"disk", TN_LIST(TnFilesystem, disks, TnDiskAddress, .fields = address_fields,
                     .flags = TN_FIELD_REQUIRED)},
    {0},
};

static const TnField fsinfo_result = {
    NULL,
    TN_LIST(List, list, TnFilesystem, .fields = filesystem_fields, .flags = TN_FIELD_REQUIRED)};

#define COUNTER(name, member)                                               \
    {name "-lo", TN_UINT(TnSmart, member.lo, .flags = TN_FIELD_REQUIRED)},  \
    {                                                                       \
        name "-hi", TN_UINT(TnSmart, member.hi, .flags = TN_FIELD_REQUIRED) \
    }

static const TnField smart_fields[] = {
    {"type", TN_ENUM(TnSmart, bus_type, .words = bus_words, .flags = TN_FIELD_REQUIRED)},
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
    {"address", TN_OBJECT(TnDisk, address, TnDiskAddress, .fields = address_fields,
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
        .name = "guest-get-fsinfo",
        .group = "@info",
        .result = &fsinfo_result,
        .result_size = sizeof(List),
        .run = run_fsinfo,
        .since = "2.2",
        .doc = "Mounted file systems on block devices.",
    },
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

static gpointer
create_statfs(const TnModuleContext *context)
{
    return tn_statfs_new(tn_statfs_read);
}

static void
destroy_statfs(gpointer module)
{
    tn_statfs_free(module);
}

const TnModule tn_fsinfo_module = {
    .name = "fsinfo",
    .commands = commands,
    .create = create_statfs,
    .destroy = destroy_statfs,
};
