/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "policy/policy.h"

#include <gio/gio.h>

/*
 * What the agent was told by its name, its arguments, its environment and its key file, in one
 * immutable value. The only place that looks at the environment.
 */

typedef enum {
    TN_METHOD_VIRTIO,
    TN_METHOD_ISA,
    TN_METHOD_UNIX,
    TN_METHOD_VSOCK,
    TN_METHOD_ACTIVATION, /* the service manager listens already */
} TnMethod;

typedef struct {
    gboolean compat; /* behaves as qemu-ga: the program was run by that name */
    TnMethod method;
    char *path;     /* of the channel; never NULL, save for TN_METHOD_ACTIVATION */
    char *fault;    /* NULL, or why the channel cannot be opened: said once there is a log */
    char *log_path; /* NULL: standard error */
    char *pid_path;
    char *hook_path;  /* program that is run around a freeze; NULL: none */
    char *state_path; /* the state file */
    char *audit_path; /* of the policy's records, if there is no better place for them */
    char *policy_dir; /* instead of the built-in directories; NULL: those */
    /* Interfaces that no answer shows: names with * and ?, or kind:KIND; NULL: none. */
    char **hide_interfaces;
    gboolean verbose;
    gboolean daemonize;
    gboolean retry_path;
    gboolean check_only; /* say whether the policy is in order, and end */
    char *notify_socket; /* NULL: no service manager */
    int port_fd;         /* the serial port that an earlier agent left open; 0: none */
    int kept_fd;         /* the first of the descriptors that an earlier agent left */
    char **kept_names;   /* of those, from LISTEN_FDNAMES; NULL: none */
    GArray *lists;       /* TnPolicyList; their texts are owned here */
    GPtrArray *texts;    /* private to config.c */
} TnConfig;

typedef enum {
    TN_CONFIG_RUN,
    TN_CONFIG_DONE,  /* what was asked for was printed: exit 0 */
    TN_CONFIG_NAMES, /* the caller prints the names of all commands, one a line: exit 0 */
    TN_CONFIG_WRONG, /* the message was printed: exit 1 */
} TnConfigResult;

/* Reads ARGV, the environment (whose variables of socket activation are removed) and the key file.
 * Not thread-safe (getopt_long); once, at the start. *RET_CONFIG is set for TN_CONFIG_RUN only;
 * free it with tn_config_free. Source: qemu-ga's options, keys, defaults and messages; what differs
 * is in tests/compat/differences.json. */
TnConfigResult tn_config_new(int argc, char **argv, TnConfig **ret_config);
void tn_config_free(TnConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TnConfig, tn_config_free)
