/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The lists of other packages' environment files. Taken so that replacing qemu-ga opens nothing
 * that its configuration had closed, also where a unit of another kind starts the agent. What
 * cannot be understood must not be skipped: it becomes a list with a name that nobody knows.
 */

#include "agent/envfile.h"

#include "platform/fd.h"

#include <fcntl.h>
#include <string.h>

enum {
    FILE_LIMIT_BYTES = 64 * 1024
};

static void
add_list(TnSettings *settings, const char *path, const char *text, gboolean is_allow)
{
    const TnPolicyList list = {
        .text = text,
        .origin = path,
        .is_allow = is_allow,
        .from_file = TRUE,
    };

    tn_settings_add_list(settings, &list);
}

/* The value of option WORD, which may stand in NEXT; NULL: WORD is another option. */
static const char *
find_value(const char *word, const char *next, const char *const *names)
{
    for (gsize i = 0; names[i] != NULL; i++) {
        gsize n = strlen(names[i]);

        if (strncmp(word, names[i], n) != 0)
            continue;
        if (word[n] == '\0')
            return next != NULL ? next : word; /* qemu-ga would not start */
        if (word[1] != '-')                    /* -aNAMES */
            return word + n;
        if (word[n] == '=')
            return word + n + 1;
    }
    return NULL;
}

/* VALUE as a service manager splits it: at blanks, quotes are taken off. */
static void
take_options(TnSettings *settings, const char *path, const char *value)
{
    static const char *const allow[] = {"-a", "--allow-rpcs", NULL};
    static const char *const block[] = {"-b", "--block-rpcs", "--blacklist", NULL};
    g_auto(GStrv) words = NULL;

    if (value[strspn(value, " \t")] == '\0')
        return;
    if (!g_shell_parse_argv(value, NULL, &words, NULL)) {
        add_list(settings, path, value, FALSE);
        return;
    }
    for (gsize i = 0; words[i] != NULL; i++) {
        const char *allowed = find_value(words[i], words[i + 1], allow);
        const char *blocked = find_value(words[i], words[i + 1], block);

        if (allowed != NULL)
            add_list(settings, path, allowed, TRUE);
        if (blocked != NULL)
            add_list(settings, path, blocked, FALSE);
    }
}

static void
take_line(TnSettings *settings, const char *path, char *line)
{
    char *equals = strchr(g_strstrip(line), '=');
    g_autofree char *value = NULL;
    gboolean is_list;

    if (line[0] == '#' || equals == NULL)
        return;
    *equals = '\0';
    is_list = strcmp(line, "BLACKLIST_RPC") == 0;
    if (!is_list && strcmp(line, "FILTER_RPC_ARGS") != 0 && strcmp(line, "DAEMON_ARGS") != 0)
        return;
    value = g_shell_unquote(equals + 1, NULL);
    if (value == NULL)
        add_list(settings, path, equals + 1, FALSE);
    else if (!is_list)
        take_options(settings, path, value);
    else if (value[0] != '\0')
        add_list(settings, path, value, FALSE);
}

void
tn_envfile_add_lists(TnSettings *settings, const char *path)
{
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) lines = NULL;

    if (!tn_fd_read_file(AT_FDCWD, path, FILE_LIMIT_BYTES, &text, NULL, &error)) {
        if (!g_error_matches(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
            add_list(settings, path, error->message, FALSE);
        return;
    }
    lines = g_strsplit(text, "\n", -1);
    for (gsize i = 0; lines[i] != NULL; i++)
        take_line(settings, path, lines[i]);
}
