/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "platform/child.h"
#include "platform/openfile.h"

#include <gio/gio.h>
#include <glib.h>

/*
 * The narrow door: may this be done, and with what left. Policy knows neither JSON nor requests;
 * the dispatcher fills a TnAction from the marked arguments, and a handler gets what it may do as a
 * TnGrant: sealed plans that nobody else can make.
 */

#define TN_POLICY_ERROR (tn_policy_error_quark())
/* The error domain of refusals; the message is what the host may know. */
GQuark tn_policy_error_quark(void);

typedef enum {
    TN_POLICY_ERROR_DISABLED,  /* class CommandNotFound: Command X has been disabled: … */
    TN_POLICY_ERROR_DENIED,    /* GenericError, reason policy-denied */
    TN_POLICY_ERROR_QUOTA,     /* GenericError, reason agent-busy: try again */
    TN_POLICY_ERROR_NOT_FOUND, /* the program or file is not there */
    TN_POLICY_ERROR_INVALID,   /* a policy, list or file that cannot be read; at start only */
} TnPolicyError;

/* What is asked for. All borrowed; members that a command does not have are NULL, 0 or FALSE. */
typedef struct {
    const char *command; /* of the commands' table: a grant keeps the pointer */
    const char *group;
    const char *channel;
    gboolean frozen;
    const char *path;
    const char *to;          /* where a file is renamed to */
    const char *const *argv; /* without argv[0] */
    const char *const *env;  /* NULL: none was given */
    gboolean env_is_added;   /* on top of the built environment, never instead of it */
    const char *cwd;
    const char *user;
    const char *mode;
    gboolean has_stdin;
    gint64 timeout_ms;
    gint64 output_max_bytes;
} TnAction;

/* One name and group per command, from the registry: policy checks lists and groups with it. */
typedef struct {
    const char *name;
    const char *group;
    gboolean while_frozen; /* one of qemu-ga's six */
    gboolean while_sealed;
    gboolean always;     /* cannot be denied while frozen */
    gboolean names_path; /* begins something new; others go on with what was allowed before */
} TnPolicyCommand;

/* Settings of [policy] that others need; immutable with their policy. */
typedef struct {
    guint max_children;
    guint max_handles;
    gint64 handle_idle_us; /* 0: never */
    guint64 max_output_total_bytes;
    guint exec_keep_count;
    guint64 exec_keep_bytes;
    gint64 exec_keep_us;
    guint64 max_begun_bytes;
    gint64 freeze_limit_us; /* 0: off */
    gboolean thaw_foreign;
    gboolean account_system;
    gboolean signal_exitcode;
} TnPolicySettings;

typedef struct TnPolicy TnPolicy;             /* immutable, counted */
typedef struct TnPolicyHolder TnPolicyHolder; /* the one in force; swapped between two requests */
typedef struct TnGrant TnGrant;               /* counted */

/* One list of qemu-ga's, as it was given: names between ',' or ';', blanks around them ignored. */
typedef struct {
    const char *text;   /* "guest-exec,guest-file-open"; "" allows nothing when given by argv */
    const char *origin; /* for errors and warnings: "-b", "/etc/qemu/qemu-ga.conf" */
    gboolean is_allow;  /* else a block list */
    gboolean from_file; /* a wrong name then seals the agent; by argv it is an error */
    gboolean is_legacy; /* came by a key or option that qemu-ga has dropped (blacklist=) */
} TnPolicyList;

/* Where records go when neither the journal nor syslog takes them. */
#define TN_AUDIT_FILE "/var/log/tenon/audit.jsonl"

/* What a policy is made from; all borrowed for the call, strings and tables are copied. */
typedef struct {
    gboolean compat;        /* run under qemu-ga's name: without a policy the preset compat holds,
                               else standard; qemu-ga's lists from files are taken */
    const char *policy_dir; /* read this directory instead of the built-in ones, or take a preset
                           ("preset:compat") and read none; may be NULL */
    const TnPolicyCommand *commands;
    gsize n_commands;
    const TnPolicyList *lists;
    gsize n_lists;
    /* Leave records, in this file when neither journal nor syslog takes them and the policy names
     * no other; NULL: leave none, as tools and tests of decisions do. */
    const char *audit_file;
} TnPolicyOptions;

/* Makes the first policy. A list by argv that cannot be taken is an error (TN_POLICY_ERROR_INVALID,
 * the program exits 1); a policy or list from a file that cannot be taken gives a sealed policy,
 * see tn_policy_get_sealed_reason. Reads files and looks users up (may block on disk and NSS, so:
 * at start). Free with tn_policy_holder_free; grants may outlive their holder. */
TnPolicyHolder *tn_policy_holder_new(const TnPolicyOptions *options, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;
void tn_policy_holder_free(TnPolicyHolder *holder);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TnPolicyHolder, tn_policy_holder_free)

/* Reads everything again and swaps the policy between two requests. On failure (TN_POLICY_ERROR)
 * the old one stays, marked stale, or the agent is sealed, as its on-reload-error says. Blocks as
 * tn_policy_holder_new does. */
gboolean tn_policy_holder_reload(TnPolicyHolder *holder, GError **error);

/* Why a newer policy was not taken; NULL when the one in force is the newest. Borrowed. */
const char *tn_policy_get_stale_reason(const TnPolicy *policy);
/* What the policy was made of, for the journal: "preset standard", "2 files". Borrowed. */
const char *tn_policy_get_source(const TnPolicy *policy);

/* Why only the commands of TnPolicyCommand.while_sealed are allowed, with the place of the mistake;
 * NULL when the policy is in order. Borrowed from POLICY. */
const char *tn_policy_get_sealed_reason(const TnPolicy *policy);
/* What the journal should hear once: NULL-ended lines, borrowed from POLICY. */
const char *const *tn_policy_get_warnings(const TnPolicy *policy);

/* The policy in force, borrowed until control returns to the main loop. */
const TnPolicy *tn_policy_holder_get(const TnPolicyHolder *holder);
const TnPolicySettings *tn_policy_get_settings(const TnPolicy *policy);

/* Whether a process of user UID may connect to a unix listener: root, the agent's own user, and
 * those of client-uid. Does not block: names were looked up when the policy was made. */
gboolean tn_policy_is_client_uid(const TnPolicy *policy, guint32 uid);
/* Whether the machine CID may connect to a vsock listener: those of client-cid; vsock(7). */
gboolean tn_policy_is_client_cid(const TnPolicy *policy, guint32 cid);

/* The first question about any command, without its arguments; guest-info's enabled flags come from
 * the same answer. NULL: allowed (for exec and files: at least one rule could allow it). Else a
 * static text that says why not, such as "the command is not allowed". */
const char *tn_policy_why_disabled(const TnPolicy *policy, const TnPolicyCommand *command,
                                   gboolean frozen);

/* The verdict. The grant holds what a handler needs: for @exec commands with a path the sealed
 * spawn plan; charges are taken now and released with the grant. Does not block beyond path
 * look-up. Errors: TN_POLICY_ERROR, worded for the wire. */
TnGrant *tn_policy_grant(TnPolicyHolder *holder, const TnAction *action, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;
/* Records wait while file systems are frozen, and before the first call of this, which says whether
 * they are. HOLDER may be NULL. */
void tn_policy_holder_set_frozen(TnPolicyHolder *holder, gboolean frozen);
/* Leaves the record of a command that was refused by tn_policy_why_disabled with WHY. */
void tn_policy_note_disabled(TnPolicyHolder *holder, const TnAction *action, const char *why);

/* How the program of a grant ended. */
typedef struct {
    pid_t pid;
    int exit_code; /* when SIGNAL is 0 */
    int signal;
    const char *reason;      /* the wire's word, such as "timeout" */
    const char *denied_call; /* for which a filter killed it; NULL: not known */
    gint64 duration_us;
    guint64 out_bytes;     /* of captured output, both streams, what was dropped included */
    gboolean is_truncated; /* some was dropped */
} TnGrantEnd;

/* Leave the records of the start, as process PID, and of the end; once per grant, on the main
 * thread, while the holder lives. */
void tn_grant_note_start(const TnGrant *grant, pid_t pid);
void tn_grant_note_end(const TnGrant *grant, const TnGrantEnd *end);

/* TRUE if ACTION would be granted, quotas apart; *RET_TEXT (the caller's) says why and with what
 * confinement, or is NULL where the owner chose that a host is told nothing. Nothing is recorded,
 * taken or run. Blocks on path look-up. */
gboolean tn_policy_explain(const TnPolicyHolder *holder, const TnAction *action, char **ret_text);

TnGrant *tn_grant_ref(TnGrant *grant);
void tn_grant_unref(TnGrant *grant);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TnGrant, tn_grant_unref)

/* The sealed plan of a program; NULL when the action was none. Borrowed from GRANT. */
const TnSpawnPlan *tn_grant_get_spawn_plan(const TnGrant *grant);
/* The sealed plan of the file that a command of the file groups named; NULL when it named none.
 * Borrowed from GRANT. */
const TnOpenPlan *tn_grant_get_open_plan(const TnGrant *grant);
/* The same for the action's `to`. */
const TnOpenPlan *tn_grant_get_to_plan(const TnGrant *grant);
/* The sealed plan of a program that the agent runs for itself: ARGV with an absolute argv[0]. With
 * an [exec NAME] section the program is confined, and its time limited, as that says; else it runs
 * with the agent's rights and a fresh environment. Main thread only; may block on NSS. Errors:
 * TN_POLICY_ERROR_DENIED when the section says deny, or when the policy is locked and others than
 * root could change the file. */
TnSpawnPlan *tn_policy_plan_helper(TnPolicyHolder *holder, const char *name,
                                   const char *const *argv, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/* What [policy] said when GRANT was given; also for workers, which must not ask a holder. Borrowed
 * from GRANT. */
const TnPolicySettings *tn_grant_get_settings(const TnGrant *grant);

/* Whether the policy of GRANT would let ACTION begin. Leaves no record and takes no charge: for
 * what an earlier policy granted and the request of GRANT goes on with. Also for workers. */
gboolean tn_grant_would_allow(const TnGrant *grant, const TnAction *action);
