/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The progress line: "app.tar.zst  212 MiB  100 %  96 MiB/s  0:02". While it runs the time is what
 * is left, at the end what it took.
 */

#include "client/progress.h"

#include "client/print.h"

#include <stdio.h>
#include <unistd.h>

#define SHOW_EVERY_US G_GINT64_CONSTANT(200000)

void
tn_progress_begin(TnProgress *progress, const char *name, gint64 total, gint64 done,
                  gboolean is_wanted)
{
    *progress = (TnProgress){
        .name = tn_print_escape(name),
        .total = total,
        .first = done,
        .done = done,
        .start_us = g_get_monotonic_time(),
        .is_shown = is_wanted && isatty(STDERR_FILENO) == 1,
    };
}

static void
show_line(const TnProgress *progress, gboolean is_end, const char *note)
{
    double seconds = (double)MAX(1, g_get_monotonic_time() - progress->start_us) / 1e6;
    double rate = (double)(progress->done - progress->first) / seconds;
    g_autofree char *size = tn_print_format_size((guint64)progress->done);
    g_autofree char *speed = tn_print_format_size((guint64)rate);
    g_autoptr(GString) line = g_string_new(NULL);

    if (!is_end && rate > 0 && progress->total > progress->done)
        seconds = (double)(progress->total - progress->done) / rate;
    g_string_append_printf(line, "\r%s  %s", progress->name, size);
    if (progress->total > 0)
        g_string_append_printf(line, "  %d %%",
                               (int)((double)progress->done * 100.0 / (double)progress->total));
    g_string_append_printf(line, "  %s/s  %d:%02d", speed, (int)(seconds / 60), (int)seconds % 60);
    if (note != NULL)
        g_string_append_printf(line, "  %s", note);
    fprintf(stderr, "%s\x1b[K%s", line->str, is_end ? "\n" : "");
    fflush(stderr);
}

void
tn_progress_update(TnProgress *progress, gint64 done)
{
    gint64 now_us = g_get_monotonic_time();

    progress->done = done;
    if (!progress->is_shown || now_us - progress->shown_us < SHOW_EVERY_US)
        return;
    progress->shown_us = now_us;
    show_line(progress, FALSE, NULL);
}

void
tn_progress_end(TnProgress *progress, const char *note)
{
    if (progress->is_shown)
        show_line(progress, TRUE, note);
    g_clear_pointer(&progress->name, g_free);
}
