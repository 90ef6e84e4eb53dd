/* SPDX-License-Identifier: Apache-2.0 */

/*
 * File content as a bulk source: one piece in memory, whatever the count.
 */

#include "commands/filebulk.h"
#include "platform/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum {
    /* Envelope of a reply around its data, with room for an id of ordinary length. */
    REPLY_OVERHEAD_BYTES = 4096,
};

typedef struct {
    TnBulk bulk;
    int fd; /* -1: the first piece is all */
    gint64 offset;
    int64_t *count;
    bool *eof_seen;
    guint64 left; /* bytes still wanted from the file */
    gsize at;     /* where those bytes begin that were not handed out yet */
    gsize ready;  /* and how many they are */
    guint8 *data;
} FileBulk;

/* Reads until WANT bytes are there, the end, or nothing more at once. An error behind the first
 * byte is left for the next read to meet. */
static int
read_some(FileBulk *source, int fd, gsize want, gsize *ret_got)
{
    gsize got = 0;

    while (got < want) {
        ssize_t n = source->offset < 0
                        ? read(fd, source->data + got, want - got)
                        : pread(fd, source->data + got, want - got, source->offset + (gint64)got);

        if (n > 0) {
            got += (gsize)n;
            continue;
        }
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN && got == 0)
            return errno;
        *source->eof_seen = n == 0;
        break;
    }
    if (source->offset >= 0)
        source->offset += (gint64)got;
    *source->count += (gint64)got;
    *ret_got = got;
    return 0;
}

static gssize
pull_piece(TnBulk *bulk, gsize max, const uint8_t **ret_data, GError **error)
{
    FileBulk *source = (FileBulk *)bulk;
    gsize n;

    if (source->ready == 0 && source->left > 0) {
        gsize want = (gsize)MIN(source->left, TN_BULK_PIECE_BYTES);
        int why = read_some(source, source->fd, want, &source->ready);

        source->at = 0;
        source->left = why != 0 || source->ready < want ? 0 : source->left - source->ready;
        if (why != 0) {
            tn_error_from_errno(error, why, "read");
            return -1;
        }
    }
    n = MIN(source->ready, max);
    *ret_data = source->data + source->at;
    source->at += n;
    source->ready -= n;
    return (gssize)n;
}

static void
free_source(TnBulk *bulk)
{
    FileBulk *source = (FileBulk *)bulk;

    tn_fd_clear(&source->fd);
    g_free(source->data);
    g_free(source);
}

/* A source of SIZE bytes of which the FIRST are read now. */
static TnBulk *
make_source(int fd, gint64 offset, guint64 size, gsize first, int64_t *count, bool *eof_seen,
            int *ret_why)
{
    FileBulk *source = g_new0(FileBulk, 1);

    source->bulk.pull = pull_piece;
    source->bulk.free = free_source;
    source->fd = -1;
    source->offset = offset;
    source->count = count;
    source->eof_seen = eof_seen;
    source->data = g_malloc(MAX(first, 1));
    *ret_why = read_some(source, fd, first, &source->ready);
    source->left = source->ready < first ? 0 : size - source->ready;
    if (*ret_why == 0 && source->left > 0) {
        source->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
        if (source->fd < 0)
            *ret_why = errno;
    }
    if (*ret_why == 0)
        return &source->bulk;
    free_source(&source->bulk);
    return NULL;
}

TnBulk *
tn_filebulk_new(int fd, gint64 offset, guint64 size, int64_t *count, bool *eof_seen, int *ret_why)
{
    return make_source(fd, offset, size, (gsize)MIN(size, TN_BULK_PIECE_BYTES), count, eof_seen,
                       ret_why);
}

TnBulk *
tn_filebulk_load(int fd, gint64 offset, guint64 size, int64_t *count, bool *eof_seen, int *ret_why)
{
    gsize all = (gsize)MIN(size, TN_FILEBULK_LOAD_BYTES);

    return make_source(fd, offset, all, all, count, eof_seen, ret_why);
}

guint64
tn_filebulk_fit(TnCall *call, guint64 size)
{
    gsize limit = tn_call_get_reply_limit(call);

    if (limit == G_MAXSIZE)
        return size;
    return MIN(size, (limit - MIN(limit, REPLY_OVERHEAD_BYTES)) / 4 * 3);
}
