/* SPDX-License-Identifier: BSD-3-Clause */
/* Inserts: durable single ones, 256 in flight, against a bare loop in autocommit, where each pays for its own sync;
 * and execute_many of 100,000 rows against a bare loop in one transaction. */
#include "tests/bench/bench.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#define IN_FLIGHT  256
#define OURS       4096 /* single inserts in a run of ours */
#define BARE       256  /* and in a bare one */
#define MANY       100000
#define INSERT_ONE "INSERT INTO item (name, price) VALUES (?, ?)"

struct bench {
    struct bench_flight flight;
    adb_context *ctx;
    adb_param *items;
    adb_params *sets;
    sqlite3 *file;
    sqlite3_stmt *bare;
};

static void empty_table(const struct bench *bench)
{
    BENCH_CHECK(sqlite3_exec(bench->file, "DELETE FROM item; PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL) ==
                SQLITE_OK);
}

static adb_job submit_insert(adb_context *ctx, adb_done_cb done, void *user_data)
{
    return adb_execute(ctx, INSERT_ONE, ADB_PARAMS({0, adb_text("an item")}, {0, adb_double(0.25)}), done, user_data);
}

static double run_singles(void *state)
{
    struct bench *bench = state;
    empty_table(bench);
    return bench_flight_run(&bench->flight, OURS);
}

static void insert_bare(const struct bench *bench, size_t i)
{
    BENCH_CHECK(sqlite3_bind_text(bench->bare, 1, "an item", -1, SQLITE_STATIC) == SQLITE_OK);
    BENCH_CHECK(sqlite3_bind_double(bench->bare, 2, (double)i * 0.25) == SQLITE_OK);
    BENCH_CHECK(sqlite3_step(bench->bare) == SQLITE_DONE);
    BENCH_CHECK(sqlite3_reset(bench->bare) == SQLITE_OK);
}

static double run_bare_singles(void *state)
{
    const struct bench *bench = state;
    empty_table(bench);
    double start = bench_seconds();
    for (size_t i = 0; i < BARE; i++)
        insert_bare(bench, i);
    return BARE / (bench_seconds() - start);
}

static double run_many(void *state)
{
    struct bench *bench = state;
    empty_table(bench);
    double start = bench_seconds();
    adb_result *result =
        adb_wait(bench->ctx, adb_execute_many(bench->ctx, INSERT_ONE, bench->sets, MANY, NULL, NULL), -1);
    double seconds = bench_seconds() - start;
    BENCH_CHECK(adb_result_status(result) == ADB_OK && adb_result_affected(result) == MANY);
    adb_result_unref(result);
    return MANY / seconds;
}

static double run_bare_many(void *state)
{
    const struct bench *bench = state;
    empty_table(bench);
    double start = bench_seconds();
    BENCH_CHECK(sqlite3_exec(bench->file, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK);
    for (size_t i = 0; i < MANY; i++)
        insert_bare(bench, i);
    BENCH_CHECK(sqlite3_exec(bench->file, "COMMIT", NULL, NULL, NULL) == SQLITE_OK);
    return MANY / (bench_seconds() - start);
}

static void open_bare(struct bench *bench)
{
    BENCH_CHECK(sqlite3_open(bench_path(), &bench->file) == SQLITE_OK);
    BENCH_CHECK(sqlite3_exec(bench->file, "PRAGMA synchronous = full; PRAGMA busy_timeout = 5000", NULL, NULL, NULL) ==
                SQLITE_OK);
    BENCH_CHECK(sqlite3_prepare_v2(bench->file, INSERT_ONE, -1, &bench->bare, NULL) == SQLITE_OK);
}

static void make_sets(struct bench *bench)
{
    adb_param *items = calloc(MANY, 2 * sizeof(*items));
    bench->sets = calloc(MANY, sizeof(*bench->sets));
    BENCH_CHECK(items != NULL && bench->sets != NULL);
    for (size_t i = 0; i < MANY; i++) {
        items[2 * i].value = adb_text("an item");
        items[2 * i + 1].value = adb_double((double)i * 0.25);
        bench->sets[i] = (adb_params){.items = &items[2 * i], .count = 2};
    }
    bench->items = items;
}

int main(void)
{
    struct bench bench = {.flight.submit = submit_insert};
    bench_fill(1);
    open_bare(&bench);
    make_sets(&bench);
    adb_database *db = bench_open(bench_url(""), NULL); /* synchronous=full is the default */
    bench.ctx = adb_context_new(db, NULL, 0);
    bench_flight_init(&bench.flight, db, IN_FLIGHT, 0, NULL);
    bench_compare(&(struct bench_contest){.name = "durable single inserts, 256 in flight",
                                          .ours = run_singles,
                                          .other = run_bare_singles,
                                          .other_name = "bare autocommit",
                                          .state = &bench});
    bench_compare(&(struct bench_contest){.name = "execute_many, 100,000 rows",
                                          .ours = run_many,
                                          .other = run_bare_many,
                                          .other_name = "bare transaction",
                                          .state = &bench});
    bench_flight_fini(&bench.flight);
    adb_context_free(bench.ctx);
    bench_close(db);
    sqlite3_finalize(bench.bare);
    sqlite3_close(bench.file);
    free(bench.items);
    free(bench.sets);
    return 0;
}
