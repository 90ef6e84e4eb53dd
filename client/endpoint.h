/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Where an agent is reached, as it is written on the command line. Only parsing: nothing is opened.
 */

typedef enum {
    TN_ENDPOINT_UNIX,    /* a unix socket: the agent's own, or the one QEMU holds for its channel */
    TN_ENDPOINT_LIBVIRT, /* a libvirt domain, by name or UUID */
} TnEndpointKind;

typedef struct {
    TnEndpointKind kind;
    char *text; /* as it was written; names the endpoint in messages */
    char *name; /* path or domain */
} TnEndpoint;

/* Parses "unix:PATH" or "libvirt:DOMAIN". A text without a known scheme is an error that names the
 * schemes: guessing would send a command to the wrong guest. Errors: TN_FAILURE_USAGE. */
TnEndpoint *tn_endpoint_parse(const char *text, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Splits "ENDPOINT:PATH" as cp and its like take it: at the first ":/" behind the scheme of
 * libvirt:, at the last ":/" for unix: (whose own path may hold one). FALSE, and nothing set, when
 * TEXT names no endpoint: then it is a local path. Free both with g_free. */
gboolean tn_endpoint_split(const char *text, char **ret_endpoint, char **ret_path);

/* ENDPOINT may be NULL. */
void tn_endpoint_free(TnEndpoint *endpoint);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TnEndpoint, tn_endpoint_free)
