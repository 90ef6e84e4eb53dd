/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Program names and environments. A name is looked up here and not by the child, so that the path
 * that was judged is the path that is run. Whether a file may be run at all is asked of the kernel
 * at exec; here only what a look-up needs is asked.
 */

#include "policy/program.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PASSWD_BUFFER_BYTES = 4096,
    PASSWD_BUFFER_LIMIT_BYTES = 1024 * 1024
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
tn_program_default_env(uid_t uid, const char *search_path)
{
    g_autoptr(GPtrArray) env = g_ptr_array_new();
    g_autofree char *buffer = NULL;
    g_autofree char *number = g_strdup_printf("%u", uid);
    struct passwd entry;
    struct passwd *found = NULL;
    gsize size = PASSWD_BUFFER_BYTES;
    int failure;

    do {
        size *= 2;
        buffer = g_realloc(buffer, size);
        failure = getpwuid_r(uid, &entry, buffer, size, &found);
    } while (failure == ERANGE && size < PASSWD_BUFFER_LIMIT_BYTES);
    if (failure != 0)
        found = NULL;
    g_ptr_array_add(env, g_strconcat("PATH=", search_path, NULL));
    g_ptr_array_add(env, g_strconcat("HOME=", found != NULL ? found->pw_dir : "/", NULL));
    g_ptr_array_add(env, g_strconcat("USER=", found != NULL ? found->pw_name : number, NULL));
    g_ptr_array_add(env, g_strconcat("LOGNAME=", found != NULL ? found->pw_name : number, NULL));
    g_ptr_array_add(
        env, g_strconcat("SHELL=",
                         found != NULL && found->pw_shell[0] != '\0' ? found->pw_shell : "/bin/sh",
                         NULL));
    g_ptr_array_add(env, g_strdup("LANG=C.UTF-8"));
    g_ptr_array_add(env, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&env), FALSE);
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
