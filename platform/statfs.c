/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Threads that may hang. Each asks one question, leaves its answer in a task that it shares with
 * the main thread, and wakes the main loop. A task outlives the batch that began it, so that the
 * next poll sees that the device still owes an answer; all that a hung thread holds is its task.
 *
 * The lock guards the tasks' answers only; batches and the table of tasks are the main thread's.
 */

#include "platform/statfs.h"

#include "platform/clock.h"

#include <sys/statvfs.h>

enum {
    THREADS_MAX = 64,
    US_PER_MS = 1000
};

/* What threads and main thread share; counted. */
typedef struct {
    gint refs;
    GMutex lock;
    GMainContext *context;
    TnStatfsRead read;
    GSource *wake; /* made ready by threads; NULL once the owner is gone; under the lock */
} Shared;

/* One question under way; counted, since a thread may keep it for ever. */
typedef struct {
    gint refs;
    Shared *shared;
    char *path;
    guint64 device;
    gint64 start_us;
    TnStatfsState state; /* under the lock */
    TnSpace space;       /* under the lock */
} Task;

typedef struct {
    TnStatfs *statfs;
    GArray *items;
    GPtrArray *tasks; /* of Task or NULL, one an item */
    GSource *timer;
    TnStatfsDone done;
    gpointer data;
} Batch;

struct TnStatfs {
    Shared *shared;
    GHashTable *tasks;  /* device to Task, those without an answer */
    GPtrArray *batches; /* of Batch */
};

static void
unref_shared(Shared *shared)
{
    if (!g_atomic_int_dec_and_test(&shared->refs))
        return;
    g_mutex_clear(&shared->lock);
    g_main_context_unref(shared->context);
    g_free(shared);
}

static void
unref_task(gpointer data)
{
    Task *task = data;

    if (task == NULL || !g_atomic_int_dec_and_test(&task->refs))
        return;
    unref_shared(task->shared);
    g_free(task->path);
    g_free(task);
}

static gpointer
run_task(gpointer data)
{
    Task *task = data;
    Shared *shared = task->shared;
    TnSpace space = {0};
    gboolean good = shared->read(task->path, &space);

    g_mutex_lock(&shared->lock);
    task->space = space;
    task->state = good ? TN_STATFS_DONE : TN_STATFS_FAILED;
    if (shared->wake != NULL)
        g_source_set_ready_time(shared->wake, 0);
    g_mutex_unlock(&shared->lock);
    unref_task(task);
    return NULL;
}

static TnStatfsState
get_state(Task *task, TnSpace *ret_space)
{
    TnStatfsState state;

    g_mutex_lock(&task->shared->lock);
    state = task->state;
    if (state == TN_STATFS_DONE)
        *ret_space = task->space;
    g_mutex_unlock(&task->shared->lock);
    return state;
}

static gboolean
is_answered(gpointer key, gpointer value, gpointer data)
{
    TnSpace ignored;

    return get_state(value, &ignored) != TN_STATFS_WAITING;
}

/* Takes over the answers that have come; TRUE if none is owed. */
static gboolean
collect_answers(Batch *batch)
{
    gboolean all = TRUE;

    for (guint i = 0; i < batch->items->len; i++) {
        TnStatfsItem *item = &g_array_index(batch->items, TnStatfsItem, i);

        if (item->state == TN_STATFS_WAITING)
            item->state = get_state(batch->tasks->pdata[i], &item->space);
        all = all && item->state != TN_STATFS_WAITING;
    }
    return all;
}

static void
free_batch(gpointer data)
{
    Batch *batch = data;

    g_source_destroy(batch->timer);
    g_source_unref(batch->timer);
    g_ptr_array_unref(batch->tasks);
    g_array_unref(batch->items);
    g_free(batch);
}

/* Takes BATCH out and tells its owner, who may ask anew from there. */
static void
finish_batch(Batch *batch)
{
    TnStatfs *statfs = batch->statfs;

    for (guint i = 0; i < batch->items->len; i++) {
        TnStatfsItem *item = &g_array_index(batch->items, TnStatfsItem, i);

        if (item->state == TN_STATFS_WAITING)
            item->state = TN_STATFS_STALLED;
    }
    for (guint i = 0; i < statfs->batches->len; i++) {
        if (statfs->batches->pdata[i] == batch)
            g_ptr_array_steal_index(statfs->batches, i);
    }
    batch->done(batch->items, batch->data);
    free_batch(batch);
}

static gboolean
handle_timeout(gpointer data)
{
    Batch *batch = data;

    (void)collect_answers(batch);
    finish_batch(batch);
    return G_SOURCE_REMOVE;
}

static gboolean
handle_wake(gpointer data)
{
    TnStatfs *statfs = data;
    g_autoptr(GPtrArray) finished = g_ptr_array_new();

    g_source_set_ready_time(statfs->shared->wake, -1);
    for (guint i = 0; i < statfs->batches->len; i++) {
        if (collect_answers(statfs->batches->pdata[i]))
            g_ptr_array_add(finished, statfs->batches->pdata[i]);
    }
    g_hash_table_foreach_remove(statfs->tasks, is_answered, NULL);
    for (guint i = 0; i < finished->len; i++)
        finish_batch(finished->pdata[i]);
    return G_SOURCE_CONTINUE;
}

static gboolean
dispatch_wake(GSource *source, GSourceFunc callback, gpointer data)
{
    return callback(data);
}

static GSourceFuncs wake_funcs = {.dispatch = dispatch_wake};

gboolean
tn_statfs_read(const char *path, TnSpace *ret_space)
{
    struct statvfs status;
    guint64 unit;

    if (statvfs(path, &status) < 0)
        return FALSE;
    unit = status.f_frsize != 0 ? status.f_frsize : status.f_bsize;
    *ret_space = (TnSpace){
        .used_bytes = (status.f_blocks - status.f_bfree) * unit,
        .total_bytes = (status.f_blocks - status.f_bfree + status.f_bavail) * unit,
        .total_privileged_bytes = status.f_blocks * unit,
        .files = status.f_files,
        .files_free = status.f_ffree,
        .read_only = (status.f_flag & ST_RDONLY) != 0,
    };
    return TRUE;
}

gboolean
tn_statfs_is_local(const char *type)
{
    static const char *const local[] = {
        "bcachefs", "btrfs",    "cramfs",  "erofs", "exfat", "ext2",  "ext3",   "ext4",  "f2fs",
        "hfs",      "hfsplus",  "iso9660", "jffs2", "jfs",   "msdos", "nilfs2", "ntfs3", "ramfs",
        "reiserfs", "squashfs", "tmpfs",   "ubifs", "udf",   "vfat",  "xfs",    "zfs",   NULL};

    return g_strv_contains(local, type);
}

TnStatfs *
tn_statfs_new(TnStatfsRead read)
{
    TnStatfs *statfs = g_new0(TnStatfs, 1);
    Shared *shared = g_new0(Shared, 1);

    shared->refs = 1;
    shared->context = g_main_context_ref_thread_default();
    shared->read = read;
    g_mutex_init(&shared->lock);
    shared->wake = g_source_new(&wake_funcs, sizeof(GSource));
    g_source_set_callback(shared->wake, handle_wake, statfs, NULL);
    g_source_attach(shared->wake, shared->context);
    statfs->shared = shared;
    statfs->tasks = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, unref_task);
    statfs->batches = g_ptr_array_new_with_free_func(free_batch);
    return statfs;
}

void
tn_statfs_free(TnStatfs *statfs)
{
    GSource *wake;

    if (statfs == NULL)
        return;
    g_mutex_lock(&statfs->shared->lock);
    wake = g_steal_pointer(&statfs->shared->wake);
    g_mutex_unlock(&statfs->shared->lock);
    g_source_destroy(wake);
    g_source_unref(wake);
    g_ptr_array_unref(statfs->batches);
    g_hash_table_unref(statfs->tasks);
    unref_shared(statfs->shared);
    g_free(statfs);
}

/* Begins a question about ITEM; NULL if there is no thread for it. The caller gets a reference. */
static Task *
begin_task(TnStatfs *statfs, const TnStatfsItem *item)
{
    Task *task;
    GThread *thread;

    if (g_hash_table_size(statfs->tasks) >= THREADS_MAX)
        return NULL;
    task = g_new0(Task, 1);
    task->refs = 3; /* the thread's, the table's, the caller's */
    task->shared = statfs->shared;
    g_atomic_int_inc(&statfs->shared->refs);
    task->path = g_strdup(item->path);
    task->device = item->device;
    task->start_us = tn_clock_monotonic_us();
    thread = g_thread_try_new("statfs", run_task, task, NULL);
    if (thread == NULL) {
        task->refs = 1;
        unref_task(task);
        return NULL;
    }
    g_thread_unref(thread);
    g_hash_table_insert(statfs->tasks, &task->device, task);
    return task;
}

static Task *
join_task(TnStatfs *statfs, TnStatfsItem *item, gint64 limit_us)
{
    Task *task = g_hash_table_lookup(statfs->tasks, &item->device);

    if (task == NULL)
        task = begin_task(statfs, item);
    else
        g_atomic_int_inc(&task->refs);
    if (task == NULL || (get_state(task, &item->space) == TN_STATFS_WAITING &&
                         tn_clock_monotonic_us() - task->start_us >= limit_us))
        item->state = TN_STATFS_STALLED;
    return task;
}

void
tn_statfs_ask(TnStatfs *statfs, GArray *items, guint limit_ms, TnStatfsDone done, gpointer data)
{
    Batch *batch = g_new0(Batch, 1);
    gboolean waits = FALSE;

    batch->statfs = statfs;
    batch->items = items;
    batch->tasks = g_ptr_array_new_with_free_func(unref_task);
    batch->done = done;
    batch->data = data;
    for (guint i = 0; i < items->len; i++) {
        TnStatfsItem *item = &g_array_index(items, TnStatfsItem, i);

        g_ptr_array_add(batch->tasks, join_task(statfs, item, (gint64)limit_ms * US_PER_MS));
        waits = waits || item->state == TN_STATFS_WAITING;
    }
    batch->timer = g_timeout_source_new(waits ? limit_ms : 0);
    g_source_set_callback(batch->timer, handle_timeout, batch, NULL);
    g_source_attach(batch->timer, statfs->shared->context);
    g_ptr_array_add(statfs->batches, batch);
}

guint
tn_statfs_count_threads(const TnStatfs *statfs)
{
    return g_hash_table_size(statfs->tasks);
}
