/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Memory blocks from sysfs (Documentation/admin-guide/mm/memory-hotplug.rst).
 */

#include "platform/memblocks.h"

#include "platform/fd.h"
#include "platform/numdir.h"
#include "platform/sysroot.h"

#include <string.h>

#define MEMORY_DIR "/sys/devices/system/memory"

static gboolean
read_block(int dir_fd, TnMemblock *block)
{
    char name[64];
    char state[32];
    guint64 removable;

    g_snprintf(name, sizeof(name), "memory%" G_GUINT64_FORMAT "/state", (guint64)block->phys_index);
    if (tn_sysroot_read_attr(dir_fd, name, state, sizeof(state)) < 0)
        return FALSE;
    /* A block on its way out ("going-offline") still serves. */
    block->online = strcmp(state, "offline") != 0;
    g_snprintf(name, sizeof(name), "memory%" G_GUINT64_FORMAT "/removable",
               (guint64)block->phys_index);
    block->has_can_offline = tn_sysroot_read_u64(dir_fd, name, 10, &removable);
    block->can_offline = block->has_can_offline && removable != 0;
    return TRUE;
}

GPtrArray *
tn_memblocks_read(int root_fd, GError **error)
{
    g_autoptr(GError) local = NULL;
    tn_autofd int dir_fd = -1;
    g_autoptr(GArray) numbers = tn_numdir_read(root_fd, MEMORY_DIR, "memory", &dir_fd, &local);
    GPtrArray *blocks;

    if (numbers == NULL && !g_error_matches(local, G_IO_ERROR, G_IO_ERROR_NOT_FOUND)) {
        g_propagate_error(error, g_steal_pointer(&local));
        return NULL;
    }
    blocks = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; numbers != NULL && i < numbers->len; i++) {
        TnMemblock block = {.phys_index = g_array_index(numbers, guint64, i)};

        if (read_block(dir_fd, &block))
            g_ptr_array_add(blocks, g_memdup2(&block, sizeof(block)));
    }
    return blocks;
}

gboolean
tn_memblocks_read_size(int root_fd, guint64 *ret_bytes, GError **error)
{
    static const char path[] = MEMORY_DIR "/block_size_bytes";
    char probe[32];

    if (tn_sysroot_read_attr(root_fd, path, probe, sizeof(probe)) < 0)
        return tn_error_from_errno(error, errno, "read '%s'", path);
    if (!tn_sysroot_read_u64(root_fd, path, 16, ret_bytes)) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "read '%s': not a number", path);
        return FALSE;
    }
    return TRUE;
}

TnMemblockOutcome
tn_memblocks_set_online(int root_fd, guint64 phys_index, bool online, int *ret_errno)
{
    const char *wanted = online ? "online" : "offline";
    g_autofree char *path = g_strdup_printf(MEMORY_DIR "/memory%" G_GUINT64_FORMAT, phys_index);
    tn_autofd int dir_fd = tn_sysroot_open(root_fd, path, O_RDONLY | O_DIRECTORY);
    tn_autofd int fd = -1;
    char state[32];

    *ret_errno = 0;
    if (dir_fd < 0) {
        *ret_errno = errno;
        return errno == ENOENT ? TN_MEMBLOCK_NOT_FOUND : TN_MEMBLOCK_FAILED;
    }
    if (tn_sysroot_read_attr(dir_fd, "state", state, sizeof(state)) < 0) {
        *ret_errno = errno;
        return errno == ENOENT ? TN_MEMBLOCK_NOT_SUPPORTED : TN_MEMBLOCK_FAILED;
    }
    if (strcmp(state, wanted) == 0)
        return TN_MEMBLOCK_SUCCESS;
    fd = openat(dir_fd, "state", O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd >= 0 && write(fd, wanted, strlen(wanted)) == (ssize_t)strlen(wanted))
        return TN_MEMBLOCK_SUCCESS;
    *ret_errno = errno;
    return TN_MEMBLOCK_FAILED;
}
