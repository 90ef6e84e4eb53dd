/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reading of policy directories. Each file is judged by its open descriptor, so that what was
 * checked is what is read. A name is either one of a policy, or one that editors and package tools
 * leave behind, or an error: a typing error in a file's name must not drop a deny rule.
 */

#include "policy/dropin.h"

#include "platform/fd.h"
#include "policy/policy.h"
#include "policy/rules.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static const char *const DIRS[] = {
    "/usr/lib/tenon/policy.d",
    "/run/tenon/policy.d",
    "/etc/tenon/policy.d",
};

static const char *const LEFTOVERS[] = {
    "~", ".swp", ".bak", ".orig", ".rpmnew", ".rpmsave",
};

enum {
    NAMES_LIMIT = 4096
};

G_GNUC_PRINTF(2, 3)
static gboolean
fail(GError **error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    if (error != NULL)
        *error = g_error_new_valist(TN_POLICY_ERROR, TN_POLICY_ERROR_INVALID, format, args);
    va_end(args);
    return FALSE;
}

static void
free_dropin(gpointer data)
{
    TnDropin *dropin = data;

    g_free(dropin->path);
    g_free(dropin->text);
    g_free(dropin);
}

static gboolean
is_leftover(const char *name)
{
    const char *dpkg = strrchr(name, '.');

    if (name[0] == '.')
        return TRUE;
    for (gsize i = 0; i < G_N_ELEMENTS(LEFTOVERS); i++)
        if (g_str_has_suffix(name, LEFTOVERS[i]))
            return TRUE;
    return dpkg != NULL && g_str_has_prefix(dpkg, ".dpkg-");
}

/* [0-9][0-9]-[a-z0-9_.-]+\.conf */
static gboolean
is_policy_name(const char *name)
{
    gsize n = strlen(name);

    if (n < strlen("00-x.conf") || n > 128 || !g_str_has_suffix(name, ".conf") ||
        !g_ascii_isdigit(name[0]) || !g_ascii_isdigit(name[1]) || name[2] != '-')
        return FALSE;
    return strspn(name + 3, "abcdefghijklmnopqrstuvwxyz0123456789_.-") == n - 3;
}

/* Root's (or, for a directory that was named on the command line, the agent's own), and writable
 * for nobody else. */
static gboolean
check_owner(const char *path, const struct stat *st, gboolean own, GError **error)
{
    if (st->st_uid != 0 && !(own && st->st_uid == geteuid()))
        return fail(error, "%s: belongs to user %u, not to root", path, st->st_uid);
    if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return fail(error, "%s: writable by others than its owner (mode %04o)", path,
                    st->st_mode & 07777);
    return TRUE;
}

static gboolean
check_parents(const char *dir, GError **error)
{
    g_autofree char *prefix = g_strdup(dir);
    char *slash;

    while ((slash = strrchr(prefix, '/')) != NULL) {
        const char *shown = slash == prefix ? "/" : prefix;
        struct stat st;

        *slash = '\0';
        if (stat(shown, &st) < 0)
            return fail(error, "%s: %s", shown, g_strerror(errno));
        if (!check_owner(shown, &st, FALSE, error))
            return FALSE;
    }
    return TRUE;
}

/* The directory, or -1: with ERROR unless it does not exist. */
static int
open_dir(const char *path, gboolean own, GError **error)
{
    tn_autofd int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat st;

    if (fd < 0) {
        if (errno != ENOENT || own)
            fail(error, "%s: %s", path, g_strerror(errno));
        return -1;
    }
    if (fstat(fd, &st) < 0 || !check_owner(path, &st, own, error))
        return -1;
    if (!own && !check_parents(path, error))
        return -1;
    return tn_fd_steal(&fd);
}

/* Notes the names of DIR in NAMES, name to path. */
static gboolean
collect_names(int take_fd, const char *dir, GHashTable *names, GError **error)
{
    DIR *stream = fdopendir(take_fd);
    const struct dirent *entry;
    gboolean fine = TRUE;

    if (stream == NULL) {
        close(take_fd);
        return fail(error, "%s: %s", dir, g_strerror(errno));
    }
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is this call's own (readdir(3)) */
    while (fine && (entry = readdir(stream)) != NULL) {
        if (is_leftover(entry->d_name))
            continue;
        if (!is_policy_name(entry->d_name))
            fine = fail(error, "%s/%s: not the name of a policy file (such as 50-site.conf)", dir,
                        entry->d_name);
        else if (g_hash_table_size(names) >= NAMES_LIMIT)
            fine = fail(error, "%s: more than %d files", dir, NAMES_LIMIT);
        else
            g_hash_table_insert(names, g_strdup(entry->d_name),
                                g_build_filename(dir, entry->d_name, NULL));
    }
    closedir(stream);
    return fine;
}

/* What PATH leads to if it is a symlink: "" for none, NULL with ERROR for one that is not allowed.
 * *RET_MASKED: it leads to /dev/null. */
static char *
follow_link(const char *path, gboolean *ret_masked, GError **error)
{
    char target[4096];
    ssize_t n = readlink(path, target, sizeof target - 1);

    *ret_masked = FALSE;
    if (n < 0)
        return g_strdup("");
    target[n] = '\0';
    *ret_masked = strcmp(target, "/dev/null") == 0;
    if (*ret_masked)
        return g_strdup("");
    if (g_str_has_prefix(target, TN_DROPIN_PRESETS_DIR "/") &&
        strchr(target + strlen(TN_DROPIN_PRESETS_DIR "/"), '/') == NULL)
        return g_strdup(target);
    fail(error, "%s: a symbolic link; only those to /dev/null and into %s are followed", path,
         TN_DROPIN_PRESETS_DIR);
    return NULL;
}

static gboolean
read_file(const char *path, gboolean own, GPtrArray *dropins, GError **error)
{
    gboolean masked;
    g_autofree char *target = follow_link(path, &masked, error);
    const char *opened = target != NULL && target[0] != '\0' ? target : path;
    tn_autofd int fd = -1;
    struct stat st;
    TnDropin *dropin;

    if (target == NULL)
        return FALSE;
    if (masked)
        return TRUE;
    fd = open(opened, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        return fail(error, "%s: %s", path, g_strerror(errno));
    if (!S_ISREG(st.st_mode))
        return fail(error, "%s: not a regular file", path);
    if (!check_owner(path, &st, own && opened == path, error))
        return FALSE;
    dropin = g_new0(TnDropin, 1);
    dropin->path = g_strdup(path);
    g_ptr_array_add(dropins, dropin);
    if (!tn_fd_read_all(fd, path, TN_RULES_TOTAL_LIMIT_BYTES, &dropin->text, &dropin->size, NULL))
        return fail(error, "%s: cannot be read, or longer than %d bytes", path,
                    TN_RULES_TOTAL_LIMIT_BYTES);
    return TRUE;
}

static gboolean
collect_dir(const char *dir, gboolean own, GHashTable *names, GError **error)
{
    g_autoptr(GError) wrong = NULL;
    int fd = open_dir(dir, own, &wrong);

    if (fd < 0) {
        if (wrong == NULL)
            return TRUE;
        g_propagate_error(error, g_steal_pointer(&wrong));
        return FALSE;
    }
    return collect_names(fd, dir, names, error);
}

static int
compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(a, b);
}

GPtrArray *
tn_dropin_load(const char *dir, GError **error)
{
    g_autoptr(GHashTable) names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_autoptr(GPtrArray) dropins = g_ptr_array_new_with_free_func(free_dropin);
    g_autoptr(GList) sorted = NULL;

    if (dir != NULL && !collect_dir(dir, TRUE, names, error))
        return NULL;
    for (gsize i = 0; dir == NULL && i < G_N_ELEMENTS(DIRS); i++)
        if (!collect_dir(DIRS[i], FALSE, names, error))
            return NULL;
    sorted = g_list_sort(g_hash_table_get_keys(names), compare_names);
    for (GList *at = sorted; at != NULL; at = at->next)
        if (!read_file(g_hash_table_lookup(names, at->data), dir != NULL, dropins, error))
            return NULL;
    return g_steal_pointer(&dropins);
}
