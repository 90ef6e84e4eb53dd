/* SPDX-License-Identifier: Apache-2.0 */

#include "platform/netlink.h"

#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/tree.h"

static void
count(const struct nlmsghdr *message, gpointer data)
{
    (*(guint *)data)++;
}

static gsize
put_request(void *space, guint16 type, guint16 flags)
{
    struct nlmsghdr *request = mnl_nlmsg_put_header(space);
    struct rtgenmsg *header;

    request->nlmsg_type = type;
    request->nlmsg_flags = (guint16)(NLM_F_REQUEST | flags);
    header = mnl_nlmsg_put_extra_header(request, sizeof(struct ifinfomsg));
    header->rtgen_family = AF_UNSPEC;
    return request->nlmsg_len;
}

static void
test_dumps_twice_over_one_socket(void **state)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(TnNetlink) netlink = tn_netlink_new(&error);
    char space[128] __attribute__((aligned(NLMSG_ALIGNTO))) = {0};
    gboolean interrupted = TRUE;
    guint first = 0;
    guint second = 0;
    gsize size = put_request(space, RTM_GETLINK, NLM_F_DUMP);

    assert_non_null(netlink);
    assert_true(tn_netlink_ask(netlink, space, size, 1, count, &first, &interrupted, &error));
    assert_true(tn_netlink_ask(netlink, space, size, 1, count, &second, NULL, &error));
    assert_true(first > 0);
    assert_int_equal(first, second);
}

static void
test_a_refused_dump_is_an_error(void **state)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(TnNetlink) netlink = tn_netlink_new(&error);
    char space[128] __attribute__((aligned(NLMSG_ALIGNTO))) = {0};
    gsize size = put_request(space, RTM_NEWLINK + 600, NLM_F_DUMP);
    guint n = 0;

    assert_false(tn_netlink_ask(netlink, space, size, 1, count, &n, NULL, &error));
    assert_non_null(error);
    assert_int_equal(n, 0);
}

static void
test_a_refused_question_has_no_answer(void **state)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(TnNetlink) netlink = tn_netlink_new(&error);
    char space[128] __attribute__((aligned(NLMSG_ALIGNTO))) = {0};
    gsize size = put_request(space, RTM_NEWLINK + 600, 0);
    guint n = 0;

    assert_true(tn_netlink_ask(netlink, space, size, 1, count, &n, NULL, &error));
    assert_int_equal(n, 0);
}

static void
test_walks_whole_messages_only(void **state)
{
    char space[128] __attribute__((aligned(NLMSG_ALIGNTO))) = {0};
    gsize size = put_request(space, RTM_NEWLINK, 0);
    guint n = 0;

    size += put_request(space + size, NLMSG_NOOP, 0);
    size += put_request(space + size, RTM_NEWADDR, 0);
    tn_netlink_walk(space, size, count, &n);
    assert_int_equal(n, 2);
    n = 0;
    tn_netlink_walk(space, size - 1, count, &n);
    assert_int_equal(n, 1);
    n = 0;
    tn_netlink_walk(space, 3, count, &n);
    assert_int_equal(n, 0);
}

static void
test_a_huge_length_ends_the_walk(void **state)
{
    char space[128] __attribute__((aligned(NLMSG_ALIGNTO))) = {0};
    gsize size = put_request(space, RTM_NEWLINK, 0);
    struct nlmsghdr *second = (struct nlmsghdr *)(void *)(space + size);
    guint n = 0;

    second->nlmsg_type = RTM_NEWLINK;
    second->nlmsg_len = 0x80000010;
    tn_netlink_walk(space, sizeof(space), count, &n);
    assert_int_equal(n, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dumps_twice_over_one_socket),
        cmocka_unit_test(test_a_refused_dump_is_an_error),
        cmocka_unit_test(test_a_refused_question_has_no_answer),
        cmocka_unit_test(test_a_huge_length_ends_the_walk),
        cmocka_unit_test(test_walks_whole_messages_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
