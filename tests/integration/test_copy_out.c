/* SPDX-License-Identifier: BSD-3-Clause */
/* Unloading, from the consumer's side: chunks of whole records in order, in bounded memory, and every way to an end. */
#include "tests/lib/fault.h"
#include "tests/lib/rig.h"

#include <asyncdb.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

/* Numbers from 1 up to a limit, each a row. */
#define SERIES(limit) "WITH RECURSIVE r (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r WHERE i < " limit ") SELECT i FROM r"
#define ENDLESS       "WITH RECURSIVE r (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r) SELECT i FROM r"

/* What a consumer has seen, and what it answers to one of its chunks. */
struct reader {
    adb_context *ctx;
    adb_job job;
    size_t at;                  /* the chunk, from 1, that gets another answer; 0: none */
    adb_flow answer;
    void (*act)(struct reader *reader); /* besides */
    atomic_size_t chunks;
    int64_t next;               /* the number that should come now */
    size_t most;                /* bytes of the largest chunk */
    bool disorder, after_done;
    pthread_t thread;
    struct tally done;
};

#define READER(...) {.next = 1, .done = TALLY_INIT, __VA_ARGS__}

static void done(adb_result *result, void *user_data)
{
    struct reader *reader = user_data;
    CU_ASSERT_EQUAL(adb_result_rows(result), 0);
    tally_done(result, &reader->done);
}

/* A chunk is whole records: the numbers that are due. */
static bool read_numbers(struct reader *reader, const char *bytes, size_t size)
{
    size_t i = 0;
    while (i < size) {
        int64_t number = 0;
        for (; i < size && bytes[i] >= '0' && bytes[i] <= '9'; i++)
            number = number * 10 + (bytes[i] - '0');
        if (i == size || bytes[i++] != '\n' || number != reader->next++)
            return false;
    }
    return true;
}

static adb_flow consume(const void *chunk, size_t size, void *user_data)
{
    struct reader *reader = user_data;
    reader->thread = pthread_self();
    reader->after_done = reader->after_done || tally_n(&reader->done) > 0;
    reader->disorder = reader->disorder || !read_numbers(reader, chunk, size);
    reader->most = size > reader->most ? size : reader->most;
    if (atomic_fetch_add(&reader->chunks, 1) + 1 != reader->at)
        return ADB_CONTINUE;
    if (reader->act != NULL)
        reader->act(reader);
    return reader->answer;
}

static adb_job start(struct rig *rig, struct reader *reader, const char *source)
{
    reader->ctx = rig->ctx;
    reader->job = adb_copy_out(rig->ctx, source, consume, done, reader);
    return reader->job;
}

/* It ended once, with that, and nothing came out of order or late. */
static bool ended(struct reader *reader, adb_status status)
{
    const bool well = tally_n(&reader->done) == 1 && tally_of(&reader->done, status) == 1;
    if (!well)
        printf("%zu outcomes, the first %s\n", tally_n(&reader->done),
               adb_status_name(tally_seen(&reader->done, 0).status));
    return well && !reader->after_done && !reader->disorder;
}

static bool was_called(void *data)
{
    struct reader *reader = data;
    return atomic_load(&reader->chunks) >= reader->at;
}

/* All rows, in order, in chunks of about 64 KiB, on the thread that dispatches. */
TEST(rows_come_in_order_and_in_chunks)
{
    struct reader reader = READER(.at = 0);
    RIG(rig, &kind_sqlite, NULL);
    start(&rig, &reader, SERIES("300000"));
    run_all(rig.ctx);
    CU_ASSERT(ended(&reader, ADB_OK) && reader.next == 300001);
    CU_ASSERT(reader.chunks > 10 && reader.most < 131072);
    CU_ASSERT(pthread_equal(reader.thread, pthread_self()));
    rig_close(&rig);
}

/* No rows are no chunk; with a header they are one. */
TEST(no_rows_are_no_chunk)
{
    struct reader reader = READER(.at = 0), headed = READER(.at = 0);
    RIG(rig, &kind_sqlite, NULL);
    start(&rig, &reader, "t");
    adb_submit(rig.ctx, ADB_REQUEST(.kind = ADB_REQUEST_COPY_OUT, .sql = "t", .consume = consume, .user_data = &headed,
                                    .copy = ADB_COPY_OPTIONS(.header = true)));
    run_all(rig.ctx);
    CU_ASSERT(ended(&reader, ADB_OK) && reader.chunks == 0);
    CU_ASSERT(headed.chunks == 1 && headed.most == 2);
    rig_close(&rig);
}

/* A wait for it delivers its chunks, and pulling does. */
TEST(waiting_and_pulling_deliver_chunks)
{
    struct reader waited = READER(.at = 0), pulled = READER(.at = 0);
    adb_result *result = NULL;
    RIG(rig, &kind_sqlite, NULL);
    CU_ASSERT_EQUAL(status_of(rig.ctx, start(&rig, &waited, SERIES("100000"))), ADB_OK);
    CU_ASSERT(ended(&waited, ADB_OK) && waited.next == 100001);
    adb_copy_out(rig.ctx, SERIES("100000"), consume, NULL, &pulled);
    while (result == NULL) {
        adb_queue_wait(rig.queue, PATIENCE_MS);
        result = adb_queue_next(rig.queue);
    }
    CU_ASSERT(adb_result_status(result) == ADB_OK && adb_result_affected(result) == 100000);
    CU_ASSERT_EQUAL(pulled.next, 100001);
    adb_result_unref(result);
    rig_close(&rig);
}

/* A paused consumer gets nothing until it is resumed, and the worker waits for it. (ITER-05) */
TEST(a_paused_consumer_gets_nothing)
{
    struct reader reader = READER(.at = 2, .answer = ADB_PAUSE);
    RIG(rig, &kind_sqlite, NULL);
    const adb_job job = start(&rig, &reader, SERIES("300000"));
    run_until(rig.queue, was_called, &reader);
    for (int i = 0; i < 10; i++)
        adb_queue_dispatch(rig.queue, 0);
    CU_ASSERT(reader.chunks == 2 && tally_n(&reader.done) == 0);
    CU_ASSERT_EQUAL(status_of(rig.ctx, job), ADB_E_DEADLOCK);
    CU_ASSERT_EQUAL(adb_resume(rig.ctx, job), ADB_OK);
    run_all(rig.ctx);
    CU_ASSERT(ended(&reader, ADB_OK) && reader.next == 300001);
    rig_close(&rig);
}

/* A consumer that has enough ends it, however much there is left. (ITER-08) */
TEST(a_stop_ends_it_well)
{
    struct reader reader = READER(.at = 3, .answer = ADB_STOP);
    RIG(rig, &kind_sqlite, NULL);
    start(&rig, &reader, ENDLESS);
    run_all(rig.ctx);
    CU_ASSERT(ended(&reader, ADB_OK) && reader.chunks == 3);
    CU_ASSERT(rig_holds(&rig, ""));
    rig_close(&rig);
}

static void cancel(struct reader *reader)
{
    CU_ASSERT_EQUAL(adb_cancel(reader->ctx, reader->job), ADB_OK);
}

/* A cancel ends it, inside the consumer, or while it has paused. (PAIN-05) */
TEST(a_cancel_ends_it)
{
    static const adb_flow answers[] = {ADB_CONTINUE, ADB_PAUSE};
    RIG(rig, &kind_sqlite, NULL);
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        struct reader reader = READER(.at = 3, .answer = answers[i], .act = cancel);
        start(&rig, &reader, ENDLESS);
        run_all(rig.ctx);
        CU_ASSERT(ended(&reader, ADB_E_CANCELLED));
    }
    rig_close(&rig);
}

/* The deadline ends a pause. */
TEST(a_deadline_ends_a_pause)
{
    struct reader reader = READER(.at = 1, .answer = ADB_PAUSE);
    RIG(rig, &kind_sqlite, NULL);
    adb_submit(rig.ctx, ADB_REQUEST(.kind = ADB_REQUEST_COPY_OUT, .sql = ENDLESS, .consume = consume, .done = done,
                                    .user_data = &reader, .timeout_ms = 100));
    run_all(rig.ctx);
    CU_ASSERT(ended(&reader, ADB_E_TIMEOUT));
    rig_close(&rig);
}

/* A close does not wait for a consumer that has paused. */
TEST(a_close_ends_a_pause)
{
    struct reader reader = READER(.at = 1, .answer = ADB_PAUSE);
    RIG(rig, &kind_sqlite, NULL);
    start(&rig, &reader, ENDLESS);
    run_until(rig.queue, was_called, &reader);
    adb_database_close(rig.db, 100);
    run_all(rig.ctx);
    CU_ASSERT(ended(&reader, ADB_E_CLOSED));
    rig_drop(&rig);
}

static void free_all(struct reader *reader)
{
    adb_queue *queue = adb_context_queue(reader->ctx);
    adb_context_free(reader->ctx);
    adb_queue_free(queue);
}

/* The consumer may free context and queue: it gets no more, and the job ends once. */
TEST(the_consumer_may_free_everything)
{
    struct reader reader = READER(.at = 3, .answer = ADB_CONTINUE, .act = free_all);
    RIG(rig, &kind_sqlite, NULL);
    adb_queue *queue = adb_queue_new();
    reader.ctx = adb_context_new(rig.db, queue, 0);
    reader.job = adb_copy_out(reader.ctx, ENDLESS, consume, done, &reader);
    while (atomic_load(&reader.chunks) < reader.at) {
        adb_queue_wait(queue, 10);
        adb_queue_dispatch(queue, 0);
    }
    tally_await(&reader.done, 1);
    CU_ASSERT_EQUAL(tally_n(&reader.done), 1);
    CU_ASSERT(reader.chunks == 3);
    rig_close(&rig);
}

/* Without a loop the consumer runs on the worker, which waits while it has paused. */
TEST(the_worker_runs_the_consumer_of_a_direct_queue)
{
    struct reader reader = READER(.at = 2, .answer = ADB_PAUSE);
    RIG(rig, &kind_sqlite, NULL);
    reader.ctx = adb_context_new(rig.db, ADB_QUEUE_DIRECT, 0);
    reader.job = adb_copy_out(reader.ctx, SERIES("300000"), consume, done, &reader);
    await(was_called, &reader);
    while (tally_n(&reader.done) == 0)
        adb_resume(reader.ctx, reader.job);
    CU_ASSERT(ended(&reader, ADB_OK) && reader.next == 300001);
    CU_ASSERT_FALSE(pthread_equal(reader.thread, pthread_self()));
    adb_context_free(reader.ctx);
    rig_close(&rig);
}

/* An error after some rows comes behind them. (ITER-11) */
TEST(an_error_midway_is_the_end)
{
    struct reader reader = READER(.at = 0);
    RIG(rig, &kind_sqlite, NULL);
    start(&rig, &reader,
          "WITH RECURSIVE r (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r) "
          "SELECT CASE WHEN i < 100000 THEN i ELSE abs(-9223372036854775807 - 1) END FROM r");
    run_all(rig.ctx);
    CU_ASSERT(tally_n(&reader.done) == 1 && tally_of(&reader.done, ADB_OK) == 0);
    CU_ASSERT(reader.next > 50000 && !reader.disorder);
    rig_close(&rig);
}

static adb_status unload(adb_session *session, void *user_data)
{
    adb_result *result = adb_session_copy_out(session, SERIES("100000"), NULL, consume, user_data);
    const adb_status status = adb_result_status(result);
    adb_result_unref(result);
    return status;
}

/* A function on the worker unloads; it may stop, and cannot pause. */
TEST(sessions_unload)
{
    struct reader all = READER(.at = 0), some = READER(.at = 2, .answer = ADB_STOP);
    struct reader pausing = READER(.at = 2, .answer = ADB_PAUSE);
    RIG(rig, &kind_sqlite, NULL);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_run(rig.ctx, unload, NULL, &all)), ADB_OK);
    CU_ASSERT(all.next == 100001 && !all.disorder);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_run(rig.ctx, unload, NULL, &some)), ADB_OK);
    CU_ASSERT_EQUAL(some.chunks, 2);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_run(rig.ctx, unload, NULL, &pausing)), ADB_E_INVAL);
    CU_ASSERT_EQUAL(pausing.chunks, 2);
    rig_close(&rig);
}

static adb_status refused(struct rig *rig, const char *source, adb_copy_out_cb consumer)
{
    const adb_job job = adb_copy_out(rig->ctx, source, consumer, NULL, NULL);
    return job != 0 ? ADB_OK : adb_context_error(rig->ctx)->status;
}

/* What cannot be meant is refused at once; a query that writes is, where it stands in the place of a source, too. */
TEST(nonsense_is_refused)
{
    struct reader reader = READER(.at = 0);
    RIG(rig, &kind_sqlite, NULL);
    CU_ASSERT_EQUAL(refused(&rig, NULL, consume), ADB_E_INVAL);
    CU_ASSERT_EQUAL(refused(&rig, "t", NULL), ADB_E_INVAL);
    CU_ASSERT_EQUAL(refused(&rig, " -- nothing", consume), ADB_E_SYNTAX);
    CU_ASSERT_EQUAL(refused(&rig, "SELECT 1; SELECT 2", consume), ADB_E_MULTI);
    CU_ASSERT_EQUAL(status_of(rig.ctx, start(&rig, &reader, "INSERT INTO t VALUES (1)")), ADB_E_SYNTAX);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_copy_out(rig.ctx, "SELECT :a", consume, NULL, &reader)), ADB_E_PARAMETER);
    CU_ASSERT(rig_holds(&rig, ""));
    rig_close(&rig);
}

/* Each allocation in turn fails: a status, and nothing leaks. */
TEST(no_memory_is_a_status)
{
    struct reader first = READER(.at = 0);
    fault_watch();
    RIG(rig, &kind_sqlite, NULL);
    CU_ASSERT_EQUAL(status_of(rig.ctx, start(&rig, &first, SERIES("9000"))), ADB_OK);
    FAULT_EACH(n)
    {
        struct reader reader = READER(.at = 0);
        fault_arm_once(n);
        const adb_job job = start(&rig, &reader, SERIES("9000"));
        const adb_status status = job == 0 ? adb_context_error(rig.ctx)->status : status_of(rig.ctx, job);
        FAULT_DONE();
        CU_ASSERT(status == ADB_OK || status == ADB_E_NOMEM);
        CU_ASSERT(status != ADB_OK || reader.next == 9001);
    }
    rig_close(&rig);
}

SUITE(copy_out, CASE(rows_come_in_order_and_in_chunks), CASE(no_rows_are_no_chunk),
      CASE(waiting_and_pulling_deliver_chunks), CASE(a_paused_consumer_gets_nothing), CASE(a_stop_ends_it_well),
      CASE(a_cancel_ends_it), CASE(a_deadline_ends_a_pause), CASE(a_close_ends_a_pause),
      CASE(the_consumer_may_free_everything), CASE(the_worker_runs_the_consumer_of_a_direct_queue),
      CASE(an_error_midway_is_the_end), CASE(sessions_unload), CASE(nonsense_is_refused), CASE(no_memory_is_a_status))
