/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/command.h"

/*
 * File content as a bulk source, for the modules that read files. The first piece is read when the
 * source is made, so that an error there is still an error reply. An error behind it ends the data
 * short with a true count; the next read begins where this one ended and meets the error itself.
 */

/* Reads SIZE bytes of FD from OFFSET (-1: from its position, which moves). FD is borrowed; what is
 * needed behind the first piece has a descriptor of its own. *COUNT and *EOF_SEEN stand in the
 * result struct and are right when the source has ended. A FIFO or terminal gives what is there.
 * NULL and an errno in *RET_WHY when nothing could be read. */
TnBulk *tn_filebulk_new(int fd, gint64 offset, guint64 size, int64_t *count, bool *eof_seen,
                        int *ret_why);

enum {
    TN_FILEBULK_LOAD_BYTES = 1024 * 1024
};

/* The same for a file whose server may be gone: reads all of it now, at most that much, so that
 * nothing is read behind it. Blocks. */
TnBulk *tn_filebulk_load(int fd, gint64 offset, guint64 size, int64_t *count, bool *eof_seen,
                         int *ret_why);

/* SIZE, or less: as much as fits into one reply of the call's channel. */
guint64 tn_filebulk_fit(TnCall *call, guint64 size);
