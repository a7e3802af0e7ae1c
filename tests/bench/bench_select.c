/* SPDX-License-Identifier: BSD-3-Clause */
/* Point selects by key on a file of 100,000 rows, 64 in flight, against one thread that does nothing but step a
 * prepared statement, and against libuv around as many of these as we have readers. */
#include "tests/bench/around_uv.h"
#include "tests/bench/bench.h"
#include "tests/bench/contest.h"
#include "tests/bench/flight.h"

#include <sqlite3.h>
#include <stdint.h>

#define N_ROWS      100000
#define IN_FLIGHT   64
#define TOTAL       50000
#define N_BARE_MOST 4

#define SELECT_ONE "SELECT id, name FROM item WHERE id = ?"

struct bare {
    sqlite3 *file;
    sqlite3_stmt *one;
    uint64_t random;
    size_t seen; /* so that nothing is left out as useless */
};

struct bench {
    unsigned n_readers; /* 0: as many as the library would have */
    size_t in_flight;
    size_t n_contexts;
    unsigned flags;
    adb_database *db;
    struct bench_flight flight;
    struct bare bare[N_BARE_MOST];
};

/* Ours ------------------------------------------------------------------------------------------------------------ */

static adb_job submit_select(adb_context *ctx, adb_done_cb done, void *user_data)
{
    return adb_fetch_one(ctx, SELECT_ONE, ADB_PARAMS({0, adb_int((int64_t)bench_random(N_ROWS) + 1)}), done, user_data);
}

static void open_ours(void *state)
{
    struct bench *bench = state;
    const unsigned size = bench->n_readers == 0 ? 0 : bench->n_readers + 1; /* and the writer */
    bench->db = bench_open(bench_url(""), ADB_OPTIONS(.max_size = size, .min_size = size));
    bench->flight.submit = submit_select;
    bench_flight_init(&bench->flight, bench->db, bench->in_flight, bench->n_contexts, bench->flags);
}

static size_t run_ours(void *state)
{
    return bench_flight_run(&((struct bench *)state)->flight, TOTAL);
}

static void close_ours(void *state)
{
    struct bench *bench = state;
    bench_flight_fini(&bench->flight);
    bench_close(bench->db);
}

/* Bare ------------------------------------------------------------------------------------------------------------ */

static void bare_open(struct bare *bare)
{
    *bare = (struct bare){.random = 1};
    BENCH_CHECK(sqlite3_open(bench_path(), &bare->file) == SQLITE_OK);
    BENCH_CHECK(sqlite3_prepare_v2(bare->file, SELECT_ONE, -1, &bare->one, NULL) == SQLITE_OK);
}

static void bare_close(struct bare *bare)
{
    sqlite3_finalize(bare->one);
    sqlite3_close(bare->file);
}

static void bare_select(struct bare *bare)
{
    bare->random = bare->random * 6364136223846793005u + 1442695040888963407u; /* Knuth, MMIX */
    BENCH_CHECK(sqlite3_bind_int64(bare->one, 1, (sqlite3_int64)((bare->random >> 33) % N_ROWS) + 1) == SQLITE_OK);
    BENCH_CHECK(sqlite3_step(bare->one) == SQLITE_ROW);
    bare->seen += (size_t)sqlite3_column_int64(bare->one, 0) + sqlite3_column_text(bare->one, 1)[0];
    BENCH_CHECK(sqlite3_step(bare->one) == SQLITE_DONE);
    BENCH_CHECK(sqlite3_reset(bare->one) == SQLITE_OK);
}

static void open_bare(void *state)
{
    bare_open(&((struct bench *)state)->bare[0]);
}

static size_t run_bare(void *state)
{
    struct bench *bench = state;
    for (size_t i = 0; i < TOTAL; i++)
        bare_select(&bench->bare[0]);
    return TOTAL;
}

static void close_bare(void *state)
{
    bare_close(&((struct bench *)state)->bare[0]);
}

/* libuv around it ------------------------------------------------------------------------------------------------- */

static size_t n_threads(const struct bench *bench)
{
    return bench->n_readers == 0 ? N_BARE_MOST : bench->n_readers;
}

static void open_uv(void *state)
{
    struct bench *bench = state;
    bench_uv_threads((unsigned)n_threads(bench));
    for (size_t i = 0; i < n_threads(bench); i++)
        bare_open(&bench->bare[i]);
}

static void uv_select(size_t thread, void *state)
{
    bare_select(&((struct bench *)state)->bare[thread]);
}

static size_t run_uv(void *state)
{
    const struct bench *bench = state;
    return bench_uv_run(&(struct bench_uv_task){
        .work = uv_select, .state = state, .total = TOTAL, .in_flight = bench->in_flight});
}

static void close_uv(void *state)
{
    struct bench *bench = state;
    for (size_t i = 0; i < n_threads(bench); i++)
        bare_close(&bench->bare[i]);
}

/* All of it ------------------------------------------------------------------------------------------------------- */

static void compare(const char *id, const char *name, const struct bench *setup, const struct bench_goal *goals,
                    size_t n_goals)
{
    struct bench ours = *setup, bare = *setup, uv = *setup;
    struct bench_contest contest = {
        .id = id,
        .name = name,
        .ways = {{.name = "asyncdb", .state = &ours, .open = open_ours, .run = run_ours, .close = close_ours},
                 {.name = "bare loop", .state = &bare, .open = open_bare, .run = run_bare, .close = close_bare},
                 {.name = "libuv around bare",
                  .state = &uv,
                  .open = open_uv,
                  .run = bench_uv_here() ? run_uv : NULL,
                  .close = close_uv}},
    };
    for (size_t i = 0; i < n_goals; i++)
        contest.goals[i] = goals[i];
    bench_compare(&contest);
}

int main(void)
{
    const struct bench one_reader = {.n_readers = 1, .in_flight = IN_FLIGHT, .n_contexts = IN_FLIGHT};
    const struct bench two_readers = {.n_readers = 2, .in_flight = IN_FLIGHT, .n_contexts = IN_FLIGHT};
    const struct bench parallel = {
        .n_readers = 2, .in_flight = IN_FLIGHT, .n_contexts = 1, .flags = ADB_CONTEXT_PARALLEL};
    const struct bench alone = {.in_flight = 1, .n_contexts = 1};
    const struct bench_goal one_goals[] = {{"S1", BENCH_RATE, 1, 0.8, 0},
                                           {"X2", BENCH_RATE, 1, 2, 1 / 0.25}, /* drogon: 0.25 of the bare loop */
                                           {"A1", BENCH_ALLOCATIONS, 0, 0.005, 0},
                                           {"A2", BENCH_CALLS, 0, 0.1, 0}};
    const struct bench_goal two_goals[] = {{"S1", BENCH_RATE, 1, 1, 0}};
    bench_fill(N_ROWS);
    compare("select-1-reader", "SQLite: point select, 64 in flight, 1 reader", &one_reader, one_goals, 4);
    compare("select-2-readers", "SQLite: point select, 64 in flight, 2 readers", &two_readers, two_goals, 1);
    compare("select-parallel", "SQLite: point select, 64 in flight on one parallel context, 2 readers", &parallel, NULL,
            0);
    compare("select-1", "SQLite: point select, 1 in flight", &alone, NULL, 0);
    return 0;
}
