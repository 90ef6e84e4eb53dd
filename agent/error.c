/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The error domain of the request path. What its codes become on the wire stands in dispatch.c and
 * nowhere else.
 */
#include "agent/error.h"

G_DEFINE_QUARK(tn - request - error - quark, tn_request_error)
