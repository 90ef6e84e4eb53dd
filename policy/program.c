/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Program names and environments. A name is looked up here and not by the child, so that the path
 * that was judged is the path that is run. Whether a file may be run at all is asked of the kernel
 * at exec; here only what a look-up needs is asked.
 */

#include "policy/program.h"

#include "platform/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
    DIGEST_LIMIT_BYTES = 256 * 1024 * 1024
};

gboolean
tn_program_fail(const char *name, int saved_errno, GError **error)
{
    g_set_error(error, TN_POLICY_ERROR, TN_POLICY_ERROR_NOT_FOUND,
                "Failed to execute child process “%s” (%s)", name, g_strerror(saved_errno));
    return FALSE;
}

/* 0 when PATH is a file that may be run, else the errno that execve(2) would give. */
static int
probe_program(const char *path)
{
    struct stat st;

    if (stat(path, &st) < 0)
        return errno;
    if (!S_ISREG(st.st_mode) || faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0)
        return EACCES;
    return 0;
}

static char *
look_up(const char *name, const char *search_path, int *ret_errno)
{
    g_auto(GStrv) dirs = g_strsplit(search_path, ":", -1);
    int worst = ENOENT;

    for (gsize i = 0; dirs[i] != NULL; i++) {
        g_autofree char *path = g_build_filename(dirs[i], name, NULL);
        int failure = probe_program(path);

        if (failure == 0)
            return g_steal_pointer(&path);
        if (failure == EACCES)
            worst = EACCES;
    }
    *ret_errno = worst;
    return NULL;
}

char *
tn_program_find(const char *name, const char *search_path, GError **error)
{
    int failure = ENOENT;
    char *path = NULL;

    if (name[0] == '/')
        return g_strdup(name);
    if (strchr(name, '/') != NULL) {
        g_autofree char *here = g_get_current_dir();

        return g_build_filename(here, name, NULL);
    }
    if (name[0] != '\0')
        path = look_up(name, search_path, &failure);
    if (path == NULL)
        tn_program_fail(name, failure, error);
    return path;
}

char **
tn_program_default_env(const TnUser *user, const char *search_path)
{
    g_autoptr(GPtrArray) env = g_ptr_array_new();

    g_ptr_array_add(env, g_strconcat("PATH=", search_path, NULL));
    g_ptr_array_add(env, g_strconcat("HOME=", user->home, NULL));
    g_ptr_array_add(env, g_strconcat("USER=", user->name, NULL));
    g_ptr_array_add(env, g_strconcat("LOGNAME=", user->name, NULL));
    g_ptr_array_add(env, g_strconcat("SHELL=", user->shell, NULL));
    g_ptr_array_add(env, g_strdup("LANG=C.UTF-8"));
    g_ptr_array_add(env, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&env), FALSE);
}

void
tn_program_set_env(char ***env, const char *pair)
{
    gsize size = strcspn(pair, "=") + 1;
    guint n = g_strv_length(*env);

    for (guint i = 0; i < n; i++) {
        if (strncmp((*env)[i], pair, size) == 0) {
            g_free((*env)[i]);
            (*env)[i] = g_strdup(pair);
            return;
        }
    }
    *env = g_renew(char *, *env, n + 2);
    (*env)[n] = g_strdup(pair);
    (*env)[n + 1] = NULL;
}

char **
tn_program_filter_env(const char *const *env)
{
    g_autoptr(GPtrArray) kept = g_ptr_array_new();

    for (gsize i = 0; env[i] != NULL; i++)
        if (!g_str_has_prefix(env[i], "LD_"))
            g_ptr_array_add(kept, g_strdup(env[i]));
    g_ptr_array_add(kept, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&kept), FALSE);
}

char *
tn_program_identify(const char *path)
{
    g_autofree char *dir = g_path_get_dirname(path);
    const char *base = strrchr(path, '/');
    char *real;
    char *identity;

    if (path[0] != '/' || base[1] == '\0' || strcmp(base, "/.") == 0 || strcmp(base, "/..") == 0) {
        errno = ENOENT;
        return NULL;
    }
    real = realpath(dir, NULL);
    if (real == NULL)
        return NULL;
    identity = g_strconcat(strcmp(real, "/") == 0 ? "" : real, base, NULL);
    free(real);
    return identity;
}

/* Root's, and nobody else may write; what a symlink leads to is asked for by realpath before. */
static gboolean
is_roots_own(const struct stat *st)
{
    return st->st_uid == 0 && (st->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/* All directories of the absolute PATH, the root included. */
static gboolean
are_dirs_trusted(const char *path)
{
    g_autofree char *prefix = g_strdup(path);
    struct stat st;
    char *slash;

    while ((slash = strrchr(prefix, '/')) != NULL) {
        slash[slash == prefix ? 1 : 0] = '\0';
        if (stat(prefix, &st) < 0 || !S_ISDIR(st.st_mode) || !is_roots_own(&st))
            return FALSE;
        if (slash == prefix)
            return TRUE;
    }
    return FALSE;
}

const char *
tn_program_why_untrusted(const char *identity)
{
    struct stat st;
    struct statvfs fs;
    char *target;
    gboolean trusted;

    if (!are_dirs_trusted(identity))
        return "untrusted-path: a directory on its way is not root's alone";
    target = realpath(identity, NULL);
    if (target == NULL)
        return "it is not there";
    trusted = (strcmp(target, identity) == 0 || are_dirs_trusted(target)) &&
              stat(target, &st) == 0 && is_roots_own(&st);
    free(target);
    if (!trusted)
        return "untrusted-path: the file is not root's alone";
    if (!S_ISREG(st.st_mode) || (st.st_mode & S_IXUSR) == 0)
        return "it is no program";
    if (statvfs(identity, &fs) == 0 && (fs.f_flag & ST_NOEXEC) != 0)
        return "its file system is mounted noexec";
    return NULL;
}

/* Adds all of FD to CHECKSUM. FALSE: it cannot be read, or there is too much of it. */
static gboolean
hash_file(int fd, GChecksum *checksum, gboolean *ret_is_script)
{
    guchar buffer[65536];
    gsize total = 0;
    ssize_t n;

    *ret_is_script = FALSE;
    while ((n = read(fd, buffer, sizeof buffer)) > 0) {
        if (total == 0)
            *ret_is_script = n >= 2 && buffer[0] == '#' && buffer[1] == '!';
        total += (gsize)n;
        if (total > DIGEST_LIMIT_BYTES)
            return FALSE;
        g_checksum_update(checksum, buffer, n);
    }
    return n == 0;
}

int
tn_program_open_hashed(const char *path, const char *digest, const char **ret_why)
{
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
    tn_autofd int fd = open(path, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    gboolean is_script = FALSE;

    *ret_why = "the file's sha256 is another";
    if (fd < 0 || !hash_file(fd, checksum, &is_script) ||
        strcmp(g_checksum_get_string(checksum), digest) != 0)
        return -1;
    if (is_script) {
        *ret_why = "sha256 does not hold for scripts, whose interpreter opens them by name";
        return -1;
    }
    return tn_fd_steal(&fd);
}
