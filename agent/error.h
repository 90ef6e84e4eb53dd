/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>

/*
 * Errors of the request path. The rules, once for all rooms: a fallible function returns gboolean
 * or a pointer and takes GError **error last; on failure it sets error and touches nothing else;
 * each layer that adds knowledge prefixes once.
 *
 * Three kinds of wrong: the caller's (TN_REQUEST_ERROR), refused (TN_POLICY_ERROR, in
 * policy/policy.h) and the system's (G_IO_ERROR from errno). Only agent/dispatch.c turns them into
 * the classes of the wire. The fourth kind, our own bug, is g_assert, never on data from outside.
 */

#define TN_REQUEST_ERROR (tn_request_error_quark())
/* The error domain of requests that are wrong in themselves. */
GQuark tn_request_error_quark(void);

typedef enum {
    TN_REQUEST_ERROR_GENERIC,           /* class GenericError */
    TN_REQUEST_ERROR_COMMAND_NOT_FOUND, /* class CommandNotFound */
    TN_REQUEST_ERROR_NOT_FOUND,         /* GenericError with reason "not-found" and so on: */
    TN_REQUEST_ERROR_NO_SUCH_JOB,
    TN_REQUEST_ERROR_LOST,
    TN_REQUEST_ERROR_TOO_LARGE,
    TN_REQUEST_ERROR_BUSY,
    TN_REQUEST_ERROR_OUT_OF_RANGE, /* an offset that is not there */
    TN_REQUEST_ERROR_CLOSED,       /* it takes nothing more */
} TnRequestError;
