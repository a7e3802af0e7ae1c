/* SPDX-License-Identifier: BSD-3-Clause */
/* Promise 1: an accepted job completes exactly once, whatever happens to it; a refused one never calls back. */
#include "tests/lib/rig.h"

#include <stdatomic.h>
#include <stdlib.h>

/* A job that waits behind another ends at once when it is cancelled, and does not run later. (REG-10) */
BOTH(cancel_of_a_queued_job_calls_back_once)
{
    struct tally tally = TALLY_INIT;
    RIG(rig, kind, NULL);
    const adb_job slow = rig_slow(&rig, NULL, NULL);
    const adb_job queued = rig_insert(&rig, 1, tally_done, &tally);
    rig_await_slow(&rig, 1);
    CU_ASSERT_EQUAL(adb_cancel(rig.ctx, queued), ADB_OK);
    CU_ASSERT_EQUAL(status_of(rig.ctx, queued), ADB_E_CANCELLED);
    CU_ASSERT_EQUAL(adb_cancel(rig.ctx, queued), ADB_E_NOT_FOUND);
    adb_cancel(rig.ctx, slow);
    run_all(rig.ctx);
    CU_ASSERT_EQUAL(tally_n(&tally), 1);
    CU_ASSERT(rig_holds(&rig, ""));
    rig_close(&rig);
}

/* A running statement is interrupted, and the connection goes on. (CTX-11, ERR-08) */
BOTH(cancel_of_a_running_job_calls_back_once)
{
    struct tally tally = TALLY_INIT;
    RIG(rig, kind, NULL);
    const adb_job slow = rig_slow(&rig, tally_done, &tally);
    rig_await_slow(&rig, 1);
    CU_ASSERT_EQUAL(adb_cancel(rig.ctx, slow), ADB_OK);
    const adb_status again = adb_cancel(rig.ctx, slow);
    CU_ASSERT(again == ADB_OK || again == ADB_E_NOT_FOUND);
    run_all(rig.ctx);
    CU_ASSERT_EQUAL(tally_n(&tally), 1);
    CU_ASSERT_EQUAL(tally_of(&tally, ADB_E_CANCELLED), 1);
    CU_ASSERT_EQUAL(status_of(rig.ctx, rig_quick(&rig, NULL, NULL)), ADB_OK);
    rig_close(&rig);
}

/* The deadline ends a job that waits and one that runs, once each. */
BOTH(deadline_calls_back_once)
{
    struct tally tally = TALLY_INIT;
    RIG(rig, kind, NULL);
    adb_context_set_timeout(rig.ctx, 30);
    rig_slow(&rig, tally_done, &tally);
    adb_context_set_timeout(rig.ctx, 10);
    rig_slow(&rig, tally_done, &tally); /* waits until then; or runs, when this thread has stood still */
    run_all(rig.ctx);
    CU_ASSERT_EQUAL(tally_n(&tally), 2);
    CU_ASSERT_EQUAL(tally_of(&tally, ADB_E_TIMEOUT), 2);
    rig_close(&rig);
}

/* The server goes away under a statement. */
TEST(lost_connection_calls_back_once)
{
    struct tally tally = TALLY_INIT;
    struct rig rig;
    rig_open_fake(&rig, "fake://", NULL);
    adb_execute(rig.ctx, "lose", NULL, tally_done, &tally);
    rig_quick(&rig, tally_done, &tally);
    run_all(rig.ctx);
    CU_ASSERT_EQUAL(tally_n(&tally), 2);
    CU_ASSERT_EQUAL(tally_seen(&tally, 0).status, ADB_E_CONNECTION);
    CU_ASSERT_EQUAL(tally_seen(&tally, 1).status, ADB_OK);
    rig_close(&rig);
}

/* Close ends what waits and what runs, and delivers all of it. */
BOTH(close_calls_back_once)
{
    struct tally tally = TALLY_INIT;
    RIG(rig, kind, NULL);
    rig_slow(&rig, tally_done, &tally);
    rig_quick(&rig, tally_done, &tally);
    rig_await_slow(&rig, 1);
    CU_ASSERT_EQUAL(adb_database_close(rig.db, 0), ADB_E_TIMEOUT);
    CU_ASSERT_EQUAL(tally_n(&tally), 2);
    CU_ASSERT_EQUAL(tally_of(&tally, ADB_E_CLOSED), 2);
    CU_ASSERT_EQUAL(adb_context_pending(rig.ctx), 0);
    rig_drop(&rig);
}

/* Outcomes of a freed context arrive in its queue as always. (CTX-06, TX-30) */
BOTH(free_of_a_context_calls_back_once)
{
    struct tally tally = TALLY_INIT;
    RIG(rig, kind, NULL);
    adb_context *ctx = adb_context_new(rig.db, rig.queue, 0);
    adb_fetch_all(ctx, kind->slow, NULL, tally_done, &tally);
    adb_fetch_all(ctx, kind->quick, NULL, tally_done, &tally);
    rig_await_slow(&rig, 1);
    adb_context_free(ctx);
    while (tally_n(&tally) < 2) {
        adb_queue_wait(rig.queue, PATIENCE_MS);
        adb_queue_dispatch(rig.queue, 0);
    }
    CU_ASSERT_EQUAL(tally_of(&tally, ADB_E_CANCELLED), 2);
    rig_close(&rig);
}

/* With a queue of its own, what still runs is delivered on the worker. */
BOTH(free_of_a_context_with_its_queue_calls_back_once)
{
    struct tally tally = TALLY_INIT;
    RIG(rig, kind, NULL);
    adb_context *ctx = adb_context_new(rig.db, NULL, 0);
    adb_fetch_all(ctx, kind->slow, NULL, tally_done, &tally);
    adb_fetch_all(ctx, kind->quick, NULL, tally_done, &tally);
    rig_await_slow(&rig, 1);
    adb_context_free(ctx);
    tally_await(&tally, 2);
    CU_ASSERT_EQUAL(tally_of(&tally, ADB_E_CANCELLED), 2);
    rig_close(&rig);
}

/* Nothing is taken of a submission that is refused. (CTX-13, QRY-20, PAR-05, PAR-06) */
BOTH(refused_submission_never_calls_back)
{
    struct tally tally = TALLY_INIT;
    RIG(rig, kind, ADB_OPTIONS(.queue_capacity = 4));
    CU_ASSERT_EQUAL(adb_execute(rig.ctx, kind->insert, NULL, tally_done, &tally), 0);
    CU_ASSERT_EQUAL(adb_context_error(rig.ctx)->status, ADB_E_PARAMETER);
    CU_ASSERT_EQUAL(adb_execute(rig.ctx, NULL, NULL, tally_done, &tally), 0);
    CU_ASSERT_EQUAL(adb_context_error(rig.ctx)->status, ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_run(rig.ctx, NULL, tally_done, &tally), 0);
    CU_ASSERT_EQUAL(adb_submit(NULL, ADB_REQUEST(.kind = ADB_REQUEST_BEGIN, .done = tally_done)), 0);
    CU_ASSERT_EQUAL(adb_context_pending(rig.ctx), 0);
    adb_database_close(rig.db, PATIENCE_MS);
    CU_ASSERT_EQUAL(rig_quick(&rig, tally_done, &tally), 0);
    CU_ASSERT_EQUAL(adb_context_error(rig.ctx)->status, ADB_E_CLOSED);
    adb_queue_dispatch(rig.queue, 0);
    CU_ASSERT_EQUAL(tally_n(&tally), 0);
    rig_drop(&rig);
}

/* The storm
 * ---------------------------------------------------------------------------------------------------------- */

#define STORM_THREADS  4
#define STORM_JOBS     400
#define STORM_CONTEXTS 3

struct storm {
    struct rig *rig;
    struct tally tally;
    atomic_size_t accepted;
    struct latch half; /* each thread comes here when half of its jobs are out */
};

struct sailor {
    struct storm *storm;
    unsigned seed;
    adb_queue *queue;
    adb_context *contexts[STORM_CONTEXTS];
    adb_job jobs[STORM_JOBS];
    size_t n_jobs;
};

static adb_job storm_submit(struct sailor *sailor, adb_context *ctx)
{
    struct storm *storm = sailor->storm;
    const struct kind *kind = storm->rig->kind;
    switch (rand_r(&sailor->seed) % 8) {
    case 0:
        return adb_begin(ctx, NULL, tally_done, &storm->tally);
    case 1:
        return adb_commit(ctx, tally_done, &storm->tally);
    case 2:
        return adb_execute(ctx, kind->insert, ADB_PARAMS({"n", adb_int(1)}), tally_done, &storm->tally);
    case 3:
        return adb_submit(ctx, ADB_REQUEST(.kind = ADB_REQUEST_FETCH_ALL, .sql = kind->slow, .timeout_ms = 1,
                                           .done = tally_done, .user_data = &storm->tally));
    case 4:
        return adb_execute(ctx, kind->wrong, NULL, tally_done, &storm->tally);
    default:
        return adb_fetch_all(ctx, kind->quick, NULL, tally_done, &storm->tally);
    }
}

/* One step: submit, and now and then cancel, dispatch, or free a context with all its jobs. */
static void storm_step(struct sailor *sailor)
{
    adb_context **ctx = &sailor->contexts[(unsigned)rand_r(&sailor->seed) % STORM_CONTEXTS];
    const adb_job job = storm_submit(sailor, *ctx);
    if (job != 0) {
        atomic_fetch_add(&sailor->storm->accepted, 1);
        sailor->jobs[sailor->n_jobs++] = job;
    }
    if (rand_r(&sailor->seed) % 4 == 0 && sailor->n_jobs > 0)
        adb_cancel(*ctx, sailor->jobs[(unsigned)rand_r(&sailor->seed) % sailor->n_jobs]);
    if (rand_r(&sailor->seed) % 8 == 0)
        adb_queue_dispatch(sailor->queue, (size_t)(rand_r(&sailor->seed) % 3));
    if (rand_r(&sailor->seed) % 32 == 0) {
        adb_context_free(*ctx);
        *ctx = adb_context_new(sailor->storm->rig->db, rand_r(&sailor->seed) % 2 ? sailor->queue : NULL, 0);
    }
}

static void *storm_thread(void *argument)
{
    struct sailor *sailor = argument;
    sailor->queue = adb_queue_new();
    for (size_t i = 0; i < STORM_CONTEXTS; i++)
        sailor->contexts[i] = adb_context_new(sailor->storm->rig->db, i == 0 ? NULL : sailor->queue, 0);
    for (size_t i = 0; i < STORM_JOBS; i++) {
        storm_step(sailor);
        if (i == STORM_JOBS / 2)
            latch_wait(&sailor->storm->half);
    }
    for (size_t i = 0; i < STORM_CONTEXTS; i++)
        adb_context_free(sailor->contexts[i]);
    adb_queue_free(sailor->queue);
    return NULL;
}

/* Threads submit, cancel, and free contexts at random; the database closes in the middle of it. Every accepted job has
 * called back when close returns, and none does so later. */
static void storm(const struct kind *kind, int close_ms)
{
    struct storm storm = {.tally = TALLY_INIT, .half = LATCH_INIT};
    static struct sailor sailors[STORM_THREADS];
    pthread_t threads[STORM_THREADS];
    RIG(rig, kind, ADB_OPTIONS(.max_size = 3, .queue_capacity = 256));
    storm.rig = &rig;
    for (unsigned i = 0; i < STORM_THREADS; i++) {
        sailors[i] = (struct sailor){.storm = &storm, .seed = i + 1};
        pthread_create(&threads[i], NULL, storm_thread, &sailors[i]);
    }
    latch_expect(&storm.half, STORM_THREADS);
    latch_open(&storm.half);
    const adb_status status = adb_database_close(rig.db, close_ms);
    CU_ASSERT(status == ADB_OK || status == ADB_E_TIMEOUT);
    const size_t n_at_close = tally_n(&storm.tally);
    for (unsigned i = 0; i < STORM_THREADS; i++)
        pthread_join(threads[i], NULL);
    CU_ASSERT_EQUAL(tally_n(&storm.tally), atomic_load(&storm.accepted));
    CU_ASSERT_EQUAL(tally_n(&storm.tally), n_at_close);
    rig_drop(&rig);
}

/* Close cancels what is left at once. */
BOTH(storm_with_a_hard_close_completes_each_job_once)
{
    storm(kind, 0);
}

/* Close lets jobs end first. */
BOTH(storm_with_a_soft_close_completes_each_job_once)
{
    storm(kind, PATIENCE_MS);
}

SUITE(exactly_once, CASES(cancel_of_a_queued_job_calls_back_once), CASES(cancel_of_a_running_job_calls_back_once),
      CASES(deadline_calls_back_once), CASE(lost_connection_calls_back_once), CASES(close_calls_back_once),
      CASES(free_of_a_context_calls_back_once), CASES(free_of_a_context_with_its_queue_calls_back_once),
      CASES(refused_submission_never_calls_back), CASES(storm_with_a_hard_close_completes_each_job_once),
      CASES(storm_with_a_soft_close_completes_each_job_once))
