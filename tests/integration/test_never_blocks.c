/* SPDX-License-Identifier: BSD-3-Clause */
/* Promise 2: no submitting call waits for I/O, for a lock held across I/O, or for a full queue. The proof is that these
 * tests come to their end: nothing they have started can go on before they open a latch. */
#include "tests/lib/rig.h"

/* A full queue is a status at once, and room comes with delivery. (ITER-06, PAIN-13) */
TEST(full_queue_is_busy_at_once)
{
    enum { N = 8 };
    struct rig rig;
    struct tally tally = TALLY_INIT;
    rig_open_fake(&rig, "fake://?queue_capacity=8", NULL);
    for (int i = 0; i < N; i++)
        CU_ASSERT_NOT_EQUAL(adb_execute(rig.ctx, "block all", NULL, tally_done, &tally), 0);
    CU_ASSERT_EQUAL(rig_quick(&rig, tally_done, &tally), 0);
    CU_ASSERT_EQUAL(adb_context_error(rig.ctx)->status, ADB_E_BUSY);
    CU_ASSERT_EQUAL(adb_begin(rig.ctx, NULL, tally_done, &tally), 0);
    CU_ASSERT_EQUAL(adb_context_error(rig.ctx)->status, ADB_E_BUSY);
    CU_ASSERT_EQUAL(rig_stats(&rig).refused, 2);
    latch_open(latch_named("all"));
    run_all(rig.ctx);
    CU_ASSERT_EQUAL(tally_of(&tally, ADB_OK), N);
    CU_ASSERT_EQUAL(status_of(rig.ctx, rig_quick(&rig, NULL, NULL)), ADB_OK);
    CU_ASSERT_EQUAL(adb_context_error(rig.ctx)->status, ADB_OK);
    rig_close(&rig);
}

/* Outcomes that nobody has taken count, so that a caller that never dispatches cannot grow without bound. */
BOTH(undelivered_outcomes_fill_the_queue)
{
    RIG(rig, kind, ADB_OPTIONS(.queue_capacity = 4));
    for (int i = 0; i < 4; i++)
        CU_ASSERT_NOT_EQUAL(rig_quick(&rig, NULL, NULL), 0);
    while (rig_stats(&rig).jobs_undelivered < 4)
        adb_queue_wait(rig.queue, 1);
    CU_ASSERT_EQUAL(rig_quick(&rig, NULL, NULL), 0);
    CU_ASSERT_EQUAL(adb_context_error(rig.ctx)->status, ADB_E_BUSY);
    CU_ASSERT_EQUAL(adb_queue_dispatch(rig.queue, 1), 1);
    CU_ASSERT_NOT_EQUAL(rig_quick(&rig, NULL, NULL), 0);
    run_all(rig.ctx);
    rig_close(&rig);
}

/* Every worker hangs in its client library: submissions, contexts, cancels and figures go on. (CTX-13, REG-35) */
TEST(calls_go_on_while_all_workers_hang)
{
    enum { N = 2 };
    struct rig rig;
    adb_context *contexts[N];
    rig_open_fake(&rig, "fake://?max_size=2", NULL);
    for (int i = 0; i < N; i++) {
        contexts[i] = adb_context_new(rig.db, rig.queue, 0);
        adb_execute(contexts[i], "stuck all", NULL, NULL, NULL);
    }
    latch_expect(latch_named("all"), N);
    const adb_job waiting = rig_quick(&rig, NULL, NULL);
    CU_ASSERT_NOT_EQUAL(adb_begin(contexts[0], NULL, NULL, NULL), 0);
    CU_ASSERT_EQUAL(adb_cancel(rig.ctx, waiting), ADB_OK);
    CU_ASSERT_EQUAL(adb_execute(rig.ctx, "insert :n", NULL, NULL, NULL), 0);
    CU_ASSERT_EQUAL(rig_stats(&rig).jobs_running, N);
    CU_ASSERT_EQUAL(adb_queue_wait(rig.queue, 0), ADB_OK);
    CU_ASSERT_EQUAL(adb_queue_dispatch(rig.queue, 0), 1);
    for (int i = 0; i < N; i++)
        adb_context_free(contexts[i]);
    latch_open(latch_named("all"));
    rig_close(&rig);
}

/* Connecting is the worker's business. */
TEST(calls_go_on_while_connecting)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://", NULL);
    fake_open_blocks("door");
    const adb_job first = rig_insert(&rig, 1, NULL, NULL);
    latch_expect(latch_named("door"), 1);
    const adb_job second = rig_insert(&rig, 2, NULL, NULL);
    CU_ASSERT_EQUAL(rig_stats(&rig).connecting, 1);
    CU_ASSERT_FALSE(adb_database_is_connected(rig.db));
    latch_open(latch_named("door"));
    CU_ASSERT_EQUAL(status_of(rig.ctx, first), ADB_OK);
    CU_ASSERT_EQUAL(status_of(rig.ctx, second), ADB_OK);
    rig_close(&rig);
}

/* The driver's cancel may take its time (MySQL opens a connection for it): adb_cancel() does not. */
TEST(cancel_does_not_wait_for_the_driver)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://", NULL);
    fake_cancel_blocks("gate");
    const adb_job slow = rig_slow(&rig, NULL, NULL);
    rig_await_slow(&rig, 1);
    CU_ASSERT_EQUAL(adb_cancel(rig.ctx, slow), ADB_OK);
    latch_expect(latch_named("gate"), 1);
    CU_ASSERT_EQUAL(adb_cancel(rig.ctx, slow), ADB_OK);
    CU_ASSERT_NOT_EQUAL(rig_quick(&rig, NULL, NULL), 0);
    latch_open(latch_named("gate"));
    CU_ASSERT_EQUAL(status_of(rig.ctx, slow), ADB_E_CANCELLED);
    rig_close(&rig);
}

/* Opening a handle opens nothing and starts no thread. (LIFE-01, LIFE-02, LIFE-23) */
TEST(open_does_no_io)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://", NULL);
    CU_ASSERT_EQUAL(fake_n_calls(), 0);
    CU_ASSERT_EQUAL(rig_stats(&rig).workers, 0);
    CU_ASSERT_EQUAL(adb_database_close(rig.db, PATIENCE_MS), ADB_OK);
    CU_ASSERT_EQUAL(fake_n_calls(), 0);
    rig_drop(&rig);
}

SUITE(never_blocks, CASE(full_queue_is_busy_at_once), CASES(undelivered_outcomes_fill_the_queue),
      CASE(calls_go_on_while_all_workers_hang), CASE(calls_go_on_while_connecting),
      CASE(cancel_does_not_wait_for_the_driver), CASE(open_does_no_io))
