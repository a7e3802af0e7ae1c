/* SPDX-License-Identifier: BSD-3-Clause */
/* Iterate over a million rows: how fast beside a bare step loop, and how much memory that takes at its peak. */
#include "tests/bench/bench.h"
#include "tests/bench/contest.h"

#include <sqlite3.h>

#define N_ROWS     1000000
#define SELECT_ALL "SELECT id, name, price FROM item"

struct bench {
    adb_database *db;
    adb_context *ctx;
    sqlite3 *file;
    sqlite3_stmt *bare;
    size_t n_rows;
    double sum; /* so that nothing is left out as useless */
    bool over;
};

static adb_flow on_batch(adb_result *batch, void *user_data)
{
    struct bench *bench = user_data;
    size_t n = adb_result_rows(batch);
    for (size_t i = 0; i < n; i++) {
        adb_row row = adb_result_row(batch, i);
        bench->sum += (double)adb_row_int(row, 0) + (double)adb_row_text(row, 1)[0] + adb_row_double(row, 2);
    }
    bench->n_rows += n;
    return ADB_CONTINUE;
}

static void on_end(adb_result *result, void *user_data)
{
    struct bench *bench = user_data;
    BENCH_CHECK(adb_result_status(result) == ADB_OK);
    bench->over = true;
}

static void open_ours(void *state)
{
    struct bench *bench = state;
    bench->db = bench_open(bench_url(""), NULL);
    bench->ctx = adb_context_new(bench->db, NULL, 0);
}

static size_t run_ours(void *state)
{
    struct bench *bench = state;
    adb_queue *queue = adb_context_queue(bench->ctx);
    bench->n_rows = 0;
    bench->over = false;
    BENCH_CHECK(adb_iterate(bench->ctx, SELECT_ALL, NULL, on_batch, on_end, bench) != 0);
    while (!bench->over) {
        BENCH_CHECK(adb_queue_wait(queue, 60000) == ADB_OK);
        adb_queue_dispatch(queue, 0);
    }
    BENCH_CHECK(bench->n_rows == N_ROWS);
    return N_ROWS;
}

static void close_ours(void *state)
{
    struct bench *bench = state;
    adb_context_free(bench->ctx);
    bench_close(bench->db);
}

static void open_bare(void *state)
{
    struct bench *bench = state;
    BENCH_CHECK(sqlite3_open(bench_path(), &bench->file) == SQLITE_OK);
    BENCH_CHECK(sqlite3_prepare_v2(bench->file, SELECT_ALL, -1, &bench->bare, NULL) == SQLITE_OK);
}

static size_t run_bare(void *state)
{
    struct bench *bench = state;
    while (sqlite3_step(bench->bare) == SQLITE_ROW)
        bench->sum += (double)sqlite3_column_int64(bench->bare, 0) + (double)sqlite3_column_text(bench->bare, 1)[0] +
                      sqlite3_column_double(bench->bare, 2);
    BENCH_CHECK(sqlite3_reset(bench->bare) == SQLITE_OK);
    return N_ROWS;
}

static void close_bare(void *state)
{
    struct bench *bench = state;
    sqlite3_finalize(bench->bare);
    sqlite3_close(bench->file);
}

int main(void)
{
    struct bench bench = {.ctx = NULL};
    bench_fill(N_ROWS);
    bench_compare(&(struct bench_contest){
        .id = "iterate",
        .name = "SQLite: iterate over 1,000,000 rows, rows",
        .state = &bench,
        .ways = {{.name = "asyncdb", .open = open_ours, .run = run_ours, .close = close_ours},
                 {.name = "bare step loop", .open = open_bare, .run = run_bare, .close = close_bare}},
        .goals = {{"S3", BENCH_RATE, 1, 0.9, 0}, {"S3", BENCH_PEAK, 0, 8, 0}},
    });
    return 0;
}
