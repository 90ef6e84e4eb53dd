/* SPDX-License-Identifier: Apache-2.0 */

#include "platform/sessions.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <utmpx.h>

#include <cmocka.h>

#include "tests/unit/tree.h"

static void
add(GString *utmp, short type, const char *user, int seconds, int us)
{
    struct utmpx record = {0};

    record.ut_type = type;
    /* A name of full length has no NUL (utmp(5)). */
    memcpy(record.ut_user, user, MIN(strlen(user), sizeof(record.ut_user)));
    record.ut_tv.tv_sec = seconds;
    record.ut_tv.tv_usec = us;
    g_string_append_len(utmp, (const char *)&record, sizeof(record));
}

static void
expect(const GPtrArray *sessions, guint index, const char *user, double login_time)
{
    const TnSession *session;

    assert_true(index < sessions->len);
    session = sessions->pdata[index];
    assert_string_equal(session->user, user);
    assert_true(session->login_time == login_time);
}

static void
test_reads_utmp(void **state)
{
    g_autoptr(Tree) tree = tree_new();
    g_autoptr(GString) utmp = g_string_new(NULL);
    g_autoptr(GPtrArray) sessions = NULL;

    add(utmp, BOOT_TIME, "reboot", 100, 0);
    add(utmp, USER_PROCESS, "carol", 3000, 500000);
    add(utmp, USER_PROCESS, "alice", 2000, 250000);
    add(utmp, DEAD_PROCESS, "gone", 1500, 0);
    add(utmp, USER_PROCESS, "bob", 1800, 0);
    add(utmp, USER_PROCESS, "alice", 1000, 750000);
    add(utmp, LOGIN_PROCESS, "LOGIN", 1900, 0);
    add(utmp, USER_PROCESS, "", 1900, 0);
    add(utmp, USER_PROCESS,
        "caf\xe9"
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxyyy",
        5000, 0);
    add(utmp, USER_PROCESS, "bob", 1900, 0);
    g_string_append(utmp, "a cut record");
    tree_mkdir(tree, "run");
    tree_mkdir(tree, "var");
    tree_link(tree, "var/run", "/run");
    tree_put_bytes(tree, "run/utmp", utmp->str, utmp->len);
    sessions = tn_sessions_read(tree->fd, NULL, NULL);
    assert_non_null(sessions);
    assert_int_equal(sessions->len, 4);
    expect(sessions, 0, "carol", 3000.5);
    expect(sessions, 1, "alice", 1000.75);
    expect(sessions, 2, "bob", 1800);
    expect(sessions, 3, "caf\xef\xbf\xbdxxxxxxxxxxxxxxxxxxxxxxxxxxxx", 5000);
}

static int
get_sessions(char ***ret_ids)
{
    *ret_ids = g_strsplit("1 c2 3 4 5", " ", 0);
    return 5;
}

static int
get_class(const char *id, char **ret_class)
{
    *ret_class = g_strdup(g_str_equal(id, "c2")  ? "greeter"
                          : g_str_equal(id, "4") ? "manager"
                          : g_str_equal(id, "5") ? "user-early"
                                                 : "user");
    return 0;
}

static int
get_username(const char *id, char **ret_name)
{
    *ret_name = g_strdup(g_str_equal(id, "c2") ? "gdm" : g_str_equal(id, "5") ? "root" : "dora");
    return 0;
}

static int
get_start_time(const char *id, uint64_t *ret_us)
{
    *ret_us = g_str_equal(id, "1") ? 2000500000 : 1000250000;
    return 0;
}

static int
fail_username(const char *id, char **ret_name)
{
    return -ENXIO;
}

static int
fail_sessions(char ***ret_ids)
{
    return -ENOENT;
}

static gboolean
load_good(TnLogindOps *ret_ops)
{
    *ret_ops = (TnLogindOps){get_sessions, get_class, get_username, get_start_time};
    return TRUE;
}

static gboolean
load_gone(TnLogindOps *ret_ops)
{
    *ret_ops = (TnLogindOps){get_sessions, get_class, fail_username, get_start_time};
    return TRUE;
}

static gboolean
load_none(TnLogindOps *ret_ops)
{
    *ret_ops = (TnLogindOps){fail_sessions, get_class, get_username, get_start_time};
    return TRUE;
}

static void
test_asks_logind_without_utmp(void **state)
{
    g_autoptr(Tree) tree = tree_new();
    g_autoptr(GPtrArray) sessions = tn_sessions_read(tree->fd, load_good, NULL);

    assert_non_null(sessions);
    assert_int_equal(sessions->len, 2);
    expect(sessions, 0, "dora", 1000.25);
    expect(sessions, 1, "root", 1000.25);
}

static void
test_an_empty_utmp_is_an_answer(void **state)
{
    g_autoptr(Tree) tree = tree_new();
    g_autoptr(GPtrArray) sessions = NULL;

    tree_put(tree, "var/run/utmp", "");
    sessions = tn_sessions_read(tree->fd, load_good, NULL);
    assert_int_equal(sessions->len, 0);
}

static void
test_a_session_that_ends_meanwhile_is_left_out(void **state)
{
    g_autoptr(Tree) tree = tree_new();
    g_autoptr(GPtrArray) first = tn_sessions_read(tree->fd, load_gone, NULL);
    g_autoptr(GPtrArray) second = tn_sessions_read(tree->fd, load_none, NULL);
    g_autoptr(GPtrArray) third = tn_sessions_read(tree->fd, NULL, NULL);

    assert_int_equal(first->len, 0);
    assert_int_equal(second->len, 0);
    assert_int_equal(third->len, 0);
}

static void
test_an_unreadable_utmp_is_an_error(void **state)
{
    g_autoptr(Tree) tree = tree_new();
    g_autoptr(GError) error = NULL;

    tree_mkdir(tree, "var/run/utmp");
    assert_null(tn_sessions_read(tree->fd, load_good, &error));
    assert_string_equal(error->message, "read '/var/run/utmp': Is a directory");
}

static void
test_the_library_is_whole_or_absent(void **state)
{
    TnLogindOps ops = {0};

    if (tn_logind_load(&ops))
        assert_true(ops.get_sessions != NULL && ops.get_class != NULL && ops.get_username != NULL &&
                    ops.get_start_time != NULL);
    else
        assert_true(ops.get_sessions == NULL && ops.get_start_time == NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_utmp),
        cmocka_unit_test(test_asks_logind_without_utmp),
        cmocka_unit_test(test_an_empty_utmp_is_an_answer),
        cmocka_unit_test(test_a_session_that_ends_meanwhile_is_left_out),
        cmocka_unit_test(test_an_unreadable_utmp_is_an_error),
        cmocka_unit_test(test_the_library_is_whole_or_absent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
