/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * How a program in the guest ended, whatever command ran it, and how that is printed as JSON.
 */

typedef struct {
    const guint8 *data;
    gsize size;
    gint64 omitted; /* bytes that are missing; only a stock agent does not say how many: -1 */
} TnOutcomeStream;

typedef struct {
    gint64 job; /* 0: none, a stock agent */
    gint64 pid; /* 0: unknown */
    int exit_code;
    int signal;         /* 0: none */
    const char *reason; /* of the end; NULL: not told */
    gint64 duration_us;
    TnOutcomeStream out;
    TnOutcomeStream err;
} TnOutcome;

/* Prints OUTCOME to stdout as one line: job, pid, exit-code, signal, reason, timed-out, duration-ms
 * and the streams, each with text (or b64, when it is not UTF-8), bytes, omitted and sha256. */
void tn_outcome_print(const TnOutcome *outcome);
