/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* In the order of QAPI's words, which commands/ has. */
typedef enum {
    TN_BUS_IDE,
    TN_BUS_FDC,
    TN_BUS_SCSI,
    TN_BUS_VIRTIO,
    TN_BUS_XEN,
    TN_BUS_USB,
    TN_BUS_UML,
    TN_BUS_SATA,
    TN_BUS_SD,
    TN_BUS_UNKNOWN,
    TN_BUS_IEEE1394,
    TN_BUS_SSA,
    TN_BUS_FIBRE,
    TN_BUS_RAID,
    TN_BUS_ISCSI,
    TN_BUS_SAS,
    TN_BUS_MMC,
    TN_BUS_VIRTUAL,
    TN_BUS_FILE_BACKED_VIRTUAL,
    TN_BUS_NVME,
    TN_BUS_N
} TnBus;

/* Where on PCI a controller sits; all -1: not on PCI, or not known. */
typedef struct {
    int64_t domain;
    int64_t bus;
    int64_t slot;
    int64_t function;
} TnPciAddress;

/* A channel device of s390. */
typedef struct {
    int64_t cssid;
    int64_t ssid;
    int64_t subchno;
    int64_t devno;
} TnCcwAddress;

/* Where one disk hangs, and what hosts number it by. BUS_TYPE is a TnBus. SERIAL is NULL when there
 * is none. */
typedef struct {
    TnPciAddress pci;
    int bus_type;
    int64_t bus;
    int64_t target;
    int64_t unit;
    char *serial;
    char *dev; /* device node, "/dev/vda1" */
    TnCcwAddress ccw;
    bool has_ccw;
} TnDiskAddress;

/* Fills the numbers of *RET_ADDRESS (not its strings) for the real disk whose sysfs directory below
 * ROOT_FD is PATH ("/sys/devices/pci0000:00/.../block/vda"): bus type, PCI or channel address, and
 * bus, target and unit as QEMU and libvirt count them for that controller. What cannot be told is
 * -1 or TN_BUS_UNKNOWN. Never fails. */
void tn_disktopo_locate(int root_fd, const char *path, TnDiskAddress *ret_address);
