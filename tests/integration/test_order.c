/* SPDX-License-Identifier: BSD-3-Clause */
/* Promise 5: jobs of one context run in the order in which they were accepted, different contexts in parallel, and no
 * context starves another. Nothing is inherited; sharing is a named call. */
#include "tests/lib/rig.h"

#include <stdlib.h>
#include <string.h>

#define N_JOBS 300

/* Reads and writes of one context see each other in the order of submission, whoever runs them. (CTX-12, CTX-29,
 * PAIN-01) */
BOTH(jobs_of_a_context_run_in_order)
{
    struct tally tally = TALLY_INIT;
    adb_job jobs[40];
    RIG(rig, kind, NULL);
    for (int i = 0; i < 40; i++)
        jobs[i] = i % 2 == 0 ? rig_insert(&rig, i, tally_done, &tally)
                             : adb_fetch_all(rig.ctx, kind->rows, NULL, tally_done, &tally);
    run_all(rig.ctx);
    for (size_t i = 0; i < 40; i++)
        CU_ASSERT_EQUAL(tally_seen(&tally, i).job, jobs[i]);
    CU_ASSERT(rig_holds(&rig, "0 2 4 6 8 10 12 14 16 18 20 22 24 26 28 30 32 34 36 38"));
    rig_close(&rig);
}

/* Two contexts that wait for each other's turn both run: nobody holds the other up. (CTX-03, CTX-32, POOL-20) */
TEST(contexts_run_in_parallel)
{
    enum { N = 4 };
    struct rig rig;
    adb_context *contexts[N];
    rig_open_fake(&rig, "fake://?max_size=4", NULL);
    for (int i = 0; i < N; i++) {
        contexts[i] = adb_context_new(rig.db, rig.queue, 0);
        adb_execute(contexts[i], "block all", NULL, NULL, NULL);
    }
    latch_expect(latch_named("all"), N);
    CU_ASSERT_EQUAL(fake_connections(), N);
    latch_open(latch_named("all"));
    for (int i = 0; i < N; i++) {
        run_all(contexts[i]);
        adb_context_free(contexts[i]);
    }
    rig_close(&rig);
}

/* A parallel context fans its jobs out, and one that stands in a transaction keeps the order. */
TEST(parallel_context_runs_its_jobs_side_by_side)
{
    enum { N = 3 };
    struct rig rig;
    rig_open_fake(&rig, "fake://?max_size=4", NULL);
    adb_context *ctx = adb_context_new(rig.db, rig.queue, ADB_CONTEXT_PARALLEL);
    for (int i = 0; i < N; i++)
        adb_execute(ctx, "block all", NULL, NULL, NULL);
    latch_expect(latch_named("all"), N);
    latch_open(latch_named("all"));
    run_all(ctx);
    adb_begin(ctx, NULL, NULL, NULL);
    for (int i = 1; i <= N; i++)
        adb_execute(ctx, "insert :n", ADB_PARAMS({"n", adb_int(i)}), NULL, NULL);
    CU_ASSERT_EQUAL(status_of(ctx, adb_commit(ctx, NULL, NULL)), ADB_OK);
    CU_ASSERT(fake_table_is("1 2 3"));
    CU_ASSERT(strstr(fake_texts(), "BEGIN; insert ?1; insert ?1; insert ?1; COMMIT; ") != NULL);
    adb_context_free(ctx);
    rig_close(&rig);
}

/* A second handle for another queue has its own outcomes, and the order and the transaction of the first. (CFL-03,
 * CTX-05, CTX-22) */
BOTH(shared_context_is_the_same_lane)
{
    RIG(rig, kind, NULL);
    adb_context *shared = adb_context_share(rig.ctx, NULL);
    CU_ASSERT_PTR_NOT_EQUAL(adb_context_queue(shared), rig.queue);
    adb_begin(rig.ctx, NULL, NULL, NULL);
    rig_insert(&rig, 1, NULL, NULL);
    CU_ASSERT(rows_are(shared, adb_fetch_all(shared, kind->rows, NULL, NULL, NULL), "1"));
    CU_ASSERT_EQUAL(adb_context_depth(shared), 1);
    CU_ASSERT_EQUAL(status_of(shared, adb_rollback(shared, NULL, NULL)), ADB_OK);
    CU_ASSERT_EQUAL(adb_context_depth(rig.ctx), 0);
    CU_ASSERT(rig_holds(&rig, ""));
    adb_context_free(shared);
    rig_close(&rig);
}

/* A new context sees nothing of another's transaction. (CTX-04, TX-26, PAIN-02) */
BOTH(new_context_inherits_nothing)
{
    RIG(rig, kind, NULL);
    adb_begin(rig.ctx, NULL, NULL, NULL);
    CU_ASSERT_EQUAL(status_of(rig.ctx, rig_insert(&rig, 1, NULL, NULL)), ADB_OK);
    adb_context *other = adb_context_new(rig.db, rig.queue, 0);
    CU_ASSERT_EQUAL(adb_context_depth(other), 0);
    CU_ASSERT(rows_are(other, adb_fetch_all(other, kind->rows, NULL, NULL, NULL), ""));
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_commit(rig.ctx, NULL, NULL)), ADB_OK);
    CU_ASSERT(rows_are(other, adb_fetch_all(other, kind->rows, NULL, NULL, NULL), "1"));
    adb_context_free(other);
    rig_close(&rig);
}

struct own {
    struct rig *rig;
    adb_context *seen;
    adb_status status;
};

static void *use_own_context(void *data)
{
    struct own *own = data;
    own->seen = adb_thread_context(own->rig->db);
    adb_begin(own->seen, NULL, NULL, NULL);
    own->status =
        status_of(own->seen, adb_execute(own->seen, own->rig->kind->insert, ADB_PARAMS({"n", adb_int(7)}), NULL, NULL));
    return adb_thread_context(own->rig->db) == own->seen ? own : NULL;
}

/* Each thread has a context of its own, and what it leaves open is rolled back when the thread ends. (CTX-08) */
BOTH(thread_context_ends_with_its_thread)
{
    pthread_t thread;
    void *same = NULL;
    RIG(rig, kind, NULL);
    struct own own = {.rig = &rig};
    const adb_context *mine = adb_thread_context(rig.db);
    pthread_create(&thread, NULL, use_own_context, &own);
    pthread_join(thread, &same);
    CU_ASSERT_PTR_EQUAL(same, &own);
    CU_ASSERT_EQUAL(own.status, ADB_OK);
    CU_ASSERT_PTR_NOT_EQUAL(own.seen, mine);
    CU_ASSERT_EQUAL(status_of(rig.ctx, rig_insert(&rig, 1, NULL, NULL)), ADB_OK);
    CU_ASSERT(rig_holds(&rig, "1"));
    rig_close(&rig);
    CU_ASSERT_EQUAL(adb_thread_context(NULL), NULL);
}

/* One worker, a context with hundreds of jobs, and one with a single job: it does not wait for all of them. */
TEST(flooding_context_does_not_starve_another)
{
    struct rig rig;
    struct tally flood = TALLY_INIT;
    rig_open_fake(&rig, "fake://?max_size=1", NULL);
    adb_context *other = adb_context_new(rig.db, rig.queue, 0);
    adb_execute(rig.ctx, "block start", NULL, NULL, NULL);
    latch_expect(latch_named("start"), 1);
    for (int i = 0; i < N_JOBS; i++)
        adb_execute(rig.ctx, "write flood", NULL, tally_done, &flood);
    const adb_job single = adb_execute(other, "write single", NULL, NULL, NULL);
    latch_open(latch_named("start"));
    CU_ASSERT_EQUAL(status_of(other, single), ADB_OK);
    run_all(rig.ctx);
    size_t before = 0;
    for (size_t i = 0; i < fake_n_calls() && strcmp(fake_call(i).text, "write single") != 0; i++)
        before += strcmp(fake_call(i).text, "write flood") == 0;
    CU_ASSERT(before < N_JOBS / 2);
    CU_ASSERT_EQUAL(tally_of(&flood, ADB_OK), N_JOBS);
    adb_context_free(other);
    rig_close(&rig);
}

/* Contexts are cheap: ten thousand of them, a job each, on one queue. */
BOTH(ten_thousand_contexts_are_served)
{
    enum { N = 10000 };
    struct tally tally = TALLY_INIT;
    adb_context **contexts = calloc(N, sizeof(adb_context *));
    RIG(rig, kind, ADB_OPTIONS(.queue_capacity = 16384));
    for (int i = 0; i < N; i++) {
        contexts[i] = adb_context_new(rig.db, rig.queue, 0);
        adb_fetch_val(contexts[i], kind->quick, NULL, tally_done, &tally);
    }
    for (int i = 0; i < N; i++) {
        run_all(contexts[i]);
        adb_context_free(contexts[i]);
    }
    CU_ASSERT_EQUAL(tally_of(&tally, ADB_OK), N);
    rig_close(&rig);
    free(contexts);
}

/* Each producer's jobs come back in its own order, also when many producers share one lane. */
struct producer {
    adb_context *ctx;
    struct tally tally;
    adb_job jobs[TALLY_SEEN];
};

static void *produce(void *data)
{
    struct producer *producer = data;
    for (int i = 0; i < TALLY_SEEN; i++)
        producer->jobs[i] = adb_execute(producer->ctx, "write order", NULL, tally_done, &producer->tally);
    run_all(producer->ctx);
    return NULL;
}

/* Threads with handles of one lane: no job is lost, none overtakes another of the same thread. (CTX-33) */
TEST(threads_that_share_a_lane_keep_their_order)
{
    enum { N = 3 };
    struct rig rig;
    static struct producer producers[N];
    pthread_t threads[N];
    rig_open_fake(&rig, "fake://", NULL);
    for (int i = 0; i < N; i++) {
        producers[i] = (struct producer){.ctx = adb_context_share(rig.ctx, NULL), .tally = TALLY_INIT};
        pthread_create(&threads[i], NULL, produce, &producers[i]);
    }
    for (int i = 0; i < N; i++) {
        pthread_join(threads[i], NULL);
        for (size_t j = 0; j < TALLY_SEEN; j++)
            CU_ASSERT_EQUAL(tally_seen(&producers[i].tally, j).job, producers[i].jobs[j]);
        adb_context_free(producers[i].ctx);
    }
    rig_close(&rig);
}

SUITE(order, CASES(jobs_of_a_context_run_in_order), CASE(contexts_run_in_parallel),
      CASE(parallel_context_runs_its_jobs_side_by_side), CASES(shared_context_is_the_same_lane),
      CASES(new_context_inherits_nothing), CASES(thread_context_ends_with_its_thread),
      CASE(flooding_context_does_not_starve_another), CASES(ten_thousand_contexts_are_served),
      CASE(threads_that_share_a_lane_keep_their_order))
