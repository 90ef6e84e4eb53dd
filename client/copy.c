/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One file across. Both directions end with a rename; a copy that is to be resumed leaves its part
 * beside the target (down) or a token in our cache directory (up), each under a name that is made
 * from everything that says which copy it is.
 */

#include "client/copy.h"

#include "client/failure.h"
#include "client/fetch.h"
#include "client/localfile.h"
#include "client/progress.h"
#include "client/store.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NS_PER_S G_GINT64_CONSTANT(1000000000)

typedef struct {
    TnLocalFile file;
    TnProgress progress;
} Down;

typedef struct {
    int fd;
    const char *path;
    const char *token_path; /* of the file that keeps the token; NULL: not to be resumed */
    TnProgress progress;
} Up;

void
tn_copy_stat_clear(TnCopyStat *stat)
{
    g_clear_pointer(&stat->type, g_free);
    g_clear_pointer(&stat->version, g_free);
    g_clear_pointer(&stat->target, g_free);
}

gboolean
tn_copy_stat(TnAgent *agent, const char *path, gboolean follows, TnCopyStat *ret_stat,
             GError **error)
{
    g_autoptr(TnAsk) ask = tn_ask_new("tenon-file-stat");
    g_autoptr(TnAnswer) answer = NULL;
    TnCopyStat stat = {.size = -1, .mode = -1, .mtime_ns = -1};
    guint at = 0;

    tn_ask_add_string(ask, "path", path);
    tn_ask_add_bool(ask, "follow", follows);
    answer = tn_dial_send(agent, ask, TN_DIAL_ANSWER_US, &at, error);
    if (answer == NULL)
        return FALSE;
    (void)tn_answer_get_int(answer, at, "size", &stat.size);
    (void)tn_answer_get_int(answer, at, "mode", &stat.mode);
    (void)tn_answer_get_int(answer, at, "mtime-ns", &stat.mtime_ns);
    stat.type = g_strdup(tn_answer_get_string(answer, at, "type"));
    stat.version = g_strdup(tn_answer_get_string(answer, at, "version"));
    stat.target = g_strdup(tn_answer_get_string(answer, at, "target"));
    *ret_stat = stat;
    return TRUE;
}

static gboolean
sink_down(gpointer data, const guint8 *bytes, gsize size, GError **error)
{
    Down *down = data;

    if (!tn_localfile_append(&down->file, bytes, size, error))
        return FALSE;
    tn_progress_update(&down->progress, down->file.size);
    return TRUE;
}

static gboolean
compare_digest(const TnCopy *copy, const char *remote, const TnLocalFile *file, GError **error)
{
    g_autoptr(TnAsk) ask = tn_ask_new("tenon-file-hash");
    g_autoptr(TnAnswer) answer = NULL;
    const char *digest = NULL;
    guint at = 0;

    if (file->digest == NULL)
        return TRUE;
    tn_ask_add_string(ask, "path", remote);
    answer = tn_dial_send(copy->agent, ask, 10 * TN_DIAL_ANSWER_US, &at, error);
    if (answer == NULL)
        return FALSE;
    digest = tn_answer_get_string(answer, at, "sha256");
    if (g_strcmp0(digest, g_checksum_get_string(file->digest)) == 0)
        return TRUE;
    g_set_error(error, TN_FAILURE, TN_FAILURE_CHANGED, "the digest of '%s' is another one", remote);
    return FALSE;
}

static char *
make_down_word(const TnCopy *copy, const char *remote, const TnCopyStat *stat)
{
    if (!copy->resumes || stat == NULL || stat->version == NULL)
        return NULL;
    return g_strdup_printf("%s\n%s\n%s", tn_dial_get_endpoint(copy->agent)->text, remote,
                           stat->version);
}

static gboolean
fetch_down(TnCopy *copy, TnFetch *fetch, Down *down, const TnCopyStat *stat, GError **error)
{
    gboolean is_done = tn_fetch_run(copy->agent, fetch, error) &&
                       compare_digest(copy, fetch->path, &down->file, error);

    copy->is_plain = fetch->is_plain;
    if (!is_done && error != NULL && g_error_matches(*error, TN_FAILURE, TN_FAILURE_CHANGED))
        down->file.is_partial_kept = FALSE;
    return is_done &&
           tn_localfile_commit(&down->file,
                               copy->mode >= 0 ? copy->mode
                               : stat != NULL  ? stat->mode
                                               : -1,
                               stat == NULL ? -1 : stat->mtime_ns, copy->keeps_existing, error);
}

gboolean
tn_copy_down(TnCopy *copy, const char *remote, const TnCopyStat *stat, const char *local,
             GError **error)
{
    Down down = {.file = {.fd = -1}};
    g_autofree char *word = make_down_word(copy, remote, stat);
    TnFetch fetch = {.path = remote, .sink = sink_down, .sink_data = &down};
    gboolean is_done = FALSE;

    if (copy->keeps_existing && access(local, F_OK) == 0) {
        g_set_error(error, TN_FAILURE, TN_FAILURE_EXISTS, "'%s' is there already", local);
        return FALSE;
    }
    if (tn_localfile_begin(&down.file, local, word, copy->checks, error)) {
        fetch.version = stat == NULL ? NULL : stat->version;
        fetch.offset = down.file.size;
        tn_progress_begin(&down.progress, local, stat == NULL ? -1 : stat->size, fetch.offset,
                          copy->shows_progress);
        is_done = fetch_down(copy, &fetch, &down, stat, error);
        tn_progress_end(&down.progress, !is_done ? "failed" : copy->checks ? "sha256 ok" : NULL);
    }
    tn_localfile_clear(&down.file);
    return is_done;
}

static gssize
source_up(gpointer data, gint64 offset, guint8 *buffer, gsize max, GError **error)
{
    const Up *up = data;
    ssize_t n = 0;

    do
        n = pread(up->fd, buffer, max, offset);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        g_set_error(error, TN_FAILURE, TN_FAILURE_LOCAL, "read '%s': %s", up->path,
                    g_strerror(errno));
    return n;
}

static void
report_up(gpointer data, gint64 done)
{
    Up *up = data;

    tn_progress_update(&up->progress, done);
}

/* The file that holds the token of an upload which may be resumed. */
static char *
make_token_path(const TnCopy *copy, const char *local, const char *remote, const struct stat *st)
{
    g_autofree char *word = g_strdup_printf(
        "%s\n%s\n%s\n%lld\n%lld.%09ld", tn_dial_get_endpoint(copy->agent)->text, remote, local,
        (long long)st->st_size, (long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
    g_autofree char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, word, -1);
    g_autofree char *directory = g_build_filename(g_get_user_cache_dir(), "tenon", NULL);

    (void)g_mkdir_with_parents(directory, 0700);
    return g_build_filename(directory, digest, NULL);
}

static char *
load_token(const char *path)
{
    char *token = NULL;

    if (!g_file_get_contents(path, &token, NULL, NULL))
        return NULL;
    return g_strstrip(token);
}

static void
keep_token(gpointer data, const char *token)
{
    const Up *up = data;
    g_autoptr(GError) error = NULL;

    /* In place: the agent has not heard of the token yet, so that one cut short loses nothing, and
     * no temporary file can stay behind. */
    if (!g_file_set_contents_full(up->token_path, token, -1, G_FILE_SET_CONTENTS_NONE, 0600,
                                  &error))
        g_debug("keep token: %s", error->message);
}

static gboolean
store_up(TnCopy *copy, TnStore *store, const char *token_path, GError **error)
{
    g_autofree char *token = token_path == NULL ? NULL : load_token(token_path);
    gboolean is_done = FALSE;

    store->token = token;
    if (token_path != NULL)
        store->keep_token = keep_token;
    is_done = tn_store_run(copy->agent, store, error);
    copy->is_plain = store->is_plain;
    copy->is_mtime_lost |= store->is_mtime_lost;
    if (token_path != NULL && is_done)
        (void)unlink(token_path);
    return is_done;
}

gboolean
tn_copy_up(TnCopy *copy, const char *local, const char *remote, GError **error)
{
    Up up = {.path = local};
    g_autofree char *token_path = NULL;
    struct stat st;
    TnStore store = {
        .path = remote,
        .user = copy->user,
        .group = copy->group,
        .keeps_existing = copy->keeps_existing,
        .checks = copy->checks,
        .can_seek = TRUE,
        .source = source_up,
        .source_data = &up,
        .report = report_up,
    };
    gboolean is_done = FALSE;

    up.fd = open(local, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (up.fd < 0 || fstat(up.fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        g_set_error(error, TN_FAILURE, TN_FAILURE_LOCAL, "open '%s': %s", local,
                    up.fd < 0 ? g_strerror(errno) : "not a regular file");
        if (up.fd >= 0)
            close(up.fd);
        return FALSE;
    }
    store.size = st.st_size;
    store.mode = copy->mode >= 0 ? copy->mode : (gint64)(st.st_mode & 07777);
    store.mtime_ns = (gint64)st.st_mtim.tv_sec * NS_PER_S + st.st_mtim.tv_nsec;
    if (copy->resumes)
        token_path = make_token_path(copy, local, remote, &st);
    up.token_path = token_path;
    tn_progress_begin(&up.progress, local, store.size, 0, copy->shows_progress);
    is_done = store_up(copy, &store, token_path, error);
    tn_progress_end(&up.progress, !is_done ? "failed" : copy->checks ? "sha256 ok" : NULL);
    close(up.fd);
    return is_done;
}
