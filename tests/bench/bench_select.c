/* SPDX-License-Identifier: BSD-3-Clause */
/* Point selects by key on a file of 100,000 rows, 64 in flight, against one thread that does nothing but step a
 * prepared statement. With the path of such a file and a count: only ours, and only its rate, for bench_python.sh;
 * with the word fill and a path: make the file. */
#include "tests/bench/bench.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_ROWS    100000
#define IN_FLIGHT 64
#define TOTAL     50000

#define SELECT_ONE "SELECT id, name FROM item WHERE id = ?"

struct bench {
    struct bench_flight flight;
    sqlite3_stmt *bare;
    size_t seen; /* so that nothing is left out as useless */
};

static adb_job submit_select(adb_context *ctx, adb_done_cb done, void *user_data)
{
    return adb_fetch_one(ctx, SELECT_ONE, ADB_PARAMS({0, adb_int((int64_t)bench_random(N_ROWS) + 1)}), done, user_data);
}

static double run_ours(void *state)
{
    struct bench *bench = state;
    return bench_flight_run(&bench->flight, TOTAL);
}

static double run_bare(void *state)
{
    struct bench *bench = state;
    double start = bench_seconds();
    for (size_t i = 0; i < TOTAL; i++) {
        BENCH_CHECK(sqlite3_bind_int64(bench->bare, 1, (sqlite3_int64)bench_random(N_ROWS) + 1) == SQLITE_OK);
        BENCH_CHECK(sqlite3_step(bench->bare) == SQLITE_ROW);
        bench->seen += (size_t)sqlite3_column_int64(bench->bare, 0) + sqlite3_column_text(bench->bare, 1)[0];
        BENCH_CHECK(sqlite3_step(bench->bare) == SQLITE_DONE);
        BENCH_CHECK(sqlite3_reset(bench->bare) == SQLITE_OK);
    }
    return TOTAL / (bench_seconds() - start);
}

static void measure(struct bench *bench, const char *name, const adb_options *options, bool parallel, size_t n,
                    double floor)
{
    adb_database *db = bench_open(bench_url(""), options);
    adb_context *shared = parallel ? adb_context_new(db, NULL, ADB_CONTEXT_PARALLEL) : NULL;
    bench->flight.submit = submit_select;
    bench_flight_init(&bench->flight, db, n, 0, shared);
    bench_compare(&(struct bench_contest){
        .name = name, .ours = run_ours, .other = run_bare, .other_name = "bare", .state = bench, .floor = floor});
    bench_flight_fini(&bench->flight);
    adb_context_free(shared);
    bench_close(db);
}

static void compare_all(void)
{
    struct bench bench = {.bare = NULL};
    sqlite3 *bare;
    bench_fill(N_ROWS);
    BENCH_CHECK(sqlite3_open(bench_path(), &bare) == SQLITE_OK);
    BENCH_CHECK(sqlite3_prepare_v2(bare, SELECT_ONE, -1, &bench.bare, NULL) == SQLITE_OK);
    measure(&bench, "point select, 64 in flight", NULL, false, IN_FLIGHT, 0.5);
    measure(&bench, "point select, 64 in flight, one reader", ADB_OPTIONS(.max_size = 2), false, IN_FLIGHT, 0);
    measure(&bench, "point select, 64 in flight, one parallel context", NULL, true, IN_FLIGHT, 0);
    measure(&bench, "point select, 1 in flight", NULL, false, 1, 0);
    sqlite3_finalize(bench.bare);
    sqlite3_close(bare);
}

static void fill_file(const char *path)
{
    char command[1024];
    sqlite3 *file;
    bench_fill(N_ROWS);
    BENCH_CHECK(sqlite3_open(bench_path(), &file) == SQLITE_OK);
    BENCH_CHECK((size_t)snprintf(command, sizeof(command), "VACUUM INTO '%s'", path) < sizeof(command));
    BENCH_CHECK(sqlite3_exec(file, command, NULL, NULL, NULL) == SQLITE_OK);
    sqlite3_close(file);
}

static void print_ours(const char *path, size_t total)
{
    char url[1024];
    struct bench_flight flight = {.submit = submit_select};
    BENCH_CHECK((size_t)snprintf(url, sizeof(url), "sqlite:///%s", path) < sizeof(url));
    adb_database *db = bench_open(url, NULL);
    bench_flight_init(&flight, db, IN_FLIGHT, 0, NULL);
    printf("%.1f\n", bench_flight_run(&flight, total));
    bench_flight_fini(&flight);
    bench_close(db);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "fill") == 0)
        fill_file(argv[2]);
    else if (argc == 3)
        print_ours(argv[1], strtoul(argv[2], NULL, 10));
    else
        compare_all();
    return 0;
}
