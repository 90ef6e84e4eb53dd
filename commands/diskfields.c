/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of a disk's address, and nothing else.
 */
#include "commands/diskfields.h"

#include "platform/disktopo.h"

/* In the order of TnBus. */
const char *const tn_diskfields_bus_words[] = {"ide",
                                               "fdc",
                                               "scsi",
                                               "virtio",
                                               "xen",
                                               "usb",
                                               "uml",
                                               "sata",
                                               "sd",
                                               "unknown",
                                               "ieee1394",
                                               "ssa",
                                               "fibre",
                                               "raid",
                                               "iscsi",
                                               "sas",
                                               "mmc",
                                               "virtual",
                                               "file-backed-virtual",
                                               "nvme",
                                               NULL};

static const TnField pci_fields[] = {
    {"domain", TN_INT(TnPciAddress, domain, .flags = TN_FIELD_REQUIRED, .doc = "-1: not known")},
    {"bus", TN_INT(TnPciAddress, bus, .flags = TN_FIELD_REQUIRED)},
    {"slot", TN_INT(TnPciAddress, slot, .flags = TN_FIELD_REQUIRED)},
    {"function", TN_INT(TnPciAddress, function, .flags = TN_FIELD_REQUIRED)},
    {0},
};

static const TnField ccw_fields[] = {
    {"cssid", TN_INT(TnCcwAddress, cssid, .flags = TN_FIELD_REQUIRED)},
    {"ssid", TN_INT(TnCcwAddress, ssid, .flags = TN_FIELD_REQUIRED)},
    {"subchno", TN_INT(TnCcwAddress, subchno, .flags = TN_FIELD_REQUIRED)},
    {"devno", TN_INT(TnCcwAddress, devno, .flags = TN_FIELD_REQUIRED)},
    {0},
};

const TnField tn_diskfields_address[] = {
    {"pci-controller",
     TN_OBJECT(TnDiskAddress, pci, TnPciAddress, .fields = pci_fields, .flags = TN_FIELD_REQUIRED)},
    {"bus-type", TN_ENUM(TnDiskAddress, bus_type, .words = tn_diskfields_bus_words,
                         .flags = TN_FIELD_REQUIRED)},
    {"bus", TN_INT(TnDiskAddress, bus, .flags = TN_FIELD_REQUIRED)},
    {"target", TN_INT(TnDiskAddress, target, .flags = TN_FIELD_REQUIRED)},
    {"unit", TN_INT(TnDiskAddress, unit, .flags = TN_FIELD_REQUIRED)},
    {"serial", TN_STRING(TnDiskAddress, serial)},
    {"dev", TN_STRING(TnDiskAddress, dev)},
    {"ccw-address", TN_OBJECT(TnDiskAddress, ccw, TnCcwAddress, .fields = ccw_fields,
                              TN_PRESENT(TnDiskAddress, has_ccw))},
    {0},
};
