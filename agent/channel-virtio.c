/* SPDX-License-Identifier: Apache-2.0 */

/*
 * How a virtio-serial port is opened. The kernel lets one process have it at a time (EBUSY).
 */

#include "agent/channel-virtio.h"

#include "agent/channel-serial.h"
#include "platform/fd.h"

#include <fcntl.h>
#include <sys/stat.h>

static int
open_virtio(const char *path, GError **error)
{
    tn_autofd int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    struct stat found;

    if (fd < 0 || fstat(fd, &found) < 0) {
        tn_error_from_errno(error, errno, "error opening channel '%s'", path);
        return -1;
    }
    if (S_ISCHR(found.st_mode) && (found.st_mode & S_IRWXO) != 0) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
                    "error opening channel '%s': any user may open it (mode 0%o)", path,
                    (guint)found.st_mode & 07777);
        return -1;
    }
    return tn_fd_steal(&fd);
}

TnChannel *
tn_channel_virtio_open(const char *path, gboolean waits, int kept_fd, gint64 not_before_us,
                       const TnChannelHandler *handler, GError **error)
{
    const TnSerialSetup setup = {
        .open = open_virtio,
        .reopens = waits,
        .waits = waits,
        .kept_fd = kept_fd,
        .not_before_us = not_before_us,
    };

    return tn_channel_serial_open(path, &setup, handler, error);
}
