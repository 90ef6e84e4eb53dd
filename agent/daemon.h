/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>

/*
 * Going into the background: the pid file is locked first, and the process that was started ends
 * only when the one behind it serves, with its result.
 */

typedef struct TnDaemon TnDaemon;

/* Locks PID_PATH and forks; to be called before any thread exists and before anything that a
 * second agent must not touch is opened. In the child: TRUE, *RET_DAEMON is set, the pid is in the
 * file, umask is 077, a session of its own, the directory is /; standard input, output and error
 * are still the caller's. In the parent: TRUE, *RET_DAEMON is NULL, and *RET_EXIT_CODE is what it
 * must exit with at once; it has waited for tn_daemon_ready or for the child's end. Errors, with
 * nothing left behind: G_IO_ERROR from errno, worded as qemu-ga's. */
gboolean tn_daemon_start(const char *pid_path, TnDaemon **ret_daemon, int *ret_exit_code,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The agent serves: releases the parent, and standard input, output and error become /dev/null. */
void tn_daemon_ready(TnDaemon *daemon);

/* Removes the pid file. */
void tn_daemon_free(TnDaemon *daemon);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TnDaemon, tn_daemon_free)
