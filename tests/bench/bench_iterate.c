/* SPDX-License-Identifier: BSD-3-Clause */
/* Iterate over a million rows: how much memory that takes at its peak, and how fast it is beside a bare step loop. */
#include "tests/bench/bench.h"

#include <sqlite3.h>
#include <stdio.h>

#define N_ROWS     1000000
#define FLOOR_MIB  16.0
#define SELECT_ALL "SELECT id, name, price FROM item"

struct bench {
    adb_context *ctx;
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

static void iterate(struct bench *bench, const char *sql, size_t n_expected)
{
    adb_queue *queue = adb_context_queue(bench->ctx);
    bench->n_rows = 0;
    bench->over = false;
    BENCH_CHECK(adb_iterate(bench->ctx, sql, NULL, on_batch, on_end, bench) != 0);
    while (!bench->over) {
        BENCH_CHECK(adb_queue_wait(queue, 60000) == ADB_OK);
        adb_queue_dispatch(queue, 0);
    }
    BENCH_CHECK(bench->n_rows == n_expected);
}

static double run_ours(void *state)
{
    double start = bench_seconds();
    iterate(state, SELECT_ALL, N_ROWS);
    return N_ROWS / (bench_seconds() - start);
}

static double run_bare(void *state)
{
    struct bench *bench = state;
    double start = bench_seconds();
    while (sqlite3_step(bench->bare) == SQLITE_ROW)
        bench->sum += (double)sqlite3_column_int64(bench->bare, 0) + (double)sqlite3_column_text(bench->bare, 1)[0] +
                      sqlite3_column_double(bench->bare, 2);
    BENCH_CHECK(sqlite3_reset(bench->bare) == SQLITE_OK);
    return N_ROWS / (bench_seconds() - start);
}

/* In a process that has done nothing yet but opened the database and read a few rows. */
static void measure_memory(void *argument)
{
    struct bench bench = {.ctx = NULL};
    adb_database *db = bench_open(bench_url(""), NULL);
    (void)argument;
    bench.ctx = adb_context_new(db, NULL, 0);
    iterate(&bench, SELECT_ALL " LIMIT 10", 10);
    double before = bench_peak_mib();
    iterate(&bench, SELECT_ALL, N_ROWS);
    double growth = bench_peak_mib() - before;
    printf("iterate 1,000,000 rows, growth of peak memory: asyncdb %.1f MiB (floor under %.0f MiB: %s)\n", growth,
           FLOOR_MIB, growth < FLOOR_MIB ? "held" : "MISSED");
    adb_context_free(bench.ctx);
    bench_close(db);
}

static void measure_speed(void)
{
    struct bench bench = {.ctx = NULL};
    sqlite3 *file;
    BENCH_CHECK(sqlite3_open(bench_path(), &file) == SQLITE_OK);
    BENCH_CHECK(sqlite3_prepare_v2(file, SELECT_ALL, -1, &bench.bare, NULL) == SQLITE_OK);
    adb_database *db = bench_open(bench_url(""), NULL);
    bench.ctx = adb_context_new(db, NULL, 0);
    bench_compare(&(struct bench_contest){.name = "iterate 1,000,000 rows, rows",
                                          .ours = run_ours,
                                          .other = run_bare,
                                          .other_name = "bare",
                                          .state = &bench});
    adb_context_free(bench.ctx);
    bench_close(db);
    sqlite3_finalize(bench.bare);
    sqlite3_close(file);
}

int main(void)
{
    bench_fill(N_ROWS);
    bench_isolate(measure_memory, NULL);
    measure_speed();
    return 0;
}
