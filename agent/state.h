/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>
#include <glib.h>

/*
 * What outlives the process: a counter whose numbers are never handed out twice, and the mark that
 * file systems are frozen. Two files as qemu-ga keeps them: FILE is a key file with [global]
 * fd_counter=N, FILE.isfrozen is empty and exists exactly while frozen; either agent can take over
 * the other's. Main thread only, save
 * for tn_state_take_number.
 */

enum {
    TN_STATE_FIRST_NUMBER = 1000,
    TN_STATE_BLOCK = 1000, /* numbers reserved by one write of the file */
};

typedef struct TnState TnState;

/* Called when the frozen mark changes (the log holds its lines back). */
typedef void (*TnStateFrozenFunc)(gboolean frozen, gpointer data);

/* Reads FILE (creates it when it is not there) and looks for the mark. Errors, which are fatal to
 * the start: G_IO_ERROR from errno, G_KEY_FILE_ERROR when FILE is no key file. A group or key that
 * is missing counts as 1000, one that is no number as 0, as in qemu-ga. Blocks on disk. */
TnState *tn_state_new(const char *file, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The same with the frozen mark at MARK, which should not outlive this boot; tn_state_new() has it
 * at FILE.isfrozen. */
TnState *tn_state_new_with_mark(const char *file, const char *mark, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;
void tn_state_free(TnState *state);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TnState, tn_state_free)

/* A number > 0 that this machine never got before, restarts included. One disk write per
 * TN_STATE_BLOCK numbers; none while frozen if the block is used up (then an error). Errors:
 * G_IO_ERROR from errno, G_IO_ERROR_BUSY while frozen. */
gboolean tn_state_take_number(TnState *state, gint64 *ret_number, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/* The port is about to be opened: leaves a third file, FILE.port, with the id of this boot. TRUE
 * when one was there from an earlier process of this boot, which has then ended without
 * tn_state_end_port: half a reply may be in the pipe. Nothing is written while frozen. */
gboolean tn_state_begin_port(TnState *state);
/* The port was left in order; removes that file. */
void tn_state_end_port(TnState *state);

/* The first number that this process could hand out; what is below came from an earlier one. */
gint64 tn_state_get_first_number(const TnState *state);

/* TRUE while the mark stands. */
gboolean tn_state_is_frozen(const TnState *state);
/* Sets the mark, before the first file system is frozen, or clears it after the last was thawed.
 * A mark that cannot be written is an error and then nothing has changed; one that cannot be
 * removed is cleared in memory all the same. Errors: G_IO_ERROR from errno. */
gboolean tn_state_set_frozen(TnState *state, gboolean frozen, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;
/* At most one listener; FUNC NULL removes it. */
void tn_state_on_frozen(TnState *state, TnStateFrozenFunc func, gpointer data);

/* Who thaws when the agent is to end while frozen: FUNC is told by tn_state_ask_thaw() and answers,
 * later and on the main thread, with tn_state_end_thaw(), which tells the listener THAWED. At most
 * one each; NULL removes it. */
typedef void (*TnStateThawFunc)(gpointer data);
void tn_state_on_thaw(TnState *state, TnStateThawFunc func, gpointer data);
void tn_state_on_thawed(TnState *state, TnStateThawFunc thawed, gpointer data);
/* FALSE: nobody can thaw. */
gboolean tn_state_ask_thaw(TnState *state);
void tn_state_end_thaw(TnState *state);
