/* SPDX-License-Identifier: BSD-3-Clause */
/* Promises that need no SQL: jobs, their order, cancel, deadlines, transactions as such. */
#include "tests/conformance/driver_suite.h"

/* What the callbacks of a test have seen. */
struct record {
    size_t calls;
    adb_status last;
};

static void note_outcome(adb_result *result, void *user_data)
{
    struct record *record = user_data;
    record->calls++;
    record->last = adb_result_status(result);
}

static size_t n_ended;

/* user_data says whose turn it should be. */
static void note_turn(adb_result *result, void *user_data)
{
    CU_ASSERT_EQUAL(adb_result_status(result), ADB_OK);
    CU_ASSERT_EQUAL((size_t)(uintptr_t)user_data, n_ended);
    n_ended++;
}

/* A thousand submissions at once on one handle queue up, and end in the order in which they were accepted. PAIN-01
 * CTX-12 TX-29 REG-45 */
TEST(jobs_of_a_context_end_in_order)
{
    board(NULL);
    n_ended = 0;
    for (size_t i = 0; i < 1000; i++)
        REQUIRE(adb_fetch_one(ctx, suite->dialect->one, NULL, note_turn, (void *)(uintptr_t)i) != 0);
    deliver(ctx);
    CU_ASSERT_EQUAL(n_ended, 1000);
    suite_close();
}

/* A job that ends well, one that fails and one that is cancelled each call back once. */
TEST(each_job_calls_back_once)
{
    struct record record[3] = {{0}};
    board(NULL);
    adb_fetch_one(ctx, suite->dialect->one, NULL, note_outcome, &record[0]);
    adb_fetch_all(ctx, suite->dialect->wrong, NULL, note_outcome, &record[1]);
    const adb_job slow = adb_fetch_all(ctx, suite->dialect->slow, NULL, note_outcome, &record[2]);
    CU_ASSERT_EQUAL(adb_cancel(ctx, slow), ADB_OK);
    deliver(ctx);
    CU_ASSERT(record[0].calls == 1 && record[0].last == ADB_OK);
    CU_ASSERT(record[1].calls == 1 && record[1].last != ADB_OK);
    CU_ASSERT(record[2].calls == 1 && record[2].last == ADB_E_CANCELLED);
    suite_close();
}

/* The connection is good for the next job after a cancel has hit it. REG-10 PAIN-05 */
TEST(a_running_job_can_be_cancelled)
{
    board(NULL);
    const adb_job slow = adb_fetch_all(ctx, suite->dialect->slow, NULL, NULL, NULL);
    until_running(1);
    CU_ASSERT_EQUAL(adb_cancel(ctx, slow), ADB_OK);
    CU_ASSERT_EQUAL(ended(slow), ADB_E_CANCELLED);
    CU_ASSERT_EQUAL(adb_cancel(ctx, slow), ADB_E_NOT_FOUND);
    CU_ASSERT(ended_well(adb_fetch_one(ctx, suite->dialect->one, NULL, NULL, NULL)));
    suite_close();
}

/* A job behind a slow one is cancelled without waiting for it. */
TEST(a_waiting_job_can_be_cancelled)
{
    board(NULL);
    const adb_job slow = adb_fetch_all(ctx, suite->dialect->slow, NULL, NULL, NULL);
    const adb_job behind = adb_execute(ctx, suite->dialect->write, NULL, NULL, NULL);
    CU_ASSERT_EQUAL(adb_cancel(ctx, behind), ADB_OK);
    CU_ASSERT_EQUAL(ended(behind), ADB_E_CANCELLED);
    adb_cancel(ctx, slow);
    CU_ASSERT_EQUAL(ended(slow), ADB_E_CANCELLED);
    CU_ASSERT_EQUAL(written(), 0);
    suite_close();
}

/* A deadline ends the statement in the database too, and the connection stays usable. QRY-27 */
TEST(a_deadline_ends_a_running_job)
{
    board(NULL);
    const adb_job slow =
        adb_submit(ctx, ADB_REQUEST(.kind = ADB_REQUEST_FETCH_ALL, .sql = suite->dialect->slow, .timeout_ms = 30));
    CU_ASSERT_EQUAL(ended(slow), ADB_E_TIMEOUT);
    CU_ASSERT(ended_well(adb_fetch_one(ctx, suite->dialect->one, NULL, NULL, NULL)));
    CU_ASSERT_EQUAL(figures().timed_out, 1);
    suite_close();
}

/* The deadline of a context holds for its jobs, and one of their own wins over it. */
TEST(a_context_has_a_deadline_for_its_jobs)
{
    board(ADB_OPTIONS(.timeout_ms = -1));
    adb_context_set_timeout(ctx, 30);
    CU_ASSERT_EQUAL(ended(adb_fetch_all(ctx, suite->dialect->slow, NULL, NULL, NULL)), ADB_E_TIMEOUT);
    adb_context_set_timeout(ctx, -1);
    CU_ASSERT(ended_well(adb_fetch_one(ctx, suite->dialect->one, NULL, NULL, NULL)));
    suite_close();
}

/* A wait that runs out leaves the job alone. */
TEST(a_wait_that_runs_out_leaves_the_job)
{
    board(NULL);
    const adb_job slow = adb_fetch_all(ctx, suite->dialect->slow, NULL, NULL, NULL);
    adb_result *waited = keep(adb_wait(ctx, slow, 10));
    CU_ASSERT_EQUAL(adb_result_status(waited), ADB_E_TIMEOUT);
    CU_ASSERT_EQUAL(adb_context_pending(ctx), 1);
    CU_ASSERT_EQUAL(adb_cancel(ctx, slow), ADB_OK);
    CU_ASSERT_EQUAL(ended(slow), ADB_E_CANCELLED);
    suite_close();
}

/* An error is the job's, not the context's. QRY-32 ERR-08 */
TEST(a_failed_job_leaves_the_context_usable)
{
    board(NULL);
    CU_ASSERT_NOT_EQUAL(ended(adb_fetch_all(ctx, suite->dialect->wrong, NULL, NULL, NULL)), ADB_OK);
    CU_ASSERT(ended_well(adb_execute(ctx, suite->dialect->write, NULL, NULL, NULL)));
    CU_ASSERT_EQUAL(written(), 1);
    suite_close();
}

/* Begin, work, commit, and begin, work, roll back, submitted in one go. TX-08 */
TEST(commit_keeps_and_rollback_undoes)
{
    board(NULL);
    adb_begin(ctx, NULL, NULL, NULL);
    adb_execute(ctx, suite->dialect->write, NULL, NULL, NULL);
    CU_ASSERT(ended_well(adb_commit(ctx, NULL, NULL)));
    adb_begin(ctx, NULL, NULL, NULL);
    adb_execute(ctx, suite->dialect->write, NULL, NULL, NULL);
    CU_ASSERT(ended_well(adb_rollback(ctx, NULL, NULL)));
    CU_ASSERT_EQUAL(written(), 1);
    CU_ASSERT_EQUAL(adb_context_depth(ctx), 0);
    suite_close();
}

/* A failure fails its level: what follows is not run, and commit rolls back and says why. TX-33 PAIN-03 */
TEST(a_failed_job_fails_its_transaction)
{
    board(NULL);
    adb_begin(ctx, NULL, NULL, NULL);
    adb_execute(ctx, suite->dialect->write, NULL, NULL, NULL);
    adb_fetch_all(ctx, suite->dialect->wrong, NULL, NULL, NULL);
    CU_ASSERT_EQUAL(ended(adb_execute(ctx, suite->dialect->write, NULL, NULL, NULL)), ADB_E_TRANSACTION_FAILED);
    CU_ASSERT_EQUAL(ended(adb_commit(ctx, NULL, NULL)), ADB_E_TRANSACTION_FAILED);
    CU_ASSERT_EQUAL(written(), 0);
    suite_close();
}

/* The inner level fails alone; the outer one keeps its work. TX-06 */
TEST(a_failed_inner_level_leaves_the_outer_one)
{
    board(NULL);
    adb_begin(ctx, NULL, NULL, NULL);
    adb_execute(ctx, suite->dialect->write, NULL, NULL, NULL);
    adb_begin(ctx, NULL, NULL, NULL);
    adb_fetch_all(ctx, suite->dialect->wrong, NULL, NULL, NULL);
    CU_ASSERT_EQUAL(ended(adb_commit(ctx, NULL, NULL)), ADB_E_TRANSACTION_FAILED);
    adb_execute(ctx, suite->dialect->write, NULL, NULL, NULL);
    CU_ASSERT(ended_well(adb_commit(ctx, NULL, NULL)));
    CU_ASSERT_EQUAL(written(), 2);
    suite_close();
}

/* Ending what is not open is a status, and nothing is sent. TX-14 PAIN-08 */
TEST(a_transaction_ends_once)
{
    board(NULL);
    CU_ASSERT_EQUAL(ended(adb_commit(ctx, NULL, NULL)), ADB_E_NO_TRANSACTION);
    adb_begin(ctx, NULL, NULL, NULL);
    CU_ASSERT(ended_well(adb_rollback(ctx, NULL, NULL)));
    CU_ASSERT_EQUAL(ended(adb_rollback(ctx, NULL, NULL)), ADB_E_NO_TRANSACTION);
    CU_ASSERT_EQUAL(ended(adb_commit(ctx, NULL, NULL)), ADB_E_NO_TRANSACTION);
    suite_close();
}

/* Whoever forgets a context with an open transaction has it rolled back. TX-30 CTX-06 */
TEST(freeing_a_context_rolls_back)
{
    board(NULL);
    adb_context *forgotten = adb_context_new(db, NULL, 0);
    adb_begin(forgotten, NULL, NULL, NULL);
    CU_ASSERT_EQUAL(ended_in(forgotten, adb_execute(forgotten, suite->dialect->write, NULL, NULL, NULL)), ADB_OK);
    adb_context_free(forgotten);
    CU_ASSERT_EQUAL(written(), 0);
    until_held(0);
    suite_close();
}

/* What is acquired twice is released twice, and once more is a status. CTX-02 CTX-25 CTX-30 REG-63 */
TEST(acquire_and_release_count)
{
    board(NULL);
    adb_acquire(ctx, NULL, NULL);
    adb_acquire(ctx, NULL, NULL);
    CU_ASSERT(ended_well(adb_release(ctx, NULL, NULL)));
    until_held(1);
    CU_ASSERT(ended_well(adb_release(ctx, NULL, NULL)));
    CU_ASSERT_EQUAL(ended(adb_release(ctx, NULL, NULL)), ADB_E_STATE);
    CU_ASSERT(ended_well(adb_fetch_one(ctx, suite->dialect->one, NULL, NULL, NULL)));
    suite_close();
}

static adb_status wait_for_oneself(adb_session *session, void *user_data)
{
    adb_context *other = user_data;
    adb_result *result = adb_wait(other, adb_fetch_one(other, suite->dialect->one, NULL, NULL, NULL), -1);
    const adb_status status = adb_result_status(result);
    adb_result_unref(result);
    return adb_session_fail(session, status, "as expected");
}

/* A function on the worker that would wait for a worker is told so. POOL-09 PAIN-13 */
TEST(waiting_on_a_worker_is_refused)
{
    board(NULL);
    adb_context *other = lane();
    CU_ASSERT_EQUAL(ended(adb_run(ctx, wait_for_oneself, NULL, other)), ADB_E_DEADLOCK);
    deliver(other);
    suite_close();
}

static adb_status write_twice(adb_session *session, void *user_data)
{
    const adb_status *answer = user_data;
    for (int i = 0; i < 2; i++) {
        adb_result *result = adb_session_execute(session, suite->dialect->write, NULL);
        const adb_status status = adb_result_status(result);
        adb_result_unref(result);
        if (status != ADB_OK)
            return status;
    }
    return *answer;
}

/* The scope form commits what ends well and rolls back what does not; the function's status is the job's. TX-01 */
TEST(transact_commits_or_rolls_back)
{
    adb_status answer = ADB_E_CHECK;
    board(NULL);
    CU_ASSERT_EQUAL(ended(adb_transact(ctx, NULL, write_twice, NULL, &answer)), ADB_E_CHECK);
    CU_ASSERT_EQUAL(written(), 0);
    answer = ADB_OK;
    CU_ASSERT(ended_well(adb_transact(ctx, NULL, write_twice, NULL, &answer)));
    CU_ASSERT_EQUAL(written(), 2);
    suite_close();
}

/* Close does not wait for a job that never ends: it is stopped, and calls back before close returns. LIFE-15 POOL-21
 * PAIN-12 */
TEST(close_ends_what_still_runs)
{
    struct record record = {0};
    board(NULL);
    adb_fetch_all(ctx, suite->dialect->slow, NULL, note_outcome, &record);
    until_running(1);
    CU_ASSERT_EQUAL(adb_database_close(db, 0), ADB_E_TIMEOUT);
    CU_ASSERT(record.calls == 1 && record.last == ADB_E_CLOSED);
    CU_ASSERT_EQUAL(adb_fetch_one(ctx, suite->dialect->one, NULL, note_outcome, &record), 0);
    CU_ASSERT_EQUAL(adb_context_error(ctx)->status, ADB_E_CLOSED);
    CU_ASSERT_EQUAL(record.calls, 1);
    suite_close();
}

GROUP(jobs, ANY(jobs_of_a_context_end_in_order), ANY(each_job_calls_back_once), ANY(a_running_job_can_be_cancelled),
      ANY(a_waiting_job_can_be_cancelled), ANY(a_deadline_ends_a_running_job),
      ANY(a_context_has_a_deadline_for_its_jobs), ANY(a_wait_that_runs_out_leaves_the_job),
      ANY(a_failed_job_leaves_the_context_usable), ANY(commit_keeps_and_rollback_undoes),
      ANY(a_failed_job_fails_its_transaction), ANY(a_failed_inner_level_leaves_the_outer_one),
      ANY(a_transaction_ends_once), ANY(freeing_a_context_rolls_back), ANY(acquire_and_release_count),
      ANY(waiting_on_a_worker_is_refused), ANY(transact_commits_or_rolls_back), ANY(close_ends_what_still_runs));
