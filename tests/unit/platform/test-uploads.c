/* SPDX-License-Identifier: Apache-2.0 */

#include "platform/fd.h"
#include "platform/uploads.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

typedef struct {
    char *root;
    char *state;
    char *target;
    TnUploads *uploads;
    TnOpenPlan *plan;
    gint64 next;
} Bench;

static TnOpenPlan *
make_plan(const char *path)
{
    TnOpenSpec *spec = tn_open_spec_new();

    spec->path = g_strdup(path);
    spec->may_read = spec->may_write = spec->may_create = TRUE;
    spec->create_mode = 0640;
    return tn_open_plan_seal(spec);
}

static int
set_up(void **state)
{
    Bench *bench = g_new0(Bench, 1);

    bench->root = g_dir_make_tmp("tenon-uploads-XXXXXX", NULL);
    bench->state = g_build_filename(bench->root, "state", NULL);
    bench->target = g_build_filename(bench->root, "target", NULL);
    g_mkdir(bench->state, 0700);
    bench->uploads = tn_uploads_new(bench->state, NULL);
    assert_non_null(bench->uploads);
    bench->plan = make_plan(bench->target);
    bench->next = 1000;
    *state = bench;
    return 0;
}

static int
tear_down(void **state)
{
    Bench *bench = *state;
    const char *argv[] = {"/bin/rm", "-rf", bench->root, NULL};

    tn_uploads_free(bench->uploads);
    tn_open_plan_unref(bench->plan);
    g_spawn_sync(NULL, (char **)(uintptr_t)argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL, NULL,
                 NULL, NULL);
    g_free(bench->root);
    g_free(bench->state);
    g_free(bench->target);
    g_free(bench);
    return 0;
}

static TnUploadRequest
ask(Bench *bench)
{
    TnUploadRequest request = {.plan = bench->plan,
                               .channel = "c",
                               .number = bench->next++,
                               .size = -1,
                               .mode = -1,
                               .uid = -1,
                               .gid = -1};

    return request;
}

static gint64
begin(Bench *bench, const TnUploadRequest *request, char **ret_token, gint64 *ret_offset)
{
    g_autoptr(GError) error = NULL;
    gint64 number = 0;

    assert_true(tn_uploads_open(bench->uploads, request, &number, ret_token, ret_offset, &error));
    return number;
}

static gint64
put(Bench *bench, gint64 number, gint64 offset, const char *text)
{
    g_autoptr(GError) error = NULL;
    gint64 end = -1;

    if (!tn_uploads_write(bench->uploads, number, "c", offset, text, strlen(text), &end, &error)) {
        assert_non_null(error);
        return -1;
    }
    return end;
}

static int
finish(Bench *bench, gint64 number, const char *sha256)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *digest = NULL;
    gint64 size = -1;

    if (tn_uploads_finish(bench->uploads, number, "c", sha256, TRUE, TRUE, &size, &digest, &error))
        return -1;
    return error->code;
}

static void
expect_content(Bench *bench, const char *text)
{
    g_autofree char *content = NULL;

    assert_true(g_file_get_contents(bench->target, &content, NULL, NULL));
    assert_string_equal(content, text);
}

static guint
count_entries(const char *path)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    guint n = 0;

    while (g_dir_read_name(dir) != NULL)
        n++;
    return n;
}

static void
expect_nothing_left(Bench *bench)
{
    g_autofree char *records = g_build_filename(bench->state, "uploads", NULL);

    assert_int_equal(count_entries(records), 0);
    assert_int_equal(count_entries(bench->root), 2); /* state, target */
}

static void
test_replaces_by_rename(void **state)
{
    Bench *bench = *state;
    TnUploadRequest request = ask(bench);
    g_autofree char *token = NULL;
    gint64 offset = -1;
    struct stat st;
    gint64 number;

    assert_true(g_file_set_contents(bench->target, "old", -1, NULL));
    assert_int_equal(chmod(bench->target, 0604), 0);
    number = begin(bench, &request, &token, &offset);
    assert_int_equal(offset, 0);
    assert_int_equal(put(bench, number, 0, "hello "), 6);
    assert_int_equal(put(bench, number, 6, "world"), 11);
    assert_int_equal(put(bench, number, 3, "lo w"), 11);
    expect_content(bench, "old");
    assert_int_equal(finish(bench, number, NULL), -1);
    expect_content(bench, "hello world");
    assert_int_equal(stat(bench->target, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0604);
    expect_nothing_left(bench);
    /* It is over: the number is gone. */
    assert_int_equal(put(bench, number, 0, "x"), -1);
}

static void
test_keeps_the_old_file_on_errors(void **state)
{
    Bench *bench = *state;
    TnUploadRequest request = ask(bench);
    g_autofree char *token = NULL;
    gint64 offset = -1;
    gint64 number;

    request.size = 5;
    assert_true(g_file_set_contents(bench->target, "old", -1, NULL));
    number = begin(bench, &request, &token, &offset);
    assert_int_equal(put(bench, number, 1, "x"), -1);      /* a gap */
    assert_int_equal(put(bench, number, 0, "123456"), -1); /* more than announced */
    assert_int_equal(put(bench, number, -1, "x"), -1);
    assert_int_equal(put(bench, number, G_MAXINT64, "x"), -1);
    assert_int_equal(put(bench, number, 0, "123"), 3);
    assert_int_equal(finish(bench, number, NULL), G_IO_ERROR_PARTIAL_INPUT);
    assert_int_equal(put(bench, number, 3, "45"), 5);
    assert_int_equal(finish(bench, number, "00"), G_IO_ERROR_INVALID_DATA);
    expect_content(bench, "old");
    /* sha256 of "12345", from sha256sum(1) */
    assert_int_equal(
        finish(bench, number, "5994471ABB01112AFCC18159F6CC74B4F511B99806DA59B3CAF5A9C173CACFC5"),
        -1);
    expect_content(bench, "12345");
    expect_nothing_left(bench);
}

static void
test_refuses_an_existing_target(void **state)
{
    Bench *bench = *state;
    TnUploadRequest request = ask(bench);
    g_autofree char *token = NULL;
    g_autofree char *again = NULL;
    gint64 offset = -1;
    gint64 number;
    g_autoptr(GError) error = NULL;

    request.must_be_new = TRUE;
    number = begin(bench, &request, &token, &offset);
    assert_int_equal(put(bench, number, 0, "new"), 3);
    assert_true(g_file_set_contents(bench->target, "made meanwhile", -1, NULL));
    assert_int_equal(finish(bench, number, NULL), G_IO_ERROR_EXISTS);
    expect_content(bench, "made meanwhile");
    request.number = bench->next++;
    assert_false(tn_uploads_open(bench->uploads, &request, &number, &again, &offset, &error));
    assert_true(g_error_matches(error, G_IO_ERROR, G_IO_ERROR_EXISTS));
}

/* The token of one file does not open another. */
static void
expect_other_refused(Bench *bench, char *token)
{
    g_autofree char *other = g_strconcat(bench->target, "2", NULL);
    g_autoptr(TnOpenPlan) plan = make_plan(other);
    TnUploadRequest request = ask(bench);
    g_autofree char *same = NULL;
    gint64 number = -1;
    gint64 offset = -1;

    request.plan = plan;
    for (guint i = 0; i < 2; i++) {
        g_autoptr(GError) error = NULL;

        request.resume = i == 0 ? token : NULL;
        request.token = i == 0 ? NULL : token;
        assert_false(tn_uploads_open(bench->uploads, &request, &number, &same, &offset, &error));
        assert_true(g_error_matches(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND));
    }
}

static void
test_resumes_after_a_restart(void **state)
{
    Bench *bench = *state;
    TnUploadRequest request = ask(bench);
    g_autofree char *token = NULL;
    g_autofree char *same = NULL;
    gint64 offset = -1;
    gint64 number = begin(bench, &request, &token, &offset);

    assert_int_equal(put(bench, number, 0, "half"), 4);
    expect_other_refused(bench, token);
    tn_uploads_free(bench->uploads);
    bench->uploads = tn_uploads_new(bench->state, NULL);
    assert_int_equal(put(bench, number, 4, "x"), -1);
    expect_other_refused(bench, token);
    request = ask(bench);
    request.resume = token;
    number = begin(bench, &request, &same, &offset);
    assert_string_equal(same, token);
    assert_int_equal(offset, 4);
    assert_int_equal(put(bench, number, 4, " done"), 9);
    assert_int_equal(finish(bench, number, NULL), -1);
    expect_content(bench, "half done");
    expect_nothing_left(bench);
}

static void
test_takes_a_chosen_token(void **state)
{
    Bench *bench = *state;
    TnUploadRequest request = ask(bench);
    const char *chosen = "0123456789abcdef0123456789abcdef";
    g_autofree char *record = NULL;
    g_autofree char *token = NULL;
    g_autofree char *same = NULL;
    g_autofree char *third = NULL;
    gint64 offset = -1;
    gint64 number;
    g_autoptr(GError) error = NULL;

    request.token = "../../0123456789abcdef0123456789";
    assert_false(tn_uploads_open(bench->uploads, &request, &number, &token, &offset, &error));
    assert_true(g_error_matches(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT));
    /* What an agent leaves that is killed while it makes the record. */
    record = g_build_filename(bench->state, "uploads", chosen, NULL);
    assert_true(g_file_set_contents(record, "", 0, NULL));
    request.token = chosen;
    number = begin(bench, &request, &token, &offset);
    assert_string_equal(token, chosen);
    assert_int_equal(offset, 0);
    assert_int_equal(put(bench, number, 0, "half"), 4);
    /* The same request again, as when its reply was lost: no second upload. */
    request.number = bench->next++;
    assert_int_equal(begin(bench, &request, &same, &offset), number);
    assert_int_equal(offset, 4);
    assert_int_equal(tn_uploads_count(bench->uploads), 1);
    /* And so by another agent. */
    tn_uploads_free(bench->uploads);
    bench->uploads = tn_uploads_new(bench->state, NULL);
    number = begin(bench, &request, &third, &offset);
    assert_int_equal(offset, 4);
    assert_int_equal(put(bench, number, 4, " done"), 9);
    assert_int_equal(finish(bench, number, NULL), -1);
    expect_content(bench, "half done");
    expect_nothing_left(bench);
}

static void
test_forgets_after_a_day(void **state)
{
    Bench *bench = *state;
    TnUploadRequest request = ask(bench);
    g_autofree char *token = NULL;
    g_autofree char *record = NULL;
    gint64 offset = -1;
    struct timespec old[2] = {{.tv_sec = time(NULL) - 86400 - 60}, {.tv_sec = time(NULL) - 86460}};

    begin(bench, &request, &token, &offset);
    record = g_build_filename(bench->state, "uploads", token, NULL);
    tn_uploads_free(bench->uploads);
    bench->uploads = tn_uploads_new(bench->state, NULL);
    assert_true(g_file_test(record, G_FILE_TEST_EXISTS));
    tn_uploads_free(bench->uploads);
    assert_int_equal(utimensat(AT_FDCWD, record, old, 0), 0);
    bench->uploads = tn_uploads_new(bench->state, NULL);
    assert_false(g_file_test(record, G_FILE_TEST_EXISTS));
    assert_int_equal(count_entries(bench->root), 1); /* state */
}

static void
test_drops(void **state)
{
    Bench *bench = *state;
    TnUploadRequest request = ask(bench);
    g_autofree char *token = NULL;
    gint64 offset = -1;
    gint64 number = begin(bench, &request, &token, &offset);
    g_autoptr(GError) error = NULL;

    assert_int_equal(put(bench, number, 0, "half"), 4);
    assert_false(tn_uploads_drop(bench->uploads, number, "other", &error));
    g_clear_error(&error);
    assert_true(tn_uploads_drop(bench->uploads, number, "c", &error));
    assert_int_equal(count_entries(bench->root), 1);
    assert_false(tn_uploads_drop(bench->uploads, number, "c", &error));
    assert_true(g_error_matches(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND));
}

static void
test_keeps_holes(void **state)
{
    Bench *bench = *state;
    TnUploadRequest request = ask(bench);
    g_autofree char *token = NULL;
    gint64 offset = -1;
    struct stat st;
    gint64 number;

    request.sparse = TRUE;
    request.size = 64 << 20;
    number = begin(bench, &request, &token, &offset);
    assert_int_equal(put(bench, number, 32 << 20, "middle"), (32 << 20) + 6);
    assert_int_equal(finish(bench, number, NULL), -1);
    assert_int_equal(stat(bench->target, &st), 0);
    assert_int_equal(st.st_size, 64 << 20);
    assert_true(st.st_blocks * 512 < 1 << 20);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_replaces_by_rename),
        TEST(test_keeps_the_old_file_on_errors),
        TEST(test_refuses_an_existing_target),
        TEST(test_resumes_after_a_restart),
        TEST(test_takes_a_chosen_token),
        TEST(test_forgets_after_a_day),
        TEST(test_drops),
        TEST(test_keeps_holes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
