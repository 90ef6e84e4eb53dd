/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Serial numbers. udev's ID_SERIAL is what hosts know from qemu-ga: for virtio disks it is the
 * kernel's attribute as it stands, which is read directly; for the others udev composes it from
 * vendor, model and number, and only its database has it.
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
tn_serial_read(int root_fd, const char *disk_path, const char *name, guint major, guint minor)
{
    char *serial = NULL;

    if (g_str_has_prefix(name, "vd"))
        return read_plain(root_fd, disk_path, "/serial");
    if (root_fd == TN_SYSROOT_HOST)
        serial = tn_udevdb_read_property(major, minor, "ID_SERIAL");
    if (serial == NULL)
        serial = read_plain(root_fd, disk_path, "/device/serial");
    return serial != NULL ? serial : read_vpd(root_fd, disk_path);
}
