/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "platform/localfs.h"

#include <gio/gio.h>
#include <glib.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Opening files from a sealed plan. The plan says where a path may lead and what may stand there;
 * the open resolves below a pinned directory, looks at what it found (O_PATH, fstat) and only then
 * opens it, so that a rename between check and use has nothing to win.
 * Sources: openat2(2), open(2), path_resolution(7), proc(5) (/proc/self/fd).
 */

typedef enum {
    TN_OPEN_READ = 1 << 0,
    TN_OPEN_WRITE = 1 << 1,
    TN_OPEN_CREATE = 1 << 2,
    TN_OPEN_TRUNCATE = 1 << 3,
    TN_OPEN_APPEND = 1 << 4,
    TN_OPEN_EXCLUSIVE = 1 << 5, /* an existing file is an error */
    TN_OPEN_DIRECTORY = 1 << 6, /* a directory is wanted, for reading its entries */
    TN_OPEN_PATH = 1 << 7,      /* only a reference (O_PATH): for stat */
    TN_OPEN_NOFOLLOW = 1 << 8,  /* the last component is not followed when it is a link */
} TnOpenFlags;

/* Parses one of fopen's sixteen words (r rb w wb a ab r+ rb+ r+b ...). FALSE: none of them. */
gboolean tn_open_flags_parse(const char *mode, TnOpenFlags *ret_flags) G_GNUC_WARN_UNUSED_RESULT;

/* What policy allows for one path; filled by policy/, which alone may seal it. */
typedef struct {
    char *path;         /* as asked for */
    char *below;        /* the rule's directory, absolute; NULL: anywhere, as qemu-ga does */
    gboolean symlinks;  /* links may be followed below the directory */
    gboolean hardlinks; /* files with more than one name are fine */
    gboolean cross_mounts;
    guint types; /* 1 << (st_mode >> 12) of the kinds that may be opened; 0: all */
    gboolean append_only;
    gboolean may_read;
    gboolean may_write;
    gboolean may_create;
    mode_t create_mode; /* of new files, whatever the umask */
    gboolean as_user;   /* open with the rights of uid and gid, no others */
    uid_t uid;
    gid_t gid;
    uint64_t max_read_bytes;      /* 0: no limit */
    uint64_t max_size_bytes;      /* 0: no limit */
    const char *const *forbidden; /* directories below which nothing is changed, however the path
                                     leads there; NULL-ended, static, at most 32; NULL: none */
} TnOpenSpec;

/* An empty spec; free it unless it was sealed. */
TnOpenSpec *tn_open_spec_new(void);
void tn_open_spec_free(TnOpenSpec *spec);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TnOpenSpec, tn_open_spec_free)

typedef struct TnOpenPlan TnOpenPlan;

/* Consumes SPEC. Callers stand in policy/ only (tests/lint checks that). */
TnOpenPlan *tn_open_plan_seal(TnOpenSpec *take_spec);
TnOpenPlan *tn_open_plan_ref(const TnOpenPlan *plan);
void tn_open_plan_unref(TnOpenPlan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TnOpenPlan, tn_open_plan_unref)
/* The spec inside, read only, as long as the plan lives. */
const TnOpenSpec *tn_open_plan_get_spec(const TnOpenPlan *plan);

/* Opens the plan's path; returns a descriptor with O_CLOEXEC, O_NONBLOCK and O_NOCTTY that the
 * caller owns, or -1. A FIFO never blocks. New files get the plan's create_mode exactly.
 * Errors: G_IO_ERROR whose message is strerror's text alone, so that callers can word it as
 * qemu-ga does; PERMISSION_DENIED also for what the plan does not allow. */
int tn_open_plan_open(const TnOpenPlan *plan, TnOpenFlags flags, GError **error);

enum {
    TN_OPEN_MIGHT_BLOCK = -2
};

/* As tn_open_plan_open, for the main thread: only when nothing on the way has to be fetched and the
 * file system is known to be LOCAL. Else TN_OPEN_MIGHT_BLOCK and no ERROR: a worker has to do it.
 * So it is where a file may be made or changed, and where the kernel has no RESOLVE_CACHED (before
 * Linux 5.12). */
int tn_open_plan_open_now(const TnOpenPlan *plan, TnOpenFlags flags, const TnLocalFs *local,
                          GError **error);

/* Opens the directory that holds the plan's path, as a pinned O_PATH descriptor, and gives the
 * last component (owned by the caller; never "", "." or ".."). Same errors. */
int tn_open_plan_open_parent(const TnOpenPlan *plan, char **ret_name, GError **error);

/* Rights that were in force before tn_open_plan_enter. */
typedef struct {
    uid_t fsuid;
    gid_t fsgid;
    gboolean changed;
} TnFsIdentity;

/* Takes on, for this thread, the file system rights of the plan's user, if it has one, so that
 * what is done until tn_open_plan_leave is what that user may do. Keeps errno. Source:
 * setfsuid(2), capabilities(7). */
TnFsIdentity tn_open_plan_enter(const TnOpenPlan *plan);
void tn_open_plan_leave(const TnFsIdentity *before);

/* Where the plan's look-up starts: an O_PATH descriptor of the rule's directory, of / or of the
 * working directory, and the path from there (borrowed from PLAN, relative, "." for the base
 * itself). Same errors. */
int tn_open_plan_open_base(const TnOpenPlan *plan, const char **ret_rest, GError **error);
