/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An agent behind libvirt, through its client libraries. They are opened at run time, so that the
 * program neither needs them to build nor to start. libvirt synchronises with the agent by itself
 * and lets one command at a time through. Deliberately not here: anything else that libvirt can do.
 */

#include "client/conn.h"
#include "client/duration.h"
#include "client/failure.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

/* Largest result that libvirt's protocol carries (REMOTE_STRING_MAX). */
#define REPLY_MAX_BYTES (4 * 1024 * 1024)
/* A request that does not fit in the buffer of libvirt's socket to QEMU is sent wrongly: what a
 * write that then fails with EAGAIN has sent is sent again (seen with 9.0, agent and channel then
 * hang until the time-out). A unix socket's buffer is 208 KiB by default, overhead included. */
#define REQUEST_MAX_BYTES (128 * 1024 - 1)
#define WAIT_MAX_MS       200
#define TIMEOUT_BLOCK     (-2) /* VIR_DOMAIN_QEMU_AGENT_COMMAND_BLOCK */

typedef struct LibvirtConnect LibvirtConnect;
typedef struct LibvirtDomain LibvirtDomain;

/* Signatures as of libvirt/libvirt.h, libvirt-qemu.h and virterror.h. */
typedef struct {
    LibvirtConnect *(*connect_open)(const char *uri);
    int (*connect_close)(LibvirtConnect *connect);
    LibvirtDomain *(*domain_by_name)(LibvirtConnect *connect, const char *name);
    LibvirtDomain *(*domain_by_uuid)(LibvirtConnect *connect, const char *uuid);
    int (*domain_free)(LibvirtDomain *domain);
    void (*set_error_func)(void *data, void (*handler)(void *data, void *error));
    int (*last_error_code)(void);
    const char *(*last_error_message)(void);
    char *(*agent_command)(LibvirtDomain *domain, const char *command, int timeout, guint flags);
} LibvirtApi;

typedef struct {
    TnConn base;
    LibvirtApi api;
    LibvirtConnect *connect;
    LibvirtDomain *domain;
} LibvirtConn;

static const struct {
    const char *name;
    gsize offset;
    gboolean is_in_qemu; /* stands in libvirt-qemu.so.0 */
} symbols[] = {
    {"virConnectOpen", offsetof(LibvirtApi, connect_open), FALSE},
    {"virConnectClose", offsetof(LibvirtApi, connect_close), FALSE},
    {"virDomainLookupByName", offsetof(LibvirtApi, domain_by_name), FALSE},
    {"virDomainLookupByUUIDString", offsetof(LibvirtApi, domain_by_uuid), FALSE},
    {"virDomainFree", offsetof(LibvirtApi, domain_free), FALSE},
    {"virSetErrorFunc", offsetof(LibvirtApi, set_error_func), FALSE},
    {"virGetLastErrorCode", offsetof(LibvirtApi, last_error_code), FALSE},
    {"virGetLastErrorMessage", offsetof(LibvirtApi, last_error_message), FALSE},
    {"virDomainQemuAgentCommand", offsetof(LibvirtApi, agent_command), TRUE},
};

/* The libraries stay loaded: they start threads and register exit handlers. */
static gboolean
load_api(LibvirtApi *api, GError **error)
{
    void *core = dlopen("libvirt.so.0", RTLD_NOW | RTLD_LOCAL);
    void *qemu = core == NULL ? NULL : dlopen("libvirt-qemu.so.0", RTLD_NOW | RTLD_LOCAL);

    if (qemu == NULL) {
        g_set_error_literal(error, TN_FAILURE, TN_FAILURE_LOCAL,
                            "libvirt's client libraries are not installed here");
        return FALSE;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(symbols); i++) {
        void *symbol = dlsym(symbols[i].is_in_qemu ? qemu : core, symbols[i].name);

        if (symbol == NULL) {
            g_set_error(error, TN_FAILURE, TN_FAILURE_LOCAL,
                        "libvirt's client library lacks %s: it is too old", symbols[i].name);
            return FALSE;
        }
        memcpy((char *)api + symbols[i].offset, &symbol, sizeof(symbol));
    }
    return TRUE;
}

/* By default the library prints every error by itself. */
static void
ignore_message(void *data, void *error)
{
}

static void
set_last_error(const LibvirtConn *conn, GError **error)
{
    const char *text = conn->api.last_error_message();

    g_propagate_error(error, tn_conn_new_libvirt_failure(conn->api.last_error_code(),
                                                         text == NULL ? "unknown error" : text));
}

static gboolean
exchange_libvirt(TnConn *base, const GString *request, gint64 deadline_us, TnAnswer **ret_reply,
                 GError **error)
{
    LibvirtConn *conn = (LibvirtConn *)base;
    int left_ms = tn_deadline_get_poll_ms(deadline_us);
    int timeout = left_ms < 0 ? TIMEOUT_BLOCK : MAX(1, (left_ms + 999) / 1000);
    char *text = conn->api.agent_command(conn->domain, request->str, timeout, 0);

    if (text == NULL) {
        /* Older libraries have one error for an absent agent and for one that was too slow. */
        if (tn_deadline_is_over(deadline_us))
            g_set_error_literal(error, TN_FAILURE, TN_FAILURE_TIMEOUT, "no answer from the agent");
        else
            set_last_error(conn, error);
        return FALSE;
    }
    *ret_reply = tn_answer_parse(text, strlen(text), error);
    free(text);
    return *ret_reply != NULL;
}

static void
free_libvirt(TnConn *base)
{
    LibvirtConn *conn = (LibvirtConn *)base;

    if (conn->domain != NULL)
        conn->api.domain_free(conn->domain);
    if (conn->connect != NULL)
        conn->api.connect_close(conn->connect);
    g_free(conn);
}

static const TnConnOps libvirt_ops = {
    .exchange = exchange_libvirt,
    .free = free_libvirt,
};

TnConn *
tn_conn_libvirt_open(const char *domain, const char *uri, gboolean *ret_is_missing, GError **error)
{
    g_autoptr(TnConn) base = NULL;
    LibvirtConn *conn = g_new0(LibvirtConn, 1);

    base = &conn->base;
    base->ops = &libvirt_ops;
    base->request_max = REQUEST_MAX_BYTES;
    base->reply_max = REPLY_MAX_BYTES;
    base->wait_max_ms = WAIT_MAX_MS;
    base->wake_fd = -1;
    if (!load_api(&conn->api, error)) {
        *ret_is_missing = TRUE;
        return NULL;
    }
    *ret_is_missing = FALSE;
    conn->api.set_error_func(NULL, ignore_message);
    conn->connect = conn->api.connect_open(uri);
    if (conn->connect == NULL) {
        set_last_error(conn, error);
        return NULL;
    }
    conn->domain = conn->api.domain_by_name(conn->connect, domain);
    if (conn->domain == NULL)
        conn->domain = conn->api.domain_by_uuid(conn->connect, domain);
    if (conn->domain == NULL) {
        g_set_error(error, TN_FAILURE, TN_FAILURE_AGENT_ABSENT, "libvirt knows no domain '%s'",
                    domain);
        return NULL;
    }
    return g_steal_pointer(&base);
}
