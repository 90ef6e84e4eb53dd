/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The health log of nvme disks, read by one admin command through the kernel's driver.
 */

#include "platform/smart.h"

#include "platform/disktopo.h"
#include "platform/fd.h"
#include "platform/sysroot.h"

#include <linux/nvme_ioctl.h>
#include <string.h>
#include <sys/ioctl.h>

enum {
    /* Admin opcode and page of the NVM Express base specification, 5.16 and 5.16.1.3. */
    NVME_GET_LOG_PAGE = 0x02,
    NVME_LOG_SMART = 0x02,
    NVME_ALL_NAMESPACES = -1
};

static guint64
get_le64(const guint8 *at)
{
    guint64 value;

    memcpy(&value, at, sizeof(value));
    return GUINT64_FROM_LE(value);
}

static TnSmartCounter
get_counter(const guint8 *at)
{
    return (TnSmartCounter){get_le64(at), get_le64(at + sizeof(guint64))};
}

void
tn_smart_parse(const guint8 *log, TnSmart *ret_smart)
{
    *ret_smart = (TnSmart){
        .bus_type = TN_BUS_NVME,
        .critical_warning = log[0],
        .temperature = log[1] | log[2] << 8,
        .available_spare = log[3],
        .available_spare_threshold = log[4],
        .percentage_used = log[5],
        .data_units_read = get_counter(log + 32),
        .data_units_written = get_counter(log + 48),
        .host_read_commands = get_counter(log + 64),
        .host_write_commands = get_counter(log + 80),
        .controller_busy_time = get_counter(log + 96),
        .power_cycles = get_counter(log + 112),
        .power_on_hours = get_counter(log + 128),
        .unsafe_shutdowns = get_counter(log + 144),
        .media_errors = get_counter(log + 160),
        .number_of_error_log_entries = get_counter(log + 176),
    };
}

gboolean
tn_smart_read(int root_fd, const char *node, TnSmart *ret_smart)
{
    tn_autofd int fd = tn_sysroot_open(root_fd, node, O_RDONLY | O_NONBLOCK);
    guint8 log[TN_SMART_LOG_BYTES] = {0};
    struct nvme_admin_cmd command = {
        .opcode = NVME_GET_LOG_PAGE,
        .nsid = (guint32)NVME_ALL_NAMESPACES,
        .addr = (guintptr)log,
        .data_len = sizeof(log),
        /* The number of 32-bit words less one, and the page. */
        .cdw10 = NVME_LOG_SMART | (sizeof(log) / sizeof(guint32) - 1) << 16,
    };

    if (fd < 0 || ioctl(fd, NVME_IOCTL_ADMIN_CMD, &command) != 0)
        return FALSE;
    tn_smart_parse(log, ret_smart);
    return TRUE;
}
