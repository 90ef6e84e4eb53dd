/* SPDX-License-Identifier: Apache-2.0 */

#include "agent/dispatch.h"
#include "tests/unit/desk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

typedef struct {
    char *text;
    TnBytes data;
} Args;

typedef struct {
    char *text;
} Result;

typedef struct {
    TnBulk *bulk;
    int64_t count;
} Read;

/* What the handlers leave for their test; the module's state. */
typedef struct {
    TnCall *kept;
    guint n_hurries;
    GBytes *stolen;
    TnCall *submitted;
    guint n_ended;
} Scene;

static gpointer
create_scene(const TnModuleContext *context)
{
    return g_new0(Scene, 1);
}

static void
destroy_scene(gpointer module)
{
    Scene *scene = module;

    g_clear_pointer(&scene->stolen, g_bytes_unref);
    g_free(scene);
}

static gboolean
run_echo(TnCall *call, const void *args, void *result, GError **error)
{
    ((Result *)result)->text = g_strdup(((const Args *)args)->text);
    return TRUE;
}

static gboolean
run_nothing(TnCall *call, const void *args, void *result, GError **error)
{
    return TRUE;
}

static gboolean
run_failure(TnCall *call, const void *args, void *result, GError **error)
{
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "no such thing");
    return FALSE;
}

static gboolean
run_mute_failure(TnCall *call, const void *args, void *result, GError **error)
{
    return FALSE;
}

static void
note_hurry(TnCall *call, gpointer data)
{
    ((Scene *)data)->n_hurries++;
}

static gboolean
run_deferred(TnCall *call, const void *args, void *result, GError **error)
{
    Scene *scene = tn_call_get_module(call);

    tn_call_defer(call);
    tn_call_on_hurry(call, note_hurry, scene);
    scene->kept = call;
    return TRUE;
}

static gboolean
run_deferred_at_once(TnCall *call, const void *args, void *result, GError **error)
{
    tn_call_defer(call);
    tn_call_return(call);
    return TRUE;
}

static gboolean
run_steal(TnCall *call, const void *args, void *result, GError **error)
{
    Scene *scene = tn_call_get_module(call);
    TnBytes bytes = ((const Args *)args)->data;

    scene->stolen = tn_call_steal_bytes(call, &bytes);
    assert_null(bytes.data);
    return TRUE;
}

static gboolean
run_bytes_back(TnCall *call, const void *args, void *result, GError **error)
{
    const TnBytes *bytes = &((const Args *)args)->data;

    ((Result *)result)->text = g_strndup((const char *)bytes->data, bytes->size);
    return TRUE;
}

/* Called in any case; what WORK left is released here, once. */
static gboolean
end_work(TnCall *call, const void *args, void *result, GError **error)
{
    Scene *scene = tn_call_get_module(call);
    Result *text = result;

    scene->n_ended++;
    if (*error != NULL)
        return FALSE;
    if (strcmp(text->text, "bad") != 0)
        return TRUE;
    g_clear_pointer(&text->text, g_free);
    return run_failure(call, args, result, error);
}

static gboolean
run_go_on(TnCall *call, const void *args, void *result, GError **error)
{
    return tn_call_go_on(call, run_bytes_back, end_work);
}

static gboolean
run_go_on_and_fail(TnCall *call, const void *args, void *result, GError **error)
{
    return tn_call_go_on(call, run_failure, end_work);
}

typedef struct {
    TnBulk bulk;
    Read *read;
} Source;

static guint n_sources;

static gssize
pull_source(TnBulk *bulk, gsize max, const uint8_t **ret_data, GError **error)
{
    Read *result = ((Source *)(void *)bulk)->read;

    if (result->count == 5)
        return 0;
    result->count = 5;
    *ret_data = (const uint8_t *)"hello";
    return 5;
}

static void
free_source(TnBulk *bulk)
{
    n_sources--;
    g_free(bulk);
}

static gboolean
run_bulk(TnCall *call, const void *args, void *result, GError **error)
{
    Source *source = g_new0(Source, 1);

    n_sources++;
    *source = (Source){{pull_source, free_source}, result};
    ((Read *)result)->bulk = &source->bulk;
    return TRUE;
}

static const TnField args_fields[] = {
    {"text", TN_STRING(Args, text)},
    {"data", TN_BYTES(Args, data)},
    {0},
};
static const TnField result_fields[] = {
    {"text", TN_STRING(Result, text)},
    {0},
};
static const TnField result_value = {NULL, .type = TN_TYPE_OBJECT, .fields = result_fields};
static const TnField read_fields[] = {
    {"buf-b64", TN_BULK(Read, bulk)},
    {"count", TN_INT(Read, count)},
    {0},
};
static const TnField read_value = {NULL, .type = TN_TYPE_OBJECT, .fields = read_fields};

#define WITH_TEXT                                                            \
    .args = args_fields, .args_size = sizeof(Args), .result = &result_value, \
    .result_size = sizeof(Result)

static const TnCommand commands[] = {
    {.name = "guest-echo", .group = "@x", WITH_TEXT, .run = run_echo},
    {.name = "guest-ping", .group = "@sync", .run = run_nothing, .flags = TN_COMMAND_WHILE_FROZEN},
    {.name = "guest-fail", .group = "@x", .run = run_failure},
    {.name = "tenon-fail", .group = "@x", .run = run_failure},
    {.name = "tenon-mute", .group = "@x", .run = run_mute_failure},
    {.name = "guest-shutdown",
     .group = "@power",
     .run = run_nothing,
     .flags = TN_COMMAND_NO_SUCCESS_REPLY},
    {.name = "guest-silent-fail",
     .group = "@x",
     .run = run_failure,
     .flags = TN_COMMAND_NO_SUCCESS_REPLY},
    {.name = "guest-wait", .group = "@x", WITH_TEXT, .run = run_deferred},
    {.name = "guest-overlap",
     .group = "@x",
     WITH_TEXT,
     .run = run_deferred,
     .flags = TN_COMMAND_OVERLAPS},
    {.name = "guest-soon", .group = "@x", WITH_TEXT, .run = run_deferred_at_once},
    {.name = "guest-steal", .group = "@x", WITH_TEXT, .run = run_steal},
    {.name = "guest-block",
     .group = "@x",
     WITH_TEXT,
     .run = run_bytes_back,
     .flags = TN_COMMAND_BLOCKING},
    {.name = "guest-go-on", .group = "@x", WITH_TEXT, .run = run_go_on},
    {.name = "guest-go-fail", .group = "@x", WITH_TEXT, .run = run_go_on_and_fail},
    {.name = "guest-bulk",
     .group = "@x",
     .result = &read_value,
     .result_size = sizeof(Read),
     .run = run_bulk},
    {0},
};

static const TnModule module = {
    .name = "scene", .commands = commands, .create = create_scene, .destroy = destroy_scene};
static const TnModule *const modules[] = {&module, NULL};

static Scene *
get_scene(Desk *desk)
{
    return tn_registry_get_nth(desk->registry, 0)->module;
}

static void
assert_answer(Desk *desk, const char *request, const char *expected)
{
    g_autofree char *answer = desk_ask(desk, request);

    assert_string_equal(answer, expected);
}

static void
assert_error(Desk *desk, const char *request, const char *class_and_desc)
{
    g_autofree char *expected = g_strdup_printf("{\"error\": {\"class\": %s}}\n", class_and_desc);

    assert_answer(desk, request, expected);
}

static void
test_gates(void **state)
{
    g_autoptr(Desk) desk = desk_new(modules, "guest-shutdown", NULL);

    assert_error(desk, "{\"execute\":\"x\\u00e9\"}",
                 "\"CommandNotFound\", \"desc\": \"The command x\\u00E9 has not been found\"");
    /* disabled comes before the arguments are looked at */
    assert_error(desk, "{\"execute\":\"guest-shutdown\",\"arguments\":{\"x\":1}}",
                 "\"CommandNotFound\", \"desc\": \"Command guest-shutdown has been disabled: the "
                 "command is not allowed\", \"reason\": \"command-disabled\"");
    assert_error(desk, "{\"execute\":\"guest-echo\",\"arguments\":{\"text\":1}}",
                 "\"GenericError\", \"desc\": \"Invalid parameter type for 'text', expected: "
                 "string\"");
    assert_error(desk, "{\"execute\":\"guest-ping\",\"arguments\":{\"text\":1}}",
                 "\"GenericError\", \"desc\": \"Parameter 'text' is unexpected\"");
    desk->frozen = TRUE;
    assert_error(desk, "{\"execute\":\"guest-echo\"}",
                 "\"CommandNotFound\", \"desc\": \"Command guest-echo has been disabled: the "
                 "command is not allowed\", \"reason\": \"agent-frozen\"");
    assert_answer(desk, "{\"execute\":\"guest-ping\"}", "{\"return\": {}}\n");
}

static void
test_answers(void **state)
{
    g_autoptr(Desk) desk = desk_new(modules, NULL, NULL);

    assert_answer(desk, "{\"execute\":\"guest-echo\",\"arguments\":{\"text\":\"a\\u00e9\"}}",
                  "{\"return\": {\"text\": \"a\\u00E9\"}}\n");
    assert_answer(desk, "{\"execute\":\"guest-ping\",\"id\":{\"a\":\n1}}",
                  "{\"return\": {}, \"id\": {\"a\":1}}\n");
    assert_answer(desk, "{\"execute\":\"guest-soon\"}", "{\"return\": {}}\n");
    assert_answer(desk, "{\"execute\":\"guest-shutdown\",\"id\":1}", "");
    assert_error(desk, "{\"execute\":\"guest-silent-fail\"}",
                 "\"GenericError\", \"desc\": \"no such thing\"");
    assert_error(desk, "{\"execute\":\"guest-fail\"}",
                 "\"GenericError\", \"desc\": \"no such thing\"");
    assert_error(desk, "{\"execute\":\"tenon-fail\"}",
                 "\"GenericError\", \"desc\": \"no such thing\", \"reason\": \"not-found\"");
}

static void
test_envelope_errors(void **state)
{
    g_autoptr(Desk) desk = desk_new(modules, NULL, NULL);

    assert_answer(desk, "{\"id\":7,\"x\":1}",
                  "{\"error\": {\"class\": \"GenericError\", \"desc\": \"QMP input member 'x' is "
                  "unexpected\"}, \"id\": 7}\n");
    assert_error(desk, "[1]", "\"GenericError\", \"desc\": \"QMP input must be a JSON object\"");
    assert_error(desk, "{\"a\":1,\"a\":2}\n",
                 "\"GenericError\", \"desc\": \"JSON parse error, duplicate key\"");
}

static void
test_long_id(void **state)
{
    g_autoptr(Desk) desk = desk_new(modules, NULL, NULL);
    g_autofree char *id = g_strnfill(70000, 'i');
    g_autofree char *request = g_strdup_printf("{\"execute\":\"guest-ping\",\"id\":\"%s\"}", id);
    g_autofree char *broken = g_strdup_printf("{\"id\":\"%s\"}", id);

    assert_error(
        desk, request,
        "\"GenericError\", \"desc\": \"QMP input member 'id' is longer than 65536 bytes\"");
    assert_error(desk, broken, "\"GenericError\", \"desc\": \"QMP input lacks member 'execute'\"");
}

static void
test_limit(void **state)
{
    g_autoptr(Desk) desk = desk_new(modules, NULL, NULL);

    desk->link.reply_limit_bytes = 40;
    assert_answer(desk, "{\"execute\":\"guest-echo\",\"arguments\":{\"text\":\"123456789012345\"}}",
                  "{\"return\": {\"text\": \"123456789012345\"}}\n");
    assert_error(desk, "{\"execute\":\"guest-echo\",\"arguments\":{\"text\":\"1234567890123456\"}}",
                 "\"GenericError\", \"desc\": \"reply of 41 bytes exceeds the limit of this "
                 "channel\"");
}

static void
count_critical(const char *domain, GLogLevelFlags level, const char *message, gpointer data)
{
    if ((level & G_LOG_LEVEL_CRITICAL) != 0)
        (*(guint *)data)++;
}

static void
test_our_own_bugs(void **state)
{
    g_autoptr(Desk) desk = desk_new(modules, NULL, NULL);
    guint n_criticals = 0;
    GString *out = g_string_new(NULL);
    TnCall *call = NULL;

    g_log_set_default_handler(count_critical, &n_criticals);
    assert_error(desk, "{\"execute\":\"tenon-mute\"}",
                 "\"GenericError\", \"desc\": \"internal error: tenon-mute failed and did not say "
                 "why\"");
    assert_int_equal(n_criticals, 1);

    desk_feed(desk, "{\"execute\":\"guest-wait\"}", 24);
    call = desk_begin(desk, out);
    tn_call_return(get_scene(desk)->kept);
    tn_call_return(call); /* the session's reference keeps it */
    assert_int_equal(n_criticals, 2);
    assert_int_equal(desk->n_answered, 1);
    desk_take(call, out, 100);
    assert_string_equal(out->str, "{\"return\": {}}\n");
    g_string_free(out, TRUE);
    g_log_set_default_handler(g_log_default_handler, NULL);
}

static void
test_deferred(void **state)
{
    static const char request[] =
        "{\"execute\":\"guest-wait\",\"id\":3,\"arguments\":{\"data\":\"aGVsbG8=\"}}";
    g_autoptr(Desk) desk = desk_new(modules, NULL, NULL);
    g_autoptr(GString) out = g_string_new(NULL);
    Scene *scene = get_scene(desk);
    TnCall *call = NULL;

    desk_feed(desk, request, strlen(request));
    call = desk_begin(desk, out);
    assert_non_null(call);
    assert_ptr_equal(call, scene->kept);
    assert_null(tn_call_get_reply(call));
    assert_false(tn_call_is_overlapping(call));
    assert_int_equal(out->len, 0);
    tn_call_hurry(call);
    tn_call_hurry(call);
    assert_int_equal(scene->n_hurries, 1);

    ((Result *)tn_call_get_result(call))->text = g_strdup("late");
    assert_int_equal(desk->n_answered, 0);
    tn_call_return(call);
    assert_int_equal(desk->n_answered, 1);
    assert_ptr_equal(desk->answered, call);
    desk_take(call, out, 3);
    assert_string_equal(out->str, "{\"return\": {\"text\": \"late\"}, \"id\": 3}\n");
}

static void
test_deferred_failure(void **state)
{
    g_autoptr(Desk) desk = desk_new(modules, NULL, NULL);
    g_autoptr(GString) out = g_string_new(NULL);
    TnCall *call = NULL;

    desk_feed(desk, "{\"execute\":\"guest-overlap\"}", 27);
    call = desk_begin(desk, out);
    assert_true(tn_call_is_overlapping(call));
    tn_call_fail(call, g_error_new(TN_POLICY_ERROR, TN_POLICY_ERROR_QUOTA, "try again"));
    desk_take(call, out, 1000);
    assert_string_equal(out->str, "{\"error\": {\"class\": \"GenericError\", "
                                  "\"desc\": \"try again\", \"reason\": \"agent-busy\"}}\n");
}

/* The peer goes, the handler answers later: nobody is told, nothing leaks (ASan, valgrind). */
static void
test_dropped(void **state)
{
    g_autoptr(Desk) desk = desk_new(modules, NULL, NULL);
    g_autoptr(GString) out = g_string_new(NULL);
    Scene *scene = get_scene(desk);
    TnCall *call = NULL;

    desk_feed(desk, "{\"execute\":\"guest-wait\"}", 24);
    call = desk_begin(desk, out);
    tn_call_drop(call);
    assert_int_equal(scene->n_hurries, 1);
    ((Result *)tn_call_get_result(scene->kept))->text = g_strdup("late");
    assert_string_equal(tn_call_get_channel(scene->kept), "test");
    tn_call_return(scene->kept);
    assert_int_equal(desk->n_answered, 0);
}

static void
test_freed_dispatcher(void **state)
{
    Desk *desk = desk_new(modules, NULL, NULL);
    g_autoptr(GString) out = g_string_new(NULL);
    TnCall *kept = NULL;
    TnCall *call = NULL;

    desk_feed(desk, "{\"execute\":\"guest-wait\"}", 24);
    call = desk_begin(desk, out);
    kept = get_scene(desk)->kept;
    tn_dispatch_free(g_steal_pointer(&desk->dispatch));
    tn_call_drop(call);
    tn_call_fail(kept, NULL);
    assert_int_equal(desk->n_answered, 0);
    desk_free(desk);
}

static void
test_out_null(void **state)
{
    g_autoptr(Desk) desk = desk_new(modules, NULL, NULL);
    g_autoptr(GString) out = g_string_new(NULL);
    TnCall *call = NULL;

    desk_feed(desk, "{\"execute\":\"guest-ping\"}", 24);
    call = desk_begin(desk, NULL);
    assert_non_null(tn_call_get_reply(call));
    desk_take(call, out, 1000);
    desk_feed(desk, "{\"execute\":\"guest-shutdown\"}", 28);
    desk_take(desk_begin(desk, NULL), out, 1000);
    desk_feed(desk, "}\n", 2);
    desk_take(desk_begin(desk, NULL), out, 1000);
    assert_string_equal(out->str, "{\"return\": {}}\n{\"error\": {\"class\": \"GenericError\", "
                                  "\"desc\": \"JSON parse error, expecting value\"}}\n");
    assert_int_equal(desk->n_answered, 0);
}

static void
test_bulk(void **state)
{
    g_autoptr(Desk) desk = desk_new(modules, NULL, NULL);
    g_autoptr(GString) out = g_string_new("before\n");
    TnCall *call = NULL;

    desk_feed(desk, "{\"execute\":\"guest-bulk\",\"id\":\"i\"}", 33);
    call = desk_begin(desk, out);
    assert_non_null(call);
    assert_string_equal(out->str, "before\n");
    assert_int_equal(n_sources, 1);
    desk_take(call, out, 1);
    assert_string_equal(out->str, "before\n{\"return\": {\"buf-b64\": \"aGVsbG8=\", "
                                  "\"count\": 5}, \"id\": \"i\"}\n");
    assert_int_equal(n_sources, 0);

    /* the peer goes half-way */
    desk_feed(desk, "{\"execute\":\"guest-bulk\"}", 24);
    call = desk_begin(desk, NULL);
    assert_false(tn_reply_fill(tn_call_get_reply(call), out, 1));
    tn_call_drop(call);
    assert_int_equal(n_sources, 0);
}

/* BYTES bytes of 'x' as base64 in a request for COMMAND. */
static char *
make_request(const char *command, gsize size)
{
    g_autofree char *data = g_strnfill(size, 'x');
    g_autofree char *b64 = g_base64_encode((const guchar *)data, size);

    return g_strdup_printf("{\"execute\":\"%s\",\"arguments\":{\"data\":\"%s\"}}", command, b64);
}

static void
test_steal(void **state)
{
    static const gsize sizes[] = {0, 1, 65535, 65536, 1000000};

    for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autoptr(Desk) desk = desk_new(modules, NULL, NULL);
        g_autofree char *request = make_request("guest-steal", sizes[i]);
        g_autofree char *expected = g_strnfill(sizes[i], 'x');
        GBytes *stolen = NULL;
        gsize size = 0;

        assert_answer(desk, request, "{\"return\": {}}\n");
        assert_answer(desk, "{\"execute\":\"guest-ping\"}", "{\"return\": {}}\n");
        stolen = get_scene(desk)->stolen;
        assert_memory_equal(g_bytes_get_data(stolen, &size), expected, sizes[i]);
        assert_int_equal(size, sizes[i]);
    }
}

static gboolean
submit_later(TnCall *call, gpointer data)
{
    get_scene(data)->submitted = call;
    return TRUE;
}

static gboolean
refuse_work(TnCall *call, gpointer data)
{
    return FALSE;
}

static void
check_blocking(const char *command, guint n_ends)
{
    static const gsize sizes[] = {5, 100000};

    for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autoptr(Desk) desk = desk_new(modules, NULL, submit_later);
        g_autofree char *request = make_request(command, sizes[i]);
        g_autofree char *bytes = g_strnfill(sizes[i], 'x');
        g_autofree char *expected = g_strdup_printf("{\"return\": {\"text\": \"%s\"}}\n", bytes);
        g_autoptr(GString) out = g_string_new(NULL);
        TnCall *call = NULL;

        desk_feed(desk, request, strlen(request));
        call = desk_begin(desk, out);
        assert_null(tn_call_get_reply(call));
        /* more input comes over the place where the request stood */
        assert_answer(desk, "{\"execute\":\"guest-ping\",\"id\":\"012345678901234567890\"}",
                      "{\"return\": {}, \"id\": \"012345678901234567890\"}\n");
        tn_call_work(get_scene(desk)->submitted);
        tn_call_end_work(get_scene(desk)->submitted);
        assert_int_equal(desk->n_answered, 1);
        assert_int_equal(get_scene(desk)->n_ended, n_ends);
        desk_take(call, out, 4096);
        assert_string_equal(out->str, expected);
    }
}

static void
test_blocking(void **state)
{
    check_blocking("guest-block", 0);
}

static void
test_going_on_in_a_worker(void **state)
{
    check_blocking("guest-go-on", 1);
}

/* The work fails, its end does, there is no worker, nobody waits any more. */
static void
test_going_on_ends_in_any_case(void **state)
{
    g_autoptr(Desk) desk = desk_new(modules, NULL, NULL);
    g_autoptr(Desk) refusing = desk_new(modules, NULL, refuse_work);
    g_autoptr(Desk) later = desk_new(modules, NULL, submit_later);
    g_autofree char *request = make_request("guest-go-on", 2);

    assert_error(desk, "{\"execute\":\"guest-go-fail\"}",
                 "\"GenericError\", \"desc\": \"no such thing\"");
    assert_int_equal(get_scene(desk)->n_ended, 1);
    assert_error(desk, "{\"execute\":\"guest-go-on\",\"arguments\":{\"data\":\"YmFk\"}}",
                 "\"GenericError\", \"desc\": \"no such thing\"");
    assert_int_equal(get_scene(desk)->n_ended, 2);
    assert_answer(desk, request, "{\"return\": {\"text\": \"xx\"}}\n");
    assert_int_equal(get_scene(desk)->n_ended, 3);
    assert_error(refusing, request,
                 "\"GenericError\", \"desc\": \"the agent is busy: all workers hang or too much "
                 "waits\"");
    assert_int_equal(get_scene(refusing)->n_ended, 1);
    desk_feed(later, request, strlen(request));
    tn_call_drop(desk_begin(later, NULL));
    assert_int_equal(get_scene(later)->n_ended, 0);
    tn_call_work(get_scene(later)->submitted);
    tn_call_end_work(get_scene(later)->submitted);
    assert_int_equal(get_scene(later)->n_ended, 1);
    assert_int_equal(later->n_answered, 0);
}

static void
test_blocking_dropped(void **state)
{
    g_autoptr(Desk) desk = desk_new(modules, NULL, submit_later);
    g_autofree char *request = make_request("guest-block", 10);

    desk_feed(desk, request, strlen(request));
    tn_call_drop(desk_begin(desk, NULL));
    tn_call_work(get_scene(desk)->submitted);
    tn_call_end_work(get_scene(desk)->submitted);
    assert_int_equal(desk->n_answered, 0);
}

static void
test_no_worker(void **state)
{
    g_autoptr(Desk) refusing = desk_new(modules, NULL, refuse_work);
    g_autoptr(Desk) without = desk_new(modules, NULL, NULL);
    g_autofree char *request = make_request("guest-block", 2);

    assert_error(refusing, request,
                 "\"GenericError\", \"desc\": \"the agent is busy: all workers hang or too much "
                 "waits\"");
    assert_answer(without, request, "{\"return\": {\"text\": \"xx\"}}\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gates),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_envelope_errors),
        cmocka_unit_test(test_long_id),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_our_own_bugs),
        cmocka_unit_test(test_deferred),
        cmocka_unit_test(test_deferred_failure),
        cmocka_unit_test(test_dropped),
        cmocka_unit_test(test_freed_dispatcher),
        cmocka_unit_test(test_out_null),
        cmocka_unit_test(test_bulk),
        cmocka_unit_test(test_steal),
        cmocka_unit_test(test_blocking),
        cmocka_unit_test(test_going_on_in_a_worker),
        cmocka_unit_test(test_going_on_ends_in_any_case),
        cmocka_unit_test(test_blocking_dropped),
        cmocka_unit_test(test_no_worker),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
