/* SPDX-License-Identifier: Apache-2.0 */

#include "platform/writeback.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define MIB ((gint64)1 << 20)

static int
make_file(void)
{
    g_autofree char *path = NULL;
    int fd = g_file_open_tmp("tenon-writeback-XXXXXX", &path, NULL);

    assert_true(fd >= 0);
    assert_int_equal(g_unlink(path), 0);
    return fd;
}

static guint
count_descriptors(void)
{
    g_autoptr(GDir) dir = g_dir_open("/proc/self/fd", 0, NULL);
    guint n = 0;

    assert_non_null(dir);
    while (g_dir_read_name(dir) != NULL)
        n++;
    return n;
}

/* The thread of a sync that nobody waits for. */
static void
wait_for_descriptors(guint n)
{
    for (guint i = 0; i < 1000 && count_descriptors() != n; i++)
        g_usleep(10000);
    assert_int_equal(count_descriptors(), n);
}

static void
test_content_is_untouched(void **state)
{
    guint before = count_descriptors();
    int fd = make_file();
    TnWriteback *writeback = tn_writeback_new(fd);
    g_autofree guint8 *piece = g_malloc(MIB);
    g_autofree guint8 *back = g_malloc(MIB);
    struct stat st;

    assert_non_null(writeback);
    for (gint64 at = 0; at < 70 * MIB; at += MIB) {
        memset(piece, (int)(at / MIB), MIB);
        assert_int_equal(pwrite(fd, piece, MIB, at), MIB);
        tn_writeback_note(writeback, at, at + MIB);
    }
    assert_int_equal(tn_writeback_sync(writeback, fd), 0);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_size, 70 * MIB);
    for (gint64 at = 0; at < 70 * MIB; at += MIB) {
        memset(piece, (int)(at / MIB), MIB);
        assert_int_equal(pread(fd, back, MIB, at), MIB);
        assert_memory_equal(back, piece, MIB);
    }
    tn_writeback_free(writeback);
    close(fd);
    wait_for_descriptors(before);
}

/* A pipe cannot be synced: what is noted of it fails ahead, in the thread, and is told at the end
 * although the last sync succeeds. */
static void
test_failure_ahead_is_told(void **state)
{
    int ends[2];
    int fd = make_file();
    TnWriteback *writeback = NULL;

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    writeback = tn_writeback_new(ends[1]);
    assert_int_equal(tn_writeback_sync(writeback, fd), 0);
    tn_writeback_note(writeback, 0, MIB); /* too little for a sync */
    assert_int_equal(tn_writeback_sync(writeback, fd), 0);
    tn_writeback_note(writeback, MIB, 33 * MIB);
    assert_int_equal(tn_writeback_sync(writeback, fd), EINVAL);
    tn_writeback_free(writeback);
    close(ends[0]);
    close(ends[1]);
    close(fd);
}

static void
test_last_failure_is_told(void **state)
{
    int fd = make_file();
    g_autoptr(TnWriteback) writeback = tn_writeback_new(fd);

    close(fd);
    assert_int_equal(tn_writeback_sync(writeback, fd), EBADF);
}

/* Without a descriptor, or when nothing was written. */
static void
test_none(void **state)
{
    int fd = make_file();

    assert_null(tn_writeback_new(-1));
    tn_writeback_note(NULL, 0, 64 * MIB);
    assert_int_equal(tn_writeback_sync(NULL, fd), 0);
    tn_writeback_free(NULL);
    close(fd);
}

/* Freed while a thread may still be at it. */
static void
test_freed_while_it_syncs(void **state)
{
    guint before = count_descriptors();

    for (guint i = 0; i < 50; i++) {
        int fd = make_file();
        TnWriteback *writeback = tn_writeback_new(fd);

        assert_int_equal(ftruncate(fd, 40 * MIB), 0);
        tn_writeback_note(writeback, 0, 40 * MIB);
        tn_writeback_note(writeback, 0, 40 * MIB);
        tn_writeback_free(writeback);
        close(fd);
    }
    wait_for_descriptors(before);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_content_is_untouched), cmocka_unit_test(test_failure_ahead_is_told),
        cmocka_unit_test(test_last_failure_is_told), cmocka_unit_test(test_none),
        cmocka_unit_test(test_freed_while_it_syncs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
