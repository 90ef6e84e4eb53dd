/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Processors from sysfs and /proc/stat. The total line of /proc/stat is not reported: a reader can
 * add, and qemu-ga's readers do not expect it.
 */

#include "platform/cpus.h"

#include "platform/fd.h"
#include "platform/numdir.h"
#include "platform/scan.h"
#include "platform/sysroot.h"

#include <unistd.h>

enum {
    CPU_COLUMNS = 10,
    CPU_COLUMNS_MIN = 4,
    MS_PER_S = 1000,
    /* 8192 processors at 10 columns of 20 digits each, and the interrupts' line beside them. */
    PROC_STAT_LIMIT_BYTES = 8 * 1024 * 1024
};

#define CPU_DIR "/sys/devices/system/cpu"

/* FALSE: the file says neither. No file: this processor cannot be switched off. */
static gboolean
read_online(int dir_fd, TnCpu *cpu)
{
    char name[64];
    guint64 value = 1;

    g_snprintf(name, sizeof(name), "cpu%" G_GINT64_FORMAT "/online", (gint64)cpu->logical_id);
    cpu->can_offline = faccessat(dir_fd, name, F_OK, 0) == 0;
    if (cpu->can_offline && (!tn_sysroot_read_u64(dir_fd, name, 10, &value) || value > 1))
        return FALSE;
    cpu->online = value == 1;
    return TRUE;
}

GPtrArray *
tn_cpus_read(int root_fd, GError **error)
{
    tn_autofd int dir_fd = -1;
    g_autoptr(GArray) numbers = tn_numdir_read(root_fd, CPU_DIR, "cpu", &dir_fd, error);
    GPtrArray *cpus;

    if (numbers == NULL)
        return NULL;
    cpus = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < numbers->len; i++) {
        TnCpu cpu = {.logical_id = (int64_t)g_array_index(numbers, guint64, i)};

        if (read_online(dir_fd, &cpu))
            g_ptr_array_add(cpus, g_memdup2(&cpu, sizeof(cpu)));
    }
    return cpus;
}

/* Ticks to milliseconds without overflow; CLK_TCK is 100 wherever Linux runs. */
static guint64
convert_ticks(guint64 ticks, guint64 hz)
{
    return ticks / hz * MS_PER_S + ticks % hz * MS_PER_S / hz;
}

static gboolean
parse_stat_line(TnScan *line, guint64 hz, TnCpuStat *stat)
{
    guint64 ms[CPU_COLUMNS] = {0};
    guint n = 0;
    guint64 number;
    TnScan word;

    if (!tn_scan_word(line, &word) || word.end - word.at < 4)
        return FALSE;
    word.at += 3; /* "cpu" */
    if (!tn_scan_to_u64(&word, 10, &number) || number > G_MAXINT64)
        return FALSE;
    stat->cpu = (int64_t)number;
    while (n < CPU_COLUMNS && tn_scan_u64(line, &number))
        ms[n++] = convert_ticks(number, hz);
    stat->user = ms[0];
    stat->nice = ms[1];
    stat->system = ms[2];
    stat->idle = ms[3];
    stat->iowait = ms[4];
    stat->irq = ms[5];
    stat->softirq = ms[6];
    stat->steal = ms[7];
    stat->guest = ms[8];
    stat->guestnice = ms[9];
    stat->has_iowait = n > 4;
    stat->has_irq = n > 5;
    stat->has_softirq = n > 6;
    stat->has_steal = n > 7;
    stat->has_guest = n > 8;
    stat->has_guestnice = n > 9;
    return n >= CPU_COLUMNS_MIN;
}

GPtrArray *
tn_cpus_read_stats(int root_fd, GError **error)
{
    g_autofree char *text = NULL;
    long hz = sysconf(_SC_CLK_TCK);
    gsize size = 0;
    TnScan rest;
    TnScan line;
    GPtrArray *stats;

    if (!tn_sysroot_read_file(root_fd, "/proc/stat", PROC_STAT_LIMIT_BYTES, &text, &size, error))
        return NULL;
    rest = (TnScan){text, text + size};
    stats = g_ptr_array_new_with_free_func(g_free);
    /* The processors' lines stand together at the top; what follows can be long. */
    while (tn_scan_line(&rest, &line) && line.end - line.at > 3 &&
           strncmp(line.at, "cpu", 3) == 0) {
        TnCpuStat stat = {0};

        if (parse_stat_line(&line, (guint64)MAX(hz, 1), &stat))
            g_ptr_array_add(stats, g_memdup2(&stat, sizeof(stat)));
    }
    return stats;
}

gboolean
tn_cpus_set_online(int root_fd, int64_t logical_id, bool online, GError **error)
{
    g_autofree char *path =
        g_strdup_printf(CPU_DIR "/cpu%" G_GINT64_FORMAT "/", (gint64)logical_id);
    tn_autofd int dir_fd = tn_sysroot_open(root_fd, path, O_RDONLY | O_DIRECTORY);
    tn_autofd int fd = -1;
    char state = '\0';

    if (dir_fd < 0)
        return tn_error_from_errno(error, errno, "open(\"%s\")", path);
    fd = openat(dir_fd, "online", O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && errno == ENOENT) {
        if (online)
            return TRUE;
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                    "logical processor #%" G_GINT64_FORMAT " can't be offlined",
                    (gint64)logical_id);
        return FALSE;
    }
    if (fd < 0)
        return tn_error_from_errno(error, errno, "open(\"%sonline\")", path);
    if (pread(fd, &state, 1, 0) != 1)
        return tn_error_from_errno(error, errno, "read(\"%sonline\")", path);
    if ((state == '1') == online)
        return TRUE;
    if (pwrite(fd, online ? "1" : "0", 1, 0) != 1)
        return tn_error_from_errno(error, errno, "write(\"%sonline\")", path);
    return TRUE;
}
