/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/* Tells the service manager STATE, such as "READY=1" or "STOPPING=1\nSTATUS=…" (sd_notify(3)), in
 * one datagram to SOCKET, the value of NOTIFY_SOCKET: a path, or an abstract name behind '@'. NULL
 * or a socket that cannot be reached: nothing happens, nobody waits. */
void tn_notify_send(const char *socket_name, const char *state);

/* The same with a descriptor beside it, as FDSTORE=1 needs it. FD stays the caller's. */
void tn_notify_send_fd(const char *socket_name, const char *state, int fd);
