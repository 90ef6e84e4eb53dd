/* SPDX-License-Identifier: Apache-2.0 */

#include "platform/fd.h"
#include "platform/openfile.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <pthread.h>
#include <seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    RACE_OPENS = 20000,
};

typedef struct {
    char *root;
    char *inside; /* the rule's directory */
    char *secret; /* outside of it */
} Tree;

static int
set_up(void **state)
{
    Tree *tree = g_new0(Tree, 1);

    tree->root = g_dir_make_tmp("tenon-openfile-XXXXXX", NULL);
    tree->inside = g_build_filename(tree->root, "in", NULL);
    tree->secret = g_build_filename(tree->root, "secret", NULL);
    g_mkdir(tree->inside, 0755);
    g_file_set_contents(tree->secret, "secret", -1, NULL);
    *state = tree;
    return 0;
}

static int
tear_down(void **state)
{
    Tree *tree = *state;
    const char *argv[] = {"/bin/rm", "-rf", tree->root, NULL};

    g_spawn_sync(NULL, (char **)(uintptr_t)argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL, NULL,
                 NULL, NULL);
    g_free(tree->root);
    g_free(tree->inside);
    g_free(tree->secret);
    g_free(tree);
    return 0;
}

static TnOpenPlan *
make_plan(const char *below, const char *path)
{
    TnOpenSpec *spec = tn_open_spec_new();

    spec->path = g_strdup(path);
    spec->below = g_strdup(below);
    spec->may_read = spec->may_write = spec->may_create = TRUE;
    spec->create_mode = 0640;
    spec->types = below != NULL ? 1u << (S_IFREG >> 12) : 0;
    return tn_open_plan_seal(spec);
}

static gboolean has_openat2 = TRUE;

/* What the main thread gets is what a worker gets, or that a worker is needed; and nothing is ever
 * read from a file system that is not known. */
static void
check_open_now(const TnOpenPlan *plan, TnOpenFlags flags, int fd)
{
    g_autoptr(TnLocalFs) local = tn_localfs_new();
    tn_autofd int now = tn_open_plan_open_now(plan, flags, local, NULL);
    struct stat one;
    struct stat other;

    assert_true(now < 0);
    if (fd < 0)
        return;
    assert_int_equal(now, TN_OPEN_MIGHT_BLOCK);
    assert_true(tn_localfs_test(fd));
    tn_localfs_learn(local, fd);
    now = tn_open_plan_open_now(plan, flags, local, NULL);
    if ((flags & TN_OPEN_WRITE) != 0) {
        assert_int_equal(now, TN_OPEN_MIGHT_BLOCK);
        return;
    }
    if (!has_openat2) {
        assert_int_equal(now, TN_OPEN_MIGHT_BLOCK);
        return;
    }
    /* It was looked up a moment ago. */
    assert_true(now >= 0);
    assert_true((fcntl(now, F_GETFD) & FD_CLOEXEC) != 0);
    assert_int_equal(fstat(fd, &one) | fstat(now, &other), 0);
    assert_int_equal(one.st_ino, other.st_ino);
}

/* An error that the main thread meets is the one that a worker meets. */
static void
check_same_error(const TnOpenPlan *plan, TnOpenFlags flags, const char *known, const GError *error)
{
    g_autoptr(TnLocalFs) local = tn_localfs_new();
    g_autoptr(GError) why = NULL;
    tn_autofd int there = open(known, O_PATH | O_CLOEXEC);
    tn_autofd int now = -1;

    tn_localfs_learn(local, there);
    now = tn_open_plan_open_now(plan, flags, local, &why);
    assert_true(now < 0);
    if (now == -1)
        assert_int_equal(why->code, error->code);
}

/* Opens PATH below the rule's directory; returns the errno-like code, or -1 when it opened. */
static int
try_open(const char *below, const char *path, const char *mode)
{
    g_autoptr(TnOpenPlan) plan = make_plan(below, path);
    g_autoptr(GError) error = NULL;
    TnOpenFlags flags = 0;
    tn_autofd int fd = -1;

    assert_true(tn_open_flags_parse(mode, &flags));
    fd = tn_open_plan_open(plan, flags, &error);
    check_open_now(plan, flags, fd);
    if (error != NULL)
        check_same_error(plan, flags, below != NULL ? below : "/", error);
    if (fd >= 0) {
        assert_null(error);
        assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
        return -1;
    }
    assert_non_null(error);
    return error->code;
}

static void
test_parses_modes(void **state)
{
    static const char *const good[] = {"r",   "rb", "w",   "wb",  "a",  "ab",  "r+", "rb+",
                                       "r+b", "w+", "wb+", "w+b", "a+", "ab+", "a+b"};
    static const char *const bad[] = {"", "x", "rw", "r++", "br", "rbb", "w ", "re", "+", "r+bb"};
    TnOpenFlags flags;

    for (guint i = 0; i < G_N_ELEMENTS(good); i++)
        assert_true(tn_open_flags_parse(good[i], &flags));
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++)
        assert_false(tn_open_flags_parse(bad[i], &flags));
    assert_true(tn_open_flags_parse("a+", &flags));
    assert_int_equal(flags, TN_OPEN_READ | TN_OPEN_WRITE | TN_OPEN_CREATE | TN_OPEN_APPEND);
}

static void
test_creates_with_the_plans_mode(void **state)
{
    Tree *tree = *state;
    g_autofree char *path = g_build_filename(tree->inside, "new", NULL);
    mode_t old = umask(077);
    struct stat st;

    assert_int_equal(try_open(tree->inside, path, "w"), -1);
    umask(old);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    /* An existing file keeps its mode and is emptied. */
    assert_int_equal(chmod(path, 0600), 0);
    assert_true(g_file_set_contents(path, "x", -1, NULL));
    assert_int_equal(try_open(tree->inside, path, "w"), -1);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 0);
}

static void
test_stays_below(void **state)
{
    Tree *tree = *state;
    g_autofree char *link = g_build_filename(tree->inside, "link", NULL);
    g_autofree char *up = g_build_filename(tree->inside, "..", "secret", NULL);
    g_autofree char *sibling = g_strconcat(tree->inside, "x", NULL);
    g_autofree char *magic = g_build_filename(tree->inside, "root", NULL);
    g_autofree char *through = g_build_filename(magic, "etc", "passwd", NULL);

    assert_int_equal(symlink("../secret", link), 0);
    assert_int_equal(symlink("/proc/self/root", magic), 0);
    assert_int_equal(try_open(tree->inside, link, "r"), G_IO_ERROR_PERMISSION_DENIED);
    assert_int_equal(try_open(tree->inside, up, "r"), G_IO_ERROR_PERMISSION_DENIED);
    assert_int_equal(try_open(tree->inside, sibling, "r"), G_IO_ERROR_PERMISSION_DENIED);
    assert_int_equal(try_open(tree->inside, tree->secret, "r"), G_IO_ERROR_PERMISSION_DENIED);
    assert_int_equal(try_open(tree->inside, through, "r"), G_IO_ERROR_PERMISSION_DENIED);
    /* Without a rule the link is followed, as qemu-ga does: the check above can fail. */
    assert_int_equal(try_open(NULL, link, "r"), -1);
}

static void
test_refuses_hard_links_and_devices(void **state)
{
    Tree *tree = *state;
    g_autofree char *hard = g_build_filename(tree->inside, "hard", NULL);
    g_autofree char *fifo = g_build_filename(tree->inside, "fifo", NULL);

    assert_int_equal(link(tree->secret, hard), 0);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_int_equal(try_open(tree->inside, hard, "r"), G_IO_ERROR_PERMISSION_DENIED);
    assert_int_equal(try_open(tree->inside, fifo, "r"), G_IO_ERROR_PERMISSION_DENIED);
    assert_int_equal(try_open(NULL, hard, "r"), -1);
    assert_int_equal(try_open(NULL, fifo, "r"), -1);
    /* Nobody reads the FIFO: no wait, an error. */
    assert_int_not_equal(try_open(NULL, fifo, "w"), -1);
}

static void
test_never_creates_through_a_link(void **state)
{
    Tree *tree = *state;
    g_autofree char *dangling = g_build_filename(tree->inside, "dangling", NULL);
    g_autofree char *target = g_build_filename(tree->root, "made", NULL);

    assert_int_equal(symlink(target, dangling), 0);
    assert_int_not_equal(try_open(tree->inside, dangling, "w"), -1);
    assert_int_not_equal(try_open(NULL, dangling, "w"), -1);
    assert_false(g_file_test(target, G_FILE_TEST_EXISTS));
}

/* Whatever name leads there: a directory that nothing may be changed below is met as an object. */
static void
test_changes_nothing_forbidden(void **state)
{
    Tree *tree = *state;
    g_autofree char *own = g_build_filename(tree->inside, "own", NULL);
    g_autofree char *deep = g_build_filename(own, "deep", NULL);
    g_autofree char *path = g_build_filename(deep, "file", NULL);
    g_autofree char *other = g_build_filename(tree->inside, "file", NULL);
    const char *const forbidden[] = {"/nonexistent", own, NULL};
    const char *const paths[] = {path, other};

    assert_int_equal(g_mkdir(own, 0755), 0);
    assert_int_equal(g_mkdir(deep, 0755), 0);
    assert_true(g_file_set_contents(path, "x", -1, NULL));
    for (guint i = 0; i < G_N_ELEMENTS(paths); i++) {
        TnOpenSpec *spec = tn_open_spec_new();
        g_autoptr(TnOpenPlan) plan = NULL;
        g_autofree char *name = NULL;
        tn_autofd int fd = -1;
        tn_autofd int dir = -1;
        tn_autofd int reading = -1;

        spec->path = g_strdup(paths[i]);
        spec->below = g_strdup(tree->inside);
        spec->may_read = spec->may_write = spec->may_create = TRUE;
        spec->forbidden = forbidden;
        plan = tn_open_plan_seal(spec);
        fd = tn_open_plan_open(plan, TN_OPEN_WRITE | TN_OPEN_CREATE, NULL);
        dir = tn_open_plan_open_parent(plan, &name, NULL);
        reading = tn_open_plan_open(plan, TN_OPEN_READ, NULL);
        assert_int_equal(fd >= 0, i == 1);
        assert_int_equal(dir >= 0, i == 1);
        assert_true(reading >= 0);
    }
}

static void
test_opens_parent(void **state)
{
    Tree *tree = *state;
    g_autofree char *path = g_build_filename(tree->inside, "name", NULL);
    g_autofree char *slash = g_strconcat(path, "/", NULL);
    g_autoptr(TnOpenPlan) plan = make_plan(tree->inside, path);
    g_autoptr(TnOpenPlan) bad = make_plan(tree->inside, slash);
    g_autoptr(GError) error = NULL;
    g_autofree char *name = NULL;
    tn_autofd int fd = tn_open_plan_open_parent(plan, &name, &error);
    struct stat there;
    struct stat wanted;

    assert_true(fd >= 0);
    assert_string_equal(name, "name");
    assert_int_equal(fstat(fd, &there), 0);
    assert_int_equal(stat(tree->inside, &wanted), 0);
    assert_int_equal(there.st_ino, wanted.st_ino);
    g_clear_pointer(&name, g_free);
    assert_int_equal(tn_open_plan_open_parent(bad, &name, &error), -1);
    assert_non_null(error);
}

typedef struct {
    const char *one;
    const char *two;
    gint stop;
} Swap;

static gpointer
swap_for_ever(gpointer data)
{
    Swap *swap = data;

    while (!g_atomic_int_get(&swap->stop))
        syscall(SYS_renameat2, AT_FDCWD, swap->one, AT_FDCWD, swap->two, 2 /* RENAME_EXCHANGE */);
    return NULL;
}

/* A directory below the rule is exchanged with a link to the outside, all the time: the file
 * outside is never the one that is opened. */
static void
test_wins_a_rename_race(void **state)
{
    Tree *tree = *state;
    g_autofree char *dir = g_build_filename(tree->inside, "d", NULL);
    g_autofree char *other = g_build_filename(tree->inside, "l", NULL);
    g_autofree char *ours = g_build_filename(dir, "secret", NULL);
    g_autoptr(TnOpenPlan) plan = make_plan(tree->inside, ours);
    Swap swap = {dir, other, 0};
    GThread *thread;
    g_autoptr(TnLocalFs) local = tn_localfs_new();
    tn_autofd int there = -1;
    struct stat secret;
    guint opened[2] = {0}; /* by a worker's way, by the main thread's */
    guint escapes = 0;
    const char *wanted = g_getenv("TENON_RACE_OPENS");
    guint64 n = wanted != NULL ? g_ascii_strtoull(wanted, NULL, 10) : RACE_OPENS;

    assert_int_equal(g_mkdir(dir, 0755), 0);
    assert_true(g_file_set_contents(ours, "ours", -1, NULL));
    assert_int_equal(symlink(tree->root, other), 0);
    assert_int_equal(stat(tree->secret, &secret), 0);
    there = open(tree->secret, O_PATH | O_CLOEXEC);
    tn_localfs_learn(local, there);
    thread = g_thread_new("swap", swap_for_ever, &swap);
    for (guint64 i = 0; i < n; i++) {
        tn_autofd int fd = i % 2 == 0 ? tn_open_plan_open(plan, TN_OPEN_READ, NULL)
                                      : tn_open_plan_open_now(plan, TN_OPEN_READ, local, NULL);
        struct stat st;

        if (fd < 0)
            continue;
        opened[i % 2]++;
        assert_int_equal(fstat(fd, &st), 0);
        if (st.st_ino == secret.st_ino && st.st_dev == secret.st_dev)
            escapes++;
    }
    g_atomic_int_set(&swap.stop, 1);
    g_thread_join(thread);
    print_message("%u and %u of %" G_GUINT64_FORMAT " opens met the directory, %u escaped\n",
                  opened[0], opened[1], n, escapes);
    assert_true(opened[0] > 0 && opened[1] > 0);
    assert_int_equal(escapes, 0);
}

/* In a child that has no openat2. */
static void
check_walk(const Tree *tree, const char *file)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    g_autofree char *link = g_build_filename(tree->inside, "out", NULL);
    g_autofree char *through = g_build_filename(link, "secret", NULL);
    g_autofree char *up = g_build_filename(tree->inside, "..", "secret", NULL);

    assert_non_null(filter);
    assert_int_equal(seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(openat2), 0), 0);
    assert_int_equal(seccomp_load(filter), 0);
    seccomp_release(filter);
    assert_int_equal(syscall(SYS_openat2, AT_FDCWD, "/", NULL, 0), -1);
    assert_int_equal(errno, ENOSYS);
    has_openat2 = FALSE;

    assert_int_equal(try_open(tree->inside, file, "r"), -1);
    assert_int_equal(symlink(tree->root, link), 0);
    assert_int_equal(try_open(tree->inside, through, "r"), G_IO_ERROR_NOT_DIRECTORY);
    assert_int_equal(try_open(tree->inside, up, "r"), G_IO_ERROR_PERMISSION_DENIED);
    /* /proc is a mount of its own. */
    assert_int_equal(try_open("/", "/proc/version", "r"), G_IO_ERROR_PERMISSION_DENIED);
}

static void
test_without_openat2(void **state)
{
    Tree *tree = *state;
    g_autofree char *file = g_build_filename(tree->inside, "file", NULL);
    int status = 0;
    pid_t pid;

    assert_true(g_file_set_contents(file, "x", -1, NULL));
    /* The same with it. */
    assert_int_equal(try_open("/", "/proc/version", "r"), G_IO_ERROR_PERMISSION_DENIED);
    pid = fork();
    if (pid == 0) {
        check_walk(tree, file);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parses_modes),
        cmocka_unit_test_setup_teardown(test_creates_with_the_plans_mode, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_stays_below, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refuses_hard_links_and_devices, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_never_creates_through_a_link, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_changes_nothing_forbidden, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_opens_parent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_wins_a_rename_race, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_without_openat2, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
