/* SPDX-License-Identifier: BSD-3-Clause */
/* Iterating: rows in batches, in order, in bounded memory, and ends before the end. */
#include "tests/conformance/driver_suite.h"

#include <stdio.h>
#include <string.h>

/* What a batch callback has seen and shall do. */
struct walk {
    int64_t next; /* the number that should come now */
    size_t batches;
    size_t rows;
    size_t most; /* rows of the largest batch */
    bool in_order;
    adb_flow flow; /* the answer to the batch numbered last */
    size_t last;
    adb_status end;
    size_t ends;
};

static adb_flow step(adb_result *batch, void *user_data)
{
    struct walk *walk = user_data;
    const size_t n = adb_result_rows(batch);
    CU_ASSERT(adb_result_more(batch) && walk->ends == 0);
    for (size_t i = 0; i < n; i++)
        walk->in_order = walk->in_order && adb_row_int(adb_result_row(batch, i), 0) == walk->next++;
    walk->rows += n;
    walk->most = n > walk->most ? n : walk->most;
    walk->batches++;
    return walk->batches == walk->last ? walk->flow : ADB_CONTINUE;
}

static void finish(adb_result *result, void *user_data)
{
    struct walk *walk = user_data;
    walk->end = adb_result_status(result);
    walk->ends++;
    CU_ASSERT_FALSE(adb_result_more(result));
}

static adb_job iterate(struct walk *walk, int64_t n_rows, size_t batch_rows)
{
    *walk = (struct walk){.next = 1, .in_order = true, .flow = walk->flow, .last = walk->last, .end = ADB_E_INTERNAL};
    return adb_submit(ctx, ADB_REQUEST(.kind = ADB_REQUEST_ITERATE, .sql = suite->dialect->series,
                                       .params = ADB_PARAMS({"n", adb_int(n_rows)}), .batch_rows = batch_rows,
                                       .batch = step, .done = finish, .user_data = walk));
}

/* All rows once, in order, no batch larger than asked for, and one end after them. ITER-01 ITER-03 ITER-05 ITER-12
 * REG-46 */
TEST(rows_come_in_order_and_in_batches)
{
    static struct walk walk;
    walk = (struct walk){.last = 0};
    suite_open(NULL);
    REQUIRE(iterate(&walk, 1000, 64) != 0);
    deliver(ctx);
    CU_ASSERT(walk.in_order && walk.rows == 1000 && walk.most <= 64 && walk.batches >= 16);
    CU_ASSERT(walk.ends == 1 && walk.end == ADB_OK);
    suite_close();
}

#define BIG_BYTES 300000 /* more than the largest batch */

static adb_flow weigh(adb_result *batch, void *user_data)
{
    const adb_value text = adb_row_value(adb_result_row(batch, 0), 0);
    size_t *n_batches = user_data;
    CU_ASSERT_EQUAL(adb_result_rows(batch), 1);
    CU_ASSERT(text.type == ADB_TYPE_TEXT && text.size == BIG_BYTES && text.as.text[BIG_BYTES] == '\0');
    (*n_batches)++;
    return ADB_CONTINUE;
}

/* A row that is larger than a batch is one by itself, and whole. ITER-12 */
TEST(a_row_larger_than_a_batch_comes_alone)
{
    static char big[BIG_BYTES + 1];
    size_t n_batches = 0;
    memset(big, 'x', BIG_BYTES);
    NOTES("a", "b", "c", "d", "e");
    adb_iterate(ctx, "SELECT :big AS big FROM notes", ADB_PARAMS({"big", adb_text(big)}), weigh, NULL, &n_batches);
    deliver(ctx);
    CU_ASSERT_EQUAL(n_batches, 5);
    suite_close();
}

/* No rows: the end comes, and no row. ITER-10 */
TEST(iterating_nothing_just_ends)
{
    static struct walk walk;
    walk = (struct walk){.last = 0};
    NOTES("a");
    adb_iterate(ctx, "SELECT id FROM notes WHERE id < 0", NULL, step, finish, &walk);
    deliver(ctx);
    CU_ASSERT(walk.rows == 0 && walk.ends == 1 && walk.end == ADB_OK);
    suite_close();
}

/* Temporary tables made before are there when the connection is kept. ITER-04 POOL-10 */
TEST(iterate_sees_temporary_tables)
{
    char sql[128];
    static struct walk walk;
    walk = (struct walk){.next = 1, .in_order = true};
    suite_open(NULL);
    adb_acquire(ctx, NULL, NULL);
    snprintf(sql, sizeof(sql), "CREATE %s TABLE passing (n INTEGER)", suite->dialect->temporary);
    must(sql);
    must("INSERT INTO passing VALUES (1), (2)");
    adb_iterate(ctx, "SELECT n FROM passing ORDER BY n", NULL, step, finish, &walk);
    deliver(ctx);
    CU_ASSERT(walk.rows == 2 && walk.in_order && walk.end == ADB_OK);
    CU_ASSERT(ended_well(adb_release(ctx, NULL, NULL)));
    suite_close();
}

/* Iterating inside a transaction sees its uncommitted rows, and leaves it open. ITER-02 ITER-13 REG-46 */
TEST(iterate_works_inside_a_transaction)
{
    static struct walk walk;
    walk = (struct walk){.next = 1, .in_order = true};
    NOTES("a");
    adb_begin(ctx, NULL, NULL, NULL);
    CU_ASSERT(add_note(ctx, "b"));
    adb_iterate(ctx, "SELECT id FROM notes ORDER BY id", NULL, step, finish, &walk);
    deliver(ctx);
    CU_ASSERT(walk.rows == 2 && walk.end == ADB_OK);
    CU_ASSERT_EQUAL(adb_context_depth(ctx), 1);
    CU_ASSERT(ended_well(adb_rollback(ctx, NULL, NULL)));
    CU_ASSERT_EQUAL(count_notes(ctx), 1);
    suite_close();
}

static size_t n_asked, n_answered;

static void answered(adb_result *result, void *user_data)
{
    const struct walk *walk = user_data;
    CU_ASSERT_EQUAL(adb_result_status(result), ADB_OK);
    CU_ASSERT_EQUAL(walk->ends, 1);
    n_answered++;
}

static adb_flow ask(adb_result *batch, void *user_data)
{
    n_asked += adb_fetch_one(ctx, suite->dialect->one, NULL, answered, user_data) != 0;
    return step(batch, user_data);
}

/* A query submitted inside the loop waits for its end, and the loop does not wait for it. ITER-06 ITER-07 PAIN-04 */
TEST(a_query_inside_the_loop_runs_after_it)
{
    static struct walk walk;
    walk = (struct walk){.next = 1, .in_order = true};
    suite_open(NULL);
    n_asked = n_answered = 0;
    adb_submit(ctx, ADB_REQUEST(.kind = ADB_REQUEST_ITERATE, .sql = suite->dialect->series,
                                .params = ADB_PARAMS({"n", adb_int(100)}), .batch_rows = 10, .batch = ask,
                                .done = finish, .user_data = &walk));
    deliver(ctx);
    CU_ASSERT(walk.rows == 100 && walk.end == ADB_OK);
    CU_ASSERT(n_asked >= 10 && n_answered == n_asked);
    suite_close();
}

static adb_flow wait_inside(adb_result *batch, void *user_data)
{
    struct walk *walk = user_data;
    adb_result *waited = adb_wait(ctx, adb_fetch_one(ctx, suite->dialect->one, NULL, NULL, NULL), -1);
    walk->end = adb_result_status(waited);
    adb_result_unref(waited);
    (void)batch;
    return ADB_STOP;
}

/* To wait inside the loop for what comes after it would never end, and is refused. ITER-06 PAIN-04 */
TEST(waiting_inside_the_loop_is_refused)
{
    static struct walk walk;
    walk = (struct walk){.end = ADB_OK};
    suite_open(NULL);
    adb_iterate(ctx, suite->dialect->series, ADB_PARAMS({"n", adb_int(1000000)}), wait_inside, NULL, &walk);
    deliver(ctx);
    CU_ASSERT_EQUAL(walk.end, ADB_E_DEADLOCK);
    suite_close();
}

/* Leaving early ends the statement and gives the connection back, and that is no failure. ITER-08 ITER-09 */
TEST(stopping_early_gives_all_back)
{
    static struct walk walk;
    walk = (struct walk){.flow = ADB_STOP, .last = 2};
    NOTES("a");
    iterate(&walk, INT64_C(1000000000), 10);
    deliver(ctx);
    CU_ASSERT(walk.ends == 1 && walk.end == ADB_OK && walk.batches == 2);
    CU_ASSERT_EQUAL(figures().held, 0);
    must("DROP TABLE notes");
    suite_close();
}

/* A paused iterate delivers nothing until it is resumed, in bounded memory. ITER-05 */
TEST(a_paused_iterate_waits_to_be_resumed)
{
    static struct walk walk;
    walk = (struct walk){.flow = ADB_PAUSE, .last = 3};
    suite_open(NULL);
    const adb_job job = iterate(&walk, 1000, 10);
    while (walk.batches < 3) {
        adb_queue_wait(adb_context_queue(ctx), 20000);
        adb_queue_dispatch(adb_context_queue(ctx), 0);
    }
    adb_queue_dispatch(adb_context_queue(ctx), 0);
    CU_ASSERT_EQUAL(walk.batches, 3);
    CU_ASSERT_EQUAL(adb_resume(ctx, job), ADB_OK);
    deliver(ctx);
    CU_ASSERT(walk.rows == 1000 && walk.in_order && walk.end == ADB_OK);
    CU_ASSERT_EQUAL(adb_resume(ctx, job), ADB_E_NOT_FOUND);
    suite_close();
}

/* Batches can be pulled instead, and so can the end. ITER-01 */
TEST(batches_can_be_pulled)
{
    adb_result *pulled = NULL;
    int64_t n_rows = 0;
    suite_open(NULL);
    adb_iterate(ctx, suite->dialect->series, ADB_PARAMS({"n", adb_int(700)}), NULL, NULL, NULL);
    do {
        adb_result_unref(pulled);
        REQUIRE(adb_queue_wait(adb_context_queue(ctx), 20000) == ADB_OK);
        pulled = adb_queue_next(adb_context_queue(ctx));
        n_rows += (int64_t)adb_result_rows(pulled);
    } while (pulled == NULL || adb_result_more(pulled));
    CU_ASSERT_EQUAL(adb_result_status(pulled), ADB_OK);
    CU_ASSERT_EQUAL(n_rows, 700);
    adb_result_unref(pulled);
    suite_close();
}

/* A cancel in the midst of it ends it, and the context goes on. ITER-08 PAIN-05 */
TEST(an_iterate_can_be_cancelled)
{
    static struct walk walk;
    walk = (struct walk){.flow = ADB_PAUSE, .last = 1};
    suite_open(NULL);
    const adb_job job = iterate(&walk, INT64_C(1000000000), 10);
    while (walk.batches < 1) {
        adb_queue_wait(adb_context_queue(ctx), 20000);
        adb_queue_dispatch(adb_context_queue(ctx), 0);
    }
    CU_ASSERT_EQUAL(adb_cancel(ctx, job), ADB_OK);
    deliver(ctx);
    CU_ASSERT(walk.ends == 1 && walk.end == ADB_E_CANCELLED);
    CU_ASSERT(ended_well(adb_fetch_one(ctx, suite->dialect->one, NULL, NULL, NULL)));
    suite_close();
}

/* An error after some rows is told at the end; inside a transaction it fails the level. ITER-11 */
TEST(an_error_in_midway_is_the_end)
{
    static struct walk walk;
    walk = (struct walk){.next = 1, .in_order = true};
    suite_open(NULL);
    adb_begin(ctx, NULL, NULL, NULL);
    adb_submit(ctx, ADB_REQUEST(.kind = ADB_REQUEST_ITERATE, .sql = suite->dialect->stumbling, .batch_rows = 10,
                                .batch = step, .done = finish, .user_data = &walk));
    adb_result *commit = outcome(adb_commit(ctx, NULL, NULL));
    deliver(ctx);
    CU_ASSERT(walk.ends == 1 && walk.end != ADB_OK && walk.rows >= 40 && walk.in_order);
    CU_ASSERT_EQUAL(adb_result_status(commit), ADB_E_TRANSACTION_FAILED);
    suite_close();
}

GROUP(iterate, SQL(rows_come_in_order_and_in_batches), SQL(a_row_larger_than_a_batch_comes_alone),
      SQL(iterating_nothing_just_ends),
      NEEDS(SUITE_SQL | SUITE_SESSION, iterate_sees_temporary_tables), SQL(iterate_works_inside_a_transaction),
      SQL(a_query_inside_the_loop_runs_after_it), SQL(waiting_inside_the_loop_is_refused),
      SQL(stopping_early_gives_all_back), SQL(a_paused_iterate_waits_to_be_resumed), SQL(batches_can_be_pulled),
      SQL(an_iterate_can_be_cancelled), SQL(an_error_in_midway_is_the_end));
