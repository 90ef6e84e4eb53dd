/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent/error.h"
#include "agent/field.h"
#include "policy/policy.h"

#include <glib.h>

/*
 * What the author of a command must read. A command is one row of its module's table; nothing
 * outside the module knows its name. The dispatcher looks the row up, walks the gates, decodes the
 * arguments through the row's table, asks policy, calls the handler and makes exactly one reply.
 */

typedef struct TnCall TnCall;
typedef struct TnCommand TnCommand;
typedef struct TnModule TnModule;

/* Runs one request. ARGS was decoded through the row's table and is valid until the call ends (for
 * a deferred call: until tn_call_return or tn_call_fail). RESULT is a zeroed struct of the row's
 * result_size; the dispatcher encodes and clears it. TRUE: RESULT is the answer, or the call was
 * deferred. FALSE: ERROR is the answer. A BLOCKING handler runs in a worker thread and may use
 * ARGS, RESULT, tn_call_get_grant and platform/ only. */
typedef gboolean (*TnHandler)(TnCall *call, const void *args, void *result, GError **error);

typedef enum {
    TN_COMMAND_WHILE_FROZEN = 1 << 0,     /* allowed while file systems are frozen */
    TN_COMMAND_WHILE_SEALED = 1 << 1,     /* allowed when the policy could not be read */
    TN_COMMAND_MUTATES = 1 << 2,          /* changes the guest; audited as privileged */
    TN_COMMAND_BLOCKING = 1 << 3,         /* may block longer than 50 ms: runs in a worker */
    TN_COMMAND_NO_SUCCESS_REPLY = 1 << 4, /* success is silent, errors are answered (R23) */
    TN_COMMAND_DELIMITED_REPLY = 1 << 5,  /* 0xFF directly before a success reply */
    TN_COMMAND_OVERLAPS = 1 << 6,         /* the next request of the same peer may start before
                                             this one has its answer; answers keep their order */
    TN_COMMAND_ALWAYS = 1 << 7,           /* cannot be denied while frozen (thaw, status) */
} TnCommandFlags;

struct TnCommand {
    const char *name;
    const char *group;   /* policy's group, such as "@info" */
    const TnField *args; /* NULL: takes no arguments (an empty object is fine) */
    size_t args_size;
    const TnField *result; /* one row: how RESULT is written; NULL: {} */
    size_t result_size;
    TnHandler run;
    TnCommandFlags flags;
    const char *since;
    const char *doc;
};

/* What a module gets when the agent starts; valid as long as the agent lives. */
typedef struct {
    struct TnState *state;        /* agent/state.h: frozen mark, persistent counter */
    struct TnRegistry *registry;  /* agent/registry.h: read only, complete when requests come */
    struct TnJobs *jobs;          /* platform/jobs.h: programs that run and their records */
    const TnPolicyHolder *policy; /* the policy in force; ask at each use */
    struct TnHelpers *helpers;    /* platform/helper.h: fixed programs, run by workers */
    struct TnLocalFs *local;      /* platform/localfs.h: what the main thread may open from */
    const char *state_dir;        /* what outlives the agent; exists, writable */
    const char *run_dir;          /* what must not outlive this boot; exists, writable */
    const char *hook_path;        /* NULL: no programs around a freeze */
    const char *version;          /* what guest-info reports; depends on the program's name */
    const char *const *hide_interfaces; /* patterns of names and kinds; NULL: none */
} TnModuleContext;

/* A module: a table of commands and, if it needs any, a state of its own. */
struct TnModule {
    const char *name;
    const TnCommand *commands;                          /* ends in an empty row */
    gpointer (*create)(const TnModuleContext *context); /* may be NULL */
    void (*destroy)(gpointer module);
};

/* The state that the module's create returned. */
gpointer tn_call_get_module(TnCall *call);
const TnModuleContext *tn_call_get_context(TnCall *call);
const TnCommand *tn_call_get_command(TnCall *call);

/* All commands of the agent in the order of their tables; NTH < the number of commands.
 * *RET_WHY_DISABLED (may be NULL) is NULL when a request of it would be let in now (frozen state
 * and policy asked anew), else a static text that says why not. Main thread only. */
guint tn_call_get_n_commands(TnCall *call);
const TnCommand *tn_call_get_nth_command(TnCall *call, guint nth, const char **ret_why_disabled);

/* What policy granted; never NULL in a handler. Take a reference to keep it. */
TnGrant *tn_call_get_grant(TnCall *call);

/* Name of the channel (the port or the listener, not the connection) the request came by; handles
 * and jobs belong to it. An interned string: compare pointers. */
const char *tn_call_get_channel(TnCall *call);
/* Largest reply line of that channel in bytes; G_MAXSIZE when it has no limit. */
gsize tn_call_get_reply_limit(TnCall *call);
/* TRUE on a serial port, where hosts run one command at a time and give up after 5 s. */
gboolean tn_call_is_serial(TnCall *call);

/* Answers later. The caller gets the reference that it must end with exactly one tn_call_return or
 * tn_call_fail, on the main thread, also when the peer is gone by then. */
void tn_call_defer(TnCall *call);
/* The struct that the answer is written from; fill it before tn_call_return. */
gpointer tn_call_get_result(TnCall *call);
void tn_call_return(TnCall *call);
/* Consumes ERROR. */
void tn_call_fail(TnCall *call, GError *take_error);

/* For a handler on the main thread that finds that it might block: WORK runs in a worker, under the
 * rules of a BLOCKING handler, and then END (NULL: none) on the main thread, whose word is the
 * answer. END is called in any case, with ERROR set when WORK failed or no worker was free: it
 * releases what the handler left in RESULT, and returns FALSE then. Returns what the handler must
 * return. */
gboolean tn_call_go_on(TnCall *call, TnHandler work, TnHandler end);

/* Asks to be told (once, on the main thread) when a deferred call should hurry: another request
 * has arrived on the same connection, or the peer has gone. */
typedef void (*TnCallHurry)(TnCall *call, gpointer data);
void tn_call_on_hurry(TnCall *call, TnCallHurry hurry, gpointer data);

/* Makes bytes that borrow from the request outlive it. Large ones are handed over without a copy;
 * BYTES is empty afterwards. NULL when BYTES was absent. */
GBytes *tn_call_steal_bytes(TnCall *call, TnBytes *bytes);
