/* SPDX-License-Identifier: BSD-3-Clause */
/* Promise 14: waiting on yourself is refused, not a hang. */
#include "tests/lib/rig.h"

struct inside {
    struct rig *rig;
    adb_job job;
    adb_status waited, queue_waited, connected, closed;
    bool done;
};

/* What a thread of the library may not do. */
static void try_waits(struct inside *inside)
{
    struct rig *rig = inside->rig;
    inside->waited = status_of(rig->ctx, inside->job);
    inside->queue_waited = adb_queue_wait(rig->queue, -1);
    inside->connected = adb_database_connect(rig->db, -1, NULL);
    inside->closed = adb_database_close(rig->db, -1);
}

static void claim_refused(const struct inside *inside)
{
    CU_ASSERT_EQUAL(inside->waited, ADB_E_DEADLOCK);
    CU_ASSERT_EQUAL(inside->queue_waited, ADB_E_DEADLOCK);
    CU_ASSERT_EQUAL(inside->connected, ADB_E_DEADLOCK);
    CU_ASSERT_EQUAL(inside->closed, ADB_E_DEADLOCK);
}

static adb_status work(adb_session *session, void *user_data)
{
    struct inside *inside = user_data;
    (void)session;
    inside->job = rig_quick(inside->rig, NULL, NULL);
    try_waits(inside);
    return ADB_OK;
}

/* In a work function: submitting is allowed, waiting is not, and the database is as it was. */
BOTH(waits_in_a_work_function_are_refused)
{
    RIG(rig, kind, NULL);
    struct inside inside = {.rig = &rig};
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_run(rig.ctx, work, NULL, &inside)), ADB_OK);
    claim_refused(&inside);
    CU_ASSERT_EQUAL(status_of(rig.ctx, inside.job), ADB_OK);
    rig_close(&rig);
}

static void done_here(adb_result *result, void *user_data)
{
    struct inside *inside = user_data;
    (void)result;
    try_waits(inside);
    latch_open(latch_named("tried"));
}

/* In a callback on the worker. */
BOTH(waits_in_a_direct_callback_are_refused)
{
    RIG(rig, kind, NULL);
    struct inside inside = {.rig = &rig};
    adb_context *ctx = adb_context_new(rig.db, ADB_QUEUE_DIRECT, 0);
    inside.job = rig_quick(&rig, NULL, NULL);
    adb_fetch_all(ctx, kind->quick, NULL, done_here, &inside);
    latch_wait(latch_named("tried"));
    claim_refused(&inside);
    CU_ASSERT_EQUAL(status_of(rig.ctx, inside.job), ADB_OK);
    adb_context_free(ctx);
    rig_close(&rig);
}

static adb_status hook(adb_session *session, void *user_data)
{
    struct inside *inside = user_data;
    (void)session;
    inside->connected = adb_database_connect(inside->rig->db, -1, NULL);
    inside->closed = adb_database_close(inside->rig->db, -1);
    return ADB_OK;
}

/* In the connect hook. */
BOTH(waits_in_a_connect_hook_are_refused)
{
    static struct inside inside;
    RIG(rig, kind, ADB_OPTIONS(.on_connect = hook, .on_connect_data = &inside));
    inside = (struct inside){.rig = &rig};
    CU_ASSERT_EQUAL(status_of(rig.ctx, rig_quick(&rig, NULL, NULL)), ADB_OK);
    CU_ASSERT_EQUAL(inside.connected, ADB_E_DEADLOCK);
    CU_ASSERT_EQUAL(inside.closed, ADB_E_DEADLOCK);
    rig_close(&rig);
}

static adb_flow wait_in_batch(adb_result *batch, void *user_data)
{
    struct inside *inside = user_data;
    (void)batch;
    if (!inside->done) {
        inside->done = true;
        inside->job = rig_quick(inside->rig, NULL, NULL);
        inside->waited = status_of(inside->rig->ctx, inside->job);
    }
    return ADB_CONTINUE;
}

static void insert_five(struct rig *rig)
{
    for (int i = 0; i < 5; i++)
        CU_ASSERT_EQUAL(status_of(rig->ctx, rig_insert(rig, i, NULL, NULL)), ADB_OK);
}

/* In a batch callback, for a job behind the iterate: it could not run before the callback returns. (ITER-06, PAIN-04)
 * */
BOTH(wait_in_a_batch_callback_is_refused)
{
    RIG(rig, kind, ADB_OPTIONS(.batch_rows = 1));
    struct inside inside = {.rig = &rig};
    insert_five(&rig);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_iterate(rig.ctx, kind->rows, NULL, wait_in_batch, NULL, &inside)), ADB_OK);
    CU_ASSERT_EQUAL(inside.waited, ADB_E_DEADLOCK);
    CU_ASSERT_EQUAL(status_of(rig.ctx, inside.job), ADB_OK);
    rig_close(&rig);
}

static adb_flow wait_elsewhere(adb_result *batch, void *user_data)
{
    struct inside *inside = user_data;
    (void)batch;
    adb_context *other = adb_context_new(inside->rig->db, NULL, 0);
    inside->waited = status_of(other, adb_fetch_all(other, inside->rig->kind->quick, NULL, NULL, NULL));
    adb_context_free(other);
    return ADB_CONTINUE;
}

/* Another context is the way to query inside a batch callback. (ITER-06) */
BOTH(wait_in_a_batch_callback_for_another_context)
{
    RIG(rig, kind, ADB_OPTIONS(.batch_rows = 1));
    struct inside inside = {.rig = &rig, .waited = ADB_E_INTERNAL};
    insert_five(&rig);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_iterate(rig.ctx, kind->rows, NULL, wait_elsewhere, NULL, &inside)), ADB_OK);
    CU_ASSERT_EQUAL(inside.waited, ADB_OK);
    rig_close(&rig);
}

static adb_flow pause_once(adb_result *batch, void *user_data)
{
    struct inside *inside = user_data;
    (void)batch;
    const adb_flow flow = inside->done ? ADB_CONTINUE : ADB_PAUSE;
    inside->done = true;
    return flow;
}

/* A paused iterate stands before the job: nobody but the caller could resume it. */
BOTH(wait_behind_a_paused_iterate_is_refused)
{
    RIG(rig, kind, ADB_OPTIONS(.batch_rows = 1));
    struct inside inside = {.rig = &rig};
    insert_five(&rig);
    const adb_job iterate = adb_iterate(rig.ctx, kind->rows, NULL, pause_once, NULL, &inside);
    const adb_job behind = rig_quick(&rig, NULL, NULL);
    CU_ASSERT_EQUAL(status_of(rig.ctx, behind), ADB_E_DEADLOCK);
    CU_ASSERT_EQUAL(status_of(rig.ctx, iterate), ADB_E_DEADLOCK);
    CU_ASSERT_EQUAL(adb_resume(rig.ctx, iterate), ADB_OK);
    CU_ASSERT_EQUAL(status_of(rig.ctx, behind), ADB_OK);
    CU_ASSERT_EQUAL(status_of(rig.ctx, iterate), ADB_OK);
    rig_close(&rig);
}

/* Batches that are to be pulled stand before the job. */
BOTH(wait_behind_batches_to_be_pulled_is_refused)
{
    RIG(rig, kind, ADB_OPTIONS(.batch_rows = 1));
    insert_five(&rig);
    adb_iterate(rig.ctx, kind->rows, NULL, NULL, NULL, NULL);
    const adb_job behind = rig_quick(&rig, NULL, NULL);
    CU_ASSERT_EQUAL(status_of(rig.ctx, behind), ADB_E_DEADLOCK);
    run_all(rig.ctx);
    rig_close(&rig);
}

SUITE(deadlock, CASES(waits_in_a_work_function_are_refused), CASES(waits_in_a_direct_callback_are_refused),
      CASES(waits_in_a_connect_hook_are_refused), CASES(wait_in_a_batch_callback_is_refused),
      CASES(wait_in_a_batch_callback_for_another_context), CASES(wait_behind_a_paused_iterate_is_refused),
      CASES(wait_behind_batches_to_be_pulled_is_refused))
