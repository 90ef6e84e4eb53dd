/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    TN_SMART_LOG_BYTES = 512
};

/* A counter of 128 bits, as nvme has them. */
typedef struct {
    uint64_t lo;
    uint64_t hi;
} TnSmartCounter;

/* Health of an nvme disk: its SMART / Health Information log, page 02h of the NVM Express base
 * specification, in the units of that page (temperature in kelvin, data in 1000 blocks of 512
 * bytes, busy time in minutes). BUS_TYPE is what kind of log this is: always TN_BUS_NVME. */
typedef struct {
    int bus_type;
    int64_t critical_warning;
    int64_t temperature;
    int64_t available_spare;
    int64_t available_spare_threshold;
    int64_t percentage_used;
    TnSmartCounter data_units_read;
    TnSmartCounter data_units_written;
    TnSmartCounter host_read_commands;
    TnSmartCounter host_write_commands;
    TnSmartCounter controller_busy_time;
    TnSmartCounter power_cycles;
    TnSmartCounter power_on_hours;
    TnSmartCounter unsafe_shutdowns;
    TnSmartCounter media_errors;
    TnSmartCounter number_of_error_log_entries;
} TnSmart;

/* Unpacks a log page of TN_SMART_LOG_BYTES bytes; any bytes are a page. */
void tn_smart_parse(const guint8 *log, TnSmart *ret_smart);

/* Asks the disk behind the device node NODE below ROOT_FD. FALSE if it cannot be opened (root only)
 * or does not answer; waits for the disk. */
gboolean tn_smart_read(int root_fd, const char *node, TnSmart *ret_smart) G_GNUC_WARN_UNUSED_RESULT;
