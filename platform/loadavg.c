/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The load averages. getloadavg(3) reads the same file, but only the machine's own.
 */

#include "platform/loadavg.h"

#include "platform/fd.h"
#include "platform/scan.h"
#include "platform/sysroot.h"

enum {
    LINE_BYTES = 256
};

static gboolean
take_number(TnScan *line, double *ret_value)
{
    TnScan word;

    return tn_scan_word(line, &word) && tn_scan_to_double(&word, ret_value);
}

gboolean
tn_loadavg_read(int root_fd, TnLoadavg *ret_load, GError **error)
{
    char text[LINE_BYTES];
    gssize n = tn_sysroot_read_attr(root_fd, "/proc/loadavg", text, sizeof(text));
    TnScan line = {text, text + MAX(n, 0)};
    TnLoadavg load = {0};

    if (n < 0)
        return tn_error_from_errno(error, errno, "read '/proc/loadavg'");
    if (!take_number(&line, &load.load1m) || !take_number(&line, &load.load5m) ||
        !take_number(&line, &load.load15m)) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                    "read '/proc/loadavg': no load averages");
        return FALSE;
    }
    *ret_load = load;
    return TRUE;
}
