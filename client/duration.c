/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Durations and deadlines. Everything is integer arithmetic on microseconds; digits beyond them are
 * refused rather than rounded, so that what is written is what is waited for.
 */

#include "client/duration.h"

#include "client/failure.h"

#include <poll.h>
#include <string.h>

#define MAX_US (G_GINT64_CONSTANT(366) * 24 * 3600 * G_USEC_PER_SEC)

typedef struct {
    const char *name;
    gint64 us;
} Unit;

/* Falling order, and "ms" so placed that it is not taken for "m". */
static const Unit units[] = {
    {"d", G_GINT64_CONSTANT(24) * 3600 * G_USEC_PER_SEC},
    {"h", G_GINT64_CONSTANT(3600) * G_USEC_PER_SEC},
    {"m", G_GINT64_CONSTANT(60) * G_USEC_PER_SEC},
    {"s", G_USEC_PER_SEC},
    {"ms", 1000},
};

static const Unit *
find_unit(const char *text, gsize size)
{
    for (gsize i = 0; i < G_N_ELEMENTS(units); i++) {
        if (strlen(units[i].name) == size && strncmp(units[i].name, text, size) == 0)
            return &units[i];
    }
    return NULL;
}

/* Reads "12.5" at *TEXT as 12500000 millionths. */
static gboolean
read_number(const char **text, gint64 *ret_millionths)
{
    const char *p = *text;
    gint64 value = 0;
    gint64 scale = 1000000;

    if (!g_ascii_isdigit(*p))
        return FALSE;
    for (; g_ascii_isdigit(*p); p++) {
        value = value * 10 + (*p - '0');
        if (value > MAX_US / 1000)
            return FALSE;
    }
    value *= 1000000;
    if (*p == '.') {
        p++;
        if (!g_ascii_isdigit(*p))
            return FALSE;
        for (; g_ascii_isdigit(*p); p++) {
            scale /= 10;
            if (scale == 0)
                return FALSE;
            value += (*p - '0') * scale;
        }
    }
    *text = p;
    *ret_millionths = value;
    return TRUE;
}

/* Reads one number and its unit; *LAST is the unit before it, which must have been a larger one. */
static gboolean
read_part(const char **text, gboolean is_only, const Unit **last, gint64 *sum_us)
{
    gint64 millionths = 0;
    gint64 us = 0;
    const Unit *unit = NULL;
    gsize n = 0;

    if (!read_number(text, &millionths))
        return FALSE;
    n = strspn(*text, "dhms");
    if (n == 0 && is_only && **text == '\0')
        unit = &units[3];
    else
        unit = find_unit(*text, n);
    if (unit == NULL || (*last != NULL && unit <= *last))
        return FALSE;
    /* millionths * unit / 10^6 without overflow: both factors are bounded by a year. */
    if (millionths / 1000000 > MAX_US / unit->us)
        return FALSE;
    us = millionths / 1000000 * unit->us + millionths % 1000000 * (unit->us / 1000) / 1000;
    if (us > MAX_US - *sum_us)
        return FALSE;
    *sum_us += us;
    *text += n;
    *last = unit;
    return TRUE;
}

gboolean
tn_duration_parse(const char *text, gint64 *ret_us, GError **error)
{
    const char *p = text;
    const Unit *last = NULL;
    gint64 sum_us = 0;

    do {
        if (!read_part(&p, p == text, &last, &sum_us)) {
            g_set_error(error, TN_FAILURE, TN_FAILURE_USAGE,
                        "'%s' is no duration: write it like 500ms, 10s, 1.5m or 1h30m", text);
            return FALSE;
        }
    } while (*p != '\0');
    *ret_us = sum_us;
    return TRUE;
}

char *
tn_duration_format(gint64 us)
{
    gint64 ms = (us + 500) / 1000;

    if (ms < 1000)
        return g_strdup_printf("%" G_GINT64_FORMAT " ms", ms);
    if (ms < 120 * 1000 && ms % 1000 >= 100)
        return g_strdup_printf("%" G_GINT64_FORMAT ".%" G_GINT64_FORMAT " s", ms / 1000,
                               ms % 1000 / 100);
    if (ms < 120 * 1000)
        return g_strdup_printf("%" G_GINT64_FORMAT " s", ms / 1000);
    if (ms < 120 * 60 * 1000)
        return g_strdup_printf("%" G_GINT64_FORMAT " min", ms / 60000);
    return g_strdup_printf("%" G_GINT64_FORMAT " h", ms / 3600000);
}

char *
tn_duration_format_short(gint64 us)
{
    gint64 s = us / G_USEC_PER_SEC;

    if (s < 100)
        return g_strdup_printf("%" G_GINT64_FORMAT "s", s);
    if (s < 100 * 60)
        return g_strdup_printf("%" G_GINT64_FORMAT "m", s / 60);
    if (s < 48 * 3600)
        return g_strdup_printf("%" G_GINT64_FORMAT "h", s / 3600);
    return g_strdup_printf("%" G_GINT64_FORMAT "d", s / 86400);
}

gint64
tn_deadline_after(gint64 us)
{
    return us < 0 ? TN_DEADLINE_NEVER : g_get_monotonic_time() + us;
}

gboolean
tn_deadline_is_over(gint64 deadline_us)
{
    return deadline_us != TN_DEADLINE_NEVER && g_get_monotonic_time() >= deadline_us;
}

int
tn_deadline_get_poll_ms(gint64 deadline_us)
{
    gint64 left_us = 0;

    if (deadline_us == TN_DEADLINE_NEVER)
        return -1;
    left_us = deadline_us - g_get_monotonic_time();
    if (left_us <= 0)
        return 0;
    return (int)MIN((left_us + 999) / 1000, 3600 * 1000);
}

void
tn_deadline_pause(gint64 us, gint64 deadline_us)
{
    gint64 end_us = MIN(g_get_monotonic_time() + us, deadline_us);
    int ms = 0;

    while ((ms = tn_deadline_get_poll_ms(end_us)) > 0)
        (void)poll(NULL, 0, ms);
}
