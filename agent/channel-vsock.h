/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/channel.h"

#include <gio/gio.h>

/*
 * vsock-listen. Only connections from CLIENT_CID are served (2 is the host; -1U: any); vsock(7).
 */

/* PLACE is CID:PORT, both decimal. Errors: G_IO_ERROR_INVALID_ARGUMENT for another text, else from
 * errno. */
TnChannel *tn_channel_vsock_open(const char *place, guint client_cid,
                                 const TnChannelHandler *handler, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/* Takes FD, a listening socket of family AF_VSOCK that somebody else has bound. */
TnChannel *tn_channel_vsock_adopt(int fd, const char *name, guint client_cid,
                                  const TnChannelHandler *handler);
