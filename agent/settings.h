/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "policy/policy.h"

#include <gio/gio.h>

/*
 * What can be said in a key file and on the command line alike, as it was said: NULL is "not said".
 * config.c decides what that means.
 */

typedef struct {
    gboolean daemonize;
    gboolean verbose;
    gboolean retry_path;
    char *method;
    char *path;
    char *log_path;
    char *pid_path;
    char *hook_path;
    char *state_dir;
    char *policy_dir;
    char *hide_interfaces;
    GArray *lists;    /* TnPolicyList, in the order in which they were given */
    GPtrArray *texts; /* owns the lists' texts */
} TnSettings;

/* Nothing said; end with tn_settings_clear. */
void tn_settings_init(TnSettings *settings);
void tn_settings_clear(TnSettings *settings);

/* Replaces *TEXT, a member of TnSettings, by a copy of VALUE. */
void tn_settings_set(char **text, const char *value);
/* Adds a list of command names; ORIGIN and the flags as in TnPolicyList. All are copied. */
void tn_settings_add_list(TnSettings *settings, const TnPolicyList *list);

/* Adds what the key file PATH says in its group [general]. STRICT: a group or key that nobody knows
 * is an error; else it is ignored, as qemu-ga does. Errors: G_IO_ERROR_NOT_FOUND when there is no
 * file, G_IO_ERROR from errno, G_KEY_FILE_ERROR, G_IO_ERROR_INVALID_DATA; a file above 1 MiB, with
 * a NUL byte, or that is no regular file is refused. */
gboolean tn_settings_load(TnSettings *settings, const char *path, gboolean strict, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/* The settings as a key file that tn_settings_load takes, lists as they were given. Free it. */
char *tn_settings_print(const TnSettings *settings);
