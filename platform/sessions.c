/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Who is logged in. utmp (utmp(5)) is read as records, without getutxent(3), which keeps one cursor
 * for the whole process and reads the machine's file only. Distributions drop utmp because its
 * times end in 2038; logind knows the same sessions.
 */

#include "platform/sessions.h"

#include "platform/fd.h"
#include "platform/sysroot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <utmpx.h>

enum {
    UTMP_LIMIT_BYTES = 16 * 1024 * 1024,
    LOGIND_SESSIONS_MAX = 65536
};

#define US_PER_S  1000000.0
#define UTMP_PATH "/var/run/utmp"

/* The users so far; BY_NAME borrows from SESSIONS. */
typedef struct {
    GPtrArray *sessions;
    GHashTable *by_name;
} Collection;

static void
add_session(Collection *all, char *take_user, double login_time)
{
    TnSession *session = g_hash_table_lookup(all->by_name, take_user);

    if (session != NULL) {
        session->login_time = MIN(session->login_time, login_time);
        g_free(take_user);
        return;
    }
    session = g_new0(TnSession, 1);
    session->user = take_user;
    session->login_time = login_time;
    g_ptr_array_add(all->sessions, session);
    g_hash_table_insert(all->by_name, session->user, session);
}

static void
parse_utmp(const char *text, gsize size, Collection *all)
{
    for (gsize at = 0; size - at >= sizeof(struct utmpx); at += sizeof(struct utmpx)) {
        struct utmpx record;

        memcpy(&record, text + at, sizeof(record));
        if (record.ut_type != USER_PROCESS || record.ut_user[0] == '\0')
            continue;
        add_session(all,
                    g_utf8_make_valid(record.ut_user,
                                      (gssize)strnlen(record.ut_user, sizeof(record.ut_user))),
                    (double)record.ut_tv.tv_sec + (double)record.ut_tv.tv_usec / US_PER_S);
    }
}

/* Takes a session of a person; greeters, lock screens and managers are none. */
static void
take_logind_session(const TnLogindOps *logind, const char *id, Collection *all)
{
    char *class = NULL;
    char *name = NULL;
    uint64_t start_us = 0;

    if (logind->get_class(id, &class) >= 0 && class != NULL && g_str_has_prefix(class, "user") &&
        logind->get_username(id, &name) >= 0 && name != NULL &&
        logind->get_start_time(id, &start_us) >= 0)
        add_session(all, g_utf8_make_valid(name, -1), (double)start_us / US_PER_S);
    free(class);
    free(name);
}

static void
ask_logind(const TnLogindOps *logind, Collection *all)
{
    char **ids = NULL;
    int n = logind->get_sessions(&ids);

    for (int i = 0; i < n && ids != NULL && ids[i] != NULL; i++) {
        if (i < LOGIND_SESSIONS_MAX)
            take_logind_session(logind, ids[i], all);
        free(ids[i]);
    }
    free(ids);
}

void
tn_sessions_free_one(TnSession *session)
{
    if (session == NULL)
        return;
    g_free(session->user);
    g_free(session);
}

GPtrArray *
tn_sessions_read(int root_fd, TnLogindLoad load, GError **error)
{
    g_autoptr(GPtrArray) sessions =
        g_ptr_array_new_with_free_func((GDestroyNotify)tn_sessions_free_one);
    g_autoptr(GHashTable) by_name = g_hash_table_new(g_str_hash, g_str_equal);
    Collection all = {sessions, by_name};
    tn_autofd int fd = tn_sysroot_open(root_fd, UTMP_PATH, O_RDONLY | O_NONBLOCK);
    g_autofree char *text = NULL;
    TnLogindOps logind;
    gsize size = 0;

    if (fd < 0 && errno != ENOENT) {
        tn_error_from_errno(error, errno, "open '%s'", UTMP_PATH);
        return NULL;
    }
    if (fd >= 0) {
        if (!tn_fd_read_all(fd, UTMP_PATH, UTMP_LIMIT_BYTES, &text, &size, error))
            return NULL;
        parse_utmp(text, size, &all);
    } else if (load != NULL && load(&logind)) {
        ask_logind(&logind, &all);
    }
    return g_steal_pointer(&sessions);
}
