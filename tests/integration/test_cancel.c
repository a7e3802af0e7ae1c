/* SPDX-License-Identifier: BSD-3-Clause */
/* Promise 10: a cancel hits the job it was meant for, or nothing. */
#include "tests/lib/rig.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* While a cancel is on its way the connection runs nothing else, even when the job has ended by itself meanwhile. */
TEST(cancel_is_fenced)
{
    struct rig rig;
    struct tally tally = TALLY_INIT;
    rig_open_fake(&rig, "fake://?max_size=1", NULL);
    fake_cancel_blocks("gate");
    const adb_job first = adb_execute(rig.ctx, "stuck first", NULL, tally_done, &tally);
    adb_execute(rig.ctx, "spin second", NULL, tally_done, &tally);
    latch_expect(latch_named("first"), 1);
    CU_ASSERT_EQUAL(adb_cancel(rig.ctx, first), ADB_OK);
    latch_expect(latch_named("gate"), 1);
    latch_open(latch_named("first"));
    CU_ASSERT_EQUAL(adb_queue_wait(rig.queue, 20), ADB_E_TIMEOUT);
    CU_ASSERT_EQUAL(fake_count(FAKE_EXECUTE, "spin"), 0);
    latch_open(latch_named("gate"));
    run_all(rig.ctx);
    CU_ASSERT_EQUAL(tally_seen(&tally, 1).status, ADB_OK);
    bool landed = false;
    for (size_t i = 0; i < fake_n_calls(); i++) {
        landed = landed || fake_call(i).kind == FAKE_CANCELLED;
        CU_ASSERT(landed || strncmp(fake_call(i).text, "spin", 4) != 0);
    }
    rig_close(&rig);
}

/* Thousands of cancels, from another thread and at any moment of a job's life: the even jobs are cancelled, and no odd
 * one is ever hit. */
#define N_SHOTS 3000

struct shooting {
    struct rig *rig;
    struct latch ready;
    unsigned seed;
    _Atomic adb_job jobs[N_SHOTS];
    _Atomic unsigned n_odd_hit, n_done;
};

static void count_hit(adb_result *result, void *user_data)
{
    struct shooting *shooting = user_data;
    for (unsigned i = 1; i < N_SHOTS && adb_result_status(result) == ADB_E_CANCELLED; i += 2)
        shooting->n_odd_hit += shooting->jobs[i] == adb_result_job(result);
    shooting->n_done++;
}

static void *shoot(void *data)
{
    struct shooting *shooting = data;
    latch_wait(&shooting->ready);
    for (unsigned i = 0; i < N_SHOTS; i += 2) {
        adb_job job = shooting->jobs[i];
        for (; job == 0 && shooting->n_done < N_SHOTS; job = shooting->jobs[i])
            sched_yield();
        for (int pause = rand_r(&shooting->seed) % 8; pause > 0; pause--)
            sched_yield();
        adb_cancel(shooting->rig->ctx, job);
    }
    return NULL;
}

BOTH(cancels_never_hit_another_job)
{
    static struct shooting shooting;
    const char *sql = kind == &kind_fake ? "spin"
                                         : "WITH RECURSIVE c(x) AS (VALUES(1) UNION ALL SELECT x + 1 FROM c LIMIT 500) "
                                           "SELECT count(*) FROM c";
    pthread_t shooter;
    RIG(rig, kind, ADB_OPTIONS(.max_size = 2));
    memset(&shooting, 0, sizeof(shooting));
    shooting.rig = &rig;
    shooting.ready = (struct latch)LATCH_INIT;
    pthread_create(&shooter, NULL, shoot, &shooting);
    latch_open(&shooting.ready);
    for (unsigned i = 0; i < N_SHOTS; i++) {
        shooting.jobs[i] = adb_fetch_all(rig.ctx, sql, NULL, count_hit, &shooting);
        while (adb_context_pending(rig.ctx) > 3) { /* so that many are hit while they run */
            adb_queue_wait(rig.queue, PATIENCE_MS);
            adb_queue_dispatch(rig.queue, 0);
        }
    }
    run_all(rig.ctx);
    pthread_join(shooter, NULL);
    CU_ASSERT_EQUAL(shooting.n_done, N_SHOTS);
    CU_ASSERT_EQUAL(shooting.n_odd_hit, 0);
    rig_close(&rig);
}

/* Ids that are over, never were, or are another database's. (promise 15) */
BOTH(cancel_of_a_wrong_id_is_a_status)
{
    struct rig other;
    RIG(rig, kind, NULL);
    const adb_job over = rig_quick(&rig, NULL, NULL);
    CU_ASSERT_EQUAL(status_of(rig.ctx, over), ADB_OK);
    rig_slow(&rig, NULL, NULL);
    rig_await_slow(&rig, 1);
    CU_ASSERT_EQUAL(adb_cancel(rig.ctx, over), ADB_E_NOT_FOUND);
    CU_ASSERT_EQUAL(adb_cancel(rig.ctx, 0), ADB_E_NOT_FOUND);
    CU_ASSERT_EQUAL(adb_cancel(rig.ctx, UINT64_MAX), ADB_E_NOT_FOUND);
    CU_ASSERT_EQUAL(adb_cancel(rig.ctx, over + ((adb_job)1 << 40)), ADB_E_NOT_FOUND);
    CU_ASSERT_EQUAL(adb_cancel(NULL, over), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_database_open("fake://", NULL, &other.db, NULL), ADB_OK);
    other.ctx = adb_context_new(other.db, rig.queue, 0);
    const adb_job elsewhere = adb_execute(other.ctx, "block elsewhere", NULL, NULL, NULL);
    CU_ASSERT_EQUAL(adb_cancel(rig.ctx, elsewhere), ADB_E_NOT_FOUND);
    CU_ASSERT_EQUAL(adb_cancel(other.ctx, elsewhere), ADB_OK);
    run_all(other.ctx);
    adb_context_free(other.ctx);
    adb_database_free(other.db);
    adb_database_close(rig.db, 0);
    rig_drop(&rig);
}

/* The waits that stale and wrong ids get. */
BOTH(wait_for_a_wrong_id_is_a_status)
{
    RIG(rig, kind, NULL);
    const adb_job over = rig_quick(&rig, NULL, NULL);
    CU_ASSERT_EQUAL(status_of(rig.ctx, over), ADB_OK);
    CU_ASSERT_EQUAL(status_of(rig.ctx, over), ADB_E_NOT_FOUND);
    CU_ASSERT_EQUAL(status_of(rig.ctx, UINT64_MAX), ADB_E_NOT_FOUND);
    CU_ASSERT_EQUAL(status_of(rig.ctx, 0), ADB_E_NOT_FOUND);
    CU_ASSERT_EQUAL(status_of(NULL, over), ADB_E_INVAL);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_execute(rig.ctx, NULL, NULL, NULL, NULL)), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_resume(rig.ctx, over), ADB_E_NOT_FOUND);
    rig_close(&rig);
}

/* A job that is cancelled while its connection is opened does not wait for it. */
TEST(cancel_while_connecting)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://", NULL);
    fake_open_blocks("door");
    const adb_job job = rig_insert(&rig, 1, NULL, NULL);
    latch_expect(latch_named("door"), 1);
    CU_ASSERT_EQUAL(adb_cancel(rig.ctx, job), ADB_OK);
    CU_ASSERT_EQUAL(status_of(rig.ctx, job), ADB_E_CANCELLED);
    latch_open(latch_named("door"));
    CU_ASSERT_EQUAL(status_of(rig.ctx, rig_insert(&rig, 2, NULL, NULL)), ADB_OK);
    CU_ASSERT(fake_table_is("2"));
    rig_close(&rig);
}

/* A driver that listens to nobody: the cancel is repeated, the job ends with its real outcome. */
TEST(cancel_of_a_deaf_statement_keeps_the_outcome)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://", NULL);
    const adb_job job = adb_execute(rig.ctx, "stuck deaf", NULL, NULL, NULL);
    latch_expect(latch_named("deaf"), 1);
    CU_ASSERT_EQUAL(adb_cancel(rig.ctx, job), ADB_OK);
    latch_open(latch_named("deaf"));
    CU_ASSERT_EQUAL(status_of(rig.ctx, job), ADB_OK);
    rig_close(&rig);
}

SUITE(cancel, CASE(cancel_is_fenced), CASES(cancels_never_hit_another_job), CASES(cancel_of_a_wrong_id_is_a_status),
      CASES(wait_for_a_wrong_id_is_a_status), CASE(cancel_while_connecting),
      CASE(cancel_of_a_deaf_statement_keeps_the_outcome))
