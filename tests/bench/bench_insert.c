/* SPDX-License-Identifier: BSD-3-Clause */
/* Inserts: durable single ones, 256 in flight, against a bare loop in autocommit, where each pays for its own sync;
 * and execute_many of 100,000 rows against a bare loop in one transaction. */
#include "tests/bench/around_uv.h"
#include "tests/bench/bench.h"
#include "tests/bench/contest.h"
#include "tests/bench/flight.h"

#include <sqlite3.h>
#include <stdlib.h>

#define IN_FLIGHT  256
#define OURS       4096 /* single inserts in a run of ours */
#define BARE       128  /* and in a bare one */
#define MANY       100000
#define INSERT_ONE "INSERT INTO item (name, price) VALUES (?, ?)"

struct bench {
    adb_database *db;
    struct bench_flight flight;
    adb_context *ctx;
    adb_param *items;
    adb_params *sets;
    sqlite3 *file;
    sqlite3_stmt *bare;
};

static void empty_table(void *state)
{
    sqlite3 *file;
    (void)state;
    BENCH_CHECK(sqlite3_open(bench_path(), &file) == SQLITE_OK);
    static const char *const sql = "PRAGMA busy_timeout = 5000; DELETE FROM item; PRAGMA wal_checkpoint(TRUNCATE)";
    BENCH_CHECK(sqlite3_exec(file, sql, NULL, NULL, NULL) == SQLITE_OK);
    sqlite3_close(file);
}

/* Ours ------------------------------------------------------------------------------------------------------------ */

static adb_job submit_insert(adb_context *ctx, adb_done_cb done, void *user_data)
{
    return adb_execute(ctx, INSERT_ONE, ADB_PARAMS({0, adb_text("an item")}, {0, adb_double(0.25)}), done, user_data);
}

static void open_ours(void *state)
{
    struct bench *bench = state;
    bench->db = bench_open(bench_url(""), NULL); /* synchronous=full is the default */
    bench->ctx = adb_context_new(bench->db, NULL, 0);
    bench->flight.submit = submit_insert;
    bench_flight_init(&bench->flight, bench->db, IN_FLIGHT, IN_FLIGHT, 0);
}

static void close_ours(void *state)
{
    struct bench *bench = state;
    bench_flight_fini(&bench->flight);
    adb_context_free(bench->ctx);
    bench_close(bench->db);
}

static size_t run_singles(void *state)
{
    return bench_flight_run(&((struct bench *)state)->flight, OURS);
}

static size_t run_many(void *state)
{
    const struct bench *bench = state;
    adb_result *result =
        adb_wait(bench->ctx, adb_execute_many(bench->ctx, INSERT_ONE, bench->sets, MANY, NULL, NULL), -1);
    BENCH_CHECK(adb_result_status(result) == ADB_OK && adb_result_affected(result) == MANY);
    adb_result_unref(result);
    return MANY;
}

/* Bare, and libuv around it: one thread, as there is one writer ---------------------------------------------------- */

static void open_bare(void *state)
{
    struct bench *bench = state;
    bench_uv_threads(1);
    BENCH_CHECK(sqlite3_open(bench_path(), &bench->file) == SQLITE_OK);
    BENCH_CHECK(sqlite3_exec(bench->file, "PRAGMA synchronous = full; PRAGMA busy_timeout = 5000", NULL, NULL, NULL) ==
                SQLITE_OK);
    BENCH_CHECK(sqlite3_prepare_v2(bench->file, INSERT_ONE, -1, &bench->bare, NULL) == SQLITE_OK);
}

static void close_bare(void *state)
{
    const struct bench *bench = state;
    sqlite3_finalize(bench->bare);
    sqlite3_close(bench->file);
}

static void insert_bare(size_t i, void *state)
{
    const struct bench *bench = state;
    BENCH_CHECK(sqlite3_bind_text(bench->bare, 1, "an item", -1, SQLITE_STATIC) == SQLITE_OK);
    BENCH_CHECK(sqlite3_bind_double(bench->bare, 2, (double)i * 0.25) == SQLITE_OK);
    BENCH_CHECK(sqlite3_step(bench->bare) == SQLITE_DONE);
    BENCH_CHECK(sqlite3_reset(bench->bare) == SQLITE_OK);
}

static size_t run_bare_singles(void *state)
{
    for (size_t i = 0; i < BARE; i++)
        insert_bare(i, state);
    return BARE;
}

static size_t run_uv_singles(void *state)
{
    return bench_uv_run(
        &(struct bench_uv_task){.work = insert_bare, .state = state, .total = BARE, .in_flight = BARE});
}

static size_t run_bare_many(void *state)
{
    const struct bench *bench = state;
    BENCH_CHECK(sqlite3_exec(bench->file, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK);
    for (size_t i = 0; i < MANY; i++)
        insert_bare(i, state);
    BENCH_CHECK(sqlite3_exec(bench->file, "COMMIT", NULL, NULL, NULL) == SQLITE_OK);
    return MANY;
}

/* All of it ------------------------------------------------------------------------------------------------------- */

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

static struct bench_way way(const char *name, size_t (*run)(void *state), bool ours)
{
    return (struct bench_way){.name = name,
                              .open = ours ? open_ours : open_bare,
                              .prepare = empty_table,
                              .run = run,
                              .close = ours ? close_ours : close_bare};
}

int main(void)
{
    struct bench ours = {.ctx = NULL}, bare = {.file = NULL}, uv = {.file = NULL};
    bench_fill(1);
    make_sets(&ours);
    struct bench_contest singles = {
        .id = "insert-durable",
        .name = "SQLite: durable single inserts, 256 in flight",
        .ways = {way("asyncdb", run_singles, true), way("bare loop in autocommit", run_bare_singles, false),
                 way("libuv around bare", bench_uv_here() ? run_uv_singles : NULL, false)},
        .goals = {{"S2", BENCH_RATE, 1, 20, 0}},
    };
    singles.ways[0].state = &ours;
    singles.ways[1].state = &bare;
    singles.ways[2].state = &uv;
    bench_compare(&singles);
    struct bench_contest many = {
        .id = "execute-many",
        .name = "SQLite: execute_many of 100,000 rows, rows",
        .ways = {way("asyncdb", run_many, true), way("bare loop in a transaction", run_bare_many, false)},
        .goals = {{"S4", BENCH_RATE, 1, 0.9, 0}},
    };
    many.ways[0].state = &ours;
    many.ways[1].state = &bare;
    bench_compare(&many);
    free(ours.items);
    free(ours.sets);
    return 0;
}
