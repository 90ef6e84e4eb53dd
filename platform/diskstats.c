/* SPDX-License-Identifier: Apache-2.0 */

/*
 * /proc/diskstats: one line a device, and newer kernels only ever add columns at its end.
 */

#include "platform/diskstats.h"

#include "platform/scan.h"
#include "platform/sysroot.h"

enum {
    DISKSTATS_LIMIT_BYTES = 16 * 1024 * 1024,
    COLUMNS_BASE = 11,
    COLUMNS_DISCARD = 15,
    COLUMNS_FLUSH = 17
};

static gboolean
parse_line(TnScan *line, TnDiskstat *stat)
{
    uint64_t *const columns[COLUMNS_FLUSH] = {
        &stat->read_ios,       &stat->read_merges,     &stat->read_sectors,  &stat->read_ticks,
        &stat->write_ios,      &stat->write_merges,    &stat->write_sectors, &stat->write_ticks,
        &stat->ios_pgr,        &stat->total_ticks,     &stat->weight_ticks,  &stat->discard_ios,
        &stat->discard_merges, &stat->discard_sectors, &stat->discard_ticks, &stat->flush_ios,
        &stat->flush_ticks,
    };
    guint64 value;
    guint n = 0;
    TnScan name;

    if (!tn_scan_u64(line, &value))
        return FALSE;
    stat->major = value;
    if (!tn_scan_u64(line, &value))
        return FALSE;
    stat->minor = value;
    if (!tn_scan_word(line, &name))
        return FALSE;
    while (n < COLUMNS_FLUSH && tn_scan_u64(line, &value))
        *columns[n++] = value;
    if (n < COLUMNS_BASE)
        return FALSE;
    stat->has_discard = n >= COLUMNS_DISCARD;
    stat->has_flush = n >= COLUMNS_FLUSH;
    stat->name = tn_scan_dup(&name);
    return TRUE;
}

void
tn_diskstat_free(TnDiskstat *stat)
{
    if (stat == NULL)
        return;
    g_free(stat->name);
    g_free(stat);
}

GPtrArray *
tn_diskstats_read(int root_fd, GError **error)
{
    g_autofree char *text = NULL;
    gsize size = 0;
    GPtrArray *stats;
    TnScan rest;
    TnScan line;

    if (!tn_sysroot_read_file(root_fd, "/proc/diskstats", DISKSTATS_LIMIT_BYTES, &text, &size,
                              error))
        return NULL;
    stats = g_ptr_array_new_with_free_func((GDestroyNotify)tn_diskstat_free);
    rest = (TnScan){text, text + size};
    while (tn_scan_line(&rest, &line)) {
        TnDiskstat stat = {0};

        if (parse_line(&line, &stat))
            g_ptr_array_add(stats, g_memdup2(&stat, sizeof(stat)));
    }
    return stats;
}
