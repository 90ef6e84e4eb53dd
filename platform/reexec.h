/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>

/*
 * Becoming a newer build of this program without a new process, so that its children stay its own.
 * Source: execve(2), sd_listen_fds(3) for how descriptors are handed over.
 */

/* With this and a version of the form the successor is asked whether it takes such a handover; one
 * that does exits with 0. Other builds do not know the option and fail. */
#define TN_REEXEC_QUESTION "--accepts-handover"

/* FALSE: ARGV is no such question. Else *RET_EXIT_CODE answers it for VERSION. */
gboolean tn_reexec_answer(int argc, char **argv, gint64 version, int *ret_exit_code);

/* The file that this program was started from, or what stands there now. NULL: nobody knows. The
 * caller owns it. */
char *tn_reexec_find_program(void);

/* Asks PROGRAM whether it takes a handover of form VERSION; does not block. DONE gets the answer
 * later, once, on the main context; FALSE also when it cannot be run or does not answer in 5 s. */
typedef void (*TnReexecDone)(gboolean accepted, gpointer data);
void tn_reexec_ask(const char *program, gint64 version, TnReexecDone done, gpointer data);

/* What the agent's peers come through: a listener, or an open port. */
typedef struct {
    int fd;           /* -1: none */
    const char *name; /* in LISTEN_FDNAMES */
} TnReexecStream;

/* Becomes PROGRAM with ARGV. STREAM and FDS (of int; NULL: none) are its descriptors from 3 on; FDS
 * are called after PREFIX: the first PREFIXstate, the next ones PREFIX1 and on. Returns only when
 * it failed, and then descriptors from 3 on have been lost. */
void tn_reexec_run(const char *program, char **argv, const TnReexecStream *stream,
                   const GArray *fds, const char *prefix);
