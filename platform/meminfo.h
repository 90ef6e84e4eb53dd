/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Memory: how much, how tight, and how busy. Members whose has_ is false were not to be had from
 * this kernel; nothing is guessed.
 */

/* From /proc/meminfo, in bytes. */
typedef struct {
    uint64_t total;
    uint64_t free;
    uint64_t available;
    uint64_t buffers;
    uint64_t cached;
    uint64_t swap_total;
    uint64_t swap_free;
    bool has_total;
    bool has_free;
    bool has_available;
    bool has_buffers;
    bool has_cached;
    bool has_swap_total;
    bool has_swap_free;
} TnMeminfo;

/* One line of a pressure file (Documentation/accounting/psi.rst): the share of time, in percent,
 * in which some or all tasks waited; TOTAL_US in microseconds since boot. */
typedef struct {
    double avg10;
    double avg60;
    double avg300;
    uint64_t total_us;
} TnPressureLine;

typedef struct {
    TnPressureLine some;
    TnPressureLine full;
    bool has_some;
    bool has_full;
} TnPressure;

/* From /proc/vmstat, counts since boot; swaps in pages. */
typedef struct {
    uint64_t page_faults;
    uint64_t major_page_faults;
    uint64_t swap_in;
    uint64_t swap_out;
    bool has_page_faults;
    bool has_major_page_faults;
    bool has_swap_in;
    bool has_swap_out;
} TnVmstat;

/* Reads /proc/meminfo below ROOT_FD. Errors: G_IO_ERROR from errno; INVALID_DATA when it does not
 * say at least the total. */
gboolean tn_meminfo_read(int root_fd, TnMeminfo *ret_info, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/* Reads /proc/pressure/RESOURCE ("memory", "cpu", "io"); FALSE where the kernel has no such file or
 * it holds neither line. */
gboolean tn_meminfo_read_pressure(int root_fd, const char *resource, TnPressure *ret_pressure)
    G_GNUC_WARN_UNUSED_RESULT;

/* Reads /proc/vmstat; FALSE where it cannot be read. */
gboolean tn_meminfo_read_vmstat(int root_fd, TnVmstat *ret_vmstat) G_GNUC_WARN_UNUSED_RESULT;
