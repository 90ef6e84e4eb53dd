/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * What the built-in profiles mean, as data: which groups of system calls each denies and why, and
 * what else it asks for. Nothing is compiled or applied here.
 */

/* A profile is a set of these; '+' joins sets. An empty set is "unrestricted": no filter at all. */
typedef enum {
    TN_CONFINE_FILTER = 1 << 0,      /* the calls of baseline are denied */
    TN_CONFINE_NO_NETWORK = 1 << 1,  /* AF_UNIX is the only socket family */
    TN_CONFINE_NO_IPC = 1 << 2,      /* not even that, nor SysV and POSIX IPC */
    TN_CONFINE_READ_ONLY = 1 << 3,   /* read-only mounts, private /tmp and /dev */
    TN_CONFINE_STRICT = 1 << 4,      /* no fileless exec, no scheduling, no device nodes */
    TN_CONFINE_COMPUTE = 1 << 5,     /* one process, bounded */
    TN_CONFINE_NETNS = 1 << 6,       /* a network namespace of its own */
    TN_CONFINE_USERNS = 1 << 7,      /* user namespaces may be made */
    TN_CONFINE_DEBUG = 1 << 8,       /* may trace */
    TN_CONFINE_COMPAT_ARCH = 1 << 9, /* 32-bit calls too */
    TN_CONFINE_KILL = 1 << 10,       /* denied calls kill */
    TN_CONFINE_LOG = 1 << 11,        /* denied calls are logged and allowed */
    TN_CONFINE_PIDNS = 1 << 12,      /* PID and IPC namespaces of its own */
} TnConfine;

/* One group of denied calls. */
typedef struct {
    const char *name;  /* "modules/boot" */
    TnConfine feature; /* denied when the profile has this */
    const char *reason;
    const char *const *calls; /* NULL-ended */
} TnCallGroup;

/* The groups, *RET_N of them. Static. */
const TnCallGroup *tn_profile_get_groups(gsize *ret_n);

/* TRUE for "baseline", "unrestricted" and so on (one name, no '+'). */
gboolean tn_profile_is_builtin(const char *name);
/* The set of the built-in profile NAME; 0 for unknown ones too. */
TnConfine tn_profile_get_features(const char *name);
/* All names, NULL-ended, with one line each in *RET_DOCS. */
const char *const *tn_profile_list(const char *const **ret_docs);

/* The calls of "@set" as systemd.exec(5) groups them, NULL-ended; NULL when there is no such set.
 */
const char *const *tn_profile_find_set(const char *name);
/* Checks words of [profile] deny and allow: calls that libseccomp knows, or sets. Errors:
 * TN_POLICY_ERROR_INVALID. */
gboolean tn_profile_check_calls(const GPtrArray *words, GError **error) G_GNUC_WARN_UNUSED_RESULT;
