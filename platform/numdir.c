/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Directories of numbered things: processors, memory blocks.
 */

#include "platform/numdir.h"

#include "platform/fd.h"
#include "platform/scan.h"
#include "platform/sysroot.h"

#include <dirent.h>
#include <string.h>

enum {
    NUMDIR_ENTRIES_MAX = 65536
};

static gint
compare_numbers(gconstpointer a, gconstpointer b)
{
    guint64 left = *(const guint64 *)a;
    guint64 right = *(const guint64 *)b;

    return left < right ? -1 : left > right;
}

GArray *
tn_numdir_read(int root_fd, const char *path, const char *prefix, int *ret_dir_fd, GError **error)
{
    tn_autofd int dir_fd = tn_sysroot_open(root_fd, path, O_RDONLY | O_DIRECTORY);
    tn_autofd int list_fd = dir_fd < 0 ? -1 : fcntl(dir_fd, F_DUPFD_CLOEXEC, 3);
    DIR *dir = list_fd < 0 ? NULL : fdopendir(list_fd);
    gsize prefix_size = strlen(prefix);
    GArray *numbers;
    const struct dirent *entry;

    if (dir == NULL) {
        tn_error_from_errno(error, errno, "open '%s'", path);
        return NULL;
    }
    tn_fd_steal(&list_fd);
    numbers = g_array_new(FALSE, FALSE, sizeof(guint64));
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is this call's own (readdir(3)) */
    while (numbers->len < NUMDIR_ENTRIES_MAX && (entry = readdir(dir)) != NULL) {
        TnScan digits = {entry->d_name + prefix_size, entry->d_name + strlen(entry->d_name)};
        guint64 number;

        if (strncmp(entry->d_name, prefix, prefix_size) == 0 &&
            tn_scan_to_u64(&digits, 10, &number))
            g_array_append_val(numbers, number);
    }
    closedir(dir);
    g_array_sort(numbers, compare_numbers);
    if (ret_dir_fd != NULL)
        *ret_dir_fd = tn_fd_steal(&dir_fd);
    return numbers;
}
