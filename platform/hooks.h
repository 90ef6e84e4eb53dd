/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "platform/helper.h"

#include <gio/gio.h>
#include <glib.h>

/*
 * The owner's programs around a freeze: one program, or all in a directory. Each gets one argument,
 * "freeze" or "thaw".
 */

/* The programs that PATH stands for, in the order in which they run on freeze: PATH itself, or the
 * executable files in the directory PATH by name, without editors' and packages' leftovers. NULL
 * PATH: none. The caller owns the list. They, and the directory, must belong to root and not be
 * writable by others. Errors: from errno, "can't access fsfreeze hook 'P': E";
 * G_IO_ERROR_PERMISSION_DENIED. */
GPtrArray *tn_hooks_list(const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Runs PROGRAMS with "freeze" until one fails. *RET_N_RAN: how many were started, the one that
 * failed included; valid on failure too. 30 s each, 60 s together. Worker threads only. Errors:
 * those of tn_helpers_must_run(), "child process has failed to execute fsfreeze hook: …". */
gboolean tn_hooks_freeze(TnHelpers *helpers, const GPtrArray *programs, guint *ret_n_ran,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Runs the first N of PROGRAMS with "thaw", last one first, all of them whatever happens; 30 s
 * each. Errors: the first one, as above. Worker threads only. */
gboolean tn_hooks_thaw(TnHelpers *helpers, const GPtrArray *programs, guint n, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;
