/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "client/follow.h"

#include <glib.h>

/*
 * Runs along with a job until its end: its output to the sink, our stdin to it, our signals to its
 * tree.
 */

typedef struct {
    int stdin_fd;     /* read until its end and passed on; < 0: none */
    gboolean kills;   /* SIGINT, SIGTERM and SIGHUP end the job, not just us */
    gint64 grace_us;  /* from TERM to KILL then */
    gboolean follows; /* FALSE: stops when everything there is was read */
    gint64 end_us;    /* ends the job then, as if by a signal; TN_DEADLINE_NEVER: never */
} TnPumpOptions;

/* Blocks SIGINT, SIGTERM and SIGHUP, which the pump takes from a descriptor; call before the job is
 * started, so that none slips through in between. FALSE lets them through again. */
void tn_pump_block_signals(gboolean shall_block);

/* Follows FOLLOW until its end. *RET_SIGNAL is the signal that stopped us, or 0. With kills, a
 * first signal sends TERM and, after the grace, KILL to the tree, a second one KILL at once; the
 * output is still read to its end. Without, a signal ends the reading and the job goes on. Errors:
 * those of tn_follow_read, of the sink (the job is then killed with kills) and of reading stdin. */
gboolean tn_pump_run(TnFollow *follow, const TnPumpOptions *options, int *ret_signal,
                     GError **error) G_GNUC_WARN_UNUSED_RESULT;
