/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Serial numbers. udev's ID_SERIAL is what hosts know from qemu-ga. Without udev the kernel's
 * number has to do; for disks of SCSI and nvme it lies in memory, while for virtio each read is a
 * request to the device (virtio_blk.c, virtblk_get_id), which hangs with it.
 */

#include "platform/serial.h"

#include "platform/sysroot.h"
#include "platform/udevdb.h"

#include <string.h>

enum {
    SERIAL_BYTES = 256,
    /* Page 80h of SCSI's vital product data: four bytes, the last the length (SPC-4, 7.8.15). */
    VPD_HEADER_BYTES = 4
};

static char *
read_plain(int root_fd, const char *disk_path, const char *name)
{
    g_autofree char *path = g_strconcat(disk_path, name, NULL);
    char serial[SERIAL_BYTES];

    if (tn_sysroot_read_attr(root_fd, path, serial, sizeof(serial)) < 0)
        return NULL;
    return g_utf8_make_valid(serial, -1);
}

static char *
read_vpd(int root_fd, const char *disk_path)
{
    g_autofree char *path = g_strconcat(disk_path, "/device/vpd_pg80", NULL);
    g_autofree char *page = NULL;
    char *serial;
    gsize size = 0;

    if (!tn_sysroot_read_file(root_fd, path, SERIAL_BYTES, &page, &size, NULL) ||
        size <= VPD_HEADER_BYTES)
        return NULL;
    size = MIN(size - VPD_HEADER_BYTES, (gsize)(guint8)page[VPD_HEADER_BYTES - 1]);
    serial = g_strstrip(g_strndup(page + VPD_HEADER_BYTES, size));
    if (*serial == '\0' || !g_utf8_validate(serial, -1, NULL))
        g_clear_pointer(&serial, g_free);
    return serial;
}

char *
tn_serial_read(int root_fd, const char *disk_path, const char *name, gboolean may_wait)
{
    char *serial = NULL;
    guint major;
    guint minor;

    if (root_fd == TN_SYSROOT_HOST && tn_udevdb_is_there() &&
        tn_sysroot_read_devno(root_fd, disk_path, &major, &minor))
        serial = tn_udevdb_read_property(major, minor, "ID_SERIAL");
    if (serial == NULL && g_str_has_prefix(name, "vd"))
        return may_wait ? read_plain(root_fd, disk_path, "/serial") : NULL;
    if (serial == NULL)
        serial = read_plain(root_fd, disk_path, "/device/serial");
    return serial != NULL ? serial : read_vpd(root_fd, disk_path);
}
