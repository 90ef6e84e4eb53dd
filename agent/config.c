/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Arguments to one immutable value.
 */

#include "agent/config.h"

#include "build-config.h"
#include "platform/names.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const method_names[] = {
    [TN_METHOD_VIRTIO] = "virtio-serial",
    [TN_METHOD_ISA] = "isa-serial",
    [TN_METHOD_UNIX] = "unix-listen",
    [TN_METHOD_VSOCK] = "vsock-listen",
};

static const struct option options[] = {
    {"method", required_argument, NULL, 'm'},     {"path", required_argument, NULL, 'p'},
    {"logfile", required_argument, NULL, 'l'},    {"pidfile", required_argument, NULL, 'f'},
    {"statedir", required_argument, NULL, 't'},   {"verbose", no_argument, NULL, 'v'},
    {"version", no_argument, NULL, 'V'},          {"daemonize", no_argument, NULL, 'd'},
    {"block-rpcs", required_argument, NULL, 'b'}, {"allow-rpcs", required_argument, NULL, 'a'},
    {"retry-path", no_argument, NULL, 'r'},       {NULL, 0, NULL, 0},
};

typedef struct {
    TnConfig *config;
    char *method;
    char *state_dir;
} Reading;

static void
replace(char **text, const char *value)
{
    g_free(*text);
    *text = g_strdup(value);
}

static void
add_list(TnConfig *config, const char *text, gboolean is_allow)
{
    TnPolicyList list = {
        .origin = is_allow ? "-a" : "-b",
        .is_allow = is_allow,
    };

    g_ptr_array_add(config->texts, g_strdup(text));
    list.text = g_ptr_array_index(config->texts, config->texts->len - 1);
    g_array_append_val(config->lists, list);
}

static gboolean
take_option(Reading *reading, int option)
{
    TnConfig *config = reading->config;

    switch (option) {
    case 'm':
        replace(&reading->method, optarg);
        break;
    case 'p':
        replace(&config->path, optarg);
        break;
    case 'l':
        replace(&config->log_path, optarg);
        break;
    case 'f':
        replace(&config->pid_path, optarg);
        break;
    case 't':
        replace(&reading->state_dir, optarg);
        break;
    case 'v':
        config->verbose = TRUE;
        break;
    case 'd':
        config->daemonize = TRUE;
        break;
    case 'r':
        config->retry_path = TRUE;
        break;
    case 'a':
    case 'b':
        add_list(config, optarg, option == 'a');
        break;
    default:
        return FALSE;
    }
    return TRUE;
}

static gboolean
find_method(Reading *reading)
{
    for (guint i = 0; i < G_N_ELEMENTS(method_names); i++) {
        if (strcmp(reading->method, method_names[i]) == 0) {
            reading->config->method = i;
            return TRUE;
        }
    }
    fprintf(stderr, "unsupported channel method/type: %s\n", reading->method);
    return FALSE;
}

static gboolean
fill_defaults(Reading *reading)
{
    TnConfig *config = reading->config;

    if (!find_method(reading))
        return FALSE;
    if (config->path == NULL && config->method == TN_METHOD_VIRTIO)
        config->path = g_strdup(TN_VIRTIO_PORT_PATH);
    if (config->path == NULL && config->method == TN_METHOD_ISA)
        config->path = g_strdup(TN_ISA_SERIAL_PATH);
    if (config->path == NULL) {
        fprintf(stderr, "must specify a path for this channel\n");
        return FALSE;
    }
    config->state_path = g_build_filename(reading->state_dir, "qga.state", NULL);
    return TRUE;
}

TnConfigResult
tn_config_new(int argc, char **argv, TnConfig **ret_config)
{
    g_autoptr(TnConfig) config = g_new0(TnConfig, 1);
    g_autofree char *base = g_path_get_basename(argc > 0 ? argv[0] : "tenond");
    Reading reading = {.config = config};
    gboolean fine = TRUE;
    int option;

    config->compat = strcmp(base, "qemu-ga") == 0;
    config->lists = g_array_new(FALSE, FALSE, sizeof(TnPolicyList));
    config->texts = g_ptr_array_new_with_free_func(g_free);
    config->client_uid = -1;
    config->client_cid = 2;
    config->notify_socket = g_strdup(g_getenv("NOTIFY_SOCKET"));
    reading.method = g_strdup(method_names[TN_METHOD_VIRTIO]);
    reading.state_dir = g_strdup(config->compat ? "/var/run" : TN_STATE_DIR);

    while (fine && (option = getopt_long(argc, argv, "m:p:l:f:t:vVdb:a:r", options, NULL)) != -1) {
        if (option == 'V') {
            printf(config->compat ? "QEMU Guest Agent " TN_QGA_VERSION " (tenon " TN_VERSION ")\n"
                                  : "tenond " TN_VERSION "\n");
            g_free(reading.method);
            g_free(reading.state_dir);
            return TN_CONFIG_DONE;
        }
        fine = take_option(&reading, option);
    }
    fine = fine && fill_defaults(&reading);
    g_free(reading.method);
    g_free(reading.state_dir);
    if (!fine)
        return TN_CONFIG_WRONG;
    *ret_config = g_steal_pointer(&config);
    return TN_CONFIG_RUN;
}

void
tn_config_free(TnConfig *config)
{
    if (config == NULL)
        return;
    g_free(config->path);
    g_free(config->log_path);
    g_free(config->pid_path);
    g_free(config->state_path);
    g_free(config->notify_socket);
    if (config->lists != NULL)
        g_array_free(config->lists, TRUE);
    if (config->texts != NULL)
        g_ptr_array_free(config->texts, TRUE);
    g_free(config);
}
