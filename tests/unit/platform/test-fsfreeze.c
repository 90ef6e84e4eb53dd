/* SPDX-License-Identifier: Apache-2.0 */

#include "platform/fsfreeze.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/tree.h"

/* A machine whose mount points are numbers: descriptors are files in /tmp with their path inside.
 */
static struct {
    GPtrArray *calls; /* of char *: "freeze /a", in their order */
    const char *fails;
    int why;
    GHashTable *paths; /* descriptor to path */
} machine;

static int
fake_open(const char *path)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

    g_hash_table_insert(machine.paths, GINT_TO_POINTER(fd), g_strdup(path));
    return fd;
}

static int
record(const char *word, int fd)
{
    const char *path = g_hash_table_lookup(machine.paths, GINT_TO_POINTER(fd));

    g_ptr_array_add(machine.calls, g_strdup_printf("%s %s", word, path));
    if (g_strcmp0(machine.fails, path) != 0)
        return 0;
    errno = machine.why;
    return -1;
}

static int
fake_freeze(int fd)
{
    return record("freeze", fd);
}

static int
fake_thaw(int fd)
{
    return record("thaw", fd);
}

static const TnFsfreezeOps ops = {fake_open, fake_freeze, fake_thaw};

static const char mountinfo[] = "20 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
                                "21 20 8:2 / /srv rw - ext4 /dev/sda2 rw\n"
                                "22 20 7:0 / /early rw - ext4 /dev/loop0 rw\n"
                                "23 20 8:3 / /var rw - xfs /dev/sda3 rw\n"
                                "24 20 0:30 / /tmp rw - tmpfs tmpfs rw\n"
                                "25 20 8:4 / /ntfs rw - fuseblk /dev/sda4 rw\n"
                                "26 20 8:2 /sub /again rw - ext4 /dev/sda2 rw\n";

static int
set_up(void **state)
{
    Tree *tree = tree_new();

    machine.calls = g_ptr_array_new_with_free_func(g_free);
    machine.paths = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    machine.fails = NULL;
    tree_put(tree, "proc/self/mountinfo", mountinfo);
    for (guint i = 1; i <= 4; i++) {
        g_autofree char *name = g_strdup_printf("sys/dev/block/8:%u", i);
        g_autofree char *target = g_strdup_printf("../../class/block/sda%u", i);
        g_autofree char *dir = g_strdup_printf("sys/class/block/sda%u", i);

        tree_mkdir(tree, dir);
        tree_link(tree, name, target);
    }
    /* /early stands on a mapping of a loop device, whose file lies below /var. */
    tree_put(tree, "sys/class/block/loop0/loop/backing_file", "/var/lib/disk image\n");
    tree_link(tree, "sys/dev/block/7:0", "../../class/block/loop0");
    *state = tree;
    return 0;
}

static int
tear_down(void **state)
{
    g_ptr_array_unref(machine.calls);
    g_hash_table_unref(machine.paths);
    tree_free(*state);
    return 0;
}

static void
assert_paths(const GPtrArray *items, const char *expected)
{
    g_autoptr(GString) text = g_string_new(NULL);

    for (guint i = 0; i < items->len; i++)
        g_string_append_printf(text, "%s ", ((TnFreezeItem *)items->pdata[i])->path);
    assert_string_equal(text->str, expected);
}

static void
test_stacked_goes_first(void **state)
{
    Tree *tree = *state;
    g_autoptr(GPtrArray) items = tn_fsfreeze_list(tree->fd, NULL, NULL, NULL);

    assert_non_null(items);
    assert_paths(items, "/early /var /srv / ");
}

static void
test_below_a_mapping_too(void **state)
{
    Tree *tree = *state;
    g_autoptr(GPtrArray) items = NULL;

    tree_put(tree, "sys/class/block/dm-0/slaves/loop0/dev", "7:0\n");
    tree_link(tree, "sys/dev/block/253:0", "../../class/block/dm-0");
    tree_put(tree, "proc/self/mountinfo",
             "20 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
             "21 20 253:0 / /mapped rw - ext4 /dev/dm-0 rw\n"
             "22 20 8:3 / /var rw - ext4 /dev/sda3 rw\n");
    items = tn_fsfreeze_list(tree->fd, NULL, NULL, NULL);
    assert_paths(items, "/mapped /var / ");
}

static void
test_wanted_and_unknown(void **state)
{
    static const char *const wanted[] = {"/var/", "/nowhere", "/early", NULL};
    static const char *const none[] = {NULL};
    Tree *tree = *state;
    g_autoptr(GPtrArray) unknown = NULL;
    g_autoptr(GPtrArray) items = tn_fsfreeze_list(tree->fd, wanted, &unknown, NULL);
    g_autoptr(GPtrArray) nothing = tn_fsfreeze_list(tree->fd, none, NULL, NULL);

    assert_paths(items, "/early /var ");
    assert_int_equal(unknown->len, 1);
    assert_string_equal(unknown->pdata[0], "/nowhere");
    assert_int_equal(nothing->len, 0);
}

static void
freeze_all(Tree *tree, GPtrArray *items, const char *journal_file, gboolean expected, guint *ret_n)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(TnFreezeJournal) journal = NULL;

    assert_true(tn_fsfreeze_open(items, &ops, NULL));
    journal = tn_fsfreeze_journal_new(journal_file, items, NULL);
    assert_non_null(journal);
    assert_int_equal(tn_fsfreeze_freeze(items, journal, &ops, ret_n, &error), expected);
    if (!expected)
        assert_string_equal(error->message, "failed to freeze /srv: Input/output error");
}

static void
test_thaws_what_it_froze(void **state)
{
    Tree *tree = *state;
    g_autofree char *file = g_build_filename(tree->path, "journal", NULL);
    g_autoptr(GPtrArray) items = tn_fsfreeze_list(tree->fd, NULL, NULL, NULL);
    guint n = 0;

    machine.fails = "/var"; /* somebody else froze it */
    machine.why = EBUSY;
    freeze_all(tree, items, file, TRUE, &n);
    assert_int_equal(n, 3);
    g_ptr_array_set_size(machine.calls, 0);
    assert_int_equal(tn_fsfreeze_thaw(items, &ops), 3);
    assert_int_equal(machine.calls->len, 3);
    assert_string_equal(machine.calls->pdata[0], "thaw /");
    assert_string_equal(machine.calls->pdata[1], "thaw /srv");
    assert_string_equal(machine.calls->pdata[2], "thaw /early");
    assert_int_equal(tn_fsfreeze_thaw(items, &ops), 0);
}

static void
test_failure_leaves_the_rest_alone(void **state)
{
    Tree *tree = *state;
    g_autofree char *file = g_build_filename(tree->path, "journal", NULL);
    g_autoptr(GPtrArray) items = tn_fsfreeze_list(tree->fd, NULL, NULL, NULL);
    guint n = 7;

    machine.fails = "/srv";
    machine.why = EIO;
    freeze_all(tree, items, file, FALSE, &n);
    assert_int_equal(n, 7);
    machine.fails = NULL;
    assert_int_equal(tn_fsfreeze_thaw(items, &ops), 2);
    assert_string_equal(machine.calls->pdata[machine.calls->len - 1], "thaw /early");
}

/* The agent was killed in between: the next one knows from the journal. */
static void
test_journal_tells_the_next(void **state)
{
    Tree *tree = *state;
    g_autofree char *file = g_build_filename("/dev/shm", "tenon-test-journal-XXXXXX", NULL);
    g_autoptr(GPtrArray) items = tn_fsfreeze_list(tree->fd, NULL, NULL, NULL);
    g_autoptr(GPtrArray) found = NULL;
    int fd = g_mkstemp(file);
    guint n = 0;

    if (fd < 0)
        skip();
    close(fd);
    machine.fails = "/var";
    machine.why = EBUSY;
    freeze_all(tree, items, file, TRUE, &n);
    found = tn_fsfreeze_journal_read(file);
    unlink(file);
    assert_paths(found, "/early /var /srv / ");
    machine.fails = NULL;
    assert_int_equal(tn_fsfreeze_thaw(found, &ops), 3); /* not /var, which was skipped */
}

static void
test_journal_with_any_bytes(void **state)
{
    Tree *tree = *state;
    g_autofree char *file = g_build_filename(tree->path, "journal", NULL);
    g_autoptr(GPtrArray) found = NULL;

    tree_put(tree, "journal",
             "try sda1 /a\\nb c\ndone sda1 /a\\nb c\ntry sda2 /x\nnonsense\ntry s");
    found = tn_fsfreeze_journal_read(file);
    assert_int_equal(found->len, 2);
    assert_string_equal(((TnFreezeItem *)found->pdata[0])->path, "/a\nb c");
    assert_int_equal(((TnFreezeItem *)found->pdata[0])->state, TN_FREEZE_DONE);
    assert_int_equal(((TnFreezeItem *)found->pdata[1])->state, TN_FREEZE_BEGUN);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_stacked_goes_first),
        TEST(test_below_a_mapping_too),
        TEST(test_wanted_and_unknown),
        TEST(test_thaws_what_it_froze),
        TEST(test_failure_leaves_the_rest_alone),
        TEST(test_journal_tells_the_next),
        TEST(test_journal_with_any_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
