/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/* The serial number of the disk MAJOR:MINOR whose kernel name is NAME, from udev's database
 * (ID_SERIAL) on this machine and in builds with libudev, else from sysfs below ROOT_FD, where
 * DISK_PATH ("/sys/devices/.../block/sda") stands. NULL if it has none. UTF-8; the caller owns it.
 */
char *tn_serial_read(int root_fd, const char *disk_path, const char *name, guint major,
                     guint minor);
