/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/* The property KEY that udev's rules gave to the block device MAJOR:MINOR of this machine, or NULL:
 * built without libudev, no such library, no such device or property. UTF-8; the caller owns it. */
char *tn_udevdb_read_property(guint major, guint minor, const char *key);

/* TRUE if udev runs on this machine and the build can ask it. */
gboolean tn_udevdb_is_there(void);

/* TRUE if the build can ask udev, whether it runs or not. */
gboolean tn_udevdb_is_built(void);
