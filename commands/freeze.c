/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Freezing and thawing. The rules: no freeze without its thaw, whoever asks for it (the host, the
 * dead-man timer, the end of the agent, or the next agent after a kill); only what we froze is
 * thawed, unless thaw-foreign says otherwise; nothing is written to disk between the two.
 *
 * The work is done by one thread at a time, which holds LOCK; the mark, the journal's name and the
 * timer change on the main thread only, on the worker's behalf.
 */
#include "commands/freeze.h"

#include "agent/state.h"
#include "platform/clock.h"
#include "platform/fsfreeze.h"
#include "platform/helper.h"
#include "platform/hooks.h"
#include "platform/loop.h"
#include "platform/sysroot.h"

#include <unistd.h>

typedef struct {
    const TnModuleContext *context;
    char *journal_file;
    TnTimer *limit; /* the dead man's */
    GMutex lock;
    GPtrArray *items; /* what is frozen, or may be; NULL: nothing */
    GPtrArray *hooks; /* those that were told of the freeze */
    guint n_hooks;
} Freeze;

typedef struct {
    char **mountpoints;
} ListArgs;

typedef struct {
    int64_t n;
} Count;

typedef struct {
    int status;
} Status;

/* A change of the mark on its way to the main thread. */
typedef struct {
    Freeze *freeze;
    gboolean frozen;
    gint64 limit_us; /* 0: none */
    gboolean ok;
    GError *error;
} Mark;

static gboolean
set_mark(gpointer data)
{
    Mark *mark = data;
    Freeze *freeze = mark->freeze;

    mark->ok = tn_state_set_frozen(freeze->context->state, mark->frozen, &mark->error);
    tn_timer_set(freeze->limit, mark->ok && mark->frozen && mark->limit_us > 0
                                    ? tn_clock_monotonic_us() + mark->limit_us
                                    : -1);
    return G_SOURCE_REMOVE;
}

static gboolean
move_mark(Freeze *freeze, gboolean frozen, gint64 limit_us, GError **error)
{
    Mark mark = {.freeze = freeze, .frozen = frozen, .limit_us = limit_us};

    tn_helper_on_main(set_mark, &mark);
    if (!mark.ok)
        g_propagate_error(error, mark.error);
    return mark.ok;
}

static void
forget_items(Freeze *freeze)
{
    g_clear_pointer(&freeze->items, g_ptr_array_unref);
    unlink(freeze->journal_file);
}

/* Ends a freeze, from any thread but the main one; LOCK is held. Errors are the hooks' or the
 * mark's: everything is thawed in any case. */
static gboolean
end_freeze(Freeze *freeze, gboolean foreign, guint *ret_n, GError **error)
{
    g_autoptr(GError) unmarked = NULL;
    guint n = 0;

    if (freeze->items != NULL)
        n = tn_fsfreeze_thaw(freeze->items, &tn_fsfreeze_ops);
    if (foreign)
        n += tn_fsfreeze_thaw_all(TN_SYSROOT_HOST, &tn_fsfreeze_ops);
    *ret_n = n;
    if (!move_mark(freeze, FALSE, 0, &unmarked))
        g_warning("%s", unmarked->message);
    forget_items(freeze);
    if (freeze->hooks == NULL)
        return TRUE;
    {
        g_autoptr(GPtrArray) hooks = g_steal_pointer(&freeze->hooks);

        return tn_hooks_thaw(freeze->context->helpers, hooks, freeze->n_hooks, error);
    }
}

static gboolean
tell_hooks(Freeze *freeze, GError **error)
{
    freeze->n_hooks = 0;
    freeze->hooks = tn_hooks_list(freeze->context->hook_path, error);
    return freeze->hooks != NULL &&
           tn_hooks_freeze(freeze->context->helpers, freeze->hooks, &freeze->n_hooks, error);
}

/* From the list of what there is to the last FIFREEZE; on failure end_freeze() must follow. */
static gboolean
freeze_items(Freeze *freeze, const char *const *wanted, gint64 limit_us, guint *ret_n,
             GError **error)
{
    g_autoptr(TnFreezeJournal) journal = NULL;
    g_autoptr(GPtrArray) unknown = NULL;

    freeze->items = tn_fsfreeze_list(TN_SYSROOT_HOST, wanted, &unknown, error);
    if (freeze->items == NULL)
        return FALSE;
    for (guint i = 0; i < unknown->len; i++)
        g_message("guest-fsfreeze-freeze-list: no file system to freeze at '%s'",
                  (const char *)g_ptr_array_index(unknown, i));
    if (!tn_fsfreeze_open(freeze->items, &tn_fsfreeze_ops, error))
        return FALSE;
    journal = tn_fsfreeze_journal_new(freeze->journal_file, freeze->items, error);
    return journal != NULL && move_mark(freeze, TRUE, limit_us, error) &&
           tn_fsfreeze_freeze(freeze->items, journal, &tn_fsfreeze_ops, ret_n, error);
}

static gboolean
begin_freeze(TnCall *call, const char *const *wanted, Count *count, GError **error)
{
    Freeze *freeze = tn_call_get_module(call);
    const TnPolicySettings *settings = tn_grant_get_settings(tn_call_get_grant(call));
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&freeze->lock);
    g_autoptr(GError) ignored = NULL;
    guint n = 0;
    guint n_thawed = 0;
    gboolean ok;

    (void)locker;
    if (freeze->items != NULL) {
        g_set_error_literal(error, TN_REQUEST_ERROR, TN_REQUEST_ERROR_BUSY,
                            "file systems are frozen already");
        return FALSE;
    }
    ok = tell_hooks(freeze, error) &&
         freeze_items(freeze, wanted, settings->freeze_limit_us, &n, error);
    count->n = n;
    /* Nothing frozen is a freeze too: hooks that heard of it must hear of its end. */
    if ((!ok || n == 0) && !end_freeze(freeze, FALSE, &n_thawed, &ignored))
        g_warning("after a freeze that came to nothing: %s", ignored->message);
    return ok;
}

static gboolean
run_freeze(TnCall *call, const void *args, void *result, GError **error)
{
    return begin_freeze(call, NULL, result, error);
}

static gboolean
run_freeze_list(TnCall *call, const void *args, void *result, GError **error)
{
    return begin_freeze(call, (const char *const *)((const ListArgs *)args)->mountpoints, result,
                        error);
}

static gboolean
run_thaw(TnCall *call, const void *args, void *result, GError **error)
{
    Freeze *freeze = tn_call_get_module(call);
    const TnPolicySettings *settings = tn_grant_get_settings(tn_call_get_grant(call));
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&freeze->lock);
    guint n = 0;
    gboolean ok = end_freeze(freeze, settings->thaw_foreign, &n, error);

    (void)locker;
    ((Count *)result)->n = n;
    return ok;
}

static gboolean
run_status(TnCall *call, const void *args, void *result, GError **error)
{
    ((Status *)result)->status = tn_state_is_frozen(tn_call_get_context(call)->state) ? 1 : 0;
    return TRUE;
}

static gboolean
tell_thawed(gpointer data)
{
    tn_state_end_thaw(((Freeze *)data)->context->state);
    return G_SOURCE_REMOVE;
}

/* A thaw that no host asked for. */
static gpointer
thaw_alone(gpointer data)
{
    Freeze *freeze = data;
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&freeze->lock);
    g_autoptr(GError) error = NULL;
    guint n = 0;

    (void)locker;
    if (!end_freeze(freeze, FALSE, &n, &error))
        g_warning("%s", error->message);
    g_message("thawed %u file systems without being asked", n);
    tn_helper_on_main(tell_thawed, freeze);
    return NULL;
}

static void
start_thaw(gpointer data)
{
    g_thread_unref(g_thread_new("tenon-thaw", thaw_alone, data));
}

/* An agent before us was killed while file systems were frozen: go on where it was. */
static void
take_over(Freeze *freeze)
{
    g_autoptr(GError) error = NULL;
    gint64 limit_us =
        tn_policy_get_settings(tn_policy_holder_get(freeze->context->policy))->freeze_limit_us;

    if (!tn_state_is_frozen(freeze->context->state)) {
        unlink(freeze->journal_file);
        return;
    }
    freeze->items = tn_fsfreeze_journal_read(freeze->journal_file);
    freeze->hooks = tn_hooks_list(freeze->context->hook_path, &error);
    freeze->n_hooks = freeze->hooks != NULL ? freeze->hooks->len : 0;
    if (limit_us > 0)
        tn_timer_set(freeze->limit, tn_clock_monotonic_us() + limit_us);
}

static gpointer
create_freeze(const TnModuleContext *context)
{
    Freeze *freeze;

    if (context->state == NULL || context->run_dir == NULL || context->helpers == NULL)
        return NULL; /* an agent that only names its commands */
    freeze = g_new0(Freeze, 1);
    freeze->context = context;
    freeze->journal_file = g_build_filename(context->run_dir, "frozen", NULL);
    freeze->limit = tn_timer_new(TN_LOOP_SIGNAL, start_thaw, freeze);
    g_mutex_init(&freeze->lock);
    tn_state_on_thaw(context->state, start_thaw, freeze);
    take_over(freeze);
    return freeze;
}

/* The main loop has ended, so no hook can run any more; a thread that still freezes or thaws dies
 * with us, and its journal stays. */
static void
destroy_freeze(gpointer data)
{
    Freeze *freeze = data;
    g_autoptr(GError) error = NULL;

    if (freeze == NULL || !g_mutex_trylock(&freeze->lock))
        return;
    if (freeze->items != NULL) {
        (void)tn_fsfreeze_thaw(freeze->items, &tn_fsfreeze_ops);
        if (!tn_state_set_frozen(freeze->context->state, FALSE, &error))
            g_warning("%s", error->message);
        forget_items(freeze);
    }
    tn_state_on_thaw(freeze->context->state, NULL, NULL);
    tn_timer_free(freeze->limit);
    g_clear_pointer(&freeze->hooks, g_ptr_array_unref);
    g_free(freeze->journal_file);
    g_mutex_unlock(&freeze->lock);
    g_mutex_clear(&freeze->lock);
    g_free(freeze);
}

static const char *const status_words[] = {"thawed", "frozen", NULL};

static const TnField list_args[] = {
    {"mountpoints", TN_STRV(ListArgs, mountpoints, .doc = "without it: all")},
    {0},
};

static const TnField status_result = {
    NULL, TN_ENUM(Status, status, .words = status_words, .flags = TN_FIELD_REQUIRED)};

static const TnField count_result = {
    NULL, TN_INT(Count, n, .flags = TN_FIELD_REQUIRED, .doc = "file systems")};

static const TnCommand commands[] = {
    {
        .name = "guest-fsfreeze-status",
        .group = "@fsfreeze",
        .result = &status_result,
        .result_size = sizeof(Status),
        .run = run_status,
        .flags = TN_COMMAND_WHILE_FROZEN | TN_COMMAND_WHILE_SEALED | TN_COMMAND_ALWAYS,
        .since = "0.15.0",
        .doc = "Whether file systems are frozen.",
    },
    {
        .name = "guest-fsfreeze-freeze",
        .group = "@fsfreeze",
        .result = &count_result,
        .result_size = sizeof(Count),
        .run = run_freeze,
        .flags = TN_COMMAND_MUTATES | TN_COMMAND_BLOCKING,
        .since = "0.15.0",
        .doc = "Freezes all file systems on disks.",
    },
    {
        .name = "guest-fsfreeze-freeze-list",
        .group = "@fsfreeze",
        .args = list_args,
        .args_size = sizeof(ListArgs),
        .result = &count_result,
        .result_size = sizeof(Count),
        .run = run_freeze_list,
        .flags = TN_COMMAND_MUTATES | TN_COMMAND_BLOCKING,
        .since = "2.2",
        .doc = "Freezes some file systems.",
    },
    {
        .name = "guest-fsfreeze-thaw",
        .group = "@fsfreeze",
        .result = &count_result,
        .result_size = sizeof(Count),
        .run = run_thaw,
        .flags = TN_COMMAND_MUTATES | TN_COMMAND_BLOCKING | TN_COMMAND_WHILE_FROZEN |
                 TN_COMMAND_WHILE_SEALED | TN_COMMAND_ALWAYS,
        .since = "0.15.0",
        .doc = "Thaws what was frozen.",
    },
    {0},
};

const TnModule tn_freeze_module = {
    .name = "freeze",
    .commands = commands,
    .create = create_freeze,
    .destroy = destroy_freeze,
};
