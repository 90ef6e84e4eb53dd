/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>
#include <stdint.h>

/* The functions of libsystemd that tell sessions (sd_get_sessions(3), sd_session_get_class(3)):
 * they return a negative errno on failure, and strings and lists that free(3) releases. */
typedef struct {
    int (*get_sessions)(char ***ret_ids);
    int (*get_class)(const char *id, char **ret_class);
    int (*get_username)(const char *id, char **ret_name);
    int (*get_start_time)(const char *id, uint64_t *ret_us);
} TnLogindOps;

/* Fills *RET_OPS from the system's libsystemd, which stays loaded. FALSE: built without logind, or
 * there is no such library, or it is older than version 254, which lacks two of the functions (such
 * systems still keep an utmp); it stays so until the process ends. Reads the library from disk the
 * first time. Any thread. */
gboolean tn_logind_load(TnLogindOps *ret_ops) G_GNUC_WARN_UNUSED_RESULT;
