/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/command.h"
#include "platform/handles.h"

/*
 * Bytes between a handle's file and a request. What is local is done at once; a file whose server
 * may be gone is read, written, sought and closed in a worker, with a descriptor of its own, since
 * the handle may be closed meanwhile. All of these are for a handler, which returns what they
 * return: see tn_call_go_on(). Errors are in qemu-ga's words.
 */

/* Arguments of all commands that take a handle. */
typedef struct {
    int64_t handle;
    int64_t count;
    bool has_count;
    TnBytes data;
    int64_t offset;
    int64_t whence; /* index of set, cur, end */
} TnHandleArgs;

/* What a worker has of a handle. */
typedef struct {
    int fd;
    TnOpenFlags flags;
    TnOpenPlan *plan;
    gint64 offset; /* of a read; -1: the file's position */
    guint64 size;
} TnRemoteFile;

/* Result of all of them, of those too that answer with nothing. */
typedef struct {
    TnBulk *data;
    int64_t count;
    int64_t position;
    bool eof;
    TnRemoteFile remote; /* private */
} TnTransfer;

/* Reads up to args->count bytes (4096 when absent) from OFFSET, or from the file's position when
 * that is -1. Less when the channel or the rule allows no more, and at most 1 MiB of a remote file.
 */
gboolean tn_filetransfer_read(TnCall *call, TnHandle *handle, const TnHandleArgs *args,
                              gint64 offset, GError **error);

/* Writes args->count bytes, all when absent. An error even when a part fitted, save on a pipe. */
gboolean tn_filetransfer_write(TnCall *call, TnHandle *handle, const TnHandleArgs *args,
                               GError **error);

/* Moves the position. */
gboolean tn_filetransfer_seek(TnCall *call, TnHandle *handle, const TnHandleArgs *args,
                              GError **error);

/* Closes and forgets HANDLE, also when that fails. */
gboolean tn_filetransfer_close(TnCall *call, TnHandles *handles, TnHandle *handle, GError **error);
