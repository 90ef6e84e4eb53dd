/* SPDX-License-Identifier: Apache-2.0 */

/*
 * [file] rules from their text to the file that is opened, for a tree that is root's alone: rules
 * about places where others may write are refused.
 */

#include "platform/fd.h"
#include "policy/policy.h"

#include <glib/gstdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    SKIPPED = 77,
};

static const TnPolicyCommand COMMANDS[] = {
    {.name = "guest-file-open", .group = "@file-read"},
    {.name = "tenon-file-stat", .group = "@file-read"},
    {.name = "tenon-file-rename", .group = "@file-write"},
};

typedef struct {
    char *root;   /* root's alone */
    char *policy; /* below it */
    char *data;   /* below it, what rules are about */
    TnPolicyHolder *holder;
} Fixture;

static int
set_up(void **state)
{
    Fixture *fixture = g_new0(Fixture, 1);
    char root[] = "/var/lib/tn-files-XXXXXX";

    assert_non_null(g_mkdtemp_full(root, 0755));
    fixture->root = g_strdup(root);
    fixture->policy = g_build_filename(root, "policy", NULL);
    fixture->data = g_build_filename(root, "data", NULL);
    assert_int_equal(g_mkdir(fixture->policy, 0700), 0);
    assert_int_equal(g_mkdir(fixture->data, 0755), 0);
    *state = fixture;
    return 0;
}

static int
tear_down(void **state)
{
    Fixture *fixture = *state;
    const char *argv[] = {"/bin/rm", "-rf", fixture->root, NULL};

    g_spawn_sync(NULL, (char **)(uintptr_t)argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL, NULL,
                 NULL, NULL);
    tn_policy_holder_free(fixture->holder);
    g_free(fixture->root);
    g_free(fixture->policy);
    g_free(fixture->data);
    g_free(fixture);
    return 0;
}

/* Puts FORMAT's text into force; returns why it seals the agent, NULL when it does not. */
static const char *load(Fixture *fixture, const char *format, ...) G_GNUC_PRINTF(2, 3);

static const char *
load(Fixture *fixture, const char *format, ...)
{
    TnPolicyOptions options = {
        .commands = COMMANDS,
        .n_commands = G_N_ELEMENTS(COMMANDS),
        .policy_dir = fixture->policy,
    };
    g_autofree char *path = g_build_filename(fixture->policy, "50-test.conf", NULL);
    g_autofree char *text = NULL;
    va_list args;

    va_start(args, format);
    text = g_strdup_vprintf(format, args);
    va_end(args);
    assert_true(
        g_file_set_contents_full(path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, NULL));
    tn_policy_holder_free(fixture->holder);
    fixture->holder = tn_policy_holder_new(&options, NULL);
    assert_non_null(fixture->holder);
    return tn_policy_get_sealed_reason(tn_policy_holder_get(fixture->holder));
}

static void
load_good(Fixture *fixture, const char *keys)
{
    const char *why = load(fixture, "[file f]\npath = %s\n%s", fixture->data, keys);

    if (why != NULL)
        fail_msg("%s", why);
}

static char *
make_file(const Fixture *fixture, const char *name)
{
    char *path = g_build_filename(fixture->data, name, NULL);

    assert_true(g_file_set_contents(path, "text", -1, NULL));
    return path;
}

typedef enum {
    REFUSED, /* by policy, before anything was opened */
    FAILED,  /* by the open */
    OPENED,
} Outcome;

static Outcome
try_open(const Fixture *fixture, const char *path, const char *mode)
{
    TnAction action = {
        .command = "guest-file-open", .group = "@file-read", .path = path, .mode = mode};
    g_autoptr(GError) error = NULL;
    g_autoptr(TnGrant) grant = tn_policy_grant(fixture->holder, &action, &error);
    TnOpenFlags flags = 0;
    tn_autofd int fd = -1;

    if (grant == NULL) {
        assert_int_equal(error->domain, TN_POLICY_ERROR);
        return REFUSED;
    }
    assert_true(tn_open_flags_parse(mode, &flags));
    fd = tn_open_plan_open(tn_grant_get_open_plan(grant), flags, NULL);
    return fd >= 0 ? OPENED : FAILED;
}

static void
test_reads_below_and_nowhere_else(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *inside = make_file(fixture, "a");
    g_autofree char *sibling = g_strconcat(fixture->data, "2", NULL);
    g_autofree char *dots = g_strconcat(fixture->data, "/../data/a", NULL);
    g_autofree char *twice = g_strconcat(fixture->data, "//a", NULL);
    g_autofree char *here = g_strconcat(fixture->data, "/./a", NULL);

    assert_true(g_file_set_contents(sibling, "x", -1, NULL));
    load_good(fixture, "access = read\n");
    assert_int_equal(try_open(fixture, inside, "r"), OPENED);
    assert_int_equal(try_open(fixture, inside, "r+"), REFUSED);
    assert_int_equal(try_open(fixture, inside, "w"), REFUSED);
    assert_int_equal(try_open(fixture, inside, "a"), REFUSED);
    assert_int_equal(try_open(fixture, sibling, "r"), REFUSED);
    assert_int_equal(try_open(fixture, dots, "r"), REFUSED);
    assert_int_equal(try_open(fixture, twice, "r"), REFUSED);
    assert_int_equal(try_open(fixture, here, "r"), REFUSED);
    assert_int_equal(try_open(fixture, "data/a", "r"), REFUSED);
    assert_int_equal(try_open(fixture, "/etc/passwd", "r"), REFUSED);
}

static void
test_a_rule_about_one_file(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *one = make_file(fixture, "one");
    g_autofree char *other = make_file(fixture, "one-more");

    assert_null(load(fixture, "[file f]\npath = %s\naccess = read\n", one));
    assert_int_equal(try_open(fixture, one, "r"), OPENED);
    assert_int_equal(try_open(fixture, other, "r"), REFUSED);
}

static void
test_creates_but_changes_nothing(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *old = make_file(fixture, "old");
    g_autofree char *fresh = g_build_filename(fixture->data, "new", NULL);
    g_autofree char *text = NULL;
    struct stat st;

    load_good(fixture, "access = create\nmode = 0640\n");
    assert_int_equal(try_open(fixture, fresh, "w"), OPENED);
    assert_int_equal(stat(fresh, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_int_equal(try_open(fixture, old, "w"), FAILED);
    assert_int_equal(try_open(fixture, old, "r"), REFUSED);
    assert_true(g_file_get_contents(old, &text, NULL, NULL));
    assert_string_equal(text, "text");
}

static void
test_appends_only(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *file = make_file(fixture, "log");

    load_good(fixture, "access = append\n");
    assert_int_equal(try_open(fixture, file, "a"), OPENED);
    assert_int_equal(try_open(fixture, file, "w"), REFUSED);
    assert_int_equal(try_open(fixture, file, "r+"), REFUSED);
    assert_int_equal(try_open(fixture, file, "a+"), REFUSED);
}

static void
test_kinds_links_and_sizes(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *file = make_file(fixture, "file");
    g_autofree char *hard = g_build_filename(fixture->data, "hard", NULL);
    g_autofree char *soft = g_build_filename(fixture->data, "soft", NULL);
    g_autofree char *fifo = g_build_filename(fixture->data, "fifo", NULL);

    assert_int_equal(symlink("file", soft), 0);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    load_good(fixture, "access = read\n");
    assert_int_equal(try_open(fixture, soft, "r"), FAILED);
    assert_int_equal(try_open(fixture, fifo, "r"), FAILED);
    assert_int_equal(try_open(fixture, file, "r"), OPENED);
    assert_int_equal(link(file, hard), 0);
    assert_int_equal(try_open(fixture, hard, "r"), FAILED);
    load_good(fixture, "access = read\nsymlinks = yes\nhardlinks = yes\ntypes = regular fifo\n");
    assert_int_equal(try_open(fixture, soft, "r"), OPENED);
    assert_int_equal(try_open(fixture, fifo, "r"), OPENED);
    assert_int_equal(try_open(fixture, hard, "r"), OPENED);
    load_good(fixture, "access = read\nhardlinks = yes\nmax-read = 3\n");
    assert_int_equal(try_open(fixture, file, "r"), FAILED);
}

static void
test_wants_directories_of_roots_own(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *file = make_file(fixture, "a");

    assert_int_equal(chmod(fixture->data, 0777), 0);
    load_good(fixture, "access = read\n");
    assert_int_equal(try_open(fixture, file, "r"), REFUSED);
    /* With somebody's own rights it is that somebody's affair. */
    load_good(fixture, "access = read\nas-user = nobody\n");
    assert_int_equal(try_open(fixture, file, "r"), OPENED);
    assert_int_equal(chmod(file, 0600), 0);
    assert_int_equal(try_open(fixture, file, "r"), FAILED);
}

static void
test_tenons_own_files_cannot_be_written(void **state)
{
    static const char *const paths[] = {
        "/etc", "/etc/tenon/policy.d", "/var/lib",  "/var/lib/tenon",
        "/",    "/dev/virtio-ports",   "/proc/self"};
    Fixture *fixture = *state;

    for (gsize i = 0; i < G_N_ELEMENTS(paths); i++) {
        const char *why = load(fixture, "[file f]\npath = %s\naccess = create\n", paths[i]);

        assert_non_null(why);
        if (strstr(why, "would let the host write") == NULL)
            fail_msg("%s: %s", paths[i], why);
        assert_null(load(fixture, "[file f]\npath = %s\naccess = read\n", paths[i]));
    }
}

static void
test_renames_need_both_ends(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *from = make_file(fixture, "a");
    g_autofree char *to = g_build_filename(fixture->data, "b", NULL);
    g_autofree char *out = g_build_filename(fixture->root, "b", NULL);
    TnAction action = {
        .command = "tenon-file-rename", .group = "@file-write", .path = from, .to = to};
    g_autoptr(TnGrant) inside = NULL;
    g_autoptr(TnGrant) outside = NULL;

    load_good(fixture, "access = write create\n");
    inside = tn_policy_grant(fixture->holder, &action, NULL);
    assert_non_null(inside);
    assert_non_null(tn_grant_get_to_plan(inside));
    action.to = out;
    outside = tn_policy_grant(fixture->holder, &action, NULL);
    assert_null(outside);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_reads_below_and_nowhere_else),
        TEST(test_a_rule_about_one_file),
        TEST(test_creates_but_changes_nothing),
        TEST(test_appends_only),
        TEST(test_kinds_links_and_sizes),
        TEST(test_wants_directories_of_roots_own),
        TEST(test_tenons_own_files_cannot_be_written),
        TEST(test_renames_need_both_ends),
    };

    if (geteuid() != 0) {
        print_message("needs root: the tree must be root's alone\n");
        return SKIPPED;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
