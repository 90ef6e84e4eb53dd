/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Where messages go: standard error or a file, one line each, `<epoch>.<us>: <level>: <text>` as
 * qemu-ga writes it. While file systems are frozen nothing is written (a write to a frozen disk, or
 * to a journal on one, would hang the agent); the last lines are kept and follow after the thaw.
 *
 * Modules speak through glib's g_critical, g_warning, g_message, g_info and g_debug; of them only
 * session, dispatch and the wiring do. Control characters in a text are escaped here, so that no
 * argument can forge a line. May be used from any thread.
 */

typedef struct TnLog TnLog;

/* PATH NULL: standard error. The file is created 0600 and appended to. Without VERBOSE only errors,
 * criticals and warnings pass. Errors: G_IO_ERROR from errno. */
TnLog *tn_log_new(const char *path, gboolean verbose, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void tn_log_free(TnLog *log);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TnLog, tn_log_free)

/* Makes LOG the target of glib's messages. Once per process (g_log_set_writer_func(3)); LOG must
 * outlive the last message. */
void tn_log_install(TnLog *log);

/* Holds lines back (TRUE) or writes those held back and goes on (FALSE). Of more than 64 KiB the
 * oldest are lost, and a line says so. */
void tn_log_set_frozen(TnLog *log, gboolean frozen);

/* One line; what glib's macros end in. TEXT need not end in a newline. */
void tn_log_write(TnLog *log, GLogLevelFlags level, const char *text);
