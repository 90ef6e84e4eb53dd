/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The counter is stored ahead: the file holds the first number that is not reserved yet, so a
 * crash skips numbers and never repeats one, and a file-open costs no write (qemu-ga rewrites the
 * file each time). The file is replaced by rename; it is not synced, because a machine that
 * crashes has lost the handles and jobs behind the numbers too, and a clean stop syncs.
 */

#include "agent/state.h"

#include "platform/fd.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

enum {
    FILE_LIMIT_BYTES = 64 * 1024,
    BOOT_ID_BYTES = 64,
};

struct TnState {
    GMutex lock; /* of the counter: workers take numbers as well */
    char *file;
    char *mark;
    char *port;
    gint64 first;    /* of this process */
    gint64 next;     /* handed out next */
    gint64 reserved; /* what the file says: the first number behind the block */
    gboolean frozen;
    TnStateFrozenFunc func;
    gpointer data;
    TnStateThawFunc thaw;
    gpointer thaw_data;
    TnStateThawFunc thawed;
    gpointer thawed_data;
};

static gboolean
write_counter(TnState *state, gint64 counter, GError **error)
{
    g_autofree char *text = g_strdup_printf("[global]\nfd_counter=%" G_GINT64_FORMAT "\n", counter);
    g_autofree char *temporary = g_strdup_printf("%s.new", state->file);
    tn_autofd int fd = -1;

    if (unlink(temporary) < 0 && errno != ENOENT)
        return tn_error_from_errno(error, errno, "replace '%s'", temporary);
    fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0)
        return tn_error_from_errno(error, errno, "create '%s'", temporary);
    if (!tn_fd_write_all(fd, text, strlen(text), error)) {
        g_prefix_error(error, "write '%s': ", temporary);
        unlink(temporary);
        return FALSE;
    }
    if (rename(temporary, state->file) < 0) {
        int saved = errno;

        unlink(temporary);
        return tn_error_from_errno(error, saved, "replace '%s'", state->file);
    }
    state->reserved = counter;
    return TRUE;
}

static gboolean
parse_counter(const char *text, gsize size, gint64 *ret_counter, GError **error)
{
    g_autoptr(GKeyFile) keys = g_key_file_new();
    g_autofree char *value = NULL;
    gint64 counter = TN_STATE_FIRST_NUMBER;

    if (!g_key_file_load_from_data(keys, text, size, G_KEY_FILE_NONE, error))
        return FALSE;
    value = g_key_file_get_value(keys, "global", "fd_counter", NULL);
    if (value != NULL && !g_ascii_string_to_signed(value, 10, 0, G_MAXINT32, &counter, NULL))
        counter = 0;
    *ret_counter = counter;
    return TRUE;
}

static gboolean
load_counter(TnState *state, GError **error)
{
    g_autoptr(GError) read_error = NULL;
    g_autofree char *text = NULL;
    gsize size = 0;
    gint64 counter;

    if (!tn_fd_read_file(AT_FDCWD, state->file, FILE_LIMIT_BYTES, &text, &size, &read_error)) {
        if (!g_error_matches(read_error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND)) {
            g_propagate_error(error, g_steal_pointer(&read_error));
            return FALSE;
        }
        state->next = TN_STATE_FIRST_NUMBER;
        return write_counter(state, TN_STATE_FIRST_NUMBER, error);
    }
    if (!parse_counter(text, size, &counter, error)) {
        g_prefix_error(error, "read '%s': ", state->file);
        return FALSE;
    }
    state->reserved = counter;
    state->next = MAX(counter, 1); /* a number is > 0, whatever the file says */
    return TRUE;
}

TnState *
tn_state_new(const char *file, GError **error)
{
    g_autofree char *mark = g_strdup_printf("%s.isfrozen", file);

    return tn_state_new_with_mark(file, mark, error);
}

TnState *
tn_state_new_with_mark(const char *file, const char *mark, GError **error)
{
    g_autoptr(TnState) state = g_new0(TnState, 1);

    g_mutex_init(&state->lock);
    state->file = g_strdup(file);
    state->mark = g_strdup(mark);
    state->port = g_strdup_printf("%s.port", file);
    state->frozen = access(state->mark, F_OK) == 0;
    /* The file is read only while frozen, and writing it could hang. */
    if (state->frozen)
        state->next = state->reserved = 0;
    if (!state->frozen && !load_counter(state, error))
        return NULL;
    state->first = state->next;
    return g_steal_pointer(&state);
}

gint64
tn_state_get_first_number(const TnState *state)
{
    return state->first;
}

void
tn_state_free(TnState *state)
{
    if (state == NULL)
        return;
    g_mutex_clear(&state->lock);
    g_free(state->file);
    g_free(state->mark);
    g_free(state->port);
    g_free(state);
}

gboolean
tn_state_take_number(TnState *state, gint64 *ret_number, GError **error)
{
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&state->lock);

    if (state->next >= state->reserved) {
        if (state->frozen) {
            g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_BUSY,
                                "no number can be reserved while file systems are frozen");
            return FALSE;
        }
        if (state->reserved == 0 && !load_counter(state, error))
            return FALSE;
        if (state->next > G_MAXINT32 - TN_STATE_BLOCK)
            state->next = TN_STATE_FIRST_NUMBER; /* after 2^31 numbers: begin again */
        if (!write_counter(state, state->next + TN_STATE_BLOCK, error))
            return FALSE;
    }
    *ret_number = state->next++;
    return TRUE;
}

gboolean
tn_state_begin_port(TnState *state)
{
    g_autofree char *boot = NULL;
    g_autofree char *before = NULL;
    tn_autofd int fd = -1;
    gboolean is_stale;

    if (!tn_fd_read_file(AT_FDCWD, "/proc/sys/kernel/random/boot_id", BOOT_ID_BYTES, &boot, NULL,
                         NULL))
        boot = g_strdup("unknown\n");
    is_stale = tn_fd_read_file(AT_FDCWD, state->port, BOOT_ID_BYTES, &before, NULL, NULL) &&
               strcmp(boot, before) == 0;
    if (is_stale || state->frozen)
        return is_stale;
    fd = open(state->port, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0 && !tn_fd_write_all(fd, boot, strlen(boot), NULL))
        unlink(state->port); /* without it a restart is only less careful */
    return FALSE;
}

void
tn_state_end_port(TnState *state)
{
    unlink(state->port);
}

gboolean
tn_state_is_frozen(const TnState *state)
{
    return state->frozen;
}

gboolean
tn_state_set_frozen(TnState *state, gboolean frozen, GError **error)
{
    if (frozen == state->frozen)
        return TRUE;
    if (frozen) {
        tn_autofd int fd = open(state->mark, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

        if (fd < 0)
            return tn_error_from_errno(error, errno, "create '%s'", state->mark);
    }
    state->frozen = frozen;
    if (state->func != NULL)
        state->func(frozen, state->data);
    if (!frozen && unlink(state->mark) < 0 && errno != ENOENT)
        return tn_error_from_errno(error, errno, "remove '%s'", state->mark);
    return TRUE;
}

void
tn_state_on_frozen(TnState *state, TnStateFrozenFunc func, gpointer data)
{
    state->func = func;
    state->data = data;
}

void
tn_state_on_thaw(TnState *state, TnStateThawFunc func, gpointer data)
{
    state->thaw = func;
    state->thaw_data = data;
}

void
tn_state_on_thawed(TnState *state, TnStateThawFunc thawed, gpointer data)
{
    state->thawed = thawed;
    state->thawed_data = data;
}

gboolean
tn_state_ask_thaw(TnState *state)
{
    if (state->thaw != NULL)
        state->thaw(state->thaw_data);
    return state->thaw != NULL;
}

void
tn_state_end_thaw(TnState *state)
{
    if (state->thawed != NULL)
        state->thawed(state->thawed_data);
}
