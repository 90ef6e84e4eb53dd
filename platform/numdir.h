/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/* The numbers N, ascending, of the entries that PREFIX and digits alone make up ("cpu0", "cpu11",
 * not "cpuidle") in the directory PATH below ROOT_FD: readdir gives sysfs in hash order. The caller
 * owns the array of guint64. At most 65536; later ones are left out. *RET_DIR_FD (may be NULL) gets
 * the directory, which the caller closes. Errors: G_IO_ERROR from errno. */
GArray *tn_numdir_read(int root_fd, const char *path, const char *prefix, int *ret_dir_fd,
                       GError **error) G_GNUC_WARN_UNUSED_RESULT;
