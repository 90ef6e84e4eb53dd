/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Building and writing of records. A record is a list of fields; each sink writes the list in its
 * own form. The number of a record has no gaps: it is given when the record is written, and what
 * was left out by the rate is a record of its own.
 */

#include "policy/audit.h"

#include "platform/clock.h"
#include "policy/auditsink.h"
#include "policy/confinement.h"

#include <string.h>

enum {
    ARGV_LIMIT_BYTES = 4096,
    NAMES_LIMIT_BYTES = 1024,
    VALUE_LIMIT_BYTES = 4096,
    RATE_PER_S = 50,
    BURST = 200,
    PRIORITY_NOTICE = 5,
    PRIORITY_INFO = 6,
    PRIORITY_ERR = 3
};

/* Audit levels of [audit], in the order of the key's words. */
enum {
    LEVEL_ALL,
    LEVEL_PRIVILEGED,
    LEVEL_DENIED,
    LEVEL_OFF
};

#define ID_DECISION   "7d0f8f5c2b2d4ab1a3d4b6d58e2f6a01"
#define ID_EXEC_START "7d0f8f5c2b2d4ab1a3d4b6d58e2f6a02"
#define ID_EXEC_END   "7d0f8f5c2b2d4ab1a3d4b6d58e2f6a03"
#define ID_LOAD       "7d0f8f5c2b2d4ab1a3d4b6d58e2f6a04"

struct TnAudit {
    TnAuditSink *sink;
    guint64 seq;
    double tokens;
    gint64 filled_us;
    guint n_left_out;
    guint summary; /* the source that will write how many were left out; 0: none */
    char *file;    /* where it goes when all else fails */
};

/* Appends TEXT with everything that could break a line, or hide, as \xHH: control characters, the
 * escape itself, and all that is not plain ASCII but well-formed letters; at most LIMIT bytes. */
static void
append_escaped(GString *out, const char *text, gsize limit)
{
    const char *at = text;

    while (*at != '\0' && out->len < limit) {
        gunichar c = g_utf8_get_char_validated(at, -1);

        if (c == (gunichar)-1 || c == (gunichar)-2) {
            g_string_append_printf(out, "\\x%02x", (guint)(guchar)*at);
            at++;
            continue;
        }
        /* Format characters turn the direction of text (RTL override) or are not seen. */
        if (c == '\\' || g_unichar_iscntrl(c) || g_unichar_type(c) == G_UNICODE_FORMAT ||
            g_unichar_type(c) == G_UNICODE_LINE_SEPARATOR ||
            g_unichar_type(c) == G_UNICODE_PARAGRAPH_SEPARATOR)
            g_string_append_printf(out, "\\u%04x", c);
        else
            g_string_append_unichar(out, c);
        at += g_utf8_skip[(guchar)*at];
    }
    if (*at != '\0')
        g_string_append(out, "...");
}

static void
add(TnAuditRecord *record, const char *name, const char *value)
{
    g_autoptr(GString) escaped = g_string_new(NULL);

    if (value == NULL)
        return;
    append_escaped(escaped, value, VALUE_LIMIT_BYTES);
    tn_audit_record_add(record, name, escaped->str);
}

static void
add_number(TnAuditRecord *record, const char *name, gint64 value)
{
    g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT, value);

    tn_audit_record_add(record, name, text);
}

static void
add_ref(TnAuditRecord *record, guint64 ref)
{
    g_autofree char *text = g_strdup_printf("%016" G_GINT64_MODIFIER "x", ref);

    tn_audit_record_add(record, "TENON_REF", text);
}

/* The arguments as a list of quoted words, cut at the limit. */
static void
add_argv(TnAuditRecord *record, const char *const *argv)
{
    g_autoptr(GString) text = g_string_new("[");

    for (gsize i = 0; argv != NULL && argv[i] != NULL && text->len < ARGV_LIMIT_BYTES; i++) {
        g_autoptr(GString) word = g_string_new(NULL);
        g_auto(GStrv) pieces = NULL;
        g_autofree char *quoted = NULL;

        append_escaped(word, argv[i], ARGV_LIMIT_BYTES - text->len);
        pieces = g_strsplit(word->str, "\"", -1);
        quoted = g_strjoinv("\\u0022", pieces);
        g_string_append_printf(text, "%s\"%s\"", i > 0 ? ", " : "", quoted);
    }
    g_string_append_c(text, ']');
    tn_audit_record_add(record, "TENON_ARGV_JSON", text->str);
}

static void
add_env_names(TnAuditRecord *record, const char *const *env)
{
    g_autoptr(GString) names = g_string_new(NULL);

    for (gsize i = 0; env[i] != NULL && names->len < NAMES_LIMIT_BYTES; i++) {
        g_autofree char *name = g_strndup(env[i], strcspn(env[i], "="));

        if (i > 0)
            g_string_append_c(names, ' ');
        append_escaped(names, name, NAMES_LIMIT_BYTES);
    }
    tn_audit_record_add(record, "TENON_ENV_NAMES", names->str);
}

static void
add_policy(TnAuditRecord *record, const TnPolicy *policy)
{
    add(record, "TENON_POLICY_SHA256", policy->digest);
    if (policy->stale_reason != NULL)
        tn_audit_record_add(record, "TENON_POLICY_STALE", "yes");
}

static void
add_rule(TnAuditRecord *record, const TnVerdict *verdict)
{
    const char *words;

    add(record, "TENON_RULE", verdict->rule);
    add(record, "TENON_RULE_FILE", verdict->place.file);
    if (verdict->place.line > 0)
        add_number(record, "TENON_RULE_LINE", verdict->place.line);
    add(record, "TENON_REASON", verdict->reason);
    if (verdict->exec == NULL)
        return;
    add(record, "TENON_PROFILE", verdict->exec->conf->profile);
    add_number(record, "TENON_UID", verdict->exec->user.uid);
    add(record, "TENON_STRENGTH", tn_confinement_get_strength(verdict->exec, &words));
}

static gboolean
write_record(TnAudit *audit, TnAuditRecord *take_record, const char *file)
{
    audit->seq++;
    add_number(take_record, "TENON_SEQ", (gint64)audit->seq);
    return tn_audit_sink_write(audit->sink, take_record, file);
}

static const char *
get_word(const TnPolicy *policy, const TnVerdict *verdict)
{
    if (verdict->kind == TN_VERDICT_ALLOW)
        return "allow";
    return policy->sealed_reason != NULL ? "sealed" : "deny";
}

/* Reading facts leaves no record at the usual level; programs, files and changes do. */
static gboolean
is_wanted(const TnPolicy *policy, const TnAction *action, const TnVerdict *verdict)
{
    int level = policy->rules->audit->level;

    if (level == LEVEL_OFF || (level == LEVEL_DENIED && verdict->kind == TN_VERDICT_ALLOW))
        return FALSE;
    if (level == LEVEL_ALL || verdict->kind != TN_VERDICT_ALLOW)
        return TRUE;
    /* What goes on with a handle or a job was recorded when it began. */
    if (action->path == NULL &&
        (g_strcmp0(action->group, "@exec") == 0 || g_strcmp0(action->group, "@file-read") == 0 ||
         g_strcmp0(action->group, "@file-write") == 0))
        return FALSE;
    return g_strcmp0(action->group, "@sync") != 0 && g_strcmp0(action->group, "@info") != 0 &&
           g_strcmp0(action->group, "@info-users") != 0;
}

/* Opening a file to write stands in the group of reads, as the command does. */
static gboolean
is_read(const TnAction *action)
{
    return g_strcmp0(action->group, "@file-read") == 0 &&
           (action->mode == NULL || strpbrk(action->mode, "wa+") == NULL);
}

static void
write_summary(TnAudit *audit)
{
    TnAuditRecord *record;
    g_autofree char *message = g_strdup_printf(
        "%u more refusals and reads were not recorded one by one", audit->n_left_out);

    record = tn_audit_record_new(ID_DECISION, PRIORITY_NOTICE, message);
    add_number(record, "TENON_LEFT_OUT", audit->n_left_out);
    audit->n_left_out = 0;
    audit->summary = 0;
    write_record(audit, record, audit->file);
}

static gboolean
handle_summary(gpointer data)
{
    write_summary(data);
    return G_SOURCE_REMOVE;
}

static void
leave_out(TnAudit *audit, const char *file)
{
    audit->n_left_out++;
    if (audit->summary != 0)
        return;
    g_free(audit->file);
    audit->file = g_strdup(file);
    audit->summary = g_timeout_add_seconds(1, handle_summary, audit);
}

/* TRUE when one more refusal or read may be written. */
static gboolean
take_token(TnAudit *audit, gint64 now_us)
{
    audit->tokens = MIN(BURST, audit->tokens + (double)(now_us - audit->filled_us) * RATE_PER_S /
                                                   (double)G_USEC_PER_SEC);
    audit->filled_us = now_us;
    if (audit->tokens < 1)
        return FALSE;
    audit->tokens -= 1;
    return TRUE;
}

static TnAuditRecord *
describe_decision(const TnPolicy *policy, const TnAction *action, const TnVerdict *verdict,
                  const char *resolved, guint64 ref)
{
    const char *word = get_word(policy, verdict);
    const char *subject = action->path != NULL ? action->path : "";
    g_autoptr(GString) message = g_string_new(NULL);
    TnAuditRecord *record;

    g_string_append_printf(message, "%s %s by rule %s: ", word, action->command, verdict->rule);
    append_escaped(message, subject, VALUE_LIMIT_BYTES);
    record = tn_audit_record_new(
        ID_DECISION, verdict->kind == TN_VERDICT_ALLOW ? PRIORITY_INFO : PRIORITY_NOTICE,
        message->str);
    add_ref(record, ref);
    add(record, "TENON_COMMAND", action->command);
    add(record, "TENON_VERDICT", word);
    add(record, "TENON_CHANNEL", action->channel);
    add_rule(record, verdict);
    add_policy(record, policy);
    add(record, "TENON_PATH", action->path);
    if (g_strcmp0(resolved, action->path) != 0)
        add(record, "TENON_RESOLVED", resolved);
    add(record, "TENON_TO", action->to);
    add(record, "TENON_MODE", action->mode);
    if (tn_decide_is_exec(action) && policy->rules->audit->args == 1)
        add_argv(record, action->argv);
    if (action->env != NULL && policy->rules->audit->env == 0)
        add_env_names(record, action->env);
    return record;
}

TnAudit *
tn_audit_new(const TnAuditPlaces *places)
{
    TnAudit *audit = g_new0(TnAudit, 1);

    audit->sink = tn_audit_sink_new(places != NULL ? places->journal_path : NULL,
                                    places != NULL ? places->syslog_path : NULL);
    audit->tokens = BURST;
    return audit;
}

void
tn_audit_free(TnAudit *audit)
{
    if (audit == NULL)
        return;
    if (audit->summary != 0) {
        g_source_remove(audit->summary);
        write_summary(audit);
    }
    tn_audit_sink_free(audit->sink);
    g_free(audit->file);
    g_free(audit);
}

void
tn_audit_set_frozen(TnAudit *audit, const TnPolicy *policy, gboolean frozen)
{
    if (audit != NULL)
        tn_audit_sink_set_frozen(audit->sink, frozen, policy->rules->audit->file);
}

gboolean
tn_audit_decision(TnAudit *audit, const TnPolicy *policy, const TnAction *action,
                  const TnVerdict *verdict, const char *resolved, guint64 ref)
{
    const TnAuditConf *conf = policy->rules->audit;
    gboolean required =
        conf->required == TN_CHOICE_YES ||
        (conf->required == TN_CHOICE_AUTO && policy->rules->policy->mode == TN_MODE_LOCKED);
    gboolean bounded = verdict->kind != TN_VERDICT_ALLOW || is_read(action);
    gint64 now_us = tn_clock_coarse_us();
    gboolean written;

    if (audit == NULL || !is_wanted(policy, action, verdict))
        return TRUE;
    if (bounded && !take_token(audit, now_us)) {
        leave_out(audit, conf->file);
        return TRUE;
    }
    written =
        write_record(audit, describe_decision(policy, action, verdict, resolved, ref), conf->file);
    return written || !required;
}

void
tn_audit_load(TnAudit *audit, const TnPolicy *policy, const char *error)
{
    g_autoptr(GString) message = g_string_new(NULL);
    TnAuditRecord *record;

    if (audit == NULL || policy->rules->audit->level == LEVEL_OFF)
        return;
    if (error != NULL) {
        g_string_append(message, "policy not taken: ");
        append_escaped(message, error, VALUE_LIMIT_BYTES);
    } else {
        g_string_append_printf(message, "policy in force: %s", policy->source);
    }
    record =
        tn_audit_record_new(ID_LOAD, error != NULL ? PRIORITY_ERR : PRIORITY_NOTICE, message->str);
    add(record, "TENON_VERDICT",
        error != NULL ? policy->sealed_reason != NULL ? "sealed" : "error" : "allow");
    add(record, "TENON_REASON", error);
    add_policy(record, policy);
    write_record(audit, record, policy->rules->audit->file);
}

void
tn_audit_start(TnAudit *audit, const TnPolicy *policy, const char *command, guint64 ref, pid_t pid)
{
    TnAuditRecord *record;
    g_autofree char *message = NULL;

    if (audit == NULL || policy->rules->audit->level > LEVEL_PRIVILEGED)
        return;
    message = g_strdup_printf("%s: child %d started", command, pid);
    record = tn_audit_record_new(ID_EXEC_START, PRIORITY_INFO, message);
    add_ref(record, ref);
    add(record, "TENON_COMMAND", command);
    add_number(record, "TENON_CHILD_PID", pid);
    write_record(audit, record, policy->rules->audit->file);
}

void
tn_audit_end(TnAudit *audit, const TnPolicy *policy, const char *command, guint64 ref,
             const TnGrantEnd *end)
{
    TnAuditRecord *record;
    g_autofree char *message = NULL;

    if (audit == NULL || policy->rules->audit->level > LEVEL_PRIVILEGED)
        return;
    message = g_strdup_printf("%s: child %d ended: %s", command, end->pid, end->reason);
    record = tn_audit_record_new(ID_EXEC_END, PRIORITY_INFO, message);
    add_ref(record, ref);
    add(record, "TENON_COMMAND", command);
    add(record, "TENON_REASON", end->reason);
    add_number(record, "TENON_CHILD_PID", end->pid);
    if (end->signal != 0)
        add_number(record, "TENON_SIGNAL", end->signal);
    else
        add_number(record, "TENON_EXIT", end->exit_code);
    add(record, "TENON_DENIED_SYSCALL", end->denied_call);
    add_number(record, "TENON_DURATION_US", end->duration_us);
    add_number(record, "TENON_OUT_BYTES", (gint64)end->out_bytes);
    if (end->is_truncated)
        tn_audit_record_add(record, "TENON_TRUNCATED", "yes");
    write_record(audit, record, policy->rules->audit->file);
}
