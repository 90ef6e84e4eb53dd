/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * The machine's processors: which there are, and what they spent their time on.
 */

/* One logical processor. CAN_OFFLINE: the kernel offers a switch for it. */
typedef struct {
    int64_t logical_id;
    bool online;
    bool can_offline;
} TnCpu;

/* Time that one online processor spent since boot, in milliseconds, by proc(5) /proc/stat. A
 * member whose has_ is false is not in this kernel's file. */
typedef struct {
    int family; /* whose counters these are; 0: Linux */
    int64_t cpu;
    uint64_t user;
    uint64_t nice;
    uint64_t system;
    uint64_t idle;
    uint64_t iowait;
    uint64_t irq;
    uint64_t softirq;
    uint64_t steal;
    uint64_t guest;
    uint64_t guestnice;
    bool has_iowait;
    bool has_irq;
    bool has_softirq;
    bool has_steal;
    bool has_guest;
    bool has_guestnice;
} TnCpuStat;

/* The processors under /sys/devices/system/cpu below ROOT_FD, by number. One whose `online` file
 * holds anything but 0 or 1 is left out. The caller owns the array; its elements are TnCpu from
 * g_malloc, which it frees. Errors: G_IO_ERROR from errno when there is no such directory. */
GPtrArray *tn_cpus_read(int root_fd, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* One TnCpuStat per cpuN line of /proc/stat below ROOT_FD, in its order; ownership as above. A line
 * without its first four numbers is left out. Errors: G_IO_ERROR from errno. */
GPtrArray *tn_cpus_read_stats(int root_fd, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Switches the processor LOGICAL_ID below ROOT_FD on or off; one that is in that state already is
 * left alone. Writes to sysfs, which may block for seconds. Errors: G_IO_ERROR from errno in
 * qemu-ga's words; NOT_SUPPORTED "logical processor #N can't be offlined". */
gboolean tn_cpus_set_online(int root_fd, int64_t logical_id, bool online, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;
