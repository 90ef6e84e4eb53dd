/* SPDX-License-Identifier: Apache-2.0 */

/* Bounded output: limits to the byte, budgets, offsets, spans that outlive what they show. */

#include "platform/capture.h"

#include <glib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    int ends[2];
    uint8_t *scratch;
    guint64 written;
} Fixture;

static int
set_up(void **state)
{
    Fixture *fixture = g_new0(Fixture, 1);

    fixture->scratch = g_malloc(TN_CAPTURE_SCRATCH_BYTES);
    *state = fixture;
    return pipe2(fixture->ends, O_CLOEXEC | O_NONBLOCK);
}

static int
tear_down(void **state)
{
    Fixture *fixture = *state;

    close(fixture->ends[0]);
    if (fixture->ends[1] >= 0)
        close(fixture->ends[1]);
    g_free(fixture->scratch);
    g_free(fixture);
    return 0;
}

/* The byte that stands at OFFSET of the stream. */
static uint8_t
make_byte(guint64 offset)
{
    return (uint8_t)(offset * 2654435761U >> 13);
}

/* Writes SIZE bytes of the pattern in pieces of PIECE, reading after each one. */
static TnCaptureState
pump(Fixture *fixture, TnCapture *capture, guint64 size, gsize piece)
{
    g_autofree uint8_t *data = g_malloc(piece);
    TnCaptureState state = TN_CAPTURE_AGAIN;
    guint64 done = 0;

    while (done < size) {
        gsize n = (gsize)MIN((guint64)piece, size - done);
        ssize_t taken;

        for (gsize i = 0; i < n; i++)
            data[i] = make_byte(fixture->written + i);
        taken = write(fixture->ends[1], data, n);
        assert_true(taken > 0);
        fixture->written += (guint64)taken;
        done += (guint64)taken;
        do
            state = tn_capture_read(capture, fixture->ends[0], fixture->scratch);
        while (state == TN_CAPTURE_MORE);
        if (state == TN_CAPTURE_STOP)
            break;
    }
    return state;
}

static void
check_span(TnCaptureSpan *span, guint64 offset, guint64 size, gsize max)
{
    guint64 seen = 0;
    const uint8_t *data;
    gsize n;

    assert_int_equal(tn_capture_span_get_size(span), size);
    while ((n = tn_capture_span_next(span, max, &data)) > 0) {
        assert_true(n <= max);
        for (gsize i = 0; i < n; i++)
            if (data[i] != make_byte(offset + seen + i))
                fail_msg("byte %d differs", (int)(offset + seen + i));
        seen += n;
    }
    assert_int_equal(seen, size);
}

static void
check_held(const TnCapture *capture, guint64 from, guint64 end, guint64 dropped)
{
    g_autoptr(TnCaptureSpan) span = tn_capture_span_new(capture, 0, G_MAXUINT64);

    assert_int_equal(tn_capture_get_from(capture), from);
    assert_int_equal(tn_capture_get_end(capture), end);
    assert_int_equal(tn_capture_get_dropped(capture), dropped);
    check_span(span, from, end - from, 192 * 1024);
}

static void
test_limit_to_the_byte(void **state)
{
    static const struct {
        guint64 size;
        gsize piece;
    } cases[] = {{1, 1}, {1000, 7}, {70000, 65536}, {3000000, 65536}, {100000, 999}};

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        for (int extra = -1; extra <= 1; extra++) {
            Fixture *fixture = *state;
            guint64 limit = cases[i].size + (guint64)(gint64)extra;
            TnCaptureBudget budget = {.limit_bytes = limit};
            g_autoptr(TnCapture) capture = tn_capture_new(TN_CAPTURE_HEAD, &budget, 0);
            guint64 kept = MIN(limit, cases[i].size);

            fixture->written = 0;
            pump(fixture, capture, cases[i].size, cases[i].piece);
            assert_int_equal(tn_capture_get_total(capture), cases[i].size);
            check_held(capture, 0, kept, cases[i].size - kept);
            assert_int_equal(budget.held_bytes[0], kept);
        }
    }
}

static void
test_shared_budget(void **state)
{
    Fixture *fixture = *state;
    TnCaptureBudget budget = {.limit_bytes = 3100000, .reserved_bytes = 65536};
    TnCapture *out = tn_capture_new(TN_CAPTURE_HEAD, &budget, 0);
    TnCapture *err = tn_capture_new(TN_CAPTURE_HEAD, &budget, 1);

    pump(fixture, out, 4000000, 65536);
    check_held(out, 0, 3100000 - 65536, 4000000 - (3100000 - 65536));
    fixture->written = 0;
    pump(fixture, err, 65536, 4096);
    check_held(err, 0, 65536, 0);
    pump(fixture, err, 1, 1);
    check_held(err, 0, 65536, 1);
    tn_capture_free(out);
    assert_int_equal(budget.held_bytes[0], 0);
    /* Room that comes back does not make a gap. */
    pump(fixture, err, 10, 10);
    check_held(err, 0, 65536, 11);
    tn_capture_free(err);
}

static void
test_other_stream_may_take_the_rest(void **state)
{
    Fixture *fixture = *state;
    TnCaptureBudget budget = {.limit_bytes = 1000, .reserved_bytes = 100};
    g_autoptr(TnCapture) out = tn_capture_new(TN_CAPTURE_HEAD, &budget, 0);
    g_autoptr(TnCapture) err = tn_capture_new(TN_CAPTURE_HEAD, &budget, 1);

    pump(fixture, out, 300, 300);
    fixture->written = 0;
    pump(fixture, err, 800, 800);
    check_held(err, 0, 700, 100);
    fixture->written = 300;
    pump(fixture, out, 1, 1);
    check_held(out, 0, 300, 1);
}

static void
test_pool_and_stream_limit(void **state)
{
    Fixture *fixture = *state;
    TnCapturePool pool = {.limit_bytes = 500};
    TnCaptureBudget a = {.pool = &pool, .limit_bytes = 1000, .stream_max_bytes = 400};
    TnCaptureBudget b = {.pool = &pool, .limit_bytes = 1000};
    TnCapture *first = tn_capture_new(TN_CAPTURE_HEAD, &a, 0);
    TnCapture *second = tn_capture_new(TN_CAPTURE_HEAD, &b, 0);

    pump(fixture, first, 450, 450);
    check_held(first, 0, 400, 50);
    fixture->written = 0;
    pump(fixture, second, 300, 300);
    check_held(second, 0, 100, 200);
    assert_int_equal(pool.held_bytes, 500);
    tn_capture_free(first);
    tn_capture_free(second);
    assert_int_equal(pool.held_bytes, 0);
}

static void
test_tail_keeps_the_last(void **state)
{
    static const gsize pieces[] = {1, 100, 5000, 65536};

    for (gsize i = 0; i < G_N_ELEMENTS(pieces); i++) {
        Fixture *fixture = *state;
        TnCaptureBudget budget = {.limit_bytes = 5000};
        g_autoptr(TnCapture) capture = tn_capture_new(TN_CAPTURE_TAIL, &budget, 1);

        fixture->written = 0;
        pump(fixture, capture, 4999, pieces[i]);
        check_held(capture, 0, 4999, 0);
        pump(fixture, capture, 20001, pieces[i]);
        check_held(capture, 20000, 25000, 20000);
        assert_int_equal(budget.held_bytes[1], 5000);
    }
}

static void
test_wait_loses_nothing(void **state)
{
    Fixture *fixture = *state;
    TnCaptureBudget budget = {.limit_bytes = 10000};
    g_autoptr(TnCapture) capture = tn_capture_new(TN_CAPTURE_WAIT, &budget, 0);
    guint64 read = 0;

    assert_int_equal(pump(fixture, capture, 30000, 30000), TN_CAPTURE_STOP);
    check_held(capture, 0, 10000, 0);
    while (read < 30000) {
        g_autoptr(TnCaptureSpan) span = tn_capture_span_new(capture, read, 777);
        guint64 size = tn_capture_span_get_size(span);

        check_span(span, read, size, 100);
        read += size;
        tn_capture_forget(capture, read);
        tn_capture_read(capture, fixture->ends[0], fixture->scratch);
        assert_true(tn_capture_get_end(capture) - tn_capture_get_from(capture) <= 10000);
    }
    assert_int_equal(read, 30000);
    assert_int_equal(tn_capture_get_dropped(capture), 0);
}

static void
test_span_outlives_capture(void **state)
{
    Fixture *fixture = *state;
    TnCaptureBudget budget = {.limit_bytes = 1 << 20};
    TnCapture *capture = tn_capture_new(TN_CAPTURE_HEAD, &budget, 0);
    g_autoptr(TnCaptureSpan) span = NULL;
    g_autoptr(TnCaptureSpan) none = NULL;

    pump(fixture, capture, 200000, 65536);
    span = tn_capture_span_new(capture, 1000, 150000);
    none = tn_capture_span_new(capture, 300000, 10);
    pump(fixture, capture, 100000, 65536); /* what comes later is not in it */
    tn_capture_forget(capture, 120000);
    tn_capture_drop(capture);
    assert_int_equal(tn_capture_get_dropped(capture), 180000);
    tn_capture_free(capture);
    check_span(span, 1000, 150000, 192 * 1024);
    check_span(none, 0, 0, 1);
}

static void
test_end_of_stream(void **state)
{
    Fixture *fixture = *state;
    TnCaptureBudget budget = {.limit_bytes = 100};
    g_autoptr(TnCapture) capture = tn_capture_new(TN_CAPTURE_HEAD, &budget, 0);

    assert_int_equal(tn_capture_read(capture, fixture->ends[0], fixture->scratch),
                     TN_CAPTURE_AGAIN);
    assert_int_equal(pump(fixture, capture, 5, 5), TN_CAPTURE_AGAIN);
    close(fixture->ends[1]);
    fixture->ends[1] = -1;
    assert_int_equal(tn_capture_read(capture, fixture->ends[0], fixture->scratch), TN_CAPTURE_END);
    check_held(capture, 0, 5, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_limit_to_the_byte, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_shared_budget, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_other_stream_may_take_the_rest, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_pool_and_stream_limit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_tail_keeps_the_last, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_wait_loses_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_span_outlives_capture, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_end_of_stream, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
