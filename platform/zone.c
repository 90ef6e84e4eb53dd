/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Host name and time zone. libc is asked rather than files: it knows TZ, the rules beyond the
 * table's end, and it reads /etc/localtime again when an administrator has changed it (glib keeps
 * the first answer for the life of the process).
 */

#include "platform/zone.h"

#include "platform/fd.h"

#include <errno.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

enum {
    NS_PER_S = 1000000000
};

char *
tn_zone_read_host_name(GError **error)
{
    struct utsname name;

    if (uname(&name) < 0) {
        tn_error_from_errno(error, errno, "uname");
        return NULL;
    }
    return g_strdup(name.nodename);
}

gboolean
tn_zone_read(gint64 realtime_ns, TnZone *ret_zone, GError **error)
{
    time_t now = (time_t)(realtime_ns / NS_PER_S);
    struct tm local = {0};

    tzset();
    if (localtime_r(&now, &local) == NULL) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                    "no local time for %" G_GINT64_FORMAT " ns", realtime_ns);
        return FALSE;
    }
    memset(ret_zone, 0, sizeof(*ret_zone));
    if (local.tm_zone != NULL)
        g_strlcpy(ret_zone->name, local.tm_zone, sizeof(ret_zone->name));
    ret_zone->offset_s = local.tm_gmtoff;
    return TRUE;
}
