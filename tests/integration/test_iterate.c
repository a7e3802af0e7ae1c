/* SPDX-License-Identifier: BSD-3-Clause */
/* Rows batch by batch in bounded memory: at most two batches under way, and the worker waits for the caller. */
#include "tests/lib/fault.h"
#include "tests/lib/rig.h"

#define N_ROWS 20

/* What a batch callback does and has seen. */
struct reader {
    struct rig *rig;
    adb_context *ctx;
    adb_flow flow; /* the answer to the batch of that number, ADB_CONTINUE before and after */
    size_t at;
    size_t batches, rows;
    int64_t sum;
    bool disorder, after_done;
    struct tally done;
};

static adb_flow take(adb_result *batch, void *user_data)
{
    struct reader *reader = user_data;
    reader->after_done = reader->after_done || tally_n(&reader->done) > 0;
    for (size_t i = 0; i < adb_result_rows(batch); i++) {
        const int64_t value = adb_row_int(adb_result_row(batch, i), 0);
        reader->disorder = reader->disorder || value != (int64_t)reader->rows;
        reader->rows++;
        reader->sum += value;
    }
    return ++reader->batches == reader->at ? reader->flow : ADB_CONTINUE;
}

static void done(adb_result *result, void *user_data)
{
    struct reader *reader = user_data;
    CU_ASSERT_EQUAL(adb_result_rows(result), 0);
    tally_done(result, &reader->done);
}

static adb_job start(struct reader *reader, struct rig *rig, adb_flow flow, size_t at)
{
    *reader = (struct reader){.rig = rig, .ctx = rig->ctx, .flow = flow, .at = at, .done = TALLY_INIT};
    for (int i = 0; i < N_ROWS; i++)
        rig_insert(rig, i, NULL, NULL);
    run_all(rig->ctx);
    return adb_submit(rig->ctx, ADB_REQUEST(.kind = ADB_REQUEST_ITERATE, .sql = rig->kind->rows, .batch_rows = 3,
                                            .batch = take, .done = done, .user_data = reader));
}

/* All rows, in order, the outcome last. (ITER-01, ITER-03, ITER-05) */
BOTH(rows_come_in_order)
{
    struct reader reader;
    RIG(rig, kind, NULL);
    start(&reader, &rig, ADB_CONTINUE, 0);
    run_all(rig.ctx);
    CU_ASSERT_EQUAL(reader.rows, N_ROWS);
    CU_ASSERT_EQUAL(reader.batches, (N_ROWS + 2) / 3);
    CU_ASSERT_FALSE(reader.disorder);
    CU_ASSERT_FALSE(reader.after_done);
    CU_ASSERT_EQUAL(tally_of(&reader.done, ADB_OK), 1);
    rig_close(&rig);
}

/* A wait for it delivers its batches and its outcome. */
BOTH(wait_delivers_all_batches)
{
    struct reader reader;
    RIG(rig, kind, NULL);
    const adb_job job = start(&reader, &rig, ADB_CONTINUE, 0);
    CU_ASSERT_EQUAL(status_of(rig.ctx, job), ADB_OK);
    CU_ASSERT_EQUAL(reader.rows, N_ROWS);
    CU_ASSERT_EQUAL(tally_of(&reader.done, ADB_OK), 1);
    rig_close(&rig);
}

/* No rows, no batch. (ITER-10) */
BOTH(no_rows_are_no_batch)
{
    struct reader reader = {.done = TALLY_INIT};
    RIG(rig, kind, NULL);
    adb_iterate(rig.ctx, kind->rows, NULL, take, done, &reader);
    run_all(rig.ctx);
    CU_ASSERT_EQUAL(reader.batches, 0);
    CU_ASSERT_EQUAL(tally_of(&reader.done, ADB_OK), 1);
    rig_close(&rig);
}

struct turn {
    struct rig *rig;
    adb_job job;
};

static bool is_running(void *data)
{
    return rig_stats(((const struct turn *)data)->rig).jobs_running == 1;
}

/* The caller takes nothing: the worker stops after two batches, whatever there is to come. */
BOTH(worker_waits_for_the_caller)
{
    struct reader reader;
    RIG(rig, kind, NULL);
    struct turn turn = {.rig = &rig, .job = start(&reader, &rig, ADB_CONTINUE, 0)};
    await(is_running, &turn);
    size_t taken = 0;
    for (size_t n = adb_queue_dispatch(rig.queue, 0); taken < 2; n = adb_queue_dispatch(rig.queue, 0)) {
        CU_ASSERT(n <= 2);
        taken += n;
        adb_queue_wait(rig.queue, PATIENCE_MS);
    }
    CU_ASSERT(tally_n(&reader.done) == 0);
    run_all(rig.ctx);
    CU_ASSERT_EQUAL(reader.rows, N_ROWS);
    rig_close(&rig);
}

static adb_flow count_only(adb_result *batch, void *user_data)
{
    (void)batch;
    ++*(size_t *)user_data;
    return ADB_CONTINUE;
}

/* Endless rows in bounded memory: without a limit on what is under way this would not end. */
TEST(endless_rows_need_no_endless_memory)
{
    struct rig rig;
    size_t n = 0;
    rig_open_fake(&rig, "fake://?batch_rows=1000", NULL);
    const adb_job job = adb_iterate(rig.ctx, "rows 1000000000", NULL, count_only, NULL, &n);
    while (n < 50) {
        adb_queue_wait(rig.queue, PATIENCE_MS);
        adb_queue_dispatch(rig.queue, 0);
    }
    adb_cancel(rig.ctx, job);
    CU_ASSERT_EQUAL(status_of(rig.ctx, job), ADB_E_CANCELLED);
    rig_close(&rig);
}

struct sizes {
    size_t n, first, largest;
};

static adb_flow note_size(adb_result *batch, void *user_data)
{
    struct sizes *sizes = user_data;
    const size_t n_rows = adb_result_rows(batch);
    sizes->first = sizes->n++ == 0 ? n_rows : sizes->first;
    sizes->largest = n_rows > sizes->largest ? n_rows : sizes->largest;
    return sizes->n < 50 ? ADB_CONTINUE : ADB_STOP;
}

/* The first batch comes soon; those behind it may grow, but not beyond what is allowed. */
TEST(first_batch_is_small_and_none_is_too_large)
{
    struct rig rig;
    struct sizes sizes = {.n = 0};
    rig_open_fake(&rig, "fake://?batch_rows=3000", NULL);
    adb_iterate(rig.ctx, "rows 1000000000", NULL, note_size, NULL, &sizes);
    run_all(rig.ctx);
    CU_ASSERT_EQUAL(sizes.n, 50);
    CU_ASSERT_EQUAL(sizes.first, 1024);
    CU_ASSERT(sizes.largest >= 1024 && sizes.largest <= 3000);
    rig_close(&rig);
}

/* Stop ends it early and well, with no batch behind it. (ITER-08) */
BOTH(stop_ends_early)
{
    struct reader reader;
    RIG(rig, kind, NULL);
    start(&reader, &rig, ADB_STOP, 2);
    run_all(rig.ctx);
    CU_ASSERT_EQUAL(reader.batches, 2);
    CU_ASSERT_EQUAL(tally_of(&reader.done, ADB_OK), 1);
    CU_ASSERT_EQUAL(status_of(rig.ctx, rig_quick(&rig, NULL, NULL)), ADB_OK);
    rig_close(&rig);
}

/* Pause delivers no more, not even when there is more, until it is resumed. */
BOTH(pause_and_resume)
{
    struct reader reader;
    RIG(rig, kind, NULL);
    const adb_job job = start(&reader, &rig, ADB_PAUSE, 2);
    while (reader.batches < 2) {
        adb_queue_wait(rig.queue, PATIENCE_MS);
        adb_queue_dispatch(rig.queue, 0);
    }
    adb_queue_wait(rig.queue, 1);
    CU_ASSERT_EQUAL(adb_queue_dispatch(rig.queue, 0), 0);
    CU_ASSERT_EQUAL(reader.batches, 2);
    CU_ASSERT_EQUAL(adb_resume(rig.ctx, job), ADB_OK);
    CU_ASSERT_EQUAL(adb_resume(rig.ctx, job), ADB_OK);
    run_all(rig.ctx);
    CU_ASSERT_EQUAL(reader.rows, N_ROWS);
    CU_ASSERT_EQUAL(adb_resume(rig.ctx, job), ADB_E_NOT_FOUND);
    CU_ASSERT_EQUAL(adb_resume(NULL, job), ADB_E_INVAL);
    rig_close(&rig);
}

/* Other outcomes of the queue pass a paused iterate. */
BOTH(pause_holds_nobody_else_up)
{
    struct reader reader;
    struct tally tally = TALLY_INIT;
    RIG(rig, kind, NULL);
    adb_context *other = adb_context_new(rig.db, rig.queue, 0);
    const adb_job job = start(&reader, &rig, ADB_PAUSE, 1);
    while (reader.batches < 1) {
        adb_queue_wait(rig.queue, PATIENCE_MS);
        adb_queue_dispatch(rig.queue, 0);
    }
    adb_fetch_all(other, kind->quick, NULL, tally_done, &tally);
    run_all(other);
    CU_ASSERT_EQUAL(tally_of(&tally, ADB_OK), 1);
    adb_resume(rig.ctx, job);
    run_all(rig.ctx);
    CU_ASSERT_EQUAL(reader.rows, N_ROWS);
    adb_context_free(other);
    rig_close(&rig);
}

static adb_flow resume_here(adb_result *batch, void *user_data)
{
    struct reader *reader = user_data;
    take(batch, reader);
    CU_ASSERT_EQUAL(adb_resume(reader->ctx, adb_result_job(batch)), ADB_OK);
    return ADB_PAUSE;
}

/* A resume inside the callback that answers pause is not lost. */
BOTH(resume_inside_the_callback)
{
    struct reader reader;
    RIG(rig, kind, NULL);
    start(&reader, &rig, ADB_STOP, 1);
    run_all(rig.ctx);
    reader = (struct reader){.ctx = rig.ctx, .done = TALLY_INIT};
    adb_submit(rig.ctx, ADB_REQUEST(.kind = ADB_REQUEST_ITERATE, .sql = kind->rows, .batch_rows = 3,
                                    .batch = resume_here, .done = done, .user_data = &reader));
    run_all(rig.ctx);
    CU_ASSERT_EQUAL(reader.rows, N_ROWS);
    rig_close(&rig);
}

/* A paused or flowing iterate is cancelled like any other job. */
BOTH(cancel_ends_a_paused_iterate)
{
    struct reader reader;
    RIG(rig, kind, NULL);
    const adb_job job = start(&reader, &rig, ADB_PAUSE, 1);
    while (reader.batches < 1) {
        adb_queue_wait(rig.queue, PATIENCE_MS);
        adb_queue_dispatch(rig.queue, 0);
    }
    CU_ASSERT_EQUAL(adb_cancel(rig.ctx, job), ADB_OK);
    run_all(rig.ctx);
    CU_ASSERT_EQUAL(tally_of(&reader.done, ADB_E_CANCELLED), 1);
    CU_ASSERT_EQUAL(reader.batches, 1);
    rig_close(&rig);
}

static adb_flow free_here(adb_result *batch, void *user_data)
{
    struct reader *reader = user_data;
    take(batch, reader);
    adb_context_free(reader->ctx);
    reader->ctx = NULL; /* a batch that was under way may still come */
    return ADB_CONTINUE;
}

/* The context may be freed inside a batch callback: the outcome comes once, and no batch behind it. */
BOTH(free_in_the_middle)
{
    struct reader reader;
    RIG(rig, kind, NULL);
    start(&reader, &rig, ADB_STOP, 1);
    run_all(rig.ctx);
    reader = (struct reader){.ctx = adb_context_new(rig.db, rig.queue, 0), .done = TALLY_INIT};
    adb_submit(reader.ctx, ADB_REQUEST(.kind = ADB_REQUEST_ITERATE, .sql = kind->rows, .batch_rows = 1,
                                       .batch = free_here, .done = done, .user_data = &reader));
    while (tally_n(&reader.done) == 0) {
        adb_queue_wait(rig.queue, PATIENCE_MS);
        adb_queue_dispatch(rig.queue, 1);
    }
    CU_ASSERT_EQUAL(tally_n(&reader.done), 1);
    CU_ASSERT_FALSE(reader.after_done);
    rig_close(&rig);
}

/* An error half-way comes behind the rows before it, and fails the level it stands in. (ITER-11) */
TEST(failure_half_way_is_the_outcome)
{
    struct rig rig;
    struct reader reader = {.done = TALLY_INIT};
    rig_open_fake(&rig, "fake://?batch_rows=1", NULL);
    adb_begin(rig.ctx, NULL, NULL, NULL);
    const adb_job job = adb_iterate(rig.ctx, "torn 5", NULL, take, done, &reader);
    CU_ASSERT_EQUAL(status_of(rig.ctx, job), ADB_E_IO);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_commit(rig.ctx, NULL, NULL)), ADB_E_TRANSACTION_FAILED);
    CU_ASSERT_EQUAL(reader.rows, 5);
    CU_ASSERT_FALSE(reader.after_done);
    CU_ASSERT_EQUAL(tally_of(&reader.done, ADB_E_IO), 1);
    rig_close(&rig);
}

/* Without a callback the batches are pulled; each but the outcome says that there is more. */
BOTH(batches_can_be_pulled)
{
    struct reader reader;
    size_t rows = 0;
    RIG(rig, kind, NULL);
    start(&reader, &rig, ADB_STOP, 1);
    run_all(rig.ctx);
    const adb_job job =
        adb_submit(rig.ctx, ADB_REQUEST(.kind = ADB_REQUEST_ITERATE, .sql = kind->rows, .batch_rows = 3));
    for (bool more = true; more;) {
        adb_queue_wait(rig.queue, PATIENCE_MS);
        adb_result *result = adb_queue_next(rig.queue);
        if (result == NULL)
            continue;
        more = adb_result_more(result);
        rows += adb_result_rows(result);
        CU_ASSERT_EQUAL(adb_result_job(result), job);
        CU_ASSERT(!more || adb_result_columns(result) == 1);
        adb_result_unref(result);
    }
    CU_ASSERT_EQUAL(rows, N_ROWS);
    rig_close(&rig);
}

struct keeper {
    adb_result *kept[N_ROWS];
    size_t batches, rows;
};

/* Keeps every second batch. */
static adb_flow keep_some(adb_result *batch, void *user_data)
{
    struct keeper *keeper = user_data;
    if (keeper->batches % 2 == 0)
        keeper->kept[keeper->batches / 2] = adb_result_ref(batch);
    keeper->batches++;
    keeper->rows += adb_result_rows(batch);
    return ADB_CONTINUE;
}

/* A batch that the caller keeps stays as it is; only those that nobody keeps are filled anew. (ITER-05) */
BOTH(kept_batches_stay_as_they_are)
{
    struct reader reader;
    struct keeper keeper = {.rows = 0};
    RIG(rig, kind, NULL);
    start(&reader, &rig, ADB_STOP, 1);
    run_all(rig.ctx);
    adb_submit(rig.ctx, ADB_REQUEST(.kind = ADB_REQUEST_ITERATE, .sql = kind->rows, .batch_rows = 1,
                                    .batch = keep_some, .user_data = &keeper));
    run_all(rig.ctx);
    CU_ASSERT_EQUAL(keeper.rows, N_ROWS);
    for (size_t i = 0; i < N_ROWS / 2; i++) {
        CU_ASSERT_EQUAL(adb_result_rows(keeper.kept[i]), 1);
        CU_ASSERT_EQUAL(adb_row_int(adb_result_row(keeper.kept[i], 0), 0), 2 * (int64_t)i);
        adb_result_unref(keeper.kept[i]);
    }
    rig_close(&rig);
}

/* From the tenth batch to the hundredth no allocation is made, on whatever thread, once batches grow no more. */
static adb_flow watch_memory(adb_result *batch, void *user_data)
{
    size_t *batches = user_data;
    (void)batch;
    ++*batches;
    if (*batches == 10)
        fault_arm(0);
    if (*batches == 100)
        CU_ASSERT_FALSE(fault_disarm());
    return *batches == 100 ? ADB_STOP : ADB_CONTINUE;
}

TEST(long_iterate_allocates_nothing)
{
    size_t batches = 0;
    fault_watch();
    RIG(rig, &kind_sqlite, NULL);
    const char *sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
                      " SELECT i, 'a text that is there in each of the rows', i * 0.5 FROM n";
    const adb_job job = adb_submit(rig.ctx, ADB_REQUEST(.kind = ADB_REQUEST_ITERATE, .sql = sql, .batch_rows = 1024,
                                                        .batch = watch_memory, .batch_bytes = 65536,
                                                        .user_data = &batches));
    CU_ASSERT_EQUAL(status_of(rig.ctx, job), ADB_OK);
    CU_ASSERT_EQUAL(batches, 100);
    rig_close(&rig);
}

struct direct {
    struct latch paused;
    size_t rows;
    struct tally done;
};

static adb_flow pause_first(adb_result *batch, void *user_data)
{
    struct direct *direct = user_data;
    const bool first = direct->rows == 0;
    direct->rows += adb_result_rows(batch);
    if (first)
        latch_wait(&direct->paused);
    return first ? ADB_PAUSE : ADB_CONTINUE;
}

static void direct_done(adb_result *result, void *user_data)
{
    struct direct *direct = user_data;
    tally_done(result, &direct->done);
}

/* In direct mode the batches come on the worker, and a pause there holds the worker until somebody resumes. */
BOTH(direct_mode_pauses_the_worker)
{
    struct reader reader;
    struct direct direct = {.paused = LATCH_INIT, .done = TALLY_INIT};
    RIG(rig, kind, NULL);
    start(&reader, &rig, ADB_STOP, 1);
    run_all(rig.ctx);
    adb_context *ctx = adb_context_new(rig.db, ADB_QUEUE_DIRECT, 0);
    const adb_job job = adb_submit(ctx, ADB_REQUEST(.kind = ADB_REQUEST_ITERATE, .sql = kind->rows, .batch_rows = 3,
                                                    .batch = pause_first, .done = direct_done, .user_data = &direct));
    latch_expect(&direct.paused, 1);
    latch_open(&direct.paused);
    while (tally_n(&direct.done) == 0)
        adb_resume(ctx, job);
    CU_ASSERT_EQUAL(direct.rows, N_ROWS);
    CU_ASSERT_EQUAL(tally_of(&direct.done, ADB_OK), 1);
    adb_context_free(ctx);
    rig_close(&rig);
}

SUITE(iterate, CASES(rows_come_in_order), CASES(wait_delivers_all_batches), CASES(no_rows_are_no_batch),
      CASES(worker_waits_for_the_caller), CASE(endless_rows_need_no_endless_memory),
      CASE(first_batch_is_small_and_none_is_too_large), CASES(stop_ends_early),
      CASES(pause_and_resume), CASES(pause_holds_nobody_else_up), CASES(resume_inside_the_callback),
      CASES(cancel_ends_a_paused_iterate), CASES(free_in_the_middle), CASE(failure_half_way_is_the_outcome),
      CASES(kept_batches_stay_as_they_are), CASE(long_iterate_allocates_nothing), CASES(batches_can_be_pulled), CASES(direct_mode_pauses_the_worker))
