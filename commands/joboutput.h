/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/command.h"
#include "platform/jobs.h"

/*
 * What the command modules that run programs share: how a channel limits captured output, captured
 * bytes as bulk data of a reply, and the record of a job as tenon's own commands show it.
 */

/* Gives the jobs the limits of the policy in force; before each start. */
void tn_joboutput_set_limits(TnCall *call);

/* Fills the budget of SPEC as the channel of CALL allows (clients.md R2): on a serial port both
 * streams share what fits a reply that libvirt takes, a listener allows 16 MiB each. */
void tn_joboutput_set_budget(TnCall *call, TnJobSpec *spec);

/* Leaves the record that the program of CALL's grant runs as JOB. */
void tn_joboutput_note_started(TnCall *call, const TnJob *job);

/* Charges SPEC with the grant of CALL: it is held until the child has ended. */
void tn_joboutput_set_charge(TnCall *call, TnJobSpec *spec);

/* Up to MAX bytes from OFFSET on as a reply's member; NULL when there are none (or CAPTURE is
 * NULL). The bytes stay whatever becomes of the record. */
TnBulk *tn_joboutput_bulk(const TnCapture *capture, guint64 offset, guint64 max);

/* One stream of a job in a reply. */
typedef struct {
    int64_t from;    /* offset of the first byte of b64 */
    TnBulk *bytes;   /* NULL: none */
    int64_t total;   /* bytes that the child wrote so far */
    int64_t dropped; /* of them those that are lost */
    bool end;        /* the stream has ended, and this is the last that is held of it */
} TnJobStreamReply;

/* A job in a reply of tenon-exec and tenon-exec-read; see tn_joboutput_fields. */
typedef struct {
    int64_t job;
    int64_t pid;
    bool has_pid;
    bool has_state; /* the members from here on are there */
    int state;
    int64_t exit_code;
    bool has_exit_code;
    int64_t signal;
    bool has_signal;
    char *reason; /* NULL: runs */
    int64_t started_ns;
    int64_t ended_ns;
    bool has_ended;
    int64_t cpu_ms;
    int64_t peak_bytes;
    bool has_out;
    TnJobStreamReply out;
    bool has_err;
    TnJobStreamReply err;
} TnJobReply;

/* The members of a TnJobReply. */
extern const TnField tn_joboutput_fields[];
/* Of an enumeration: running, ended. */
extern const char *const tn_joboutput_states[];

/* Which part of a job's output is wanted. */
typedef struct {
    guint64 from[TN_JOB_N_STREAMS];
    guint64 max; /* bytes of each stream */
} TnJobRange;

/* MAX_BYTES of a request (0: none given) cut to what a reply of the channel of CALL can carry. */
guint64 tn_joboutput_cut_max(TnCall *call, gint64 max_bytes);
/* WAIT_MS of a request cut to what the channel of CALL allows (wire.md, Programs). */
guint tn_joboutput_cut_wait(TnCall *call, gint64 wait_ms);

/* TRUE when JOB has bytes at or behind RANGE, or nothing more will come of it. */
gboolean tn_joboutput_has_news(TnJob *job, const TnJobRange *range);

/* Fills REPLY with the record of JOB and its bytes in RANGE, and notes in the jobs of CALL when the
 * end was told. May free JOB. */
void tn_joboutput_fill(TnCall *call, TnJob *job, const TnJobRange *range, TnJobReply *reply);

/* The job NUMBER of the channel of CALL, borrowed. Errors: TN_REQUEST_ERROR_NO_SUCH_JOB; LOST when
 * it was started by an agent before this one. */
TnJob *tn_joboutput_find(TnCall *call, gint64 number, GError **error);
