/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/* The property KEY that udev's rules gave to the block device MAJOR:MINOR of this machine, or NULL:
 * built without libudev, no such library, no such device or property. UTF-8; the caller owns it. */
char *tn_udevdb_read_property(guint major, guint minor, const char *key);
