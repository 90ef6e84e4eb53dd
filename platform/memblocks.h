/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* One block of memory that can be switched off and on. HAS_CAN_OFFLINE is false on kernels that do
 * not say. */
typedef struct {
    uint64_t phys_index;
    bool online;
    bool can_offline;
    bool has_can_offline;
} TnMemblock;

/* The blocks under /sys/devices/system/memory below ROOT_FD, by number; an empty array where the
 * kernel has none. A block whose `state` cannot be read is left out. The caller owns the array and
 * its elements, TnMemblock from g_malloc. Errors: G_IO_ERROR from errno except NOT_FOUND. */
GPtrArray *tn_memblocks_read(int root_fd, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The size of each block in bytes. Errors: G_IO_ERROR from errno; INVALID_DATA when the kernel's
 * file holds no hexadecimal number. */
gboolean tn_memblocks_read_size(int root_fd, guint64 *ret_bytes, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/* What became of one block: the words of guest-set-memory-blocks, in their order. */
typedef enum {
    TN_MEMBLOCK_SUCCESS,
    TN_MEMBLOCK_NOT_FOUND,
    TN_MEMBLOCK_NOT_SUPPORTED,
    TN_MEMBLOCK_FAILED,
} TnMemblockOutcome;

/* Switches block PHYS_INDEX below ROOT_FD on or off; one that is in that state already is left
 * alone. *RET_ERRNO: why not, 0 on success. Writes to sysfs; the kernel may move pages for seconds
 * before it answers. */
TnMemblockOutcome tn_memblocks_set_online(int root_fd, guint64 phys_index, bool online,
                                          int *ret_errno);
