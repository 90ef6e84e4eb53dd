/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "client/dial.h"

#include <glib.h>

/*
 * Runs one program in the guest through guest-exec, which every agent has: start it, ask for its
 * end, take its output. Output comes as a whole at the end.
 */

typedef struct {
    const char *path;        /* looked up in the guest's PATH when it has no slash */
    const char *const *args; /* argv[1..], ends in NULL; may be NULL */
    const char *const *env;  /* NAME=value; replaces the whole environment; NULL: the agent's own */
    const guint8 *input;     /* all of stdin; NULL: none */
    gsize input_size;
    gboolean is_detached; /* only started: its output is lost, and pid all that is told */
} TnRunSpec;

typedef struct {
    gint64 pid;
    int exit_code; /* 0..255, or -1 when a signal ended it */
    int signal;    /* 0: none */
    gint64 duration_us;
    gboolean is_out_cut; /* bytes are missing at the end */
    gboolean is_err_cut;
    const guint8 *out; /* owned by reply */
    gsize out_size;
    const guint8 *err;
    gsize err_size;
    TnAnswer *reply;
} TnRunResult;

/* Frees the reply, and with it the output that RESULT points to. */
void tn_run_result_clear(TnRunResult *result);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(TnRunResult, tn_run_result_clear)

/* Runs SPEC until its end or the deadline of AGENT. Errors: those of tn_dial_send; a time-out, and
 * any failure after the start, says that the program goes on in the guest under its pid. Texts of
 * SPEC must be UTF-8 (TN_FAILURE_USAGE). */
gboolean tn_run_program(TnAgent *agent, const TnRunSpec *spec, TnRunResult *ret_result,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* What a shell would make of it: the exit code, or 128 + signal. */
int tn_run_get_status(int exit_code, int signal);

/* Checks that all texts can be sent. WHAT names them in the message. VALUES may be NULL. */
gboolean tn_run_check_texts(const char *what, const char *const *values, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;
