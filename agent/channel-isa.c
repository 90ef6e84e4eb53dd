/* SPDX-License-Identifier: Apache-2.0 */

/*
 * How a tty becomes a byte stream. CLOCAL keeps a missing carrier from hanging the line up; a real
 * hang-up (vhangup(2), the end of a pty) leaves the descriptor dead, so it is opened anew.
 */

#include "agent/channel-isa.h"

#include "agent/channel-serial.h"
#include "platform/fd.h"

#include <fcntl.h>
#include <termios.h>

static int
open_tty(const char *path, GError **error)
{
    tn_autofd int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    struct termios line;

    if (fd < 0 || tcgetattr(fd, &line) < 0) {
        tn_error_from_errno(error, errno, "error opening channel '%s'", path);
        return -1;
    }
    cfmakeraw(&line);
    line.c_cflag |= CREAD | CLOCAL;
    line.c_cc[VMIN] = 1;
    line.c_cc[VTIME] = 0;
    cfsetspeed(&line, B38400);
    if (tcsetattr(fd, TCSANOW, &line) < 0) {
        tn_error_from_errno(error, errno, "error opening channel '%s'", path);
        return -1;
    }
    tcflush(fd, TCIFLUSH);
    return tn_fd_steal(&fd);
}

TnChannel *
tn_channel_isa_open(const char *path, gboolean waits, int kept_fd, const TnChannelHandler *handler,
                    GError **error)
{
    const TnSerialSetup setup = {
        .open = open_tty,
        .zero_is_end = TRUE,
        .reopens = TRUE,
        .waits = waits,
        .kept_fd = kept_fd,
    };

    return tn_channel_serial_open(path, &setup, handler, error);
}
