/* SPDX-License-Identifier: Apache-2.0 */

/* Standard input: order, end, a reader that goes away, a reader that never reads. */

#include "platform/fd.h"
#include "platform/feed.h"
#include "tests/unit/platform/spawn-fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef struct {
    TnWatchSet *set;
    TnFeed feed;
    int reader;
} Fixture;

static int
set_up(void **state)
{
    Fixture *fixture = g_new0(Fixture, 1);
    int ends[2];

    signal(SIGPIPE, SIG_IGN);
    fixture->set = tn_watch_set_new(NULL, NULL);
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
        return -1;
    fixture->reader = ends[0];
    tn_feed_init(&fixture->feed, &ends[1]);
    *state = fixture;
    return ends[1] != -1;
}

static int
tear_down(void **state)
{
    Fixture *fixture = *state;

    tn_feed_clear(&fixture->feed);
    tn_fd_clear(&fixture->reader);
    tn_watch_set_free(fixture->set);
    g_free(fixture);
    return 0;
}

static void
push(Fixture *fixture, const char *text)
{
    g_autoptr(GBytes) bytes = g_bytes_new(text, strlen(text));

    tn_feed_push(&fixture->feed, bytes);
}

static GBytes *
make_large(gsize size)
{
    uint8_t *data = g_malloc(size);

    for (gsize i = 0; i < size; i++)
        data[i] = (uint8_t)(i * 31 >> 5);
    return g_bytes_new_take(data, size);
}

/* Reads to the end while the loop runs. */
static GBytes *
read_all(Fixture *fixture)
{
    g_autoptr(GByteArray) all = g_byte_array_new();
    gint64 until = tn_clock_monotonic_us() + PATIENCE_US;

    for (;;) {
        uint8_t piece[30000];
        ssize_t n = read(fixture->reader, piece, sizeof piece);

        assert_true(tn_clock_monotonic_us() < until);
        if (n == 0)
            return g_byte_array_free_to_bytes(g_steal_pointer(&all));
        if (n > 0)
            g_byte_array_append(all, piece, (guint)n);
        g_main_context_iteration(NULL, FALSE);
    }
}

static void
test_small_needs_no_loop(void **state)
{
    Fixture *fixture = *state;
    char text[20] = "";

    push(fixture, "one ");
    push(fixture, "");
    push(fixture, "two");
    tn_feed_finish(&fixture->feed);
    assert_int_equal(fixture->feed.fd, -1);
    assert_int_equal(read(fixture->reader, text, sizeof text), 7);
    assert_string_equal(text, "one two");
    assert_int_equal(read(fixture->reader, text, sizeof text), 0);
}

static void
test_large_arrives_whole(void **state)
{
    Fixture *fixture = *state;
    g_autoptr(GBytes) large = make_large(3 << 20);
    g_autoptr(GBytes) got = NULL;

    tn_feed_push(&fixture->feed, large);
    tn_feed_finish(&fixture->feed);
    assert_true(fixture->feed.waiting > 0);
    assert_true(tn_feed_start(&fixture->feed, fixture->set, NULL));
    got = read_all(fixture);
    assert_true(g_bytes_equal(large, got));
    assert_int_equal(fixture->feed.fd, -1);
}

static void
test_bytes_pushed_later(void **state)
{
    Fixture *fixture = *state;
    g_autoptr(GBytes) large = make_large(200000);
    g_autoptr(GBytes) got = NULL;

    assert_true(tn_feed_start(&fixture->feed, fixture->set, NULL));
    assert_null(fixture->feed.watch.set); /* nothing to write: nobody is woken */
    tn_feed_push(&fixture->feed, large);
    tn_feed_push(&fixture->feed, large);
    tn_feed_finish(&fixture->feed);
    got = read_all(fixture);
    assert_int_equal(g_bytes_get_size(got), 400000);
    assert_memory_equal((const char *)g_bytes_get_data(got, NULL) + 200000,
                        g_bytes_get_data(large, NULL), 200000);
}

static void
test_reader_goes_away(void **state)
{
    Fixture *fixture = *state;
    g_autoptr(GBytes) large = make_large(3 << 20);

    tn_feed_push(&fixture->feed, large);
    assert_true(tn_feed_start(&fixture->feed, fixture->set, NULL));
    tn_fd_clear(&fixture->reader);
    run_until(fixture->feed.fd == -1);
    assert_int_equal(fixture->feed.waiting, 0);
    push(fixture, "more"); /* does no harm */
    assert_int_equal(fixture->feed.waiting, 0);
    assert_int_equal(fixture->feed.total, (3 << 20) + 4);
}

static gint64
get_cpu_us(void)
{
    struct timespec used;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (gint64)used.tv_sec * G_USEC_PER_SEC + used.tv_nsec / 1000;
}

static gboolean
set_flag(gpointer data)
{
    *(gboolean *)data = TRUE;
    return G_SOURCE_REMOVE;
}

static void
test_reader_that_never_reads_costs_nothing(void **state)
{
    Fixture *fixture = *state;
    g_autoptr(GBytes) large = make_large(3 << 20);
    gboolean over = FALSE;
    gint64 before;

    tn_feed_push(&fixture->feed, large);
    assert_true(tn_feed_start(&fixture->feed, fixture->set, NULL));
    before = get_cpu_us();
    g_timeout_add(500, set_flag, &over);
    run_until(over);
    assert_true(get_cpu_us() - before < 50000);
    assert_true(fixture->feed.fd >= 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_small_needs_no_loop, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_large_arrives_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bytes_pushed_later, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_reader_goes_away, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_reader_that_never_reads_costs_nothing, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
