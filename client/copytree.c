/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trees, with a queue of directories in place of recursion. The guest is not trusted with our file
 * system: a name with a slash, "." and ".." are refused, a directory is entered only when it is one
 * and no link, and links are made last, when nothing is written any more that could go through
 * them.
 */

#include "client/copytree.h"

#include "client/failure.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIST_MAX 1000

typedef struct {
    char *remote;
    char *local;
    gint64 mode; /* of a directory; < 0: unknown */
} Pair;

typedef struct {
    TnCopy *copy;
    TnCopyTree *tree;
    GQueue directories; /* of Pair */
    GQueue links;       /* of Pair: remote is what the link names */
} Walk;

static Pair *
make_pair(const char *remote, const char *local, gint64 mode)
{
    Pair *pair = g_new0(Pair, 1);

    pair->remote = g_strdup(remote);
    pair->local = g_strdup(local);
    pair->mode = mode;
    return pair;
}

static void
free_pair(gpointer data)
{
    Pair *pair = data;

    g_free(pair->remote);
    g_free(pair->local);
    g_free(pair);
}

static void
clear_walk(Walk *walk)
{
    g_queue_clear_full(&walk->directories, free_pair);
    g_queue_clear_full(&walk->links, free_pair);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Walk, clear_walk)

static void
leave_out(Walk *walk, const char *path, const char *why)
{
    walk->tree->n_failed++;
    walk->tree->report(walk->tree->report_data, path, why);
}

/* Failures of one file are told; those of the way to the agent end everything. */
static gboolean
settle(Walk *walk, const char *path, gboolean is_done, GError *take_failure, GError **error)
{
    int code = 0;

    if (is_done) {
        walk->tree->n_copied++;
        return TRUE;
    }
    code = tn_failure_get_exit_code(take_failure);
    if (code == 1 || code == 126 || g_error_matches(take_failure, TN_FAILURE, TN_FAILURE_LOCAL)) {
        leave_out(walk, path, take_failure->message);
        g_error_free(take_failure);
        return TRUE;
    }
    g_propagate_error(error, take_failure);
    return FALSE;
}

static gboolean
make_local_directory(const char *path, gint64 mode, GError **error)
{
    struct stat st;

    /* We must be able to fill it. */
    if (mkdir(path, mode < 0 ? 0777 : (mode_t)(mode & 0777) | 0700) == 0)
        return TRUE;
    if (errno == EEXIST && lstat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return TRUE;
    g_set_error(error, TN_FAILURE, TN_FAILURE_LOCAL, "make directory '%s': %s", path,
                g_strerror(errno));
    return FALSE;
}

static gboolean
is_safe_name(const char *name)
{
    return name != NULL && *name != '\0' && strchr(name, '/') == NULL && strcmp(name, ".") != 0 &&
           strcmp(name, "..") != 0;
}

static char *
join_remote(const char *directory, const char *name)
{
    return g_str_has_suffix(directory, "/") ? g_strconcat(directory, name, NULL)
                                            : g_strconcat(directory, "/", name, NULL);
}

static gboolean
take_file(Walk *walk, const char *remote, const char *local, GError **error)
{
    g_auto(TnCopyStat) stat = {0};
    GError *failure = NULL;
    gboolean is_done = tn_copy_stat(walk->copy->agent, remote, FALSE, &stat, &failure) &&
                       tn_copy_down(walk->copy, remote, &stat, local, &failure);

    return settle(walk, remote, is_done, failure, error);
}

static gboolean
take_link(Walk *walk, const char *remote, const char *local, GError **error)
{
    g_auto(TnCopyStat) stat = {0};
    GError *failure = NULL;

    if (!tn_copy_stat(walk->copy->agent, remote, FALSE, &stat, &failure))
        return settle(walk, remote, FALSE, failure, error);
    if (stat.target == NULL)
        leave_out(walk, remote, "what the link names was not told");
    else
        g_queue_push_tail(&walk->links, make_pair(stat.target, local, -1));
    return TRUE;
}

static gboolean
take_entry(Walk *walk, const Pair *pair, const TnAnswer *answer, guint entry, GError **error)
{
    const char *name = tn_answer_get_string(answer, entry, "name");
    const char *type = tn_answer_get_string(answer, entry, "type");
    g_autofree char *remote = NULL;
    g_autofree char *local = NULL;
    gint64 mode = -1;

    if (!is_safe_name(name) || tn_answer_find(answer, entry, "name-b64") != 0) {
        leave_out(walk, pair->remote, "it holds a name that cannot be used");
        return TRUE;
    }
    remote = join_remote(pair->remote, name);
    local = g_build_filename(pair->local, name, NULL);
    if (g_strcmp0(type, "file") == 0)
        return take_file(walk, remote, local, error);
    if (g_strcmp0(type, "link") == 0)
        return take_link(walk, remote, local, error);
    (void)tn_answer_get_int(answer, entry, "mode", &mode);
    if (g_strcmp0(type, "directory") == 0)
        g_queue_push_tail(&walk->directories, make_pair(remote, local, mode));
    else
        leave_out(walk, remote, "neither a file nor a directory");
    return TRUE;
}

/* One page of the list; *AFTER moves on, and is NULL behind the last. */
static gboolean
take_page(Walk *walk, const Pair *pair, char **after, GError **error)
{
    g_autoptr(TnAsk) ask = tn_ask_new("tenon-file-list");
    g_autoptr(TnAnswer) answer = NULL;
    g_autofree char *last = NULL;
    GError *failure = NULL;
    gboolean has_more = FALSE;
    guint entries = 0;
    guint entry = 0;
    guint iter = 0;
    guint at = 0;

    tn_ask_add_string(ask, "path", pair->remote);
    tn_ask_add_int(ask, "max", LIST_MAX);
    if (*after != NULL)
        tn_ask_add_string(ask, "after", *after);
    answer = tn_dial_send(walk->copy->agent, ask, TN_DIAL_ANSWER_US, &at, &failure);
    if (answer == NULL) {
        g_clear_pointer(after, g_free);
        return settle(walk, pair->remote, FALSE, failure, error);
    }
    (void)tn_answer_get_bool(answer, at, "more", &has_more);
    entries = tn_answer_find(answer, at, "entries");
    while (entries != 0 && (entry = tn_answer_next(answer, entries, &iter)) != 0) {
        g_free(last);
        last = g_strdup(tn_answer_get_string(answer, entry, "name"));
        if (!take_entry(walk, pair, answer, entry, error))
            return FALSE;
    }
    g_free(*after);
    *after = has_more ? g_steal_pointer(&last) : NULL;
    return TRUE;
}

static gboolean
take_directory(Walk *walk, const Pair *pair, GError **error)
{
    g_autofree char *after = NULL;
    GError *failure = NULL;

    if (!make_local_directory(pair->local, pair->mode, &failure))
        return settle(walk, pair->remote, FALSE, failure, error);
    do {
        if (!take_page(walk, pair, &after, error))
            return FALSE;
    } while (after != NULL);
    return TRUE;
}

static void
make_links(Walk *walk)
{
    for (GList *link = walk->links.head; link != NULL; link = link->next) {
        const Pair *pair = link->data;

        if (symlink(pair->remote, pair->local) == 0)
            walk->tree->n_copied++;
        else
            leave_out(walk, pair->local, g_strerror(errno));
    }
}

gboolean
tn_copytree_down(TnCopy *copy, TnCopyTree *tree, const char *remote, const char *local,
                 GError **error)
{
    g_auto(Walk) walk = {.copy = copy, .tree = tree};
    Pair *pair = NULL;

    g_queue_push_tail(&walk.directories, make_pair(remote, local, -1));
    while ((pair = g_queue_pop_head(&walk.directories)) != NULL) {
        gboolean is_done = take_directory(&walk, pair, error);

        free_pair(pair);
        if (!is_done)
            return FALSE;
    }
    make_links(&walk);
    return TRUE;
}

static gboolean
make_remote_directory(Walk *walk, const Pair *pair, GError **error)
{
    g_autoptr(TnAsk) ask = tn_ask_new("tenon-file-mkdir");
    g_autoptr(TnAnswer) answer = NULL;
    guint at = 0;

    tn_ask_add_string(ask, "path", pair->remote);
    tn_ask_add_bool(ask, "parents", TRUE);
    if (pair->mode >= 0)
        tn_ask_add_int(ask, "mode", pair->mode);
    answer = tn_dial_send(walk->copy->agent, ask, TN_DIAL_ANSWER_US, &at, error);
    return answer != NULL;
}

static gboolean
give_entry(Walk *walk, const Pair *pair, const char *name, GError **error)
{
    g_autofree char *local = g_build_filename(pair->local, name, NULL);
    g_autofree char *remote = join_remote(pair->remote, name);
    GError *failure = NULL;
    struct stat st;

    if (!g_utf8_validate(name, -1, NULL)) {
        leave_out(walk, local, "its name is not UTF-8");
    } else if (lstat(local, &st) != 0) {
        leave_out(walk, local, g_strerror(errno));
    } else if (S_ISREG(st.st_mode)) {
        gboolean is_done = tn_copy_up(walk->copy, local, remote, &failure);

        return settle(walk, local, is_done, failure, error);
    } else if (S_ISDIR(st.st_mode)) {
        g_queue_push_tail(&walk->directories, make_pair(remote, local, st.st_mode & 0777));
    } else {
        leave_out(walk, local, "neither a file nor a directory");
    }
    return TRUE;
}

static gboolean
give_directory(Walk *walk, const Pair *pair, GError **error)
{
    g_autoptr(GDir) directory = NULL;
    GError *failure = NULL;
    const char *name = NULL;

    if (!make_remote_directory(walk, pair, &failure))
        return settle(walk, pair->remote, FALSE, failure, error);
    directory = g_dir_open(pair->local, 0, &failure);
    if (directory == NULL) {
        leave_out(walk, pair->local, failure->message);
        g_error_free(failure);
        return TRUE;
    }
    while ((name = g_dir_read_name(directory)) != NULL) {
        if (!give_entry(walk, pair, name, error))
            return FALSE;
    }
    return TRUE;
}

gboolean
tn_copytree_up(TnCopy *copy, TnCopyTree *tree, const char *local, const char *remote,
               GError **error)
{
    g_auto(Walk) walk = {.copy = copy, .tree = tree};
    Pair *pair = NULL;

    g_queue_push_tail(&walk.directories, make_pair(remote, local, -1));
    while ((pair = g_queue_pop_head(&walk.directories)) != NULL) {
        gboolean is_done = give_directory(&walk, pair, error);

        free_pair(pair);
        if (!is_done)
            return FALSE;
    }
    return TRUE;
}
