/* SPDX-License-Identifier: Apache-2.0 */

#include "agent/session.h"

#include "agent/registry.h"
#include "policy/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define PING "{\"execute\":\"ping\"}\n"
#define PONG "{\"return\": {}}\n"

enum {
    BEGUN_BYTES = 300 * 1024,
    LONG_BYTES = 100 * 1000,
};

/* What the test's commands leave behind. */
typedef struct {
    TnCall *kept[8];
    guint n_kept;
    guint n_hurried;
    gboolean answer_when_hurried;
} Commands;

/* A peer made of buffers: the test is the other side. */
typedef struct {
    TnPeer base;
    GString *input;
    gboolean at_end;
    gboolean is_away; /* says so once when the input is empty */
    GString *output;
    gsize room; /* bytes that are taken before AGAIN */
    gboolean is_broken;
    TnPeerEvents wanted;
    guint n_reads;
    guint n_writes;
    gboolean is_freed;
} FakePeer;

typedef struct {
    Commands commands;
    TnRegistry *registry;
    TnPolicyHolder *policy;
    TnDispatch *dispatch;
    TnSessions *sessions;
    TnChannel channel;
} Fixture;

static gboolean
answer_ping(TnCall *call, const void *args, void *result, GError **error)
{
    return TRUE;
}

static void
note_hurry(TnCall *call, gpointer data)
{
    Commands *commands = data;

    commands->n_hurried++;
    if (!commands->answer_when_hurried)
        return;
    for (guint i = 0; i < commands->n_kept; i++) {
        if (commands->kept[i] == call)
            commands->kept[i] = NULL;
    }
    tn_call_return(call);
}

static gboolean
keep_call(TnCall *call, const void *args, void *result, GError **error)
{
    Commands *commands = tn_call_get_module(call);

    commands->kept[commands->n_kept++] = call;
    tn_call_defer(call);
    tn_call_on_hurry(call, note_hurry, commands);
    return TRUE;
}

typedef struct {
    char *text;
} LongResult;

static gboolean
answer_long(TnCall *call, const void *args, void *result, GError **error)
{
    ((LongResult *)result)->text = g_strnfill(LONG_BYTES, 'x');
    return TRUE;
}

static const TnField long_result[] = {
    {"text", TN_STRING(LongResult, text, .flags = TN_FIELD_REQUIRED)},
    {0},
};

static const TnCommand test_commands[] = {
    {.name = "ping", .group = "@sync", .run = answer_ping},
    {.name = "keep", .group = "@sync", .run = keep_call},
    {.name = "long",
     .group = "@sync",
     .run = answer_long,
     .result = long_result,
     .result_size = sizeof(LongResult)},
    {.name = "overlap", .group = "@sync", .run = keep_call, .flags = TN_COMMAND_OVERLAPS},
    {0},
};

static gpointer
create_module(const TnModuleContext *context)
{
    return context->state; /* the test hands its own record through */
}

static const TnModule test_module = {
    .name = "test",
    .commands = test_commands,
    .create = create_module,
};

static gssize
read_fake(TnPeer *peer, void *buffer, gsize size)
{
    FakePeer *fake = (FakePeer *)peer;
    gsize n = MIN(size, fake->input->len);

    fake->n_reads++;
    if (n > 0) {
        memcpy(buffer, fake->input->str, n);
        g_string_erase(fake->input, 0, (gssize)n);
        return (gssize)n;
    }
    if (fake->is_away) {
        fake->is_away = FALSE;
        return TN_PEER_AWAY;
    }
    return fake->at_end ? TN_PEER_END : TN_PEER_AGAIN;
}

static gssize
write_fake(TnPeer *peer, const void *data, gsize size)
{
    FakePeer *fake = (FakePeer *)peer;
    gsize n = MIN(size, fake->room);

    fake->n_writes++;
    if (fake->is_broken)
        return TN_PEER_END;
    if (n == 0)
        return TN_PEER_AGAIN;
    g_string_append_len(fake->output, data, (gssize)n);
    fake->room -= n;
    return (gssize)n;
}

static void
want_fake(TnPeer *peer, TnPeerEvents events)
{
    ((FakePeer *)peer)->wanted = events;
}

static void
free_fake(TnPeer *peer)
{
    ((FakePeer *)peer)->is_freed = TRUE;
}

static FakePeer *
make_peer(Fixture *fixture, gboolean is_edge)
{
    static const TnPeerOps ops = {
        .read = read_fake,
        .write = write_fake,
        .want = want_fake,
        .free = free_fake,
    };
    FakePeer *fake = g_new0(FakePeer, 1);

    fake->base.ops = &ops;
    fake->base.channel = &fixture->channel;
    fake->base.is_edge = is_edge;
    fake->input = g_string_new(NULL);
    fake->output = g_string_new(NULL);
    fake->room = G_MAXSIZE;
    tn_sessions_add(fixture->sessions, &fake->base);
    return fake;
}

static FakePeer *
add_peer(Fixture *fixture)
{
    return make_peer(fixture, FALSE);
}

static void
remove_peer(FakePeer *fake)
{
    g_string_free(fake->input, TRUE);
    g_string_free(fake->output, TRUE);
    g_free(fake);
}

static void
tell(FakePeer *fake, TnPeerEvents events)
{
    fake->base.func(events, fake->base.data);
}

/* More input; the session is told if it wanted to know. */
static void
feed(FakePeer *fake, const char *text)
{
    g_string_append(fake->input, text);
    tell(fake, TN_PEER_READABLE);
}

static void
turn(void)
{
    while (g_main_context_iteration(NULL, FALSE))
        ;
}

static void
assert_output(FakePeer *fake, const char *expected)
{
    assert_string_equal(fake->output->str, expected);
    g_string_truncate(fake->output, 0);
}

static int
set_up(void **state)
{
    Fixture *fixture = g_new0(Fixture, 1);
    TnPolicyOptions options = {.compat = TRUE};
    TnModuleContext context = {.state = (gpointer)&fixture->commands};
    TnDispatchConfig config = {0};
    guint n_commands;

    fixture->registry = tn_registry_new();
    assert_true(tn_registry_add(fixture->registry, &test_module, NULL));
    options.commands = tn_registry_get_policy_commands(fixture->registry, &n_commands);
    options.n_commands = n_commands;
    fixture->policy = tn_policy_holder_new(&options, NULL);
    assert_non_null(fixture->policy);
    context.policy = fixture->policy;
    tn_registry_start(fixture->registry, &context);
    config.registry = fixture->registry;
    config.policy = fixture->policy;
    fixture->dispatch = tn_dispatch_new(&config);
    fixture->sessions = tn_sessions_new(fixture->dispatch, BEGUN_BYTES);
    fixture->channel.name = g_intern_static_string("test");
    fixture->channel.reply_limit_bytes = G_MAXSIZE;
    *state = fixture;
    return 0;
}

static int
tear_down(void **state)
{
    Fixture *fixture = *state;

    tn_sessions_free(fixture->sessions);
    for (guint i = 0; i < fixture->commands.n_kept; i++) {
        if (fixture->commands.kept[i] != NULL)
            tn_call_return(fixture->commands.kept[i]);
    }
    tn_dispatch_free(fixture->dispatch);
    tn_registry_free(fixture->registry);
    tn_policy_holder_free(fixture->policy);
    g_free(fixture);
    return 0;
}

static void
test_requests_of_one_read_are_one_write(void **state)
{
    FakePeer *fake = add_peer(*state);

    feed(fake, PING "{\"execute\":\"ping\",\"id\":1}{\"execute\":\"ping\",\"id\":2}");
    assert_output(fake, PONG "{\"return\": {}, \"id\": 1}\n{\"return\": {}, \"id\": 2}\n");
    assert_int_equal(fake->n_writes, 1);
    assert_int_equal(fake->n_reads, 1);
    assert_int_equal(fake->wanted, TN_PEER_READABLE);
    tn_sessions_free(g_steal_pointer(&((Fixture *)*state)->sessions));
    assert_true(fake->is_freed);
    remove_peer(fake);
}

static void
test_a_peer_that_does_not_read_is_not_read(void **state)
{
    Fixture *fixture = *state;
    FakePeer *fake = add_peer(fixture);
    guint n_reads;

    fake->room = 0;
    for (int i = 0; i < 100000; i++)
        g_string_append(fake->input, PING);
    feed(fake, "");
    assert_int_equal(fake->wanted, TN_PEER_WRITABLE);
    assert_true(fake->input->len > 1000000); /* most was left where it was */
    n_reads = fake->n_reads;
    assert_int_equal(fake->output->len, 0);

    fake->room = 1000;
    tell(fake, TN_PEER_WRITABLE);
    assert_int_equal(fake->output->len, 1000);
    assert_int_equal(fake->n_reads, n_reads);

    fake->room = G_MAXSIZE;
    tell(fake, TN_PEER_WRITABLE);
    while (fake->input->len > 0)
        tell(fake, TN_PEER_READABLE); /* as a level-triggered stream does */
    assert_int_equal(fake->output->len, 100000 * strlen(PONG));
    tn_sessions_free(g_steal_pointer(&fixture->sessions));
    remove_peer(fake);
}

static void
test_the_next_request_waits_and_hurries_the_call(void **state)
{
    Fixture *fixture = *state;
    FakePeer *fake = add_peer(fixture);

    feed(fake, "{\"execute\":\"keep\"}\n");
    assert_int_equal(fixture->commands.n_kept, 1);
    assert_int_equal(fixture->commands.n_hurried, 0);
    assert_int_equal(fake->wanted, TN_PEER_READABLE);
    feed(fake, PING);
    assert_int_equal(fixture->commands.n_hurried, 1);
    assert_output(fake, "");
    assert_int_equal(fake->wanted, TN_PEER_HANGUP);

    tn_call_return(g_steal_pointer(&fixture->commands.kept[0]));
    assert_output(fake, PONG PONG);
    assert_int_equal(fake->n_writes, 1);
    tn_sessions_free(g_steal_pointer(&fixture->sessions));
    remove_peer(fake);
}

static void
test_a_call_may_answer_while_it_is_hurried(void **state)
{
    Fixture *fixture = *state;
    FakePeer *fake = add_peer(fixture);

    fixture->commands.answer_when_hurried = TRUE;
    feed(fake, "{\"execute\":\"keep\",\"id\":1}\n" PING "{\"execute\":\"keep\",\"id\":2}\n");
    assert_output(fake, "{\"return\": {}, \"id\": 1}\n" PONG);
    fake->at_end = TRUE;
    tell(fake, TN_PEER_READABLE | TN_PEER_HANGUP);
    assert_output(fake, "{\"return\": {}, \"id\": 2}\n");
    assert_true(fake->is_freed);
    remove_peer(fake);
}

static void
test_overlapping_calls_answer_in_order(void **state)
{
    Fixture *fixture = *state;
    FakePeer *fake = add_peer(fixture);

    feed(fake, "{\"execute\":\"overlap\",\"id\":1}{\"execute\":\"overlap\",\"id\":2}" PING);
    assert_int_equal(fixture->commands.n_kept, 2);
    assert_true(fixture->commands.n_hurried >= 1);
    tn_call_return(g_steal_pointer(&fixture->commands.kept[1]));
    assert_output(fake, "");
    tn_call_return(g_steal_pointer(&fixture->commands.kept[0]));
    assert_output(fake, "{\"return\": {}, \"id\": 1}\n{\"return\": {}, \"id\": 2}\n" PONG);
    tn_sessions_free(g_steal_pointer(&fixture->sessions));
    remove_peer(fake);
}

static void
test_half_a_close_still_gets_its_answers(void **state)
{
    Fixture *fixture = *state;
    FakePeer *fake = add_peer(fixture);

    fake->at_end = TRUE;
    feed(fake, PING "{\"execute\":\"keep\"}\n");
    tell(fake, TN_PEER_READABLE);
    assert_false(fake->is_freed);
    assert_int_equal(fixture->commands.n_hurried, 1);
    assert_int_equal(fake->wanted, TN_PEER_HANGUP);
    tn_call_return(g_steal_pointer(&fixture->commands.kept[0]));
    assert_output(fake, PONG PONG);
    assert_true(fake->is_freed);
    remove_peer(fake);
}

static void
test_requests_of_a_peer_that_has_gone_are_run(void **state)
{
    Fixture *fixture = *state;
    FakePeer *fake = add_peer(fixture);

    fake->is_broken = TRUE;
    fake->at_end = TRUE;
    g_string_append(fake->input, PING "{\"execute\":\"keep\"}\n{\"execute\":\"keep\"}\n");
    tell(fake, TN_PEER_READABLE | TN_PEER_HANGUP);
    if (!fake->is_freed)
        tell(fake, TN_PEER_READABLE | TN_PEER_HANGUP);
    assert_int_equal(fixture->commands.n_kept, 2);
    assert_true(fake->is_freed);
    remove_peer(fake);
}

static void
test_half_a_request_dies_with_its_host(void **state)
{
    Fixture *fixture = *state;
    FakePeer *fake = make_peer(fixture, TRUE);

    fake->is_away = TRUE;
    feed(fake, "{\"execute\":\"pi");
    feed(fake, PING);
    assert_output(fake, PONG);
    tn_sessions_free(g_steal_pointer(&fixture->sessions));
    remove_peer(fake);
}

static void
test_a_lost_host_loses_its_replies(void **state)
{
    Fixture *fixture = *state;
    FakePeer *fake = add_peer(fixture);

    fake->room = 5;
    feed(fake, PING "{\"execute\":\"keep\"}\n");
    assert_true(tn_sessions_is_mid_reply(fixture->sessions));
    tell(fake, TN_PEER_LOST);
    assert_false(tn_sessions_is_mid_reply(fixture->sessions));
    fake->room = G_MAXSIZE;
    g_string_truncate(fake->output, 0);
    tell(fake, TN_PEER_WRITABLE);
    feed(fake, PING);
    assert_output(fake, PONG);
    tn_sessions_free(g_steal_pointer(&fixture->sessions));
    remove_peer(fake);
}

static void
test_what_lost_hosts_asked_for_is_dropped_at_once(void **state)
{
    Fixture *fixture = *state;
    FakePeer *fake = make_peer(fixture, TRUE);
    guint n_writes;

    fake->room = 0;
    for (int i = 0; i < 20; i++)
        feed(fake, PING);
    assert_int_equal(fake->input->len, 0);
    n_writes = fake->n_writes;
    assert_int_equal(n_writes, 1); /* an edge will tell when the next one is worth it */
    for (int i = 0; i < 100000; i++)
        g_string_append(fake->input, PING);
    feed(fake, "");
    turn();
    assert_true(fake->input->len > 0); /* but not without end */

    g_string_truncate(fake->input, 0);
    tell(fake, TN_PEER_LOST);
    turn();
    fake->room = G_MAXSIZE;
    feed(fake, "\xff" PING);
    assert_output(fake, PONG);
    tn_sessions_free(g_steal_pointer(&fixture->sessions));
    remove_peer(fake);
}

static void
test_a_request_that_begins_anew_ends_the_half_one(void **state)
{
    Fixture *fixture = *state;
    FakePeer *fake;

    fixture->channel.is_serial = TRUE;
    fake = add_peer(fixture);
    feed(fake, "{\"execute\":\"pi");
    feed(fake, " {\"execute\": \"ping\",\"id\":1}\n");
    assert_output(fake, "{\"return\": {}, \"id\": 1}\n");
    feed(fake, "garbage");
    g_string_truncate(fake->output, 0);
    feed(fake, PING);
    assert_output(fake, PONG);
    tn_sessions_free(g_steal_pointer(&fixture->sessions));
    remove_peer(fake);
}

static void
test_an_edge_is_followed_to_its_end(void **state)
{
    Fixture *fixture = *state;
    FakePeer *fake = make_peer(fixture, TRUE);

    for (int i = 0; i < 100000; i++)
        g_string_append(fake->input, PING);
    feed(fake, "");
    assert_true(fake->input->len > 0); /* others get their turn */
    turn();
    assert_int_equal(fake->input->len, 0);
    assert_int_equal(fake->output->len, 100000 * strlen(PONG));
    tn_sessions_free(g_steal_pointer(&fixture->sessions));
    remove_peer(fake);
}

static void
test_a_long_reply_leaves_others_their_turn(void **state)
{
    Fixture *fixture = *state;
    FakePeer *level = add_peer(fixture);
    FakePeer *edge = make_peer(fixture, TRUE);
    gsize whole;

    /* Replies that are much longer than their requests. */
    for (int i = 0; i < 40; i++) {
        g_string_append(level->input, "{\"execute\":\"long\"}");
        g_string_append(edge->input, "{\"execute\":\"long\"}");
    }
    feed(level, "");
    feed(edge, "");
    whole = 40 * (LONG_BYTES + strlen("{\"return\": \"\"}\n"));
    assert_in_range(level->output->len, 1 << 20, 2 << 20);
    assert_in_range(edge->output->len, 1 << 20, 2 << 20);
    assert_true(level->wanted & TN_PEER_WRITABLE);
    turn(); /* an edge-triggered stream says nothing more: it goes on of itself */
    assert_int_equal(edge->output->len, whole);
    while (level->wanted & TN_PEER_WRITABLE)
        tell(level, TN_PEER_WRITABLE);
    assert_int_equal(level->output->len, whole);
    tn_sessions_free(g_steal_pointer(&fixture->sessions));
    remove_peer(level);
    remove_peer(edge);
}

static void
test_begun_requests_wait_for_the_oldest(void **state)
{
    Fixture *fixture = *state;
    FakePeer *oldest = add_peer(fixture);
    FakePeer *younger = add_peer(fixture);
    FakePeer *small = add_peer(fixture);
    g_autofree char *letters = g_strnfill(200 * 1024, 'a');
    gsize left;

    feed(oldest, "{\"execute\":\"ping\",\"id\":\"");
    feed(oldest, letters);
    feed(younger, "{\"execute\":\"ping\",\"id\":\"");
    feed(younger, letters);
    feed(younger, letters);
    turn();
    left = younger->input->len;
    assert_true(left > 0); /* it may not go on */
    assert_false(younger->wanted & TN_PEER_READABLE);
    feed(small, PING);
    assert_output(small, PONG);

    feed(oldest, letters); /* the oldest may */
    feed(oldest, "\"}\n");
    while (oldest->input->len > 0)
        tell(oldest, TN_PEER_READABLE);
    assert_non_null(strstr(oldest->output->str, "\"error\"")); /* such an id is too long */
    turn();
    assert_true(younger->wanted & TN_PEER_READABLE);
    assert_int_equal(younger->input->len, 0);
    tn_sessions_free(g_steal_pointer(&fixture->sessions));
    remove_peer(oldest);
    remove_peer(younger);
    remove_peer(small);
}

static void
count_drained(gpointer data)
{
    ++*(guint *)data;
}

/* What has begun is read to its end and answered, held answers come, nothing new begins. */
static void
test_a_drain_ends_what_is_under_way(void **state)
{
    Fixture *fixture = *state;
    FakePeer *half = add_peer(fixture);
    FakePeer *held = add_peer(fixture);
    FakePeer *quiet = add_peer(fixture);
    guint n_drained = 0;

    feed(half, "{\"execute\":\"pi");
    feed(held, "{\"execute\":\"keep\"}\n");
    fixture->commands.answer_when_hurried = TRUE;
    tn_sessions_drain(fixture->sessions, count_drained, &n_drained);
    assert_output(held, PONG);
    feed(quiet, PING);
    turn();
    assert_output(quiet, "");
    assert_int_equal(n_drained, 0);
    assert_false(tn_sessions_is_quiet(fixture->sessions));
    feed(half, "ng\"}\n" PING);
    turn();
    assert_true(n_drained == 1 && tn_sessions_is_quiet(fixture->sessions));
    assert_output(half, PONG PONG); /* both came in one read */
    feed(half, PING);
    assert_output(half, "");

    tn_sessions_resume(fixture->sessions);
    assert_output(half, PONG);
    assert_output(quiet, PONG);
    turn();
    assert_int_equal(n_drained, 1);
    tn_sessions_free(g_steal_pointer(&fixture->sessions));
    remove_peer(half);
    remove_peer(held);
    remove_peer(quiet);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_requests_of_one_read_are_one_write),
        TEST(test_a_peer_that_does_not_read_is_not_read),
        TEST(test_the_next_request_waits_and_hurries_the_call),
        TEST(test_a_call_may_answer_while_it_is_hurried),
        TEST(test_overlapping_calls_answer_in_order),
        TEST(test_half_a_close_still_gets_its_answers),
        TEST(test_requests_of_a_peer_that_has_gone_are_run),
        TEST(test_half_a_request_dies_with_its_host),
        TEST(test_a_lost_host_loses_its_replies),
        TEST(test_what_lost_hosts_asked_for_is_dropped_at_once),
        TEST(test_a_request_that_begins_anew_ends_the_half_one),
        TEST(test_an_edge_is_followed_to_its_end),
        TEST(test_a_long_reply_leaves_others_their_turn),
        TEST(test_begun_requests_wait_for_the_oldest),
        TEST(test_a_drain_ends_what_is_under_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
