/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Every hook that was told of a freeze is told of the thaw, also the one that failed: it may have
 * stopped half of something.
 */

#include "platform/hooks.h"

#include "platform/clock.h"
#include "platform/fd.h"

#include <string.h>
#include <sys/stat.h>

/* A host waits for the freeze; longer than that it does not. */
#define HOOK_LIMIT_US  (30 * G_USEC_PER_SEC)
#define TOTAL_LIMIT_US (60 * G_USEC_PER_SEC)

static gboolean
check_owner(const char *path, const struct stat *status, GError **error)
{
    if (status->st_uid == 0 && (status->st_mode & (S_IWGRP | S_IWOTH)) == 0)
        return TRUE;
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
                "can't access fsfreeze hook '%s': others than root may change it", path);
    return FALSE;
}

/* As run-parts(8) and packages leave them behind. */
static gboolean
is_leftover(const char *name)
{
    static const char *const parts[] = {".rpmnew", ".rpmsave", ".rpmorig", ".dpkg-"};
    static const char *const ends[] = {"~", ".bak", ".orig", ".sample"};

    if (name[0] == '.')
        return TRUE;
    for (gsize i = 0; i < G_N_ELEMENTS(parts); i++) {
        if (strstr(name, parts[i]) != NULL)
            return TRUE;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(ends); i++) {
        if (g_str_has_suffix(name, ends[i]))
            return TRUE;
    }
    return FALSE;
}

static int
compare_paths(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static gboolean
add_directory(GPtrArray *programs, const char *path, GError **error)
{
    g_autoptr(GDir) directory = g_dir_open(path, 0, error);
    const char *name;

    if (directory == NULL)
        return FALSE;
    while ((name = g_dir_read_name(directory)) != NULL) {
        g_autofree char *file = g_build_filename(path, name, NULL);
        struct stat status;

        if (is_leftover(name) || stat(file, &status) < 0 || !S_ISREG(status.st_mode) ||
            (status.st_mode & S_IXUSR) == 0)
            continue;
        if (!check_owner(file, &status, error))
            return FALSE;
        g_ptr_array_add(programs, g_steal_pointer(&file));
    }
    g_ptr_array_sort(programs, compare_paths);
    return TRUE;
}

GPtrArray *
tn_hooks_list(const char *path, GError **error)
{
    g_autoptr(GPtrArray) programs = g_ptr_array_new_with_free_func(g_free);
    struct stat status;

    if (path == NULL)
        return g_steal_pointer(&programs);
    if (stat(path, &status) < 0 || access(path, X_OK) < 0) {
        tn_error_from_errno(error, errno, "can't access fsfreeze hook '%s'", path);
        return NULL;
    }
    if (!check_owner(path, &status, error))
        return NULL;
    if (!S_ISDIR(status.st_mode))
        g_ptr_array_add(programs, g_strdup(path));
    else if (!add_directory(programs, path, error))
        return NULL;
    return g_steal_pointer(&programs);
}

static gboolean
run_hook(TnHelpers *helpers, const char *program, const char *word, gint64 limit_us, GError **error)
{
    const char *argv[] = {program, word, NULL};

    return tn_helpers_must_run(helpers, "fsfreeze-hook", argv, NULL, limit_us,
                               "execute fsfreeze hook", error);
}

gboolean
tn_hooks_freeze(TnHelpers *helpers, const GPtrArray *programs, guint *ret_n_ran, GError **error)
{
    gint64 until_us = tn_clock_monotonic_us() + TOTAL_LIMIT_US;

    *ret_n_ran = 0;
    for (guint i = 0; i < programs->len; i++) {
        gint64 left_us = MAX(until_us - tn_clock_monotonic_us(), 0);

        *ret_n_ran = i + 1;
        if (!run_hook(helpers, g_ptr_array_index(programs, i), "freeze",
                      MIN(left_us, HOOK_LIMIT_US), error))
            return FALSE;
    }
    return TRUE;
}

gboolean
tn_hooks_thaw(TnHelpers *helpers, const GPtrArray *programs, guint n, GError **error)
{
    g_autoptr(GError) first = NULL;

    for (guint i = MIN(n, programs->len); i-- > 0;) {
        g_autoptr(GError) failure = NULL;

        if (!run_hook(helpers, g_ptr_array_index(programs, i), "thaw", HOOK_LIMIT_US, &failure) &&
            first == NULL)
            first = g_steal_pointer(&failure);
    }
    if (first == NULL)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&first));
    return FALSE;
}
