/* SPDX-License-Identifier: Apache-2.0 */

#include "platform/clock.h"
#include "platform/handles.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    LINGER_S = 20
};

static TnOpenPlan *
make_plan(void)
{
    TnOpenSpec *spec = tn_open_spec_new();

    spec->path = g_strdup("/dev/null");
    return tn_open_plan_seal(spec);
}

static void
count_free(gpointer data)
{
    int *count = data;

    (*count)++;
}

/* Number 1000 of CHANNEL. */
static TnHandle *
add_null(TnHandles *handles, const TnOpenPlan *plan, const char *channel, int *freed)
{
    return tn_handles_add(handles, 1000, channel, open("/dev/null", O_RDWR | O_CLOEXEC),
                          TN_OPEN_READ, plan, freed, count_free);
}

static void
test_belongs_to_its_channel(void **state)
{
    g_autoptr(TnHandles) handles = tn_handles_new();
    g_autoptr(TnOpenPlan) plan = make_plan();
    const char *one = g_intern_string("one");
    const char *two = g_intern_string("two");
    int freed = 0;
    TnHandle *handle = add_null(handles, plan, one, &freed);
    int fd = handle->fd;

    assert_ptr_equal(tn_handles_find(handles, 1000, one), handle);
    assert_null(tn_handles_find(handles, 1000, two));
    assert_null(tn_handles_find(handles, 1001, one));
    assert_null(tn_handles_find(handles, -1, one));
    assert_null(tn_handles_find(handles, G_MININT64, one));
    assert_int_equal(tn_handles_remove(handles, handle), 0);
    assert_int_equal(freed, 1);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    assert_null(tn_handles_find(handles, 1000, one));
    assert_int_equal(tn_handles_count(handles), 0);
}

static void
test_takes_a_file(void **state)
{
    g_autoptr(TnHandles) handles = tn_handles_new();
    g_autoptr(TnOpenPlan) plan = make_plan();
    int freed = 0;
    TnHandle *handle = add_null(handles, plan, "x", &freed);
    int fd = handle->fd;

    assert_int_equal(tn_handles_take(handles, handle), fd);
    assert_int_equal(freed, 1);
    assert_int_equal(tn_handles_count(handles), 0);
    assert_int_equal(close(fd), 0);
}

/* A stream whose close() waits LINGER_S seconds for a peer that takes nothing. */
static int
open_lingering(int *ret_peer)
{
    const struct linger linger = {.l_onoff = 1, .l_linger = LINGER_S};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    static const char zeros[65536];

    assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, size), 0);
    *ret_peer = accept(listener, NULL, NULL);
    assert_true(*ret_peer >= 0);
    close(listener);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger), 0);
    while (send(fd, zeros, sizeof zeros, MSG_DONTWAIT) > 0)
        continue;
    return fd;
}

/* Nobody waits for a close that waits. */
static void
test_closes_a_remote_file(void **state)
{
    g_autoptr(TnHandles) handles = tn_handles_new();
    g_autoptr(TnOpenPlan) plan = make_plan();
    int freed = 0;
    int peer = -1;
    TnHandle *handle = tn_handles_add(handles, 1000, "x", open_lingering(&peer), TN_OPEN_READ, plan,
                                      &freed, count_free);
    int fd = handle->fd;
    gint64 begin_us = g_get_monotonic_time();

    handle->is_remote = TRUE;
    assert_int_equal(tn_handles_remove(handles, handle), 0);
    assert_true(g_get_monotonic_time() - begin_us < LINGER_S / 2 * G_USEC_PER_SEC);
    assert_int_equal(freed, 1);
    close(peer);
    for (guint i = 0; i < 1000 && fcntl(fd, F_GETFD) >= 0; i++)
        g_usleep(10000);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
}

static void
test_closes_all_at_the_end(void **state)
{
    TnHandles *handles = tn_handles_new();
    g_autoptr(TnOpenPlan) plan = make_plan();
    int freed = 0;

    for (gint64 i = 0; i < 100; i++)
        tn_handles_add(handles, i, "x", open("/dev/null", O_RDWR | O_CLOEXEC), TN_OPEN_READ, plan,
                       &freed, count_free);
    assert_int_equal(tn_handles_count(handles), 100);
    tn_handles_free(handles);
    assert_int_equal(freed, 100);
}

/* A close that fails has closed: the second one finds nothing (a double free in qemu-ga). */
static void
test_frees_once_when_close_fails(void **state)
{
    g_autoptr(TnHandles) handles = tn_handles_new();
    g_autoptr(TnOpenPlan) plan = make_plan();
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    int freed = 0;
    TnHandle *handle = tn_handles_add(handles, 7, "x", fd, TN_OPEN_READ, plan, &freed, count_free);

    close(fd); /* so that the close of the table fails with EBADF */
    assert_int_equal(tn_handles_remove(handles, handle), EBADF);
    assert_int_equal(freed, 1);
    assert_null(tn_handles_find(handles, 7, "x"));
}

/* What was not looked up for long goes, and only that. */
static void
test_sweeps_what_is_not_used(void **state)
{
    g_autoptr(TnHandles) handles = tn_handles_new();
    g_autoptr(TnOpenPlan) plan = make_plan();
    int freed = 0;
    gint64 between_us = 0;

    for (gint64 i = 0; i < 3; i++)
        tn_handles_add(handles, i, "x", open("/dev/null", O_RDWR | O_CLOEXEC), TN_OPEN_READ, plan,
                       &freed, count_free);
    g_usleep(2000);
    between_us = tn_clock_monotonic_us();
    g_usleep(2000);
    assert_non_null(tn_handles_find(handles, 1, "x"));
    assert_true(tn_handles_sweep(handles, between_us) > between_us);
    assert_int_equal(freed, 2);
    assert_null(tn_handles_find(handles, 0, "x"));
    assert_non_null(tn_handles_find(handles, 1, "x"));
    assert_int_equal(tn_handles_sweep(handles, G_MAXINT64), 0);
    assert_int_equal(freed, 3);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_belongs_to_its_channel),
        cmocka_unit_test(test_takes_a_file),
        cmocka_unit_test(test_closes_a_remote_file),
        cmocka_unit_test(test_closes_all_at_the_end),
        cmocka_unit_test(test_frees_once_when_close_fails),
        cmocka_unit_test(test_sweeps_what_is_not_used),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
