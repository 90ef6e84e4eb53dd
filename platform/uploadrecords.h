/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>
#include <glib.h>

/*
 * What outlives the agent of an upload: a key file STATE/uploads/TOKEN for each, written before its
 * hidden file exists. All functions may be called from any thread; only
 * tn_upload_records_remove_with_file asks another file system than the state directory's.
 */

typedef struct TnUploadRecords TnUploadRecords;

/* All borrowed; the numbers as in TnUploadRequest. Only PATH is read again. */
typedef struct {
    const char *path;
    gint64 size;
    gint64 mode;
    gint64 uid;
    gint64 gid;
    gboolean must_be_new;
    gboolean sparse;
} TnUploadRecord;

/* STATE_DIR exists; a directory "uploads" is made in it. */
TnUploadRecords *tn_upload_records_new(const char *state_dir, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;
/* Accepts NULL. */
void tn_upload_records_free(TnUploadRecords *records);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TnUploadRecords, tn_upload_records_free)

/* A token is 32 lower-case hexadecimal digits: TRUE if TEXT is one. */
gboolean tn_upload_token_is(const char *text);
/* A new one, owned by the caller. */
char *tn_upload_token_make(void);
/* The name of the hidden file of TOKEN, owned by the caller. */
char *tn_upload_token_get_file(const char *token);

/* Enters TOKEN, which is new. Errors: G_IO_ERROR whose text names the path; nothing is left then.
 */
gboolean tn_upload_records_add(TnUploadRecords *records, const char *token,
                               const TnUploadRecord *record, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;
/* TRUE when TOKEN is there. One that is empty (an agent was killed while it made it, and had made
 * nothing else) is removed and is not. */
gboolean tn_upload_records_has(TnUploadRecords *records, const char *token);
/* The target's path, owned by the caller; NULL when there is no such record or it cannot be read.
 */
char *tn_upload_records_get_path(TnUploadRecords *records, const char *token);
void tn_upload_records_remove(TnUploadRecords *records, const char *token);
/* The hidden file too. Its directory is opened anew by its path; only a file with the token's own
 * random name can go. May block on that file system. */
void tn_upload_records_remove_with_file(TnUploadRecords *records, const char *token);
/* Tokens that nobody came back to for a day: strings, owned by the caller with the array. */
GPtrArray *tn_upload_records_list_old(TnUploadRecords *records);
