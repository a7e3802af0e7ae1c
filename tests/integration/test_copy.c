/* SPDX-License-Identifier: BSD-3-Clause */
/* Bulk loading, from the producer's side: who calls it when, what its answers mean, and that a copy which fails leaves
 * nothing behind and completes exactly once. */
#include "tests/integration/copy_scene.h"

#include "tests/lib/fault.h"

/* Rows come in the order of the stream, wherever it is cut, and are counted. */
TEST(a_stream_becomes_rows)
{
    for (size_t piece = 1; piece < 9; piece++) {
        struct writer writer = WRITER(.text = "1\n22\r\n\"3\"\n4", .piece = piece);
        RIG(rig, &kind_sqlite, NULL);
        adb_result *result = adb_wait(rig.ctx, start(&rig, &writer), PATIENCE_MS);
        CU_ASSERT_EQUAL(adb_result_affected(result), 4);
        CU_ASSERT_FALSE(adb_result_last_insert_id(result, NULL));
        adb_result_unref(result);
        CU_ASSERT(ended(&writer, ADB_OK));
        CU_ASSERT(rig_holds(&rig, "1 22 3 4"));
        rig_close(&rig);
    }
}

/* A stream of nothing is no row, and well. */
TEST(an_empty_stream_is_no_row)
{
    struct writer writer = WRITER(.text = "");
    RIG(rig, &kind_sqlite, NULL);
    start(&rig, &writer);
    run_all(rig.ctx);
    CU_ASSERT(ended(&writer, ADB_OK) && writer.calls == 1);
    CU_ASSERT(rig_holds(&rig, ""));
    rig_close(&rig);
}

/* A stream of many chunks and runs arrives whole, and its producer runs where the queue is dispatched. */
TEST(long_streams_arrive_whole)
{
    struct writer writer = WRITER(.endless = 300000);
    RIG(rig, &kind_sqlite, NULL);
    start(&rig, &writer);
    run_all(rig.ctx);
    CU_ASSERT(ended(&writer, ADB_OK));
    CU_ASSERT(pthread_equal(writer.thread, pthread_self()));
    CU_ASSERT_EQUAL(value_of(rig.ctx, adb_fetch_val(rig.ctx, "SELECT count(*) FROM t", NULL, NULL, NULL)), 300000);
    rig_close(&rig);
}

/* A producer that has nothing yet is asked again when the job was resumed, and what it gave before is not lost. */
TEST(a_paused_producer_is_asked_again)
{
    struct writer writer = WRITER(.text = "1\n2\n3\n", .piece = 2, .at = 2, .answer = ADB_COPY_PAUSE);
    RIG(rig, &kind_sqlite, NULL);
    const adb_job job = start(&rig, &writer);
    run_until(rig.queue, was_called, &writer);
    adb_queue_dispatch(rig.queue, 0);
    CU_ASSERT_EQUAL(writer.calls, 2);
    CU_ASSERT_EQUAL(tally_n(&writer.done), 0);
    CU_ASSERT_EQUAL(adb_resume(rig.ctx, job), ADB_OK);
    run_all(rig.ctx);
    CU_ASSERT(ended(&writer, ADB_OK));
    CU_ASSERT(rig_holds(&rig, "1 2 3"));
    CU_ASSERT_EQUAL(adb_resume(rig.ctx, job), ADB_E_NOT_FOUND);
    rig_close(&rig);
}

static bool resume_at_once(struct writer *writer)
{
    writer->at++;
    if (writer->at > 4)
        return true;
    writer->answer = ADB_COPY_PAUSE;
    CU_ASSERT_EQUAL(adb_resume(writer->ctx, writer->job), ADB_OK);
    return false;
}

/* A resume inside the producer, before it pauses, is not lost. */
TEST(a_resume_inside_the_producer_counts)
{
    struct writer writer = WRITER(.text = "1\n2\n", .at = 1, .act = resume_at_once);
    RIG(rig, &kind_sqlite, NULL);
    start(&rig, &writer);
    run_all(rig.ctx);
    CU_ASSERT(ended(&writer, ADB_OK) && writer.calls >= 4);
    CU_ASSERT(rig_holds(&rig, "1 2"));
    rig_close(&rig);
}

/* A producer that gives up ends the job as cancelled, and nothing stays of what it gave before. */
TEST(an_abort_leaves_nothing)
{
    struct writer writer = WRITER(.endless = 100000, .at = 50000, .answer = ADB_COPY_ABORT);
    RIG(rig, &kind_sqlite, NULL);
    start(&rig, &writer);
    run_all(rig.ctx);
    CU_ASSERT(ended(&writer, ADB_E_CANCELLED) && writer.calls == 50000);
    CU_ASSERT(rig_holds(&rig, ""));
    rig_close(&rig);
}

/* An answer that is none, too many bytes among them, is the producer's fault, and it is asked no more. */
TEST(a_wrong_answer_ends_the_job)
{
    static const ptrdiff_t wrong[] = {65537, PTRDIFF_MAX, -3, PTRDIFF_MIN};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct writer writer = WRITER(.endless = 10, .at = 3, .answer = wrong[i]);
        RIG(rig, &kind_sqlite, NULL);
        start(&rig, &writer);
        run_all(rig.ctx);
        CU_ASSERT(ended(&writer, ADB_E_INVAL) && writer.calls == 3);
        CU_ASSERT(rig_holds(&rig, ""));
        rig_close(&rig);
    }
}

/* The status of loading a text. */
static adb_error load(struct rig *rig, const char *text)
{
    struct writer writer = WRITER(.text = text);
    const adb_error error = error_of(rig->ctx, start(rig, &writer));
    CU_ASSERT(ended(&writer, error.status));
    return error;
}

/* Bad records name themselves, in the words of PostgreSQL; so do rows that a constraint refuses. */
TEST(failures_name_the_record)
{
    RIG(rig, &kind_sqlite, NULL);
    adb_error error = load(&rig, "1\n2,3\n4\n");
    CU_ASSERT(error.status == ADB_E_DATA && strstr(error.message, "record 2: extra data") != NULL);
    error = load(&rig, "1\n\"2\n");
    CU_ASSERT(error.status == ADB_E_DATA && strstr(error.message, "record 2: ") != NULL);
    CU_ASSERT(strstr(error.message, "offset 2") != NULL);
    error = load(&rig, "1\n2\n-3\n4\n");
    CU_ASSERT(error.status == ADB_E_CHECK && strstr(error.message, "record 3: ") != NULL);
    CU_ASSERT(strcmp(error.sqlstate, "23514") == 0);
    struct writer writer = WRITER(.text = "1\n");
    error = error_of(rig.ctx, adb_copy_in(rig.ctx, "nowhere", produce, done, &writer));
    CU_ASSERT(error.status == ADB_E_UNDEFINED && writer.calls == 0);
    CU_ASSERT(rig_holds(&rig, ""));
    rig_close(&rig);
}

static bool wait_for_next(struct writer *writer)
{
    CU_ASSERT_EQUAL(status_of(writer->ctx, adb_execute(writer->ctx, "INSERT INTO t VALUES (0)", NULL, NULL, NULL)),
                    ADB_E_DEADLOCK);
    return true;
}

/* To wait inside the producer for what comes after the copy would never end, and is refused. (PAIN-04) */
TEST(waiting_inside_the_producer_is_refused)
{
    struct writer writer = WRITER(.text = "1\n2\n", .piece = 2, .at = 2, .act = wait_for_next);
    RIG(rig, &kind_sqlite, NULL);
    start(&rig, &writer);
    run_all(rig.ctx);
    CU_ASSERT(ended(&writer, ADB_OK));
    CU_ASSERT(rig_holds(&rig, "1 2 0"));
    rig_close(&rig);
}

/* Who pulls outcomes runs the producer by pulling. */
TEST(pulling_runs_the_producer)
{
    struct writer writer = WRITER(.endless = 100000);
    adb_result *pulled = NULL;
    RIG(rig, &kind_sqlite, NULL);
    adb_copy_in(rig.ctx, "t", produce, NULL, &writer);
    while (pulled == NULL) {
        adb_queue_wait(rig.queue, PATIENCE_MS);
        pulled = adb_queue_next(rig.queue);
    }
    CU_ASSERT_EQUAL(adb_result_status(pulled), ADB_OK);
    CU_ASSERT_EQUAL(adb_result_affected(pulled), 100000);
    adb_result_unref(pulled);
    rig_close(&rig);
}

/* Without a loop the producer runs on the worker, and another thread may resume it. */
TEST(the_worker_runs_the_producer_of_a_direct_queue)
{
    struct writer writer = WRITER(.endless = 100000, .at = 60000, .answer = ADB_COPY_PAUSE);
    RIG(rig, &kind_sqlite, NULL);
    writer.ctx = adb_context_new(rig.db, ADB_QUEUE_DIRECT, 0);
    writer.job = adb_copy_in(writer.ctx, "t", produce, done, &writer);
    await(was_called, &writer);
    while (tally_n(&writer.done) == 0)
        adb_resume(writer.ctx, writer.job);
    CU_ASSERT(ended(&writer, ADB_OK));
    CU_ASSERT_FALSE(pthread_equal(writer.thread, pthread_self()));
    CU_ASSERT_EQUAL(value_of(rig.ctx, adb_fetch_val(rig.ctx, "SELECT count(*) FROM t", NULL, NULL, NULL)), 100000);
    adb_context_free(writer.ctx);
    rig_close(&rig);
}

/* There, too, a cancel ends a pause. */
TEST(a_pause_on_the_worker_can_be_cancelled)
{
    struct writer writer = WRITER(.endless = 100000, .at = 9, .answer = ADB_COPY_PAUSE);
    RIG(rig, &kind_sqlite, NULL);
    writer.ctx = adb_context_new(rig.db, ADB_QUEUE_DIRECT, 0);
    writer.job = adb_copy_in(writer.ctx, "t", produce, done, &writer);
    await(was_called, &writer);
    CU_ASSERT_EQUAL(adb_cancel(writer.ctx, writer.job), ADB_OK);
    tally_await(&writer.done, 1);
    CU_ASSERT(ended(&writer, ADB_E_CANCELLED));
    adb_context_free(writer.ctx);
    CU_ASSERT(rig_holds(&rig, ""));
    rig_close(&rig);
}

/* A failure inside a transaction undoes the copy, and fails its level. */
TEST(a_failed_copy_fails_its_level)
{
    struct writer bad = WRITER(.text = "1\n2\n-3\n"), good = WRITER(.text = "4\n5\n");
    RIG(rig, &kind_sqlite, NULL);
    adb_begin(rig.ctx, &(adb_transaction_options){.size = sizeof(adb_transaction_options),
                                                  .on_error = ADB_ON_ERROR_CONTINUE}, NULL, NULL);
    rig_insert(&rig, 0, NULL, NULL);
    start(&rig, &bad);
    start(&rig, &good);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_commit(rig.ctx, NULL, NULL)), ADB_OK);
    run_all(rig.ctx);
    CU_ASSERT(ended(&bad, ADB_E_CHECK) && ended(&good, ADB_OK));
    CU_ASSERT(rig_holds(&rig, "0 4 5"));
    adb_begin(rig.ctx, NULL, NULL, NULL);
    CU_ASSERT_EQUAL(load(&rig, "6\n-7\n").status, ADB_E_CHECK);
    CU_ASSERT_EQUAL(load(&rig, "8\n").status, ADB_E_TRANSACTION_FAILED);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_commit(rig.ctx, NULL, NULL)), ADB_E_TRANSACTION_FAILED);
    CU_ASSERT(rig_holds(&rig, "0 4 5"));
    rig_close(&rig);
}

/* What may only read loads nothing, and the producer is not asked. */
TEST(read_only_contexts_and_transactions_refuse)
{
    struct writer writer = WRITER(.text = "1\n");
    RIG(rig, &kind_sqlite, NULL);
    adb_context *reader = adb_context_new(rig.db, NULL, ADB_CONTEXT_READ_ONLY);
    CU_ASSERT_EQUAL(status_of(reader, adb_copy_in(reader, "t", produce, NULL, &writer)), ADB_E_READ_ONLY);
    adb_context_free(reader);
    adb_begin(rig.ctx, &(adb_transaction_options){.size = sizeof(adb_transaction_options), .read_only = true}, NULL,
              NULL);
    CU_ASSERT_EQUAL(status_of(rig.ctx, start(&rig, &writer)), ADB_E_READ_ONLY);
    adb_rollback(rig.ctx, NULL, NULL);
    CU_ASSERT_EQUAL(writer.calls, 0);
    rig_close(&rig);
}

static adb_status load_twice(adb_session *session, void *user_data)
{
    struct writer *writers = user_data;
    adb_result *first = adb_session_copy_in(session, "t", NULL, produce, &writers[0]);
    CU_ASSERT_EQUAL(adb_result_affected(first), 2);
    adb_result_unref(first);
    adb_result *second = adb_session_copy_in(session, "t", ADB_COPY_OPTIONS(.header = true), produce, &writers[1]);
    const adb_status status = adb_result_status(second);
    adb_result_unref(second);
    return status;
}

/* A function on the worker loads too, inside its transaction. */
TEST(sessions_load)
{
    struct writer writers[] = {WRITER(.text = "1\n2\n"), WRITER(.text = "n\n3\n")};
    RIG(rig, &kind_sqlite, NULL);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_transact(rig.ctx, NULL, load_twice, NULL, writers)), ADB_OK);
    CU_ASSERT(rig_holds(&rig, "1 2 3"));
    struct writer failing[] = {WRITER(.text = "1\n2\n"), WRITER(.text = "n\n-3\n")};
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_transact(rig.ctx, NULL, load_twice, NULL, failing)), ADB_E_CHECK);
    struct writer pausing[] = {WRITER(.text = "1\n2\n"), WRITER(.at = 1, .answer = ADB_COPY_PAUSE)};
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_transact(rig.ctx, NULL, load_twice, NULL, pausing)), ADB_E_INVAL);
    CU_ASSERT(rig_holds(&rig, "1 2 3"));
    rig_close(&rig);
}

static adb_status refused(struct rig *rig, const char *target, adb_copy_in_cb producer, const adb_copy_options *options)
{
    const adb_job job = adb_submit(
        rig->ctx, ADB_REQUEST(.kind = ADB_REQUEST_COPY_IN, .sql = target, .produce = producer, .copy = options));
    return job != 0 ? ADB_OK : adb_context_error(rig->ctx)->status;
}

/* A producer of a hundred rows that may pause or give up at any call. */
struct moody {
    struct rig *rig;
    adb_job job;
    unsigned seed;
    unsigned n_rows;
    bool paused;
    struct tally done;
};

static unsigned pick(unsigned *seed, unsigned below)
{
    *seed = *seed * 1103515245 + 12345;
    return (*seed >> 16) % below;
}

static ptrdiff_t produce_moodily(void *chunk, size_t size, void *user_data)
{
    struct moody *moody = user_data;
    const unsigned mood = pick(&moody->seed, 400);
    if (mood == 0)
        return ADB_COPY_ABORT;
    if (mood == 1)
        adb_cancel(moody->rig->ctx, moody->job);
    if (mood < 20) {
        moody->paused = true;
        return ADB_COPY_PAUSE;
    }
    if (moody->n_rows == 100)
        return 0;
    return (ptrdiff_t)snprintf(chunk, size, "%u\n", moody->n_rows++);
}

static void moody_done(adb_result *result, void *user_data)
{
    struct moody *moody = user_data;
    CU_ASSERT(adb_result_status(result) == ADB_OK || adb_result_status(result) == ADB_E_CANCELLED);
    tally_done(result, &moody->done);
}

/* Copies that pause, resume, give up and are cancelled at random: each ends once, with all of its rows or none. */
TEST(whatever_happens_it_is_all_or_nothing)
{
    size_t n_good = 0;
    unsigned seed = 1;
    RIG(rig, &kind_sqlite, NULL);
    for (unsigned i = 0; i < 300; i++) {
        struct moody moody = {.rig = &rig, .seed = seed + i * 7919, .done = TALLY_INIT};
        moody.job = adb_copy_in(rig.ctx, "t", produce_moodily, moody_done, &moody);
        while (tally_n(&moody.done) == 0) {
            adb_queue_wait(rig.queue, PATIENCE_MS);
            adb_queue_dispatch(rig.queue, 0);
            if (moody.paused && pick(&seed, 50) == 0)
                adb_cancel(rig.ctx, moody.job);
            if (moody.paused)
                adb_resume(rig.ctx, moody.job);
            moody.paused = false;
        }
        run_all(rig.ctx);
        CU_ASSERT_EQUAL(tally_n(&moody.done), 1);
        n_good += tally_of(&moody.done, ADB_OK);
    }
    CU_ASSERT(n_good > 30 && n_good < 270);
    CU_ASSERT_EQUAL(value_of(rig.ctx, adb_fetch_val(rig.ctx, "SELECT count(*) FROM t", NULL, NULL, NULL)),
                    (int64_t)n_good * 100);
    rig_close(&rig);
}

/* What cannot be meant is refused at once. */
TEST(nonsense_is_refused)
{
    RIG(rig, &kind_sqlite, NULL);
    CU_ASSERT_EQUAL(refused(&rig, NULL, produce, NULL), ADB_E_INVAL);
    CU_ASSERT_EQUAL(refused(&rig, "t", NULL, NULL), ADB_E_INVAL);
    CU_ASSERT_EQUAL(refused(&rig, "", produce, NULL), ADB_E_SYNTAX);
    CU_ASSERT_EQUAL(refused(&rig, "(n)", produce, NULL), ADB_E_SYNTAX);
    CU_ASSERT_EQUAL(refused(&rig, "t (n", produce, NULL), ADB_E_SYNTAX);
    CU_ASSERT_EQUAL(refused(&rig, "t; DROP TABLE t", produce, NULL), ADB_E_MULTI);
    CU_ASSERT_EQUAL(refused(&rig, "t", produce, ADB_COPY_OPTIONS(.delimiter = '"')), ADB_E_INVAL);
    CU_ASSERT_EQUAL(refused(&rig, "t", produce, ADB_COPY_OPTIONS(.delimiter = '\n')), ADB_E_INVAL);
    CU_ASSERT_EQUAL(refused(&rig, "t", produce, ADB_COPY_OPTIONS(.delimiter = '\xe9')), ADB_E_INVAL);
    CU_ASSERT_EQUAL(refused(&rig, "t", produce, ADB_COPY_OPTIONS(.null_text = "a,b")), ADB_E_INVAL);
    CU_ASSERT_EQUAL(refused(&rig, "t", produce, &(adb_copy_options){.size = 0}), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_submit(rig.ctx, ADB_REQUEST(.kind = ADB_REQUEST_COPY_IN, .sql = "t", .produce = produce,
                                                    .params = ADB_PARAMS({0, adb_int(1)}))), 0);
    CU_ASSERT_EQUAL(adb_context_error(rig.ctx)->status, ADB_E_PARAMETER);
    rig_close(&rig);
}

/* Each allocation in turn fails: a status, all rows or none, and nothing leaks. */
TEST(no_memory_is_a_status)
{
    fault_watch();
    RIG(rig, &kind_sqlite, NULL);
    CU_ASSERT_EQUAL(load(&rig, "1\n").status, ADB_OK);
    FAULT_EACH(n)
    {
        struct writer writer = WRITER(.text = "2\n3\n");
        fault_arm_once(n);
        const adb_job job = start(&rig, &writer);
        const adb_status status = job == 0 ? adb_context_error(rig.ctx)->status : status_of(rig.ctx, job);
        FAULT_DONE();
        CU_ASSERT(status == ADB_OK || status == ADB_E_NOMEM);
        CU_ASSERT(rig_holds(&rig, status == ADB_OK ? "1 2 3" : "1"));
    }
    rig_close(&rig);
}

SUITE(copy, CASE(a_stream_becomes_rows), CASE(an_empty_stream_is_no_row), CASE(long_streams_arrive_whole),
      CASE(a_paused_producer_is_asked_again), CASE(a_resume_inside_the_producer_counts), CASE(an_abort_leaves_nothing),
      CASE(a_wrong_answer_ends_the_job), CASE(failures_name_the_record), CASE(waiting_inside_the_producer_is_refused),
      CASE(pulling_runs_the_producer), CASE(the_worker_runs_the_producer_of_a_direct_queue),
      CASE(a_pause_on_the_worker_can_be_cancelled), CASE(a_failed_copy_fails_its_level),
      CASE(read_only_contexts_and_transactions_refuse), CASE(sessions_load),
      CASE(whatever_happens_it_is_all_or_nothing), CASE(nonsense_is_refused), CASE(no_memory_is_a_status))
