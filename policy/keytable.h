/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The keys of the policy language, one table for all: it drives the parser, holds every default and
 * is the body of tenon-policy(5).
 */

typedef enum {
    TN_SECTION_POLICY,
    TN_SECTION_COMMANDS,
    TN_SECTION_EXEC,
    TN_SECTION_EXEC_DEFAULT, /* compat only: what an exec without a rule gets */
    TN_SECTION_FILE,
    TN_SECTION_PROFILE,
    TN_SECTION_AUDIT,
    TN_SECTION_N
} TnSectionKind;

typedef enum {
    TN_MODE_LOCKED,
    TN_MODE_COMPAT
} TnMode;

typedef enum {
    TN_DETAIL_FULL,
    TN_DETAIL_RULE,
    TN_DETAIL_MINIMAL
} TnDetail;

typedef enum {
    TN_CHOICE_NO,
    TN_CHOICE_YES,
    TN_CHOICE_AUTO
} TnChoice;

/* Where a section or a key stands. FILE is interned; line 0: nowhere, the default holds. */
typedef struct {
    const char *file;
    guint line;
} TnPlace;

/* N per PER_US; n 0: no limit. */
typedef struct {
    guint n;
    gint64 per_us;
} TnRate;

/* Common head of all sections. */
typedef struct {
    TnSectionKind kind;
    char *name; /* NULL for sections without one */
    TnPlace place;
    TnPlace *key_places; /* by key index within the section's rows */
} TnSection;

typedef struct {
    TnSection base;
    int mode;         /* TnMode */
    int error_detail; /* TnDetail */
    int on_reload_error;
    int signal_exitcode;
    int lists;
    char *search_path;
    GPtrArray *client_uid;
    GPtrArray *client_cid;
    guint64 max_children;
    guint64 max_handles;
    gint64 handle_idle_us;
    guint64 max_output_total;
    guint64 exec_keep_count;
    guint64 exec_keep_bytes;
    gint64 exec_keep_us;
    guint64 max_begun;
    gint64 freeze_limit_us;
    int thaw_foreign;
    int account_system;
} TnPolicyConf;

typedef struct {
    TnSection base;
    GPtrArray *allow;
    GPtrArray *deny;
} TnCommandsConf;

typedef struct {
    TnSection base;
    GPtrArray *paths;
    GPtrArray *args; /* of TnPattern */
    int verdict;     /* 0 allow, 1 deny */
    char *sha256;
    char *user;
    char *group;
    GPtrArray *groups;
    char *cwd;
    int umask;
    GPtrArray *env_allow;
    GPtrArray *env_set;
    int env_unsafe;
    int has_stdin;
    gint64 timeout_us;
    gint64 kill_grace_us;
    guint64 output_bytes;
    int on_overflow; /* 0 truncate, 1 kill */
    char *profile;
    GPtrArray *caps;
    int no_new_privs; /* TnChoice */
    int survive_agent;
    GPtrArray *limits;
    GPtrArray *cgroup;
    guint64 concurrent;
    TnRate rate;
    int user_from_request;
    int cwd_from_request;
    GPtrArray *best_effort;
} TnExecConf;

typedef struct {
    TnSection base;
    GPtrArray *paths;
    GPtrArray *access;
    GPtrArray *types;
    int symlinks;
    int hardlinks;
    int xdev;
    char *as_user;
    int mode;
    guint64 max_read;
    guint64 max_size;
} TnFileConf;

typedef struct {
    TnSection base;
    char *base_profile;
    GPtrArray *deny;
    GPtrArray *allow;
    int on_violation; /* 0 errno, 1 kill, 2 log */
    int archs;        /* 0 native, 1 native+compat */
    GPtrArray *allow_ns;
    int debug;
    int netns;
    int pidns;
} TnProfileConf;

typedef struct {
    TnSection base;
    int level; /* 0 all, 1 privileged, 2 denied, 3 off */
    int args;
    int env;      /* 0 names, 1 none */
    int required; /* TnChoice */
    char *file;
} TnAuditConf;

typedef enum {
    TN_KEY_CHOICE,   /* int: index of the word in VALUES */
    TN_KEY_COUNT,    /* guint64 between MIN and MAX */
    TN_KEY_SIZE,     /* guint64 bytes; K M G are powers of 1024 */
    TN_KEY_DURATION, /* gint64 us; ms s min h */
    TN_KEY_OCTAL,    /* int */
    TN_KEY_TEXT,     /* char *; "none" is NULL */
    TN_KEY_WORDS,    /* GPtrArray of char *; may repeat, appends */
    TN_KEY_ARGS,     /* GPtrArray of TnPattern; each line is one */
    TN_KEY_RATE,     /* TnRate; N/s, N/min, N/h */
    TN_KEY_N
} TnKeyType;

typedef struct {
    TnSectionKind section;
    const char *name;
    TnKeyType type;
    size_t offset;
    const char *values; /* words of a choice, else NULL */
    guint64 min;
    guint64 max;
    gboolean may_be_none;   /* "none" is 0 */
    const char *def;        /* as it would be written; NULL: required */
    const char *compat_def; /* NULL: the same */
    const char *since;
    const char *doc;
} TnKey;

typedef struct {
    const char *word; /* "exec" */
    gboolean named;
    size_t size; /* of the struct */
    const char *doc;
} TnSectionInfo;

/* The rows of KIND, in the order of the manual; *RET_N of them. Static. */
const TnKey *tn_keys_get(TnSectionKind kind, gsize *ret_n);
const TnSectionInfo *tn_keys_get_section(TnSectionKind kind);

/* A section with nothing but its head; all members zero. Free with tn_section_free. */
TnSection *tn_section_new(TnSectionKind kind, const char *name, const TnPlace *place);
void tn_section_free(TnSection *section);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TnSection, tn_section_free)

/* Sets the key from TEXT, which has neither blanks around it nor an inline comment. *RET_OFFSET is
 * the byte of TEXT that is wrong. Errors: TN_POLICY_ERROR_INVALID; the section is unchanged. */
gboolean tn_section_set(TnSection *section, const TnKey *key, const char *text, gsize *ret_offset,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Gives all keys without a place their defaults. Error: a required key is missing. */
gboolean tn_section_finish(TnSection *section, gboolean compat, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/* Appends the key's value as it would be written. */
void tn_section_print(const TnSection *section, const TnKey *key, GString *out);
