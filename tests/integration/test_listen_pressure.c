/* SPDX-License-Identifier: BSD-3-Clause */
/* Listening under pressure: slow consumers, silent connections, storms, losses in the middle of it, no memory. */
#include "tests/lib/heard.h"
#include "tests/lib/rig.h"

#include "base/clock.h"
#include "core/database.h"
#include "tests/lib/fault.h"

#include <stdio.h>

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

static bool some_wait(void *data)
{
    const struct rig *rig = data;
    return adb_queue_wait(rig->queue, 0) == ADB_OK;
}

/* A consumer that stands still holds the ear back, not memory; then all come, in order. */
TEST(slow_consumer_gets_everything_in_bounded_memory)
{
    struct rig rig;
    struct heard heard = HEARD_INIT;
    rig_open_fake(&rig, "fake://", NULL);
    rig.db->listening.most_undelivered = 8;
    rig.db->listening.patience = ADB__NS_PER_MS * PATIENCE_MS;
    fault_watch();
    listen_now(&rig, "news", &heard);
    const size_t live = fault_live_blocks();
    for (long i = 0; i < 500; i++)
        notify_number("news", i);
    await(some_wait, &rig);
    CU_ASSERT(fault_live_blocks() < live + 32);
    heard_run(rig.queue, &heard, ADB_NOTIFY_MESSAGE, 500);
    CU_ASSERT_TRUE(heard.in_order);
    CU_ASSERT_EQUAL(heard.n_kind[ADB_NOTIFY_GAP], 0);
    rig_close(&rig);
}

/* Without patience the one that stands still has a gap, and the other hears everything meanwhile. */
TEST(consumer_that_stands_still_has_a_gap_of_its_own)
{
    struct rig rig;
    struct heard still = HEARD_INIT, quick = HEARD_INIT;
    rig_open_fake(&rig, "fake://", NULL);
    rig.db->listening.most_undelivered = 8;
    rig.db->listening.patience = 0;
    adb_context *ctx = adb_context_new(rig.db, NULL, 0);
    REQUIRE(adb_listen(ctx, "news", heard_note, &still) != NULL);
    heard_run(adb_context_queue(ctx), &still, ADB_NOTIFY_LISTENING, 1);
    listen_now(&rig, "news", &quick);
    for (long i = 0; i < 100; i++) {
        notify_number("news", i);
        heard_run(rig.queue, &quick, ADB_NOTIFY_MESSAGE, (size_t)i + 1);
    }
    heard_run(adb_context_queue(ctx), &still, ADB_NOTIFY_GAP, 1);
    CU_ASSERT_EQUAL(still.error.status, ADB_E_BUSY);
    CU_ASSERT_EQUAL(still.n_kind[ADB_NOTIFY_MESSAGE], 8);
    notify_number("news", 100);
    heard_run(adb_context_queue(ctx), &still, ADB_NOTIFY_MESSAGE, 9);
    CU_ASSERT_EQUAL(still.last_number, 100);
    CU_ASSERT_EQUAL(quick.n_kind[ADB_NOTIFY_GAP], 0);
    adb_context_free(ctx);
    rig_close(&rig);
}

static adb_status hang_there(adb_session *session, void *user_data)
{
    (void)session;
    latch_wait(user_data);
    return ADB_OK;
}

/* An ear that is stuck is left behind by close; it frees itself when it comes back, and nobody is called. */
TEST(stuck_ear_is_left_behind)
{
    struct rig rig;
    struct heard heard = HEARD_INIT;
    struct latch latch = LATCH_INIT;
    rig_open_fake(&rig, "fake://", ADB_OPTIONS(.on_connect = hang_there, .on_connect_data = &latch));
    REQUIRE(adb_listen(rig.ctx, "news", heard_note, &heard) != NULL);
    latch_expect(&latch, 1);
    CU_ASSERT_EQUAL(adb_database_close(rig.db, 10), ADB_E_TIMEOUT);
    latch_open(&latch);
    CU_ASSERT_EQUAL(adb_database_connect(rig.db, PATIENCE_MS, NULL), ADB_OK);
    struct heard again = HEARD_INIT;
    listen_now(&rig, "news", &again);
    CU_ASSERT_EQUAL(heard.n, 0);
    rig_drop(&rig);
}

/* A connection that says nothing for long is asked whether it is there; one that is not is a gap. */
TEST(silent_connection_is_checked)
{
    struct rig rig;
    struct heard heard = HEARD_INIT;
    rig_open_fake(&rig, "fake://", NULL);
    rig.db->listening.heartbeat = ADB__NS_PER_MS;
    fake_check_fails(1);
    listen_now(&rig, "news", &heard);
    heard_run(rig.queue, &heard, ADB_NOTIFY_GAP, 1);
    notify_number("news", 1);
    heard_run(rig.queue, &heard, ADB_NOTIFY_MESSAGE, 1);
    while (fake_count(FAKE_CHECK, "ping") < 3)
        adb_queue_dispatch(rig.queue, 0);
    CU_ASSERT_EQUAL(heard.n_kind[ADB_NOTIFY_LOST], 1);
    rig_close(&rig);
}

/* A check that hangs is broken off: the network swallows it. */
TEST(check_that_hangs_is_severed)
{
    struct rig rig;
    struct heard heard = HEARD_INIT;
    rig_open_fake(&rig, "fake://?backoff=1", NULL);
    rig.db->listening.heartbeat = ADB__NS_PER_MS;
    rig.db->guards.call_ns = ADB__NS_PER_MS;
    fake_check_hangs("check");
    listen_now(&rig, "news", &heard);
    heard_run(rig.queue, &heard, ADB_NOTIFY_LOST, 1);
    fake_check_hangs(NULL);
    heard_run(rig.queue, &heard, ADB_NOTIFY_GAP, 1);
    latch_open(latch_named("check"));
    rig_close(&rig);
}

#define STORM_MESSAGES 2000

static void *storm_send(void *data)
{
    const char *channel = data;
    for (long i = 0; i < STORM_MESSAGES; i++)
        notify_number(channel, i);
    return NULL;
}

static void *storm_churn(void *data)
{
    struct rig *rig = data;
    for (int i = 0; i < 50; i++) {
        struct heard heard = HEARD_INIT;
        adb_context *ctx = adb_context_new(rig->db, i % 2 == 0 ? NULL : ADB_QUEUE_DIRECT, 0);
        adb_listener *listener = adb_listen(ctx, i % 3 == 0 ? "c0" : "c9", heard_note, &heard);
        if (i % 2 == 0)
            adb_queue_dispatch(adb_context_queue(ctx), 0);
        if (i % 5 == 0)
            adb_unlisten(listener);
        adb_context_free(ctx);
    }
    return NULL;
}

/* Many senders, channels that come and go, a consumer in the middle: each message once and in the order of its channel.
 */
TEST(storm_is_heard_exactly_once)
{
    static char names[3][4] = {"c0", "c1", "c2"};
    struct rig rig;
    struct heard heard[3] = {HEARD_INIT, HEARD_INIT, HEARD_INIT};
    pthread_t senders[3], churner;
    rig_open_fake(&rig, "fake://", NULL);
    rig.db->listening.most_undelivered = 64;
    rig.db->listening.patience = ADB__NS_PER_MS * PATIENCE_MS;
    for (int i = 0; i < 3; i++)
        listen_now(&rig, names[i], &heard[i]);
    pthread_create(&churner, NULL, storm_churn, &rig);
    for (int i = 0; i < 3; i++)
        pthread_create(&senders[i], NULL, storm_send, names[i]);
    for (int i = 0; i < 3; i++)
        heard_run(rig.queue, &heard[i], ADB_NOTIFY_MESSAGE, STORM_MESSAGES);
    for (int i = 0; i < 3; i++)
        pthread_join(senders[i], NULL);
    pthread_join(churner, NULL);
    for (int i = 0; i < 3; i++)
        CU_ASSERT(heard[i].in_order && heard[i].n_kind[ADB_NOTIFY_MESSAGE] == STORM_MESSAGES);
    rig_close(&rig);
}

/* Losses in the middle of it: never out of order, never twice, and what was missed is said. */
TEST(losses_under_fire_are_gaps)
{
    static char name[] = "c0";
    struct rig rig;
    struct heard heard = HEARD_INIT;
    pthread_t sender;
    rig_open_fake(&rig, "fake://", NULL);
    listen_now(&rig, name, &heard);
    pthread_create(&sender, NULL, storm_send, name);
    for (size_t i = 1; i <= 3; i++) {
        fake_lose_idle();
        heard_run(rig.queue, &heard, ADB_NOTIFY_GAP, i);
    }
    pthread_join(sender, NULL);
    notify_number(name, STORM_MESSAGES);
    while (heard_last(&heard) != STORM_MESSAGES)
        adb_queue_dispatch(rig.queue, 0);
    CU_ASSERT_TRUE(heard.in_order);
    CU_ASSERT_EQUAL(heard.n_kind[ADB_NOTIFY_LISTENING], 1);
    rig_close(&rig);
}

/* Each allocation in turn: a status, nothing leaks, and listening works afterwards. */
TEST(listen_without_memory_is_a_status)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://", NULL);
    FAULT_EACH(n)
    {
        struct heard heard = HEARD_INIT;
        fault_arm_once(n);
        adb_listener *listener = adb_listen(rig.ctx, "news", heard_note, &heard);
        if (listener == NULL) {
            CU_ASSERT_EQUAL(adb_context_error(rig.ctx)->status, ADB_E_NOMEM);
        } else {
            fake_notify("news", "0"); /* heard or not: it may not listen yet */
            heard_run(rig.queue, &heard, ADB_NOTIFY_LISTENING, 1);
        }
        if (listener == NULL || n > 40)
            FAULT_DONE();
        else
            fault_disarm();
        adb_unlisten(listener);
    }
    rig_close(&rig);
}

SUITE(listen_pressure, CASE(slow_consumer_gets_everything_in_bounded_memory),
      CASE(consumer_that_stands_still_has_a_gap_of_its_own), CASE(stuck_ear_is_left_behind),
      CASE(silent_connection_is_checked), CASE(check_that_hangs_is_severed), CASE(storm_is_heard_exactly_once),
      CASE(losses_under_fire_are_gaps), CASE(listen_without_memory_is_a_status))
