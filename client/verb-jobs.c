/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jobs: what runs in the guest, and what ran lately.
 */

#include "client/duration.h"
#include "client/print.h"
#include "client/verb.h"

#include <string.h>

static const char *const heads[] = {">JOB", "NAME", "STATE", ">CODE",   ">AGE",
                                    ">CPU", ">OUT", ">ERR",  "COMMAND", NULL};

static void
add_size(TnTable *table, const TnAnswer *answer, guint entry, const char *name)
{
    g_autofree char *text = NULL;
    gint64 bytes = 0;

    if (tn_answer_get_int(answer, entry, name, &bytes) && bytes >= 0)
        text = tn_print_format_size((guint64)bytes);
    tn_table_add(table, text);
}

static void
add_state(TnTable *table, const TnAnswer *answer, guint entry)
{
    const char *reason = tn_answer_get_string(answer, entry, "reason");
    g_autofree char *code = NULL;
    gint64 value = 0;

    /* How it ended says more than that it ended. */
    if (reason == NULL || strcmp(reason, "exit") == 0)
        reason = tn_answer_get_string(answer, entry, "state");
    tn_table_add(table, reason);
    if (tn_answer_get_int(answer, entry, "signal", &value))
        code = g_strdup_printf("%" G_GINT64_FORMAT, value + 128);
    else if (tn_answer_get_int(answer, entry, "exit-code", &value))
        code = g_strdup_printf("%" G_GINT64_FORMAT, value);
    tn_table_add(table, code);
}

static void
add_job(TnTable *table, const TnAnswer *answer, guint entry, gint64 now_ns)
{
    g_autofree char *job = NULL;
    g_autofree char *age = NULL;
    g_autofree char *cpu = NULL;
    gint64 value = 0;

    if (tn_answer_get_int(answer, entry, "job", &value))
        job = g_strdup_printf("%" G_GINT64_FORMAT, value);
    tn_table_add(table, job);
    tn_table_add(table, tn_answer_get_string(answer, entry, "name"));
    add_state(table, answer, entry);
    if (tn_answer_get_int(answer, entry, "started-ns", &value) && value <= now_ns)
        age = tn_duration_format_short((now_ns - value) / 1000);
    tn_table_add(table, age);
    if (tn_answer_get_int(answer, entry, "cpu-ms", &value) && value >= 0)
        cpu = g_strdup_printf("%" G_GINT64_FORMAT ".%" G_GINT64_FORMAT "s", value / 1000,
                              value % 1000 / 100);
    tn_table_add(table, cpu);
    add_size(table, answer, entry, "out-total");
    add_size(table, answer, entry, "err-total");
    tn_table_add(table, tn_answer_get_string(answer, entry, "path"));
}

/* Ages are by the guest's clock, which may be far from ours. */
static gint64
ask_guest_time(TnAgent *agent)
{
    guint at = 0;
    g_autoptr(TnAnswer) answer = tn_dial_simple(agent, "guest-get-time", &at, NULL);
    gint64 now_ns = g_get_real_time() * 1000;

    if (answer != NULL && tn_answer_get_type(answer, at) == TN_TOKEN_NUMBER)
        (void)tn_message_get_int64(&answer->message, at, &now_ns);
    return now_ns;
}

static int
run_jobs(const TnInvocation *invocation, GError **error)
{
    g_autoptr(TnAgent) agent = tn_verb_open(invocation, error);
    g_autoptr(TnAnswer) answer = NULL;
    g_autoptr(TnTable) table = NULL;
    gint64 now_ns = 0;
    guint at = 0;
    guint iter = 0;
    guint entry = 0;

    if (agent == NULL)
        return -1;
    answer = tn_dial_simple(agent, "tenon-exec-list", &at, error);
    if (answer == NULL)
        return -1;
    if (invocation->globals->is_json) {
        tn_print_answer(stdout, answer, at);
        return 0;
    }
    now_ns = ask_guest_time(agent);
    table = tn_table_new(heads);
    while ((entry = tn_answer_next(answer, at, &iter)) != 0)
        add_job(table, answer, entry, now_ns);
    tn_table_print(table, stdout);
    return 0;
}

const TnVerb tn_verb_jobs = {
    .name = "jobs",
    .synopsis = "ENDPOINT",
    .doc = "list the programs that run, or ran lately",
    .n_args_min = 1,
    .n_args_max = 1,
    .run = run_jobs,
};
