/* SPDX-License-Identifier: BSD-3-Clause */
/* Promise 3: callbacks run inside dispatch, on the thread that called it, with no lock held, and may call anything. */
#include "tests/lib/rig.h"

/* Not before dispatch, and not elsewhere. */
BOTH(callback_runs_on_the_dispatching_thread)
{
    struct tally tally = TALLY_INIT;
    RIG(rig, kind, NULL);
    rig_quick(&rig, tally_done, &tally);
    CU_ASSERT_EQUAL(adb_queue_wait(rig.queue, PATIENCE_MS), ADB_OK);
    CU_ASSERT_EQUAL(tally_n(&tally), 0);
    CU_ASSERT_EQUAL(adb_queue_dispatch(rig.queue, 0), 1);
    CU_ASSERT(pthread_equal(tally_seen(&tally, 0).thread, pthread_self()));
    CU_ASSERT_EQUAL(tally_seen(&tally, 0).value, 1);
    rig_close(&rig);
}

/* Without a queue they run on the worker, right behind the job. */
BOTH(direct_callback_runs_on_the_worker)
{
    struct tally tally = TALLY_INIT;
    RIG(rig, kind, NULL);
    adb_context *ctx = adb_context_new(rig.db, ADB_QUEUE_DIRECT, 0);
    const adb_job job = adb_fetch_val(ctx, kind->quick, NULL, tally_done, &tally);
    tally_await(&tally, 1);
    CU_ASSERT_EQUAL(tally_seen(&tally, 0).job, job);
    CU_ASSERT_FALSE(pthread_equal(tally_seen(&tally, 0).thread, pthread_self()));
    CU_ASSERT_EQUAL(adb_queue_fd(ADB_QUEUE_DIRECT), -1);
    CU_ASSERT_EQUAL(adb_queue_wait(ADB_QUEUE_DIRECT, 0), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_queue_dispatch(ADB_QUEUE_DIRECT, 0), 0);
    CU_ASSERT_EQUAL(status_of(ctx, job), ADB_E_STATE);
    adb_context_free(ctx);
    rig_close(&rig);
}

/* A chain: each callback does one thing to the library and submits the next job. */
struct chain {
    struct rig *rig;
    adb_context *other;
    adb_queue *queue;
    unsigned steps;
    adb_status waited, cancelled;
    struct tally tally;
};

static void submit_here(adb_result *result, void *user_data)
{
    struct chain *chain = user_data;
    (void)result;
    if (++chain->steps < 5)
        rig_quick(chain->rig, submit_here, chain);
}

/* What a callback submits comes with a later dispatch: a flood cannot keep the loop inside one. */
BOTH(submission_inside_a_callback)
{
    RIG(rig, kind, NULL);
    struct chain chain = {.rig = &rig};
    rig_quick(&rig, submit_here, &chain);
    adb_queue_wait(rig.queue, PATIENCE_MS);
    CU_ASSERT_EQUAL(adb_queue_dispatch(rig.queue, 0), 1);
    CU_ASSERT_EQUAL(chain.steps, 1);
    run_all(rig.ctx);
    CU_ASSERT_EQUAL(chain.steps, 5);
    rig_close(&rig);
}

static void wait_here(adb_result *result, void *user_data)
{
    struct chain *chain = user_data;
    (void)result;
    chain->waited = status_of(chain->rig->ctx, rig_quick(chain->rig, tally_done, &chain->tally));
    const adb_job slow = rig_slow(chain->rig, tally_done, &chain->tally);
    chain->cancelled = adb_cancel(chain->rig->ctx, slow);
    while (tally_n(&chain->tally) < 2) {
        adb_queue_wait(chain->rig->queue, PATIENCE_MS);
        adb_queue_dispatch(chain->rig->queue, 0);
    }
}

/* Waiting, cancelling and dispatching inside a callback; the nested dispatch delivers what the wait has left. */
BOTH(wait_cancel_and_dispatch_inside_a_callback)
{
    RIG(rig, kind, NULL);
    struct chain chain = {.rig = &rig, .waited = ADB_E_INTERNAL, .tally = TALLY_INIT};
    rig_quick(&rig, wait_here, &chain);
    run_all(rig.ctx);
    CU_ASSERT_EQUAL(chain.waited, ADB_OK);
    CU_ASSERT_EQUAL(chain.cancelled, ADB_OK);
    CU_ASSERT_EQUAL(tally_of(&chain.tally, ADB_E_CANCELLED), 1);
    rig_close(&rig);
}

static void free_context_here(adb_result *result, void *user_data)
{
    struct chain *chain = user_data;
    chain->steps += adb_result_status(result) == ADB_OK;
    adb_context_free(chain->other);
}

/* The context whose job it is may go, with what else it has. */
BOTH(free_of_the_context_inside_a_callback)
{
    struct tally tally = TALLY_INIT;
    RIG(rig, kind, NULL);
    struct chain chain = {.rig = &rig, .other = adb_context_new(rig.db, rig.queue, 0)};
    adb_fetch_all(chain.other, kind->quick, NULL, free_context_here, &chain);
    adb_fetch_all(chain.other, kind->slow, NULL, tally_done, &tally);
    while (tally_n(&tally) < 1) {
        adb_queue_wait(rig.queue, PATIENCE_MS);
        adb_queue_dispatch(rig.queue, 0);
    }
    CU_ASSERT_EQUAL(chain.steps, 1);
    CU_ASSERT_EQUAL(tally_of(&tally, ADB_E_CANCELLED), 1);
    rig_close(&rig);
}

/* The same with a queue of its own, which goes along. */
BOTH(free_of_the_context_and_its_queue_inside_a_callback)
{
    RIG(rig, kind, NULL);
    struct chain chain = {.rig = &rig, .other = adb_context_new(rig.db, NULL, 0)};
    adb_fetch_all(chain.other, kind->quick, NULL, free_context_here, &chain);
    adb_queue *queue = adb_context_queue(chain.other);
    CU_ASSERT_EQUAL(adb_queue_wait(queue, PATIENCE_MS), ADB_OK);
    CU_ASSERT_EQUAL(adb_queue_dispatch(queue, 0), 1);
    CU_ASSERT_EQUAL(chain.steps, 1);
    rig_close(&rig);
}

static void free_queue_here(adb_result *result, void *user_data)
{
    struct chain *chain = user_data;
    (void)result;
    chain->steps++;
    adb_queue_free(chain->queue);
}

/* A queue may be freed inside its own dispatch: the outcomes that wait in it are delivered there. */
BOTH(free_of_the_queue_inside_a_callback)
{
    RIG(rig, kind, NULL);
    struct chain chain = {.rig = &rig, .queue = adb_queue_new(), .tally = TALLY_INIT};
    adb_context *ctx = adb_context_new(rig.db, chain.queue, 0);
    adb_fetch_all(ctx, kind->quick, NULL, free_queue_here, &chain);
    adb_fetch_all(ctx, kind->quick, NULL, tally_done, &chain.tally);
    const adb_job slow = adb_fetch_all(ctx, kind->slow, NULL, tally_done, &chain.tally);
    rig_await_running(&rig, slow);
    CU_ASSERT_NOT_EQUAL(adb_queue_dispatch(chain.queue, 0), 0);
    CU_ASSERT_EQUAL(chain.steps, 1);
    CU_ASSERT_EQUAL(tally_of(&chain.tally, ADB_OK), 1);
    adb_fetch_all(ctx, kind->quick, NULL, tally_done, &chain.tally);
    CU_ASSERT_EQUAL(adb_cancel(ctx, slow), ADB_OK);
    tally_await(&chain.tally, 3);
    CU_ASSERT_EQUAL(tally_of(&chain.tally, ADB_OK), 2);
    adb_context_free(ctx);
    rig_close(&rig);
}

static void keep_here(adb_result *result, void *user_data)
{
    adb_result **kept = user_data;
    *kept = adb_result_ref(result);
    CU_ASSERT_PTR_EQUAL(adb_result_user_data(result), user_data);
}

/* A result that was kept outlives everything it came from. */
BOTH(kept_result_outlives_the_database)
{
    adb_result *kept = NULL;
    RIG(rig, kind, NULL);
    for (int i = 0; i < 3; i++)
        rig_insert(&rig, i, NULL, NULL);
    adb_fetch_all(rig.ctx, kind->rows, NULL, keep_here, &kept);
    run_all(rig.ctx);
    rig_close(&rig);
    CU_ASSERT_EQUAL(adb_result_rows(kept), 3);
    CU_ASSERT_EQUAL(adb_row_int(adb_result_row(kept, 2), 0), 2);
    CU_ASSERT_STRING_EQUAL(adb_row_text(adb_result_row(kept, 1), 0), "1");
    adb_result_unref(kept);
}

/* Pulled outcomes come in the order in which they were done, and no callback runs for them. */
BOTH(outcomes_can_be_pulled)
{
    struct tally tally = TALLY_INIT;
    RIG(rig, kind, NULL);
    const adb_job jobs[] = {rig_quick(&rig, tally_done, &tally), rig_quick(&rig, NULL, &tally)};
    for (size_t i = 0; i < 2; i++) {
        adb_result *result = NULL;
        while ((result = adb_queue_next(rig.queue)) == NULL)
            adb_queue_wait(rig.queue, PATIENCE_MS);
        CU_ASSERT_EQUAL(adb_result_job(result), jobs[i]);
        CU_ASSERT_PTR_EQUAL(adb_result_user_data(result), &tally);
        CU_ASSERT_FALSE(adb_result_more(result));
        adb_result_unref(result);
    }
    CU_ASSERT_PTR_NULL(adb_queue_next(rig.queue));
    CU_ASSERT_EQUAL(tally_n(&tally), 0);
    CU_ASSERT_EQUAL(adb_context_pending(rig.ctx), 0);
    rig_close(&rig);
}

/* A wait takes its own outcome and leaves the others where they are; the callback runs first. */
BOTH(wait_leaves_other_outcomes)
{
    struct tally tally = TALLY_INIT;
    RIG(rig, kind, NULL);
    rig_quick(&rig, tally_done, &tally);
    const adb_job second = rig_insert(&rig, 1, tally_done, &tally);
    CU_ASSERT_EQUAL(status_of(rig.ctx, second), ADB_OK);
    CU_ASSERT_EQUAL(tally_n(&tally), 1);
    CU_ASSERT_EQUAL(tally_seen(&tally, 0).job, second);
    CU_ASSERT_EQUAL(adb_queue_wait(rig.queue, 0), ADB_OK);
    CU_ASSERT_EQUAL(adb_queue_dispatch(rig.queue, 0), 1);
    rig_close(&rig);
}

/* One queue takes the outcomes of several databases. (CTX-09, CTX-21) */
BOTH(queue_serves_several_databases)
{
    struct tally tally = TALLY_INIT;
    adb_database *second;
    RIG(rig, kind, NULL);
    CU_ASSERT_EQUAL(adb_database_open("fake://", NULL, &second, NULL), ADB_OK);
    adb_context *other = adb_context_new(second, rig.queue, 0);
    rig_quick(&rig, tally_done, &tally);
    adb_fetch_all(other, "value 2", NULL, tally_done, &tally);
    run_all(rig.ctx);
    run_all(other);
    CU_ASSERT_EQUAL(tally_seen(&tally, 0).value + tally_seen(&tally, 1).value, 3);
    adb_context_free(other);
    adb_database_free(second);
    rig_close(&rig);
}

SUITE(callbacks, CASES(callback_runs_on_the_dispatching_thread), CASES(direct_callback_runs_on_the_worker),
      CASES(submission_inside_a_callback), CASES(wait_cancel_and_dispatch_inside_a_callback),
      CASES(free_of_the_context_inside_a_callback), CASES(free_of_the_context_and_its_queue_inside_a_callback),
      CASES(free_of_the_queue_inside_a_callback), CASES(kept_result_outlives_the_database),
      CASES(outcomes_can_be_pulled), CASES(wait_leaves_other_outcomes), CASES(queue_serves_several_databases))
