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
