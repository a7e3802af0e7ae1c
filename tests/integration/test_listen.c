/* SPDX-License-Identifier: BSD-3-Clause */
/* Notifications: told once, in order, never after the end; a loss is a gap that is said; a slow consumer is bounded. */
#include "tests/lib/heard.h"
#include "tests/lib/rig.h"

#include "core/database.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void notify_number(const char *channel, long number)
{
    char text[32];
    snprintf(text, sizeof(text), "%ld", number);
    fake_notify(channel, text);
}

/* A listener that knows that it listens. */
static adb_listener *listen_now(struct rig *rig, const char *channel, struct heard *heard)
{
    adb_listener *listener = adb_listen(rig->ctx, channel, heard_note, heard);
    REQUIRE(listener != NULL);
    heard_run(rig->queue, heard, ADB_NOTIFY_LISTENING, 1);
    return listener;
}

/* The first thing that a listener hears is that it listens; from there on nothing is missed. */
TEST(messages_come_in_order_after_the_word_that_it_listens)
{
    struct rig rig;
    struct heard heard = HEARD_INIT;
    rig_open_fake(&rig, "fake://", NULL);
    adb_listener *listener = listen_now(&rig, "news", &heard);
    for (long i = 0; i < 1000; i++)
        notify_number("news", i);
    heard_run(rig.queue, &heard, ADB_NOTIFY_MESSAGE, 1000);
    CU_ASSERT_EQUAL(heard.first, ADB_NOTIFY_LISTENING);
    CU_ASSERT_TRUE(heard.in_order);
    CU_ASSERT_EQUAL(heard.n_kind[ADB_NOTIFY_MESSAGE], 1000);
    CU_ASSERT_EQUAL(heard.n_kind[ADB_NOTIFY_GAP] + heard.n_kind[ADB_NOTIFY_LOST], 0);
    CU_ASSERT_EQUAL(heard.last_number, 999);
    CU_ASSERT_EQUAL(heard.pid, 4711);
    CU_ASSERT_STRING_EQUAL(heard.channel, "news");
    adb_unlisten(listener);
    rig_close(&rig);
}

/* Refusals name what is wrong, and take nothing. */
TEST(bad_names_and_callbacks_are_refused)
{
    struct rig rig;
    const char too_long[] = "0123456789012345678901234567890123456789012345678901234567890123";
    rig_open_fake(&rig, "fake://", NULL);
    CU_ASSERT_PTR_NULL(adb_listen(NULL, "a", heard_note, NULL));
    CU_ASSERT_PTR_NULL(adb_listen(rig.ctx, NULL, heard_note, NULL));
    CU_ASSERT_EQUAL(adb_context_error(rig.ctx)->status, ADB_E_INVAL);
    CU_ASSERT_PTR_NULL(adb_listen(rig.ctx, "", heard_note, NULL));
    CU_ASSERT_EQUAL(adb_context_error(rig.ctx)->status, ADB_E_INVAL);
    CU_ASSERT_PTR_NULL(adb_listen(rig.ctx, "a", NULL, NULL));
    CU_ASSERT_EQUAL(adb_context_error(rig.ctx)->status, ADB_E_INVAL);
    CU_ASSERT_PTR_NULL(adb_listen(rig.ctx, too_long, heard_note, NULL));
    CU_ASSERT_EQUAL(adb_context_error(rig.ctx)->status, ADB_E_TOO_BIG);
    CU_ASSERT_EQUAL(adb_notify(rig.ctx, too_long, "x", NULL, NULL), 0);
    CU_ASSERT_EQUAL(adb_context_error(rig.ctx)->status, ADB_E_TOO_BIG);
    CU_ASSERT_EQUAL(adb_notify(NULL, "a", "x", NULL, NULL), 0);
    adb_unlisten(NULL);
    CU_ASSERT_EQUAL(fake_count(FAKE_OPEN, ""), 0);
    rig_close(&rig);
}

/* A database without notifications says so by its name. */
TEST(database_without_notifications_says_so)
{
    RIG(rig, &kind_sqlite, NULL);
    CU_ASSERT_PTR_NULL(adb_listen(rig.ctx, "news", heard_note, NULL));
    CU_ASSERT_EQUAL(adb_context_error(rig.ctx)->status, ADB_E_UNSUPPORTED);
    CU_ASSERT_PTR_NOT_NULL(strstr(adb_context_error(rig.ctx)->message, "sqlite"));
    CU_ASSERT_EQUAL(adb_notify(rig.ctx, "news", "x", NULL, NULL), 0);
    CU_ASSERT_EQUAL(adb_context_error(rig.ctx)->status, ADB_E_UNSUPPORTED);
    rig_close(&rig);
}

/* Names are taken as they are: upper case, quotes and semicolons too, up to 63 bytes. */
TEST(any_name_of_sixty_three_bytes_is_a_channel)
{
    static const char *const names[] = {"UPPER", "with \"quotes\"", "a;b", "\"\"\"",
                                        "012345678901234567890123456789012345678901234567890123456789012"};
    struct rig rig;
    rig_open_fake(&rig, "fake://", NULL);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct heard heard = HEARD_INIT;
        adb_listener *listener = listen_now(&rig, names[i], &heard);
        CU_ASSERT_EQUAL(fake_listening(names[i]), 1);
        CU_ASSERT_EQUAL(status_of(rig.ctx, adb_notify(rig.ctx, names[i], NULL, NULL, NULL)), ADB_OK);
        heard_run(rig.queue, &heard, ADB_NOTIFY_MESSAGE, 1);
        CU_ASSERT_STRING_EQUAL(heard.channel, names[i]);
        CU_ASSERT_STRING_EQUAL(heard.last, "");
        adb_unlisten(listener);
    }
    rig_close(&rig);
}

/* One connection and one LISTEN for all who want a channel; each hears everything. */
TEST(listeners_of_one_channel_share_one_listen)
{
    struct rig rig;
    struct heard one = HEARD_INIT, two = HEARD_INIT, other = HEARD_INIT;
    rig_open_fake(&rig, "fake://?max_size=1", NULL);
    adb_context *ctx = adb_context_new(rig.db, NULL, 0);
    listen_now(&rig, "news", &one);
    adb_listener *second = adb_listen(ctx, "news", heard_note, &two);
    heard_run(adb_context_queue(ctx), &two, ADB_NOTIFY_LISTENING, 1);
    listen_now(&rig, "sport", &other);
    CU_ASSERT_EQUAL(fake_count(FAKE_EXECUTE, "LISTEN \"news\""), 1);
    CU_ASSERT_EQUAL(rig_stats(&rig).listening, 1);
    CU_ASSERT_EQUAL(rig_stats(&rig).connections, 0);
    CU_ASSERT_EQUAL(value_of(rig.ctx, rig_quick(&rig, NULL, NULL)), 1); /* max_size is the pool's */
    notify_number("news", 1);
    notify_number("sport", 5);
    heard_run(rig.queue, &one, ADB_NOTIFY_MESSAGE, 1);
    heard_run(adb_context_queue(ctx), &two, ADB_NOTIFY_MESSAGE, 1);
    heard_run(rig.queue, &other, ADB_NOTIFY_MESSAGE, 1);
    adb_unlisten(second);
    notify_number("news", 2);
    heard_run(rig.queue, &one, ADB_NOTIFY_MESSAGE, 2);
    CU_ASSERT_EQUAL(two.n, 2);
    CU_ASSERT_EQUAL(other.last_number, 5);
    adb_context_free(ctx);
    rig_close(&rig);
}

static bool nobody_listens(void *data)
{
    return fake_listening(data) == 0;
}

/* A channel that nobody wants is given up while others go on; the connection goes a moment after the last. */
TEST(unwanted_channels_and_then_the_connection_are_given_up)
{
    static char news[] = "news";
    struct rig rig;
    struct heard one = HEARD_INIT, two = HEARD_INIT, again = HEARD_INIT;
    rig_open_fake(&rig, "fake://", NULL);
    adb_listener *first = listen_now(&rig, news, &one);
    adb_listener *second = listen_now(&rig, "sport", &two);
    adb_unlisten(first);
    await(nobody_listens, news);
    CU_ASSERT_EQUAL(fake_listening("sport"), 1);
    adb_unlisten(second);
    fake_await_connections(0);
    listen_now(&rig, news, &again);
    CU_ASSERT_EQUAL(fake_listening(news), 1);
    rig_close(&rig);
}

/* The loss is told, and then the gap; afterwards messages come again, on all channels. */
TEST(loss_is_told_and_then_the_gap)
{
    struct rig rig;
    struct heard one = HEARD_INIT, two = HEARD_INIT;
    rig_open_fake(&rig, "fake://", NULL);
    listen_now(&rig, "news", &one);
    listen_now(&rig, "sport", &two);
    notify_number("news", 1);
    heard_run(rig.queue, &one, ADB_NOTIFY_MESSAGE, 1);
    fake_lose_idle();
    heard_run(rig.queue, &one, ADB_NOTIFY_LOST, 1);
    CU_ASSERT_EQUAL(one.error.status, ADB_E_CONNECTION);
    heard_run(rig.queue, &one, ADB_NOTIFY_GAP, 1);
    heard_run(rig.queue, &two, ADB_NOTIFY_GAP, 1);
    CU_ASSERT(one.gap_ms >= 0 && one.error.status == ADB_E_CONNECTION);
    notify_number("news", 7);
    notify_number("sport", 8);
    heard_run(rig.queue, &one, ADB_NOTIFY_MESSAGE, 2);
    heard_run(rig.queue, &two, ADB_NOTIFY_MESSAGE, 1);
    CU_ASSERT_EQUAL(one.last_number, 7);
    CU_ASSERT_EQUAL(one.n_kind[ADB_NOTIFY_LISTENING], 1);
    CU_ASSERT_EQUAL(rig_stats(&rig).closed_lost, 1);
    rig_close(&rig);
}

/* Wrong credentials are told once, and tried again: they may be put right. */
TEST(refusals_to_connect_are_told_once_for_each_reason)
{
    struct rig rig;
    struct heard heard = HEARD_INIT;
    rig_open_fake(&rig, "fake://?backoff=1", NULL);
    fake_open_fails(3, ADB_E_AUTH);
    REQUIRE(adb_listen(rig.ctx, "news", heard_note, &heard) != NULL);
    heard_run(rig.queue, &heard, ADB_NOTIFY_LISTENING, 1);
    CU_ASSERT_EQUAL(heard.first, ADB_NOTIFY_LOST);
    CU_ASSERT_EQUAL(heard.n_kind[ADB_NOTIFY_LOST], 1);
    CU_ASSERT_EQUAL(heard.error.status, ADB_E_AUTH);
    CU_ASSERT_EQUAL(fake_count(FAKE_OPEN, ""), 4);
    rig_close(&rig);
}

/* A server of the wrong role is left for another one. */
TEST(server_of_the_wrong_role_is_left)
{
    struct rig rig;
    struct heard heard = HEARD_INIT;
    rig_open_fake(&rig, "fake://", NULL);
    fake_text_fails("LISTEN", ADB_E_READ_ONLY, ADB_ERROR_WRONG_ROLE, 1);
    listen_now(&rig, "news", &heard);
    CU_ASSERT_EQUAL(heard.n_kind[ADB_NOTIFY_LOST], 1);
    CU_ASSERT_EQUAL(heard.error.status, ADB_E_READ_ONLY);
    CU_ASSERT_EQUAL(fake_count(FAKE_OPEN, ""), 2);
    rig_close(&rig);
}

/* A channel that the server refuses is tried again, and no other one suffers. */
TEST(refused_channel_is_tried_again_by_itself)
{
    struct rig rig;
    struct heard good = HEARD_INIT, bad = HEARD_INIT;
    rig_open_fake(&rig, "fake://", NULL);
    fake_text_fails("LISTEN \"bad\"", ADB_E_DATA, 0, 3);
    listen_now(&rig, "good", &good);
    listen_now(&rig, "bad", &bad);
    fake_notify("good", "1");
    fake_notify("bad", "2");
    heard_run(rig.queue, &good, ADB_NOTIFY_MESSAGE, 1);
    heard_run(rig.queue, &bad, ADB_NOTIFY_MESSAGE, 1);
    CU_ASSERT_EQUAL(bad.n_kind[ADB_NOTIFY_LOST], 1);
    CU_ASSERT_EQUAL(bad.error.status, ADB_E_DATA);
    CU_ASSERT_EQUAL(good.n_kind[ADB_NOTIFY_LOST] + good.n_kind[ADB_NOTIFY_GAP], 0);
    CU_ASSERT_EQUAL(fake_count(FAKE_OPEN, ""), 1);
    CU_ASSERT_EQUAL(fake_count(FAKE_EXECUTE, "LISTEN \"bad\""), 4);
    rig_close(&rig);
}

/* Inside its own callback: that was the last one, though more wait. */
TEST(unlisten_inside_its_callback_ends_it)
{
    struct rig rig;
    struct heard heard = HEARD_INIT, other = HEARD_INIT;
    rig_open_fake(&rig, "fake://", NULL);
    heard.unlisten = listen_now(&rig, "news", &heard);
    listen_now(&rig, "news", &other);
    for (long i = 0; i < 5; i++)
        notify_number("news", i);
    heard_run(rig.queue, &other, ADB_NOTIFY_MESSAGE, 5);
    CU_ASSERT_EQUAL(heard.n_kind[ADB_NOTIFY_MESSAGE], 1);
    rig_close(&rig);
}

/* So may the whole context be freed there. */
TEST(context_may_be_freed_inside_a_callback)
{
    struct rig rig;
    struct heard heard = HEARD_INIT;
    rig_open_fake(&rig, "fake://", NULL);
    listen_now(&rig, "news", &heard);
    adb_context *ctx = adb_context_new(rig.db, rig.queue, 0);
    struct heard own = HEARD_INIT;
    REQUIRE(adb_listen(ctx, "news", heard_note, &own) != NULL);
    heard_run(rig.queue, &own, ADB_NOTIFY_LISTENING, 1);
    own.free_ctx = ctx;
    notify_number("news", 0);
    notify_number("news", 1);
    heard_run(rig.queue, &heard, ADB_NOTIFY_MESSAGE, 2);
    CU_ASSERT_EQUAL(own.n_kind[ADB_NOTIFY_MESSAGE], 1);
    rig_close(&rig);
}

static bool some_wait(void *data)
{
    const struct rig *rig = data;
    return adb_queue_wait(rig->queue, 0) == ADB_OK;
}

/* Freed contexts and closed databases end listeners; what waits is dropped, nothing is called. */
TEST(nothing_is_called_after_free_or_close)
{
    struct rig rig;
    struct heard one = HEARD_INIT, two = HEARD_INIT;
    rig_open_fake(&rig, "fake://", NULL);
    adb_context *ctx = adb_context_new(rig.db, rig.queue, 0);
    REQUIRE(adb_listen(ctx, "news", heard_note, &one) != NULL);
    heard_run(rig.queue, &one, ADB_NOTIFY_LISTENING, 1);
    adb_listener *listener = listen_now(&rig, "news", &two);
    notify_number("news", 1);
    await(some_wait, &rig);
    adb_context_free(ctx);
    CU_ASSERT_EQUAL(adb_database_close(rig.db, PATIENCE_MS), ADB_OK);
    adb_queue_dispatch(rig.queue, 0);
    CU_ASSERT_EQUAL(one.n + two.n, 2);
    CU_ASSERT_PTR_NULL(adb_listen(rig.ctx, "news", heard_note, &one));
    CU_ASSERT_EQUAL(adb_context_error(rig.ctx)->status, ADB_E_CLOSED);
    CU_ASSERT_EQUAL(adb_database_connect(rig.db, PATIENCE_MS, NULL), ADB_OK);
    struct heard three = HEARD_INIT;
    listen_now(&rig, "news", &three); /* opened again, listened again */
    adb_unlisten(listener);
    CU_ASSERT_EQUAL(two.n, 1);
    rig_close(&rig);
}

/* Without a queue callbacks run on the listener's own thread. */
TEST(direct_callbacks_run_on_a_thread_of_their_own)
{
    struct rig rig;
    struct heard heard = HEARD_INIT;
    rig_open_fake(&rig, "fake://", NULL);
    adb_context *ctx = adb_context_new(rig.db, ADB_QUEUE_DIRECT, 0);
    REQUIRE(adb_listen(ctx, "news", heard_note, &heard) != NULL);
    heard_await(&heard, ADB_NOTIFY_LISTENING, 1);
    for (long i = 0; i < 100; i++)
        notify_number("news", i);
    heard_await(&heard, ADB_NOTIFY_MESSAGE, 100);
    CU_ASSERT_TRUE(heard.in_order);
    CU_ASSERT_FALSE(pthread_equal(heard.thread, pthread_self()));
    adb_context_free(ctx);
    rig_close(&rig);
}

struct ending {
    adb_listener *listener; /* kept by the callback that runs */
    struct latch *latch;
};

static bool is_ended(void *data)
{
    const struct ending *ending = data;
    struct adb__listening *listening = &ending->listener->db->listening;
    pthread_mutex_lock(&listening->lock);
    const bool ended = ending->listener->ended;
    pthread_mutex_unlock(&listening->lock);
    return ended;
}

static void *open_when_ended(void *data)
{
    const struct ending *ending = data;
    await(is_ended, data);
    latch_open(ending->latch);
    return NULL;
}

/* From another thread: unlisten returns when the callback that runs has returned. */
TEST(unlisten_waits_for_a_callback_on_another_thread)
{
    struct rig rig;
    struct heard heard = HEARD_INIT;
    struct latch latch = LATCH_INIT;
    pthread_t opener;
    rig_open_fake(&rig, "fake://", NULL);
    adb_context *ctx = adb_context_new(rig.db, ADB_QUEUE_DIRECT, 0);
    adb_listener *listener = adb_listen(ctx, "news", heard_note, &heard);
    heard_await(&heard, ADB_NOTIFY_LISTENING, 1);
    heard.block = &latch;
    fake_notify("news", "0");
    fake_notify("news", "1");
    latch_expect(&latch, 1);
    struct ending ending = {.listener = listener, .latch = &latch};
    pthread_create(&opener, NULL, open_when_ended, &ending);
    adb_unlisten(listener);
    pthread_join(opener, NULL);
    CU_ASSERT_EQUAL(heard.n_kind[ADB_NOTIFY_MESSAGE], 1);
    adb_context_free(ctx);
    rig_close(&rig);
}

/* So does close, up to its deadline; then it says that something was left. */
TEST(close_leaves_a_callback_behind_that_does_not_return)
{
    struct rig rig;
    struct heard heard = HEARD_INIT;
    struct latch latch = LATCH_INIT;
    rig_open_fake(&rig, "fake://", NULL);
    adb_context *ctx = adb_context_new(rig.db, ADB_QUEUE_DIRECT, 0);
    REQUIRE(adb_listen(ctx, "news", heard_note, &heard) != NULL);
    heard_await(&heard, ADB_NOTIFY_LISTENING, 1);
    heard.block = &latch;
    fake_notify("news", "0");
    latch_expect(&latch, 1);
    CU_ASSERT_EQUAL(adb_database_close(rig.db, 10), ADB_E_TIMEOUT);
    latch_open(&latch);
    adb_context_free(ctx);
    rig_drop(&rig);
}

/* A program that pulls hears too, on its way to the outcomes. */
TEST(pulling_runs_the_callbacks_of_listeners)
{
    struct rig rig;
    struct heard heard = HEARD_INIT;
    rig_open_fake(&rig, "fake://", NULL);
    listen_now(&rig, "news", &heard);
    CU_ASSERT_NOT_EQUAL(adb_notify(rig.ctx, "news", "5", NULL, NULL), 0);
    size_t outcomes = 0;
    while (outcomes < 1 || heard_n(&heard, ADB_NOTIFY_MESSAGE) < 1) {
        adb_queue_wait(rig.queue, PATIENCE_MS);
        adb_result *result = adb_queue_next(rig.queue);
        outcomes += result != NULL;
        adb_result_unref(result);
    }
    CU_ASSERT_EQUAL(heard.last_number, 5);
    CU_ASSERT_NOT_EQUAL(heard.pid, 4711);
    rig_close(&rig);
}

/* So does one that waits for a job. */
TEST(waiting_for_a_job_runs_the_callbacks_of_listeners)
{
    struct rig rig;
    struct heard heard = HEARD_INIT;
    rig_open_fake(&rig, "fake://", NULL);
    listen_now(&rig, "news", &heard);
    fake_notify("news", "5");
    while (heard_n(&heard, ADB_NOTIFY_MESSAGE) == 0)
        CU_ASSERT_EQUAL(value_of(rig.ctx, rig_quick(&rig, NULL, NULL)), 1);
    rig_close(&rig);
}

/* At the commit, and not when it rolls back. */
TEST(notification_in_a_transaction_is_sent_by_its_commit)
{
    struct rig rig;
    struct heard heard = HEARD_INIT;
    rig_open_fake(&rig, "fake://", NULL);
    listen_now(&rig, "news", &heard);
    adb_begin(rig.ctx, NULL, NULL, NULL);
    adb_notify(rig.ctx, "news", "1", NULL, NULL);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_rollback(rig.ctx, NULL, NULL)), ADB_OK);
    adb_begin(rig.ctx, NULL, NULL, NULL);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_notify(rig.ctx, "news", "2", NULL, NULL)), ADB_OK);
    CU_ASSERT_EQUAL(heard.n_kind[ADB_NOTIFY_MESSAGE], 0);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_commit(rig.ctx, NULL, NULL)), ADB_OK);
    heard_run(rig.queue, &heard, ADB_NOTIFY_MESSAGE, 1);
    CU_ASSERT_EQUAL(heard.last_number, 2);
    rig_close(&rig);
}

/* The descriptor of the queue is enough for a loop that sleeps in poll(). */
TEST(poll_loop_hears_everything)
{
    struct rig rig;
    struct heard heard = HEARD_INIT;
    rig_open_fake(&rig, "fake://", NULL);
    listen_now(&rig, "news", &heard);
    for (long i = 0; i < 300; i++) {
        notify_number("news", i);
        struct pollfd fd = {.fd = adb_queue_fd(rig.queue), .events = POLLIN};
        while (heard_last(&heard) < i || heard_n(&heard, ADB_NOTIFY_MESSAGE) == 0) {
            REQUIRE(poll(&fd, 1, PATIENCE_MS) == 1);
            adb_queue_dispatch(rig.queue, 0);
        }
    }
    CU_ASSERT_TRUE(heard.in_order);
    rig_close(&rig);
}

/* The handles of a parent are not the child's. */
TEST(child_of_a_fork_is_refused)
{
    struct rig rig;
    struct heard heard = HEARD_INIT;
    rig_open_fake(&rig, "fake://", NULL);
    adb_listener *listener = listen_now(&rig, "news", &heard);
    const pid_t child = fork();
    if (child == 0) {
        adb_unlisten(listener);
        const bool refused = adb_listen(rig.ctx, "news", heard_note, &heard) == NULL &&
                             adb_context_error(rig.ctx)->status == ADB_E_FORKED &&
                             adb_notify(rig.ctx, "news", "x", NULL, NULL) == 0;
        adb_context_free(rig.ctx);
        _exit(refused ? 0 : 1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    notify_number("news", 3);
    heard_run(rig.queue, &heard, ADB_NOTIFY_MESSAGE, 1);
    rig_close(&rig);
}

SUITE(listen, CASE(messages_come_in_order_after_the_word_that_it_listens), CASE(bad_names_and_callbacks_are_refused),
      CASE(database_without_notifications_says_so), CASE(any_name_of_sixty_three_bytes_is_a_channel),
      CASE(listeners_of_one_channel_share_one_listen), CASE(unwanted_channels_and_then_the_connection_are_given_up),
      CASE(loss_is_told_and_then_the_gap), CASE(refusals_to_connect_are_told_once_for_each_reason),
      CASE(server_of_the_wrong_role_is_left), CASE(refused_channel_is_tried_again_by_itself),
      CASE(unlisten_inside_its_callback_ends_it), CASE(context_may_be_freed_inside_a_callback),
      CASE(nothing_is_called_after_free_or_close), CASE(direct_callbacks_run_on_a_thread_of_their_own),
      CASE(unlisten_waits_for_a_callback_on_another_thread), CASE(close_leaves_a_callback_behind_that_does_not_return),
      CASE(pulling_runs_the_callbacks_of_listeners), CASE(waiting_for_a_job_runs_the_callbacks_of_listeners),
      CASE(notification_in_a_transaction_is_sent_by_its_commit), CASE(poll_loop_hears_everything),
      CASE(child_of_a_fork_is_refused))
