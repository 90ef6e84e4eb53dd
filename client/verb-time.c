/* SPDX-License-Identifier: Apache-2.0 */
/*
 * time: the guest's clock, read and set. A reading is compared with our clock half-way between
 * asking and answer; the error is at most half the round trip, and the quickest of some is taken.
 */

#include "client/failure.h"
#include "client/print.h"
#include "client/verb.h"

#include <string.h>

#define NS_PER_S  G_GINT64_CONSTANT(1000000000)
#define NS_PER_US 1000
#define READINGS  5

typedef struct {
    gint64 guest_ns;
    gint64 offset_ns; /* guest minus host */
    gint64 trip_ns;
} Reading;

static gboolean
read_once(TnAgent *agent, Reading *ret_reading, GError **error)
{
    gint64 before_us = g_get_real_time();
    guint at = 0;
    g_autoptr(TnAnswer) answer = tn_dial_simple(agent, "guest-get-time", &at, error);
    gint64 after_us = g_get_real_time();
    int64_t guest_ns = 0;

    if (answer == NULL)
        return FALSE;
    if (tn_answer_get_type(answer, at) != TN_TOKEN_NUMBER ||
        !tn_message_get_int64(&answer->message, at, &guest_ns)) {
        g_set_error_literal(error, TN_FAILURE, TN_FAILURE_PROTOCOL,
                            "malformed reply: guest-get-time gave no number");
        return FALSE;
    }
    ret_reading->guest_ns = guest_ns;
    ret_reading->trip_ns = (after_us - before_us) * NS_PER_US;
    ret_reading->offset_ns = guest_ns - (before_us * NS_PER_US + ret_reading->trip_ns / 2);
    return TRUE;
}

static gboolean
read_best(TnAgent *agent, Reading *ret_reading, GError **error)
{
    for (guint i = 0; i < READINGS; i++) {
        Reading reading = {0};

        if (!read_once(agent, &reading, error))
            return FALSE;
        if (i == 0 || reading.trip_ns < ret_reading->trip_ns)
            *ret_reading = reading;
    }
    return TRUE;
}

static void
print_reading(const TnInvocation *invocation, const Reading *reading)
{
    g_autoptr(GDateTime) date = g_date_time_new_from_unix_utc(reading->guest_ns / NS_PER_S);
    g_autofree char *text =
        date == NULL ? g_strdup("-") : g_date_time_format(date, "%Y-%m-%d %H:%M:%S UTC");

    if (invocation->globals->is_json)
        printf("{\"time-ns\": %" G_GINT64_FORMAT ", \"offset-ns\": %" G_GINT64_FORMAT
               ", \"round-trip-ns\": %" G_GINT64_FORMAT "}\n",
               reading->guest_ns, reading->offset_ns, reading->trip_ns);
    else
        printf("%s  %+.3f s against this host (within %.3f s)\n", text,
               (double)reading->offset_ns / 1e9, (double)reading->trip_ns / 2e9);
}

static gboolean
set_time(TnAgent *agent, gint64 time_ns, GError **error)
{
    g_autoptr(TnAsk) ask = tn_ask_new("guest-set-time");
    g_autoptr(TnAnswer) answer = NULL;
    guint at = 0;

    tn_ask_add_int(ask, "time", time_ns);
    answer = tn_dial_send(agent, ask, TN_DIAL_ANSWER_US, &at, error);
    return answer != NULL;
}

static int
run_get(const TnInvocation *invocation, TnAgent *agent, GError **error)
{
    Reading reading = {0};

    if (!read_best(agent, &reading, error))
        return -1;
    print_reading(invocation, &reading);
    return 0;
}

/* "2026-11-25T03:00:00Z" or "@1790000000" */
static gboolean
parse_time(const char *text, gint64 *ret_ns, GError **error)
{
    g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
    g_autoptr(GDateTime) date = NULL;
    gint64 seconds = 0;

    if (text[0] == '@' &&
        g_ascii_string_to_signed(text + 1, 10, 0, G_MAXINT64 / NS_PER_S, &seconds, NULL)) {
        *ret_ns = seconds * NS_PER_S;
        return TRUE;
    }
    date = g_date_time_new_from_iso8601(text, utc);
    if (date != NULL && g_date_time_to_unix(date) >= 0 &&
        g_date_time_to_unix(date) < G_MAXINT64 / NS_PER_S) {
        *ret_ns = g_date_time_to_unix(date) * NS_PER_S;
        return TRUE;
    }
    g_set_error(error, TN_FAILURE, TN_FAILURE_USAGE,
                "'%s' is no time such as 2026-11-25T03:00:00Z or @1790000000", text);
    return FALSE;
}

static int
run_sync(const TnInvocation *invocation, TnAgent *agent, GError **error)
{
    Reading reading = {0};

    /* The request arrives half a round trip after it was sent. */
    if (!read_best(agent, &reading, error) ||
        !set_time(agent, g_get_real_time() * NS_PER_US + reading.trip_ns / 2, error))
        return -1;
    return run_get(invocation, agent, error);
}

static int
run_time(const TnInvocation *invocation, GError **error)
{
    const char *action = invocation->args[0];
    const char *text = invocation->args[2];
    gboolean is_set = strcmp(action, "set") == 0;
    gboolean is_sync = strcmp(action, "sync") == 0;
    g_autoptr(TnAgent) agent = NULL;
    gint64 time_ns = 0;

    if ((!is_set && !is_sync && strcmp(action, "get") != 0) || is_set != (text != NULL)) {
        g_set_error_literal(
            error, TN_FAILURE, TN_FAILURE_USAGE,
            "write time get ENDPOINT, time sync ENDPOINT or time set ENDPOINT TIME");
        return -1;
    }
    if (is_set && !parse_time(text, &time_ns, error))
        return -1;
    agent = tn_verb_open_endpoint(invocation, invocation->args[1], error);
    if (agent == NULL)
        return -1;
    if (is_sync)
        return run_sync(invocation, agent, error);
    if (is_set)
        return set_time(agent, time_ns, error) ? 0 : -1;
    return run_get(invocation, agent, error);
}

const TnVerb tn_verb_time = {
    .name = "time",
    .synopsis = "get|set|sync ENDPOINT [TIME]",
    .doc = "read the guest's clock, set it, or set it to ours",
    .n_args_min = 2,
    .n_args_max = 3,
    .run = run_time,
};
