/* SPDX-License-Identifier: BSD-3-Clause */
/* Promise 12: close always returns by its deadline, and afterwards no callback of that database runs. */
#include "tests/lib/rig.h"

/* What ends by itself in time is not cancelled. (LIFE-11, POOL-21) */
BOTH(close_lets_jobs_end)
{
    struct tally tally = TALLY_INIT;
    RIG(rig, kind, NULL);
    for (int i = 0; i < 20; i++)
        rig_insert(&rig, i, tally_done, &tally);
    CU_ASSERT_EQUAL(adb_database_close(rig.db, PATIENCE_MS), ADB_OK);
    CU_ASSERT_EQUAL(tally_of(&tally, ADB_OK), 20);
    CU_ASSERT(pthread_equal(tally_seen(&tally, 0).thread, pthread_self()));
    rig_drop(&rig);
}

/* A worker that hangs in its client library is left behind, its job ends with an unknown outcome. (PAIN-12, LIFE-15) */
TEST(close_leaves_a_hanging_worker_behind)
{
    struct tally tally = TALLY_INIT;
    struct rig rig;
    rig_open_fake(&rig, "fake://", NULL);
    adb_execute(rig.ctx, "stuck deep", NULL, tally_done, &tally);
    adb_execute(rig.ctx, "write later", NULL, tally_done, &tally);
    latch_expect(latch_named("deep"), 1);
    CU_ASSERT_EQUAL(adb_database_close(rig.db, 20), ADB_E_TIMEOUT);
    CU_ASSERT_EQUAL(tally_n(&tally), 2);
    CU_ASSERT_EQUAL(tally_of(&tally, ADB_E_CLOSED), 2);
    const struct seen hung = tally_seen(&tally, tally_seen(&tally, 0).flags != 0 ? 0 : 1);
    CU_ASSERT_EQUAL(hung.flags & ADB_ERROR_OUTCOME_UNKNOWN, ADB_ERROR_OUTCOME_UNKNOWN);
    latch_open(latch_named("deep"));
    fake_await_connections(0);
    CU_ASSERT_EQUAL(tally_n(&tally), 2);
    CU_ASSERT_EQUAL(fake_count(FAKE_EXECUTE, "write"), 0);
    rig_drop(&rig);
}

/* The driver's cancel hangs (it may need a connection of its own): close waits for it no more than for the statement.
 * */
TEST(close_returns_while_a_cancel_hangs)
{
    struct tally tally = TALLY_INIT;
    struct rig rig;
    rig_open_fake(&rig, "fake://", NULL);
    fake_cancel_blocks("gate");
    const adb_job job = adb_execute(rig.ctx, "stuck deep", NULL, tally_done, &tally);
    latch_expect(latch_named("deep"), 1);
    adb_cancel(rig.ctx, job);
    latch_expect(latch_named("gate"), 1);
    CU_ASSERT_EQUAL(adb_database_close(rig.db, 20), ADB_E_TIMEOUT);
    CU_ASSERT_EQUAL(tally_n(&tally), 1);
    CU_ASSERT(tally_seen(&tally, 0).flags & ADB_ERROR_OUTCOME_UNKNOWN);
    latch_open(latch_named("gate"));
    latch_open(latch_named("deep"));
    rig_drop(&rig);
    CU_ASSERT_EQUAL(tally_n(&tally), 1);
}

/* Everything is freed while the worker still hangs: it finds its way out alone. */
TEST(hanging_worker_outlives_its_database)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://", NULL);
    adb_begin(rig.ctx, NULL, NULL, NULL);
    adb_execute(rig.ctx, "stuck deep", NULL, NULL, NULL);
    latch_expect(latch_named("deep"), 1);
    adb_database_close(rig.db, 0);
    adb_context_free(rig.ctx);
    adb_queue_free(rig.queue);
    adb_database_free(rig.db);
    latch_open(latch_named("deep"));
    fake_await_connections(0);
    CU_ASSERT_EQUAL(fake_breaches(), 0);
}

/* A connection that is being opened is given up. */
TEST(close_gives_up_a_slow_open)
{
    struct tally tally = TALLY_INIT;
    struct rig rig;
    rig_open_fake(&rig, "fake://", NULL);
    fake_open_blocks("door");
    rig_quick(&rig, tally_done, &tally);
    latch_expect(latch_named("door"), 1);
    CU_ASSERT_EQUAL(adb_database_close(rig.db, 0), ADB_E_TIMEOUT);
    CU_ASSERT_EQUAL(tally_of(&tally, ADB_E_CLOSED), 1);
    rig_drop(&rig);
}

/* Closing twice, closing nothing. (LIFE-04, REG-21) */
BOTH(close_is_idempotent)
{
    RIG(rig, kind, NULL);
    CU_ASSERT_EQUAL(status_of(rig.ctx, rig_quick(&rig, NULL, NULL)), ADB_OK);
    CU_ASSERT_EQUAL(adb_database_close(rig.db, PATIENCE_MS), ADB_OK);
    CU_ASSERT_EQUAL(adb_database_close(rig.db, 0), ADB_OK);
    CU_ASSERT_EQUAL(adb_database_close(NULL, 0), ADB_OK);
    CU_ASSERT_FALSE(adb_database_is_connected(rig.db));
    CU_ASSERT_EQUAL(rig_quick(&rig, NULL, NULL), 0);
    CU_ASSERT_EQUAL(adb_context_error(rig.ctx)->status, ADB_E_CLOSED);
    rig_drop(&rig);
}

/* Connect opens a closed database again, for the contexts that are there. (LIFE-03, LIFE-05, LIFE-07, REG-20) */
BOTH(connect_opens_again)
{
    adb_error error;
    RIG(rig, kind, NULL);
    for (int cycle = 1; cycle <= 3; cycle++) {
        CU_ASSERT_EQUAL(adb_database_connect(rig.db, PATIENCE_MS, &error), ADB_OK);
        CU_ASSERT_EQUAL(adb_database_connect(rig.db, PATIENCE_MS, NULL), ADB_OK);
        CU_ASSERT_TRUE(adb_database_is_connected(rig.db));
        CU_ASSERT_EQUAL(status_of(rig.ctx, rig_insert(&rig, cycle, NULL, NULL)), ADB_OK);
        CU_ASSERT_EQUAL(adb_database_close(rig.db, PATIENCE_MS), ADB_OK);
        CU_ASSERT_FALSE(adb_database_is_connected(rig.db));
    }
    adb_database_connect(rig.db, PATIENCE_MS, NULL);
    CU_ASSERT(rig_holds(&rig, "1 2 3"));
    rig_close(&rig);
}

/* A reopened database serves new contexts also while a worker that was left behind still hangs; the context of the
 * hanging job goes on when that is over. */
TEST(connect_opens_again_after_a_hang)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://?max_size=1", NULL);
    adb_execute(rig.ctx, "stuck deep", NULL, NULL, NULL);
    latch_expect(latch_named("deep"), 1);
    CU_ASSERT_EQUAL(adb_database_close(rig.db, 0), ADB_E_TIMEOUT);
    CU_ASSERT_EQUAL(adb_database_connect(rig.db, PATIENCE_MS, NULL), ADB_OK);
    adb_context *other = adb_context_new(rig.db, rig.queue, 0);
    CU_ASSERT_EQUAL(status_of(other, adb_execute(other, "write", NULL, NULL, NULL)), ADB_OK);
    adb_context_free(other);
    const adb_job behind = rig_quick(&rig, NULL, NULL);
    latch_open(latch_named("deep"));
    CU_ASSERT_EQUAL(status_of(rig.ctx, behind), ADB_OK);
    rig_close(&rig);
}

/* A transaction that is open when the database closes is rolled back, and its level is gone at the next connect.
 * (FR-04) */
BOTH(close_rolls_back)
{
    RIG(rig, kind, NULL);
    adb_begin(rig.ctx, NULL, NULL, NULL);
    CU_ASSERT_EQUAL(status_of(rig.ctx, rig_insert(&rig, 1, NULL, NULL)), ADB_OK);
    CU_ASSERT_EQUAL(adb_database_close(rig.db, PATIENCE_MS), ADB_OK);
    CU_ASSERT_EQUAL(adb_context_depth(rig.ctx), 0);
    CU_ASSERT_EQUAL(adb_database_connect(rig.db, PATIENCE_MS, NULL), ADB_OK);
    CU_ASSERT(rig_holds(&rig, ""));
    rig_close(&rig);
}

struct closing {
    struct rig *rig;
    adb_status status;
    struct tally after;
};

static void close_here(adb_result *result, void *user_data)
{
    struct closing *closing = user_data;
    (void)result;
    closing->status = adb_database_close(closing->rig->db, 0);
}

/* A callback may close its own database: the other outcomes are delivered inside it. */
BOTH(close_inside_a_callback)
{
    RIG(rig, kind, NULL);
    struct closing closing = {.rig = &rig, .status = ADB_E_INTERNAL, .after = TALLY_INIT};
    rig_quick(&rig, close_here, &closing);
    rig_slow(&rig, tally_done, &closing.after);
    rig_quick(&rig, tally_done, &closing.after);
    rig_await_slow(&rig, 1);
    while (adb_queue_dispatch(rig.queue, 1) == 0) /* what runs may still be the quick one */
        adb_queue_wait(rig.queue, PATIENCE_MS);
    CU_ASSERT_EQUAL(closing.status, ADB_E_TIMEOUT);
    CU_ASSERT_EQUAL(tally_of(&closing.after, ADB_E_CLOSED), 2);
    rig_drop(&rig);
}

static void free_here(adb_result *result, void *user_data)
{
    struct rig *rig = user_data;
    (void)result;
    adb_database_free(rig->db);
    rig->db = NULL;
}

/* A callback may free its own database; the contexts are freed later. */
BOTH(free_of_the_database_inside_a_callback)
{
    RIG(rig, kind, NULL);
    rig_quick(&rig, free_here, &rig);
    run_all(rig.ctx);
    CU_ASSERT_EQUAL(rig.db, NULL);
    CU_ASSERT_EQUAL(rig_quick(&rig, NULL, NULL), 0);
    CU_ASSERT_EQUAL(adb_context_error(rig.ctx)->status, ADB_E_CLOSED);
    rig_drop(&rig);
}

/* Contexts keep what they need: any order of freeing will do. */
BOTH(database_is_freed_before_its_contexts)
{
    RIG(rig, kind, NULL);
    rig_insert(&rig, 1, NULL, NULL);
    adb_database_free(rig.db);
    rig.db = NULL;
    CU_ASSERT_EQUAL(adb_context_pending(rig.ctx), 0);
    rig_drop(&rig);
}

static adb_flow pause_here(adb_result *batch, void *user_data)
{
    (void)batch;
    (void)user_data;
    return ADB_PAUSE;
}

/* A paused iterate holds nothing up. */
BOTH(close_ends_a_paused_iterate)
{
    struct tally tally = TALLY_INIT;
    RIG(rig, kind, ADB_OPTIONS(.batch_rows = 1));
    for (int i = 0; i < 5; i++)
        rig_insert(&rig, i, NULL, NULL);
    adb_iterate(rig.ctx, kind->rows, NULL, pause_here, tally_done, &tally);
    while (rig_stats(&rig).jobs_running == 0 || adb_context_pending(rig.ctx) > 1) {
        adb_queue_wait(rig.queue, 10);
        adb_queue_dispatch(rig.queue, 0);
    }
    CU_ASSERT_EQUAL(adb_database_close(rig.db, 0), ADB_E_TIMEOUT);
    CU_ASSERT_EQUAL(tally_of(&tally, ADB_E_CLOSED), 1);
    rig_drop(&rig);
}

static void *close_it(void *db)
{
    adb_database_close(db, PATIENCE_MS);
    return NULL;
}

/* While one thread closes, others may submit, dispatch and ask: they get a status, never a hang. */
BOTH(other_threads_go_on_while_closing)
{
    pthread_t closer;
    struct tally tally = TALLY_INIT;
    size_t accepted = 0;
    RIG(rig, kind, NULL);
    for (int i = 0; i < 50; i++)
        accepted += rig_insert(&rig, i, tally_done, &tally) != 0;
    pthread_create(&closer, NULL, close_it, rig.db);
    for (bool open = true; open;) {
        const adb_job job = rig_quick(&rig, tally_done, &tally);
        open = job != 0 || adb_context_error(rig.ctx)->status != ADB_E_CLOSED;
        accepted += job != 0;
        adb_queue_dispatch(rig.queue, 0);
        rig_stats(&rig);
    }
    pthread_join(closer, NULL);
    CU_ASSERT_EQUAL(tally_n(&tally), accepted);
    rig_drop(&rig);
}

SUITE(close, CASES(close_lets_jobs_end), CASE(close_leaves_a_hanging_worker_behind),
      CASE(hanging_worker_outlives_its_database), CASE(close_gives_up_a_slow_open), CASES(close_is_idempotent),
      CASES(connect_opens_again), CASE(connect_opens_again_after_a_hang), CASES(close_rolls_back),
      CASES(close_inside_a_callback), CASES(free_of_the_database_inside_a_callback),
      CASES(database_is_freed_before_its_contexts), CASES(close_ends_a_paused_iterate),
      CASES(other_threads_go_on_while_closing), CASE(close_returns_while_a_cancel_hangs))
