/* SPDX-License-Identifier: BSD-3-Clause */
/* Promise 9: one absolute deadline per job covers waiting, connecting, running and fetching. */
#include "tests/lib/rig.h"

#define SHORT_MS 20

static adb_job slow_for(struct rig *rig, int timeout_ms)
{
    return adb_submit(rig->ctx,
                      ADB_REQUEST(.kind = ADB_REQUEST_FETCH_ALL, .sql = rig->kind->slow, .timeout_ms = timeout_ms));
}

/* A job that waits ends at its deadline, though the job before it goes on. */
BOTH(deadline_passes_in_the_queue)
{
    RIG(rig, kind, NULL);
    const adb_job slow = rig_slow(&rig, NULL, NULL);
    const adb_job waiting =
        adb_submit(rig.ctx, ADB_REQUEST(.kind = ADB_REQUEST_EXECUTE, .sql = kind->insert, .timeout_ms = SHORT_MS,
                                        .params = ADB_PARAMS({"n", adb_int(1)})));
    CU_ASSERT_EQUAL(status_of(rig.ctx, waiting), ADB_E_TIMEOUT);
    adb_cancel(rig.ctx, slow);
    CU_ASSERT_EQUAL(status_of(rig.ctx, slow), ADB_E_CANCELLED);
    CU_ASSERT(rig_holds(&rig, ""));
    rig_close(&rig);
}

/* A running statement is stopped at its deadline, and the connection goes on. (QRY-27) */
BOTH(deadline_passes_while_running)
{
    RIG(rig, kind, NULL);
    CU_ASSERT_EQUAL(status_of(rig.ctx, slow_for(&rig, SHORT_MS)), ADB_E_TIMEOUT);
    CU_ASSERT_EQUAL(status_of(rig.ctx, rig_quick(&rig, NULL, NULL)), ADB_OK);
    CU_ASSERT_EQUAL(rig_stats(&rig).timed_out, 1);
    rig_close(&rig);
}

/* The job's deadline counts while its connection is being opened. */
TEST(deadline_passes_while_connecting)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://", NULL);
    fake_open_blocks("door");
    CU_ASSERT_EQUAL(status_of(rig.ctx, slow_for(&rig, SHORT_MS)), ADB_E_TIMEOUT);
    latch_open(latch_named("door"));
    CU_ASSERT_EQUAL(status_of(rig.ctx, rig_quick(&rig, NULL, NULL)), ADB_OK);
    rig_close(&rig);
}

/* An attempt to connect has a deadline of its own. */
TEST(connect_timeout_ends_an_attempt)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://?connect_timeout_ms=20", NULL);
    fake_open_blocks("door");
    CU_ASSERT_EQUAL(status_of(rig.ctx, rig_quick(&rig, NULL, NULL)), ADB_E_TIMEOUT);
    CU_ASSERT_EQUAL(adb_database_connect(rig.db, SHORT_MS, NULL), ADB_E_TIMEOUT);
    latch_open(latch_named("door"));
    CU_ASSERT_EQUAL(adb_database_connect(rig.db, PATIENCE_MS, NULL), ADB_OK);
    rig_close(&rig);
}

/* No worker comes free: a lane waits so long and no longer. (POOL-07, POOL-09, PAIN-13) */
TEST(wait_for_a_connection_has_a_deadline)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://?max_size=1&wait_timeout_ms=40", NULL);
    adb_context *other = adb_context_new(rig.db, rig.queue, 0);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_begin(rig.ctx, NULL, NULL, NULL)), ADB_OK);
    CU_ASSERT_EQUAL(status_of(other, adb_execute(other, "insert 1", NULL, NULL, NULL)), ADB_E_TIMEOUT);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_commit(rig.ctx, NULL, NULL)), ADB_OK);
    CU_ASSERT_EQUAL(status_of(other, adb_execute(other, "insert 2", NULL, NULL, NULL)), ADB_OK);
    CU_ASSERT(fake_table_is("2"));
    adb_context_free(other);
    rig_close(&rig);
}

/* The default of the context, and that of the database, and a request that has none. */
BOTH(deadlines_have_defaults)
{
    RIG(rig, kind, ADB_OPTIONS(.timeout_ms = SHORT_MS));
    CU_ASSERT_EQUAL(status_of(rig.ctx, slow_for(&rig, 0)), ADB_E_TIMEOUT);
    adb_context_set_timeout(rig.ctx, -1);
    const adb_job endless = slow_for(&rig, 0);
    CU_ASSERT_EQUAL(status_of(rig.ctx, slow_for(&rig, SHORT_MS)), ADB_E_TIMEOUT);
    adb_cancel(rig.ctx, endless);
    CU_ASSERT_EQUAL(status_of(rig.ctx, endless), ADB_E_CANCELLED);
    adb_context_set_timeout(rig.ctx, SHORT_MS);
    const adb_job spelled_out = slow_for(&rig, -1);
    CU_ASSERT_EQUAL(status_of(rig.ctx, slow_for(&rig, 0)), ADB_E_TIMEOUT);
    adb_cancel(rig.ctx, spelled_out);
    CU_ASSERT_EQUAL(status_of(rig.ctx, spelled_out), ADB_E_CANCELLED);
    rig_close(&rig);
}

static adb_status run_statements(adb_session *session, void *user_data)
{
    adb_status status = ADB_OK;
    (void)user_data;
    while (status == ADB_OK) {
        adb_result *result = adb_session_execute(session, "block never", NULL);
        status = adb_result_status(result);
        adb_result_unref(result);
    }
    adb_result *late = adb_session_execute(session, "insert 1", NULL);
    const bool refused = adb_session_stopped(session) && adb_result_status(late) == ADB_E_TIMEOUT;
    adb_result_unref(late);
    return refused ? status : ADB_E_INTERNAL;
}

/* One deadline for all statements of a work function; after it none is sent. */
TEST(deadline_covers_a_work_function)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://", NULL);
    const adb_job job =
        adb_submit(rig.ctx, ADB_REQUEST(.kind = ADB_REQUEST_RUN, .work = run_statements, .timeout_ms = SHORT_MS));
    CU_ASSERT_EQUAL(status_of(rig.ctx, job), ADB_E_TIMEOUT);
    CU_ASSERT_EQUAL(fake_count(FAKE_EXECUTE, "insert"), 0);
    rig_close(&rig);
}

/* Rows that nobody takes: the deadline covers fetching too. */
TEST(deadline_covers_fetching)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://", NULL);
    const adb_job job = adb_submit(
        rig.ctx, ADB_REQUEST(.kind = ADB_REQUEST_ITERATE, .sql = "rows 100", .batch_rows = 1, .timeout_ms = SHORT_MS));
    adb_status status = ADB_OK;
    struct rig *own = &rig;
    while (rig_stats(own).timed_out == 0)
        adb_queue_wait(rig.queue, 1);
    for (adb_result *result = adb_queue_next(rig.queue); result != NULL; result = adb_queue_next(rig.queue)) {
        status = adb_result_status(result);
        CU_ASSERT_EQUAL(adb_result_job(result), job);
        adb_result_unref(result);
    }
    CU_ASSERT_EQUAL(status, ADB_E_TIMEOUT);
    rig_close(&rig);
}

/* A wait that runs out says so, and the job goes on. */
BOTH(wait_runs_out_and_the_job_goes_on)
{
    RIG(rig, kind, NULL);
    const adb_job slow = rig_slow(&rig, NULL, NULL);
    adb_result *result = adb_wait(rig.ctx, slow, 1);
    CU_ASSERT_EQUAL(adb_result_status(result), ADB_E_TIMEOUT);
    adb_result_unref(result);
    CU_ASSERT_EQUAL(adb_context_pending(rig.ctx), 1);
    adb_cancel(rig.ctx, slow);
    CU_ASSERT_EQUAL(status_of(rig.ctx, slow), ADB_E_CANCELLED);
    CU_ASSERT_EQUAL(adb_queue_wait(rig.queue, 0), ADB_E_TIMEOUT);
    rig_close(&rig);
}

SUITE(deadlines, CASES(deadline_passes_in_the_queue), CASES(deadline_passes_while_running),
      CASE(deadline_passes_while_connecting), CASE(connect_timeout_ends_an_attempt),
      CASE(wait_for_a_connection_has_a_deadline), CASES(deadlines_have_defaults), CASE(deadline_covers_a_work_function),
      CASE(deadline_covers_fetching), CASES(wait_runs_out_and_the_job_goes_on))
