/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* What one block device did since boot (Documentation/admin-guide/iostats.rst): sectors of 512
 * bytes, ticks in milliseconds. Discards and flushes are there when has_ says so (Linux 4.18 and
 * 5.5). NAME is owned. */
typedef struct {
    char *name;
    uint64_t major;
    uint64_t minor;
    uint64_t read_ios;
    uint64_t read_merges;
    uint64_t read_sectors;
    uint64_t read_ticks;
    uint64_t write_ios;
    uint64_t write_merges;
    uint64_t write_sectors;
    uint64_t write_ticks;
    uint64_t ios_pgr;
    uint64_t total_ticks;
    uint64_t weight_ticks;
    uint64_t discard_ios;
    uint64_t discard_merges;
    uint64_t discard_sectors;
    uint64_t discard_ticks;
    uint64_t flush_ios;
    uint64_t flush_ticks;
    bool has_discard;
    bool has_flush;
} TnDiskstat;

/* Frees STAT and what it holds; NULL is fine. */
void tn_diskstat_free(TnDiskstat *stat);

/* All devices of /proc/diskstats below ROOT_FD in its order; a line without its 14 columns is left
 * out. The caller owns the array and its elements. Errors: G_IO_ERROR from errno; MESSAGE_TOO_LARGE
 * above 16 MiB. */
GPtrArray *tn_diskstats_read(int root_fd, GError **error) G_GNUC_WARN_UNUSED_RESULT;
