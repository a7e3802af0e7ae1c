/* SPDX-License-Identifier: BSD-3-Clause */
/* Bulk loading that ends before its end, wherever its producer is at that moment: nothing of it stays, and the job
 * completes once. */
#include "tests/integration/copy_scene.h"

#include "core/context.h"
#include "core/database.h"

/* The job is cancelled, times out, or the database closes. */
static bool cancel(struct writer *writer)
{
    CU_ASSERT_EQUAL(adb_cancel(writer->ctx, writer->job), ADB_OK);
    return true;
}

/* A cancel in the midst of the stream ends it, and nothing stays. (PAIN-05) */
TEST(a_cancel_midway_leaves_nothing)
{
    struct writer writer = WRITER(.endless = 1000000000, .at = 100000, .act = cancel);
    RIG(rig, &kind_sqlite, NULL);
    start(&rig, &writer);
    run_all(rig.ctx);
    CU_ASSERT(ended(&writer, ADB_E_CANCELLED));
    CU_ASSERT(rig_holds(&rig, ""));
    rig_close(&rig);
}

/* Seen without anything that would put this thread in order with the worker. */
static bool nobody_works(void *data)
{
    const struct adb__pool *pool = data;
    return adb__counter_get(&pool->workers[0]->state) == ADB__WORKER_IDLE;
}

/* The worker is through with the job before the producer is. */
static bool cancel_and_linger(struct writer *writer)
{
    CU_ASSERT_EQUAL(adb_cancel(writer->ctx, writer->job), ADB_OK);
    await(nobody_works, &writer->ctx->db->servers[0].pools[ADB__ROLE_WRITER]);
    return true;
}

/* And one from inside the producer, which still writes where the worker reads no more. */
TEST(a_cancel_leaves_the_producer_alone)
{
    struct writer writer = WRITER(.endless = 1000, .at = 9, .act = cancel_and_linger);
    RIG(rig, &kind_sqlite, NULL);
    start(&rig, &writer);
    run_all(rig.ctx);
    CU_ASSERT(ended(&writer, ADB_E_CANCELLED));
    CU_ASSERT(rig_holds(&rig, ""));
    rig_close(&rig);
}

/* So does one while the producer has paused; a wait for the job sees it. */
TEST(a_paused_copy_can_be_cancelled)
{
    struct writer writer = WRITER(.endless = 100, .at = 9, .answer = ADB_COPY_PAUSE);
    RIG(rig, &kind_sqlite, NULL);
    const adb_job job = start(&rig, &writer);
    run_until(rig.queue, was_called, &writer);
    CU_ASSERT_EQUAL(status_of(rig.ctx, job), ADB_E_DEADLOCK);
    CU_ASSERT_EQUAL(adb_cancel(rig.ctx, job), ADB_OK);
    CU_ASSERT_EQUAL(status_of(rig.ctx, job), ADB_E_CANCELLED);
    CU_ASSERT(ended(&writer, ADB_E_CANCELLED) && writer.calls == 9);
    CU_ASSERT(rig_holds(&rig, ""));
    rig_close(&rig);
}

/* The deadline covers the time that the producer takes. */
TEST(a_deadline_midway_leaves_nothing)
{
    struct writer writer = WRITER(.endless = 100, .at = 9, .answer = ADB_COPY_PAUSE);
    RIG(rig, &kind_sqlite, NULL);
    adb_submit(rig.ctx, ADB_REQUEST(.kind = ADB_REQUEST_COPY_IN, .sql = "t", .produce = produce, .done = done,
                                    .user_data = &writer, .timeout_ms = 50));
    run_all(rig.ctx);
    CU_ASSERT(ended(&writer, ADB_E_TIMEOUT));
    CU_ASSERT(rig_holds(&rig, ""));
    rig_close(&rig);
}

/* A close does not wait for a producer that has paused, and nothing stays in the file. */
TEST(a_close_midway_leaves_nothing)
{
    struct writer writer = WRITER(.endless = 100, .at = 9, .answer = ADB_COPY_PAUSE);
    char url[128];
    adb_database *again;
    RIG(rig, &kind_sqlite, NULL);
    start(&rig, &writer);
    run_until(rig.queue, was_called, &writer);
    adb_database_close(rig.db, 100);
    run_all(rig.ctx);
    CU_ASSERT(ended(&writer, ADB_E_CLOSED));
    snprintf(url, sizeof(url), "sqlite:///%s/t.db", rig.folder);
    REQUIRE(adb_database_open(url, NULL, &again, NULL) == ADB_OK);
    adb_context *ctx = adb_context_new(again, NULL, 0);
    CU_ASSERT_EQUAL(value_of(ctx, adb_fetch_val(ctx, "SELECT count(*) FROM t", NULL, NULL, NULL)), 0);
    adb_context_free(ctx);
    adb_database_free(again);
    rig_drop(&rig);
}

static bool free_all(struct writer *writer)
{
    adb_queue *queue = adb_context_queue(writer->ctx);
    adb_context_free(writer->ctx);
    adb_queue_free(queue);
    return true;
}

/* The producer may free context and queue: it is asked no more, and the job ends once. */
TEST(the_producer_may_free_everything)
{
    struct writer writer = WRITER(.endless = 1000000000, .at = 40000, .act = free_all);
    RIG(rig, &kind_sqlite, NULL);
    adb_queue *queue = adb_queue_new();
    writer.ctx = adb_context_new(rig.db, queue, 0);
    writer.job = adb_copy_in(writer.ctx, "t", produce, done, &writer);
    while (atomic_load(&writer.calls) < writer.at) {
        adb_queue_wait(queue, 10);
        adb_queue_dispatch(queue, 0);
    }
    tally_await(&writer.done, 1);
    CU_ASSERT_EQUAL(tally_of(&writer.done, ADB_E_CANCELLED), 1);
    CU_ASSERT(writer.calls < 40000 + 32768);
    CU_ASSERT(rig_holds(&rig, ""));
    rig_close(&rig);
}

/* A queue that is freed while the producer has paused ends the job. */
TEST(a_freed_queue_ends_the_job)
{
    struct writer writer = WRITER(.endless = 100, .at = 9, .answer = ADB_COPY_PAUSE);
    RIG(rig, &kind_sqlite, NULL);
    adb_queue *queue = adb_queue_new();
    writer.ctx = adb_context_new(rig.db, queue, 0);
    writer.job = adb_copy_in(writer.ctx, "t", produce, done, &writer);
    run_until(queue, was_called, &writer);
    adb_queue_free(queue);
    tally_await(&writer.done, 1);
    CU_ASSERT_EQUAL(tally_of(&writer.done, ADB_E_CANCELLED), 1);
    adb_context_free(writer.ctx);
    CU_ASSERT(rig_holds(&rig, ""));
    rig_close(&rig);
}

SUITE(copy_midway, CASE(a_cancel_midway_leaves_nothing), CASE(a_cancel_leaves_the_producer_alone),
      CASE(a_paused_copy_can_be_cancelled), CASE(a_deadline_midway_leaves_nothing), CASE(a_close_midway_leaves_nothing),
      CASE(the_producer_may_free_everything), CASE(a_freed_queue_ends_the_job))
