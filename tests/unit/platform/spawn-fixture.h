/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Shared by the tests that start programs: plans from words, and a main loop with a deadline. */

#include "platform/child.h"
#include "platform/clock.h"

#include <glib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum {
    PATIENCE_US = 20 * G_USEC_PER_SEC
};

/* PATH and its arguments up to NULL. */
static inline TnSpawnSpec *
make_spec(const char *path, ...)
{
    TnSpawnSpec *spec = tn_spawn_spec_new();
    g_autoptr(GPtrArray) argv = g_ptr_array_new();
    const char *word;
    va_list words;

    g_ptr_array_add(argv, g_strdup(path));
    va_start(words, path);
    while ((word = va_arg(words, const char *)) != NULL)
        g_ptr_array_add(argv, g_strdup(word));
    va_end(words);
    g_ptr_array_add(argv, NULL);
    spec->path = g_strdup(path);
    spec->argv = (char **)g_ptr_array_free(g_steal_pointer(&argv), FALSE);
    spec->envp = g_strdupv((char *[]){(char[]){"PATH=/usr/bin:/bin"}, NULL});
    return spec;
}

#define make_plan(...)     tn_spawn_plan_seal(make_spec(__VA_ARGS__, NULL))
#define make_shell(script) make_plan("/bin/sh", "-c", script)

static inline gboolean
keep_turning(gpointer data)
{
    return G_SOURCE_CONTINUE;
}

/* Runs the loop until CONDITION holds, looked at each 10 ms at least; fails the test when it never
 * does. */
#define run_until(condition)                                     \
    do {                                                         \
        gint64 until_us = tn_clock_monotonic_us() + PATIENCE_US; \
        guint wake = g_timeout_add(10, keep_turning, NULL);      \
        while (!(condition)) {                                   \
            assert_true(tn_clock_monotonic_us() < until_us);     \
            g_main_context_iteration(NULL, TRUE);                \
        }                                                        \
        g_source_remove(wake);                                   \
    } while (0)
