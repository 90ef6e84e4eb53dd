/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Jobs on their way to another process. What comes in is checked as a whole by GVariant (a value
 * that is not in normal form reads as defaults), and each job for itself: one that is not whole is
 * dropped and the others go on.
 */

#include "platform/handover.h"

#include "platform/fd.h"
#include "platform/jobsave.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define STATE_TYPE "(uaa{sv})" /* version, jobs */

enum {
    STATE_LIMIT_BYTES = 512 * 1024 * 1024,
};

static int
write_state(GVariant *state, GError **error)
{
    tn_autofd int fd = memfd_create("tenon-jobs", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (fd < 0) {
        tn_error_from_errno(error, errno, "memfd_create");
        return -1;
    }
    if (!tn_fd_write_all(fd, g_variant_get_data(state), g_variant_get_size(state), error))
        return -1;
    fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
    return tn_fd_steal(&fd);
}

GArray *
tn_handover_save(TnJobs *jobs, GError **error)
{
    g_autoptr(GPtrArray) list = tn_jobs_list(jobs, NULL);
    g_autoptr(GArray) fds = g_array_new(FALSE, FALSE, sizeof(int));
    g_autoptr(GVariant) state = NULL;
    GVariantBuilder builder;
    int fd;

    if (list->len == 0)
        return NULL;
    g_variant_builder_init(&builder, G_VARIANT_TYPE(STATE_TYPE));
    g_variant_builder_add(&builder, "u", TN_HANDOVER_VERSION);
    g_variant_builder_open(&builder, G_VARIANT_TYPE("aa{sv}"));
    for (guint i = 0; i < list->len; i++)
        g_variant_builder_add_value(&builder, tn_job_save(g_ptr_array_index(list, i), fds));
    g_variant_builder_close(&builder);
    state = g_variant_ref_sink(g_variant_builder_end(&builder));
    fd = write_state(state, error);
    if (fd < 0)
        return NULL;
    g_array_prepend_val(fds, fd);
    return g_steal_pointer(&fds);
}

/* Descriptors by their place (0: the state), -1 where there is none. */
static GArray *
sort_descriptors(int first_fd, char **names)
{
    guint n = g_strv_length(names);
    GArray *fds = g_array_sized_new(FALSE, FALSE, sizeof(int), n);
    int none = -1;

    for (guint i = 0; i < n; i++)
        g_array_append_val(fds, none);
    for (guint i = 0; i < n; i++) {
        int fd = first_fd + (int)i;
        gint64 place = -1;

        fcntl(fd, F_SETFD, FD_CLOEXEC);
        if (strcmp(names[i], TN_HANDOVER_STATE) == 0)
            place = 0;
        else if (!g_str_has_prefix(names[i], TN_HANDOVER_PREFIX) ||
                 !g_ascii_string_to_signed(names[i] + strlen(TN_HANDOVER_PREFIX), 10, 1, n - 1,
                                           &place, NULL))
            place = -1;
        if (place >= 0 && g_array_index(fds, int, place) < 0)
            g_array_index(fds, int, place) = fd;
        else
            close(fd);
    }
    return fds;
}

static GVariant *
read_state(int fd, GError **error)
{
    g_autofree char *text = NULL;
    g_autoptr(GBytes) bytes = NULL;
    g_autoptr(GVariant) state = NULL;
    guint32 version = 0;
    gsize size = 0;

    if (fd < 0) {
        g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "jobs without a state");
        return NULL;
    }
    if (lseek(fd, 0, SEEK_SET) < 0 ||
        !tn_fd_read_all(fd, "jobs", STATE_LIMIT_BYTES, &text, &size, error))
        return NULL;
    bytes = g_bytes_new_take(g_steal_pointer(&text), size);
    state = g_variant_ref_sink(g_variant_new_from_bytes(G_VARIANT_TYPE(STATE_TYPE), bytes, FALSE));
    g_variant_get_child(state, 0, "u", &version);
    if (!g_variant_is_normal_form(state) || version < 1 || version > TN_HANDOVER_VERSION) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "jobs in the unknown form %u",
                    version);
        return NULL;
    }
    return g_steal_pointer(&state);
}

static gboolean
restore_jobs(TnJobs *jobs, GVariant *state, GArray *fds, GError **error)
{
    g_autoptr(GVariant) list = g_variant_get_child_value(state, 1);
    GError **first = error;

    for (gsize i = 0; i < g_variant_n_children(list); i++) {
        g_autoptr(GVariant) saved = g_variant_get_child_value(list, i);
        g_autoptr(GError) failure = NULL;
        TnJob *job = tn_job_restore(tn_jobs_get_host(jobs), saved, fds, &failure);

        if (job != NULL) {
            tn_jobs_adopt(jobs, job);
            continue;
        }
        if (first != NULL)
            g_propagate_error(first, g_steal_pointer(&failure));
        first = NULL;
    }
    return first == error;
}

gboolean
tn_handover_restore(TnJobs *jobs, int first_fd, char **names, GError **error)
{
    g_autoptr(GArray) fds = sort_descriptors(first_fd, names);
    tn_autofd int state_fd = g_array_index(fds, int, 0);
    g_autoptr(GVariant) state = NULL;
    gboolean done = FALSE;

    g_array_remove_index(fds, 0);
    state = read_state(state_fd, error);
    if (state != NULL)
        done = restore_jobs(jobs, state, fds, error);
    for (guint i = 0; i < fds->len; i++)
        if (g_array_index(fds, int, i) >= 0)
            close(g_array_index(fds, int, i));
    return done;
}
