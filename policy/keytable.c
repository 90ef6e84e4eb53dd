/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The table of keys. A default is written as an owner would write it and goes through the same
 * parser as his, so that the manual page and the program cannot differ. The defaults are those of
 * mode locked; where compat's differ they stand beside them.
 */

#include "policy/keytable.h"

#include "policy/policy.h"

/* The offset, if the member has the type that the key's kind writes. */
#define AT(S, M, T)   \
    (offsetof(S, M) + \
     0 * sizeof(char[__builtin_types_compatible_p(__typeof__(((S *)0)->M), T) ? 1 : -1]))

#define CHOICE(K, N, S, M, VALUES, DEF, DOC)                                                       \
    {                                                                                              \
        .section = K, .name = N, .type = TN_KEY_CHOICE, .offset = AT(S, M, int), .values = VALUES, \
        .def = DEF, .since = "0.1", .doc = DOC                                                     \
    }
#define YES_NO(K, N, S, M, DEF, DOC) CHOICE(K, N, S, M, "no yes", DEF, DOC)
#define COUNT(K, N, S, M, MIN, MAX, DEF, COMPAT, DOC)                                           \
    {                                                                                           \
        .section = K, .name = N, .type = TN_KEY_COUNT, .offset = AT(S, M, guint64), .min = MIN, \
        .max = MAX, .def = DEF, .compat_def = COMPAT, .since = "0.1", .doc = DOC                \
    }
#define SIZE(K, N, S, M, MIN, MAX, NONE, DEF, DOC)                                             \
    {                                                                                          \
        .section = K, .name = N, .type = TN_KEY_SIZE, .offset = AT(S, M, guint64), .min = MIN, \
        .max = MAX, .may_be_none = NONE, .def = DEF, .since = "0.1", .doc = DOC                \
    }
#define DURATION(K, N, S, M, NONE, DEF, COMPAT, DOC)                                               \
    {                                                                                              \
        .section = K, .name = N, .type = TN_KEY_DURATION, .offset = AT(S, M, gint64), .min = 1000, \
        .max = DAY_US * 7, .may_be_none = NONE, .def = DEF, .compat_def = COMPAT, .since = "0.1",  \
        .doc = DOC                                                                                 \
    }
#define OCTAL(K, N, S, M, DEF, DOC)                                                           \
    {                                                                                         \
        .section = K, .name = N, .type = TN_KEY_OCTAL, .offset = AT(S, M, int), .max = 07777, \
        .def = DEF, .since = "0.1", .doc = DOC                                                \
    }
#define TEXT(K, N, S, M, DEF, DOC)                                                            \
    {                                                                                         \
        .section = K, .name = N, .type = TN_KEY_TEXT, .offset = AT(S, M, char *), .def = DEF, \
        .since = "0.1", .doc = DOC                                                            \
    }
#define WORDS(K, N, S, M, DEF, DOC)                                                     \
    {                                                                                   \
        .section = K, .name = N, .type = TN_KEY_WORDS, .offset = AT(S, M, GPtrArray *), \
        .def = DEF, .since = "0.1", .doc = DOC                                          \
    }
#define ARGS(K, N, S, M, DEF, DOC)                                                                 \
    {                                                                                              \
        .section = K, .name = N, .type = TN_KEY_ARGS, .offset = AT(S, M, GPtrArray *), .def = DEF, \
        .since = "0.1", .doc = DOC                                                                 \
    }
#define RATE(K, N, S, M, DEF, DOC)                                                                \
    {                                                                                             \
        .section = K, .name = N, .type = TN_KEY_RATE, .offset = AT(S, M, TnRate), .max = 1000000, \
        .may_be_none = TRUE, .def = DEF, .since = "0.1", .doc = DOC                               \
    }

#define DAY_US (G_GUINT64_CONSTANT(86400) * G_USEC_PER_SEC)
#define KIB    G_GUINT64_CONSTANT(1024)
#define GIB    (KIB * KIB * KIB)

#define SEARCH_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static const TnKey POLICY_KEYS[] = {
    CHOICE(TN_SECTION_POLICY, "mode", TnPolicyConf, mode, "locked compat", "locked",
           "locked: what no rule allows is denied. compat: what no rule denies is allowed, as by "
           "qemu-ga."),
    CHOICE(TN_SECTION_POLICY, "error-detail", TnPolicyConf, error_detail, "full rule minimal",
           "rule",
           "How much of a refusal the host is told: with the reason, with the rule's name and the "
           "reference of the audit record, or only Permission denied."),
    CHOICE(TN_SECTION_POLICY, "on-reload-error", TnPolicyConf, on_reload_error, "keep seal", "keep",
           "What a reload does that meets a mistake: keep the last good policy, or seal."),
    YES_NO(TN_SECTION_POLICY, "signal-exitcode", TnPolicyConf, signal_exitcode, "yes",
           "The status of a child that a signal ended also carries the exit code 128+signal; hosts "
           "that look for the exit code alone read its absence as success."),
    CHOICE(TN_SECTION_POLICY, "lists", TnPolicyConf, lists, "strict lenient", "strict",
           "An unknown name in a block list that was imported from qemu-ga's configuration seals "
           "the agent, or is only warned of."),
    TEXT(TN_SECTION_POLICY, "search-path", TnPolicyConf, search_path, SEARCH_PATH,
         "Directories in which bare program names are looked up."),
    WORDS(TN_SECTION_POLICY, "client-uid", TnPolicyConf, client_uid, "none",
          "Users, besides root and the agent's own, who may connect to its unix socket."),
    WORDS(TN_SECTION_POLICY, "client-cid", TnPolicyConf, client_cid, "2",
          "Context identifiers that may connect to its vsock listener; 2 is the host."),
    COUNT(TN_SECTION_POLICY, "max-children", TnPolicyConf, max_children, 1, 65536, "128", NULL,
          "Children that run at one time."),
    COUNT(TN_SECTION_POLICY, "max-handles", TnPolicyConf, max_handles, 1, 65536, "64", "1024",
          "Files that are open at one time."),
    DURATION(TN_SECTION_POLICY, "handle-idle", TnPolicyConf, handle_idle_us, TRUE, "10min", "none",
             "A file that was not used for this time is closed."),
    SIZE(TN_SECTION_POLICY, "max-output-total", TnPolicyConf, max_output_total, KIB, 16 * GIB,
         FALSE, "64M", "Captured output of all children that is held at one time."),
    COUNT(TN_SECTION_POLICY, "exec-keep-count", TnPolicyConf, exec_keep_count, 1, 65536, "128",
          NULL, "Records of ended children that are kept."),
    SIZE(TN_SECTION_POLICY, "exec-keep-bytes", TnPolicyConf, exec_keep_bytes, 0, 16 * GIB, FALSE,
         "32M", "Output that the kept records may hold."),
    DURATION(TN_SECTION_POLICY, "exec-keep-time", TnPolicyConf, exec_keep_us, FALSE, "10min", NULL,
             "How long a record is kept."),
    SIZE(TN_SECTION_POLICY, "max-begun", TnPolicyConf, max_begun, KIB *KIB, 16 * GIB, FALSE, "128M",
         "Bytes of begun requests of all clients together."),
    DURATION(TN_SECTION_POLICY, "freeze-limit", TnPolicyConf, freeze_limit_us, TRUE, "10min",
             "none", "After this time frozen file systems are thawed by the agent itself."),
    YES_NO(TN_SECTION_POLICY, "thaw-foreign", TnPolicyConf, thaw_foreign, "no",
           "A thaw also thaws what somebody else froze."),
    YES_NO(TN_SECTION_POLICY, "account-system", TnPolicyConf, account_system, "no",
           "Passwords and keys of root and of system users may be set."),
};

static const TnKey COMMANDS_KEYS[] = {
    WORDS(TN_SECTION_COMMANDS, "allow", TnCommandsConf, allow, "none",
          "Commands and @groups that are allowed; * is every group of this manual page."),
    WORDS(TN_SECTION_COMMANDS, "deny", TnCommandsConf, deny, "none",
          "Commands and @groups that are denied, whatever allows them."),
};

/* Rows of [exec] and of [exec-default]; the latter has neither path nor args, and the defaults of a
 * program that nobody wrote a rule for: qemu-ga's. */
#define EXEC_COMMON(K, USER, CWD, STDIN, TIMEOUT, OUTPUT, PROFILE, LIMITS, CONCURRENT, CHOOSES)    \
    TEXT(K, "user", TnExecConf, user, USER, "The user it runs as; none is the agent's."),          \
        TEXT(K, "group", TnExecConf, group, "none", "Its group; none is the user's own."),         \
        WORDS(K, "groups", TnExecConf, groups, "none", "Supplementary groups."),                   \
        TEXT(K, "cwd", TnExecConf, cwd, CWD, "The directory it starts in; none is the agent's."),  \
        OCTAL(K, "umask", TnExecConf, umask, "022", "File mode creation mask."),                   \
        WORDS(K, "env-allow", TnExecConf, env_allow, "none",                                       \
              "Names of variables whose values the host may give; a * at the end fits any tail."), \
        WORDS(K, "env-set", TnExecConf, env_set, "none", "Variables that are set, NAME=VALUE."),   \
        YES_NO(K, "env-unsafe", TnExecConf, env_unsafe, "no",                                      \
               "env-allow may hold names that change which code programs load."),                  \
        YES_NO(K, "stdin", TnExecConf, has_stdin, STDIN, "The host may send input."),              \
        DURATION(K, "timeout", TnExecConf, timeout_us, TRUE, TIMEOUT, NULL,                        \
                 "After this time the whole tree of processes is ended."),                         \
        DURATION(K, "kill-grace", TnExecConf, kill_grace_us, FALSE, "2s", NULL,                    \
                 "Time between SIGTERM and SIGKILL."),                                             \
        SIZE(K, "output", TnExecConf, output_bytes, 1, 64 * KIB * KIB, TRUE, OUTPUT,               \
             "Bytes that are captured of each stream; none is what the channel allows."),          \
        CHOICE(K, "on-overflow", TnExecConf, on_overflow, "truncate kill", "truncate",             \
               "What happens to a child that writes more."),                                       \
        TEXT(K, "profile", TnExecConf, profile, PROFILE,                                           \
             "The confinement: built-in profiles and own ones, composed with +."),                 \
        WORDS(K, "caps", TnExecConf, caps, "none",                                                 \
              "Capabilities that are kept, or all (of root). Without this key a program with "     \
              "profile = unrestricted keeps them, and every other has none."),                     \
        CHOICE(K, "no-new-privs", TnExecConf, no_new_privs, "no yes auto", "auto",                 \
               "Set-user-ID programs gain nothing; auto is yes unless the user is root."),         \
        YES_NO(K, "survive-agent", TnExecConf, survive_agent, "yes",                               \
               "It goes on when the agent ends."),                                                 \
        WORDS(K, "limits", TnExecConf, limits, LIMITS,                                             \
              "Resource limits: nofile nproc core fsize cpu as data stack memlock."),              \
        WORDS(K, "cgroup", TnExecConf, cgroup, "none",                                             \
              "Limits of a control group of its own: pids=64 memory=256M cpu=50%. Needs a group "  \
              "that the service manager delegates (Delegate=yes); without one requests fail, "     \
              "unless best-effort = cgroup."),                                                     \
        COUNT(K, "concurrent", TnExecConf, concurrent, 1, 65536, CONCURRENT, NULL,                 \
              "How many of it may run at one time."),                                              \
        RATE(K, "rate", TnExecConf, rate, "none", "How often it may be started, such as 10/min."), \
        YES_NO(K, "user-from-request", TnExecConf, user_from_request, CHOOSES,                     \
               "The host may choose the user."),                                                   \
        YES_NO(K, "cwd-from-request", TnExecConf, cwd_from_request, CHOOSES,                       \
               "The host may choose the directory."),                                              \
        WORDS(K, "best-effort", TnExecConf, best_effort, "none",                                   \
              "Steps that may fail without failing the request: cgroup.")

static const TnKey EXEC_KEYS[] = {
    {
        .section = TN_SECTION_EXEC,
        .name = "path",
        .type = TN_KEY_WORDS,
        .offset = AT(TnExecConf, paths, GPtrArray *),
        .since = "0.1",
        .doc = "The programs, absolute paths.",
    },
    ARGS(TN_SECTION_EXEC, "args", TnExecConf, args, "none",
         "One alternative of the arguments a line; without any line, no arguments."),
    CHOICE(TN_SECTION_EXEC, "verdict", TnExecConf, verdict, "allow deny", "allow",
           "A deny rule wins over every allow rule."),
    TEXT(TN_SECTION_EXEC, "sha256", TnExecConf, sha256, "none",
         "Digest that the program's file must have."),
    EXEC_COMMON(TN_SECTION_EXEC, "root", "/", "no", "30s", "1M", "baseline", "nofile=1024 core=0",
                "8", "no"),
};

static const TnKey EXEC_DEFAULT_KEYS[] = {
    EXEC_COMMON(TN_SECTION_EXEC_DEFAULT, "none", "none", "yes", "none", "none", "unrestricted",
                "core=0", "65536", "yes"),
};

static const TnKey FILE_KEYS[] = {
    {
        .section = TN_SECTION_FILE,
        .name = "path",
        .type = TN_KEY_WORDS,
        .offset = AT(TnFileConf, paths, GPtrArray *),
        .since = "0.1",
        .doc = "Files, or directories with all that is beneath.",
    },
    {
        .section = TN_SECTION_FILE,
        .name = "access",
        .type = TN_KEY_WORDS,
        .offset = AT(TnFileConf, access, GPtrArray *),
        .since = "0.1",
        .doc = "Any of read, write, append, create.",
    },
    WORDS(TN_SECTION_FILE, "types", TnFileConf, types, "regular",
          "Kinds of files: regular, directory, fifo, char, block."),
    YES_NO(TN_SECTION_FILE, "symlinks", TnFileConf, symlinks, "no",
           "Symbolic links beneath the path are followed, within it."),
    YES_NO(TN_SECTION_FILE, "hardlinks", TnFileConf, hardlinks, "no",
           "Files with more than one name are accepted."),
    YES_NO(TN_SECTION_FILE, "xdev", TnFileConf, xdev, "no", "Mount points may be crossed."),
    TEXT(TN_SECTION_FILE, "as-user", TnFileConf, as_user, "none",
         "The user whose rights the access has."),
    OCTAL(TN_SECTION_FILE, "mode", TnFileConf, mode, "0600", "Mode of new files."),
    SIZE(TN_SECTION_FILE, "max-read", TnFileConf, max_read, 0, 1024 * GIB, TRUE, "none",
         "Largest file that may be read."),
    SIZE(TN_SECTION_FILE, "max-size", TnFileConf, max_size, 0, 1024 * GIB, TRUE, "none",
         "Largest size that a file may be written to."),
};

static const TnKey PROFILE_KEYS[] = {
    TEXT(TN_SECTION_PROFILE, "base", TnProfileConf, base_profile, "baseline",
         "What it starts from: built-in profiles, composed with +."),
    WORDS(TN_SECTION_PROFILE, "deny", TnProfileConf, deny, "none",
          "System calls and @groups of them that are denied as well."),
    WORDS(TN_SECTION_PROFILE, "allow", TnProfileConf, allow, "none",
          "System calls that the base denies and this one does not."),
    CHOICE(TN_SECTION_PROFILE, "on-violation", TnProfileConf, on_violation, "errno kill log",
           "errno", "What a denied call meets."),
    CHOICE(TN_SECTION_PROFILE, "archs", TnProfileConf, archs, "native native+compat", "native",
           "Which system call tables may be used; calls of any other kill."),
    WORDS(TN_SECTION_PROFILE, "allow-ns", TnProfileConf, allow_ns, "none",
          "Kinds of namespaces that may be made: user."),
    YES_NO(TN_SECTION_PROFILE, "debug", TnProfileConf, debug, "no",
           "It may trace its own children."),
    YES_NO(TN_SECTION_PROFILE, "netns", TnProfileConf, netns, "no",
           "It gets a network namespace of its own, without interfaces."),
    YES_NO(TN_SECTION_PROFILE, "pidns", TnProfileConf, pidns, "no",
           "It gets PID and IPC namespaces of its own: it sees and signals what it started, and "
           "nothing else. The program is process 1 there, so of signals it takes those that it "
           "handles, and SIGKILL."),
};

static const TnKey AUDIT_KEYS[] = {
    CHOICE(TN_SECTION_AUDIT, "level", TnAuditConf, level, "all privileged denied off", "privileged",
           "Which requests leave a record; off only in mode compat."),
    YES_NO(TN_SECTION_AUDIT, "args", TnAuditConf, args, "yes", "Records hold the arguments."),
    CHOICE(TN_SECTION_AUDIT, "env", TnAuditConf, env, "names none", "names",
           "Records hold the names of the variables; never their values."),
    CHOICE(TN_SECTION_AUDIT, "required", TnAuditConf, required, "no yes auto", "auto",
           "What cannot be recorded is not done; auto is yes in mode locked."),
    TEXT(TN_SECTION_AUDIT, "file", TnAuditConf, file, TN_AUDIT_FILE,
         "Where records go when neither the journal nor syslog takes them."),
};

#define ROWS(T) T, G_N_ELEMENTS(T)

static const struct {
    TnSectionInfo info;
    const TnKey *keys;
    gsize n_keys;
} SECTIONS[] = {
    [TN_SECTION_POLICY] = {{"policy", FALSE, sizeof(TnPolicyConf), "What holds for all requests."},
                           ROWS(POLICY_KEYS)},
    [TN_SECTION_COMMANDS] = {{"commands", FALSE, sizeof(TnCommandsConf), "Which commands exist."},
                             ROWS(COMMANDS_KEYS)},
    [TN_SECTION_EXEC] = {{"exec", TRUE, sizeof(TnExecConf), "A program that may be run, and how."},
                         ROWS(EXEC_KEYS)},
    [TN_SECTION_EXEC_DEFAULT] = {{"exec-default", FALSE, sizeof(TnExecConf),
                                  "How programs without a rule run; only in mode compat."},
                                 ROWS(EXEC_DEFAULT_KEYS)},
    [TN_SECTION_FILE] = {{"file", TRUE, sizeof(TnFileConf), "Files that may be read or written."},
                         ROWS(FILE_KEYS)},
    [TN_SECTION_PROFILE] = {{"profile", TRUE, sizeof(TnProfileConf), "A confinement of one's own."},
                            ROWS(PROFILE_KEYS)},
    [TN_SECTION_AUDIT] = {{"audit", FALSE, sizeof(TnAuditConf), "What is recorded, and where."},
                          ROWS(AUDIT_KEYS)},
};

const TnKey *
tn_keys_get(TnSectionKind kind, gsize *ret_n)
{
    *ret_n = SECTIONS[kind].n_keys;
    return SECTIONS[kind].keys;
}

const TnSectionInfo *
tn_keys_get_section(TnSectionKind kind)
{
    return &SECTIONS[kind].info;
}
