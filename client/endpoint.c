/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Endpoints: a scheme and a name. The name stays opaque; what opens it judges it.
 */

#include "client/endpoint.h"

#include "client/failure.h"

#include <string.h>

static const struct {
    const char *scheme;
    TnEndpointKind kind;
} schemes[] = {
    {"unix:", TN_ENDPOINT_UNIX},
    {"libvirt:", TN_ENDPOINT_LIBVIRT},
};

TnEndpoint *
tn_endpoint_parse(const char *text, GError **error)
{
    for (gsize i = 0; i < G_N_ELEMENTS(schemes); i++) {
        const char *name = text + strlen(schemes[i].scheme);
        TnEndpoint *endpoint = NULL;

        if (!g_str_has_prefix(text, schemes[i].scheme))
            continue;
        if (*name == '\0') {
            g_set_error(error, TN_FAILURE, TN_FAILURE_USAGE, "endpoint '%s' lacks a name", text);
            return NULL;
        }
        endpoint = g_new0(TnEndpoint, 1);
        endpoint->kind = schemes[i].kind;
        endpoint->text = g_strdup(text);
        endpoint->name = g_strdup(name);
        return endpoint;
    }
    g_set_error(error, TN_FAILURE, TN_FAILURE_USAGE,
                "'%s' is no endpoint: write unix:PATH or libvirt:DOMAIN", text);
    return NULL;
}

gboolean
tn_endpoint_split(const char *text, char **ret_endpoint, char **ret_path)
{
    for (gsize i = 0; i < G_N_ELEMENTS(schemes); i++) {
        const char *name = text + strlen(schemes[i].scheme);
        const char *mark = NULL;

        if (!g_str_has_prefix(text, schemes[i].scheme))
            continue;
        mark = schemes[i].kind == TN_ENDPOINT_UNIX ? g_strrstr(name, ":/") : strstr(name, ":/");
        if (mark == NULL || mark == name)
            return FALSE;
        *ret_endpoint = g_strndup(text, (gsize)(mark - text));
        *ret_path = g_strdup(mark + 1);
        return TRUE;
    }
    return FALSE;
}

void
tn_endpoint_free(TnEndpoint *endpoint)
{
    if (endpoint == NULL)
        return;
    g_free(endpoint->text);
    g_free(endpoint->name);
    g_free(endpoint);
}
