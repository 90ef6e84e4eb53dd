/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "platform/disktopo.h"
#include "platform/smart.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Block devices as sysfs arranges them: what a file system stands on, and where in the machine
 * that is, so that a host finds its own disk again.
 */

/* One block device. DEPENDENCIES are device nodes: those below it, or for a partition its disk;
 * never NULL. ALIAS is a device mapper's name, or NULL. */
typedef struct {
    char *name;
    bool partition;
    char **dependencies;
    TnDiskAddress address;
    bool has_address;
    char *alias;
    TnSmart smart;
    bool has_smart;
} TnDisk;

/* Frees what ADDRESS holds and ADDRESS; NULL is fine. */
void tn_block_free_address(TnDiskAddress *address);
/* Frees DISK and what it holds; NULL is fine. */
void tn_block_free_disk(TnDisk *disk);

/* The number of a device node, as a mount's source names it; FALSE if it is no block device. Below
 * a tree that has no nodes sysfs is asked by the last part of PATH. */
gboolean tn_block_find_node(int root_fd, const char *path, guint *ret_major, guint *ret_minor)
    G_GNUC_WARN_UNUSED_RESULT;

/* The disks that the device stands on: itself, the disk of a partition, or the leaves below a
 * device of device mapper or md, each once. An empty array for devices that stand on none (loop,
 * memory) or are not there. The caller owns the array and its TnDiskAddress. *RET_NAME gets the
 * kernel's name of the device ("vda1", "dm-0") or NULL, owned by the caller. Never fails: what
 * sysfs does not tell is -1, unknown or NULL. Asks no device, except for virtio's serial numbers in
 * builds that have no libudev. */
GPtrArray *tn_block_read_addresses(int root_fd, guint major, guint minor, char **ret_name);

/* All block devices that have a size, disks by name and behind each its partitions by number. The
 * caller owns the array and its TnDisk. WITH_SMART: nvme disks are asked for their health, which
 * needs CAP_SYS_ADMIN and a command to the disk. Waits for disks. Errors: G_IO_ERROR from errno. */
GPtrArray *tn_block_read_disks(int root_fd, gboolean with_smart, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;
