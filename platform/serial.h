/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/* The serial number of the disk whose kernel name is NAME and whose directory below ROOT_FD is
 * DISK_PATH ("/sys/devices/.../block/sda"): udev's ID_SERIAL on a machine where udev runs and in a
 * build with libudev, else the kernel's own. MAY_WAIT: also the kernel's number of a virtio disk,
 * which asks the device. NULL if there is none. UTF-8; the caller owns it. */
char *tn_serial_read(int root_fd, const char *disk_path, const char *name, gboolean may_wait);
