/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "platform/openfile.h"

#include <gio/gio.h>
#include <glib.h>

/*
 * Files on their way in: bytes gather in a hidden file beside the target and take its place by one
 * rename after their checks. Each upload stands in the state directory before its hidden file
 * exists, so that it can be resumed after a lost connection or a restarted agent, and removed when
 * it was forgotten. All functions may be called from any thread; an upload that one call works on
 * is busy for the others.
 * Sources: rename(2), renameat2(2), fsync(2).
 */

typedef struct TnUploads TnUploads;
typedef struct TnUpload TnUpload;

/* What put-open asks for; all borrowed. */
typedef struct {
    const TnOpenPlan *plan; /* of the target */
    const char *channel;    /* interned */
    const char *resume;     /* token of an earlier try, or NULL */
    const char *token;      /* without RESUME: an upload of this token is gone on with, or else
                               begun; 32 lower-case hex digits. NULL: one is made up */
    gint64 number;          /* for a new upload */
    gint64 size;            /* announced; -1: not known */
    gint64 mode;            /* of the finished file; -1: that of the file it replaces, else the
                               plan's */
    gint64 uid;             /* -1: the plan's user, else root */
    gint64 gid;
    gboolean must_be_new; /* an existing target is an error */
    gboolean sparse;      /* holes are fine */
} TnUploadRequest;

/* STATE_DIR exists; a directory "uploads" is made in it. Removes what is older than a day. */
TnUploads *tn_uploads_new(const char *state_dir, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Closes the files; what has gathered stays for a later agent. Accepts NULL. */
void tn_uploads_free(TnUploads *uploads);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TnUploads, tn_uploads_free)

/* Uploads that this agent has open now. */
guint tn_uploads_count(TnUploads *uploads);

/* Begins an upload, or goes on with one. *RET_TOKEN is owned by the caller, *RET_OFFSET says how
 * far an earlier try came. Errors: G_IO_ERROR with a text that names the path; NOT_FOUND for a
 * token that is not known (any more) or belongs to another path; EXISTS; BUSY. */
gboolean tn_uploads_open(TnUploads *uploads, const TnUploadRequest *request, gint64 *ret_number,
                         char **ret_token, gint64 *ret_offset, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/* The path that upload NUMBER of CHANNEL is for; the caller owns it. NULL: there is none. */
char *tn_uploads_get_path(TnUploads *uploads, gint64 number, const char *channel);

/* TRUE when upload NUMBER of CHANNEL goes to a file system that may never answer: a write to it is
 * then for a worker. Does not block. */
gboolean tn_uploads_is_remote(TnUploads *uploads, gint64 number, const char *channel);

/* Writes SIZE bytes at OFFSET; *RET_END is the file's end afterwards. Bytes below the end may be
 * sent again; a gap is an error unless the upload is sparse. Errors: G_IO_ERROR; NOT_FOUND for an
 * unknown number; the upload stays as it was. */
gboolean tn_uploads_write(TnUploads *uploads, gint64 number, const char *channel, gint64 offset,
                          const void *data, gsize size, gint64 *ret_end, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/* Checks size and digest, sets owner and mode, syncs (SYNC), renames into place and syncs the
 * directory. SHA256 (hex, any case) may be NULL; *RET_SHA256 is filled when WANT_DIGEST or SHA256
 * was given. On an error the old file is as it was and the upload stays. Blocks on disk. */
gboolean tn_uploads_finish(TnUploads *uploads, gint64 number, const char *channel,
                           const char *sha256, gboolean want_digest, gboolean sync,
                           gint64 *ret_size, char **ret_sha256, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/* Removes the hidden file and forgets the upload. Errors: NOT_FOUND, BUSY. */
gboolean tn_uploads_drop(TnUploads *uploads, gint64 number, const char *channel, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/* The digest of LENGTH bytes (-1: to the end) from OFFSET of FD, as lower-case hex owned by the
 * caller; *RET_BYTES (may be NULL) is how many there were. Does not move FD's position. Blocks. */
char *tn_sha256_of_fd(int fd, gint64 offset, gint64 length, gint64 *ret_bytes, GError **error);
