/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Memory figures. All three files are lists of names and numbers whose order and length change with
 * the kernel, so each name is looked for and none is expected.
 */

#include "platform/meminfo.h"

#include "platform/fd.h"
#include "platform/scan.h"
#include "platform/sysroot.h"

#include <string.h>

enum {
    MEMINFO_LIMIT_BYTES = 65536,
    PRESSURE_LIMIT_BYTES = 4096,
    BYTES_PER_KIB = 1024
};

typedef struct {
    const char *name;
    uint64_t *value;
    bool *has;
} Slot;

/* Fills the slots from lines "NAME NUMBER ..."; each number is multiplied by FACTOR. */
static void
fill_slots(TnScan text, const Slot *slots, gsize n_slots, guint64 factor)
{
    TnScan line;
    TnScan name;

    while (tn_scan_line(&text, &line)) {
        guint64 value;

        if (!tn_scan_word(&line, &name))
            continue;
        for (gsize i = 0; i < n_slots; i++) {
            if (!tn_scan_is(&name, slots[i].name))
                continue;
            if (tn_scan_u64(&line, &value) && value <= G_MAXUINT64 / factor) {
                *slots[i].value = value * factor;
                *slots[i].has = true;
            }
            break;
        }
    }
}

gboolean
tn_meminfo_read(int root_fd, TnMeminfo *ret_info, GError **error)
{
    TnMeminfo info = {0};
    const Slot slots[] = {
        {"MemTotal:", &info.total, &info.has_total},
        {"MemFree:", &info.free, &info.has_free},
        {"MemAvailable:", &info.available, &info.has_available},
        {"Buffers:", &info.buffers, &info.has_buffers},
        {"Cached:", &info.cached, &info.has_cached},
        {"SwapTotal:", &info.swap_total, &info.has_swap_total},
        {"SwapFree:", &info.swap_free, &info.has_swap_free},
    };
    g_autofree char *text = NULL;
    gsize size = 0;

    if (!tn_sysroot_read_file(root_fd, "/proc/meminfo", MEMINFO_LIMIT_BYTES, &text, &size, error))
        return FALSE;
    fill_slots((TnScan){text, text + size}, slots, G_N_ELEMENTS(slots), BYTES_PER_KIB);
    if (!info.has_total) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "read '/proc/meminfo': no total");
        return FALSE;
    }
    *ret_info = info;
    return TRUE;
}

/* Takes the next word, KEY=VALUE, and returns VALUE. */
static gboolean
take_value(TnScan *line, const char *key, TnScan *ret_value)
{
    gsize size = strlen(key);

    if (!tn_scan_word(line, ret_value) || (gsize)(ret_value->end - ret_value->at) <= size ||
        memcmp(ret_value->at, key, size) != 0)
        return FALSE;
    ret_value->at += size;
    return TRUE;
}

static gboolean
parse_pressure_line(TnScan *line, TnPressureLine *ret_line)
{
    TnPressureLine parsed = {0};
    guint64 total = 0;
    TnScan value;

    if (!take_value(line, "avg10=", &value) || !tn_scan_to_double(&value, &parsed.avg10) ||
        !take_value(line, "avg60=", &value) || !tn_scan_to_double(&value, &parsed.avg60) ||
        !take_value(line, "avg300=", &value) || !tn_scan_to_double(&value, &parsed.avg300) ||
        !take_value(line, "total=", &value) || !tn_scan_to_u64(&value, 10, &total))
        return FALSE;
    parsed.total_us = total;
    *ret_line = parsed;
    return TRUE;
}

gboolean
tn_meminfo_read_pressure(int root_fd, const char *resource, TnPressure *ret_pressure)
{
    g_autofree char *path = g_strconcat("/proc/pressure/", resource, NULL);
    g_autofree char *text = NULL;
    TnPressure pressure = {0};
    gsize size = 0;
    TnScan rest;
    TnScan line;
    TnScan name;

    if (!tn_sysroot_read_file(root_fd, path, PRESSURE_LIMIT_BYTES, &text, &size, NULL))
        return FALSE;
    rest = (TnScan){text, text + size};
    while (tn_scan_line(&rest, &line)) {
        if (!tn_scan_word(&line, &name))
            continue;
        if (tn_scan_is(&name, "some"))
            pressure.has_some = parse_pressure_line(&line, &pressure.some);
        else if (tn_scan_is(&name, "full"))
            pressure.has_full = parse_pressure_line(&line, &pressure.full);
    }
    if (!pressure.has_some && !pressure.has_full)
        return FALSE;
    *ret_pressure = pressure;
    return TRUE;
}

gboolean
tn_meminfo_read_vmstat(int root_fd, TnVmstat *ret_vmstat)
{
    TnVmstat vm = {0};
    const Slot slots[] = {
        {"pgfault", &vm.page_faults, &vm.has_page_faults},
        {"pgmajfault", &vm.major_page_faults, &vm.has_major_page_faults},
        {"pswpin", &vm.swap_in, &vm.has_swap_in},
        {"pswpout", &vm.swap_out, &vm.has_swap_out},
    };
    g_autofree char *text = NULL;
    gsize size = 0;

    if (!tn_sysroot_read_file(root_fd, "/proc/vmstat", MEMINFO_LIMIT_BYTES, &text, &size, NULL))
        return FALSE;
    fill_slots((TnScan){text, text + size}, slots, G_N_ELEMENTS(slots), 1);
    *ret_vmstat = vm;
    return TRUE;
}
