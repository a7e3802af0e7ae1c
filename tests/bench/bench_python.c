/* SPDX-License-Identifier: BSD-3-Clause */
/* Point selects by key, 64 in flight: ours against Python's databases, aiosqlite and asyncpg, on SQLite and PostgreSQL.
 *
 * Environment: ADB_BENCH_PYTHON, the path of bench_python.py; PYTHON, which should run it (/usr/bin/python3). */
#include "tests/bench/bench.h"
#include "tests/bench/contest.h"
#include "tests/bench/flight.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_ROWS        100000
#define IN_FLIGHT     64
#define TOTAL         50000
#define COMMAND_BYTES 2048

struct bench {
    const char *url;
    adb_database *db;
    struct bench_flight flight;
};

static adb_job submit_select(adb_context *ctx, adb_done_cb done, void *user_data)
{
    return adb_fetch_one(ctx, "SELECT id, name FROM item WHERE id = :id",
                         ADB_PARAMS({"id", adb_int((int64_t)bench_random(N_ROWS) + 1)}), done, user_data);
}

static void open_ours(void *state)
{
    struct bench *bench = state;
    bench->db = bench_open(bench->url, ADB_OPTIONS(.max_size = 4, .min_size = 4));
    bench->flight.submit = submit_select;
    bench_flight_init(&bench->flight, bench->db, IN_FLIGHT, IN_FLIGHT, 0);
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

/* Python ---------------------------------------------------------------------------------------------------------- */

static const char *python(void)
{
    const char *given = getenv("PYTHON");
    return given != NULL ? given : "/usr/bin/python3";
}

static bool python_has(const char *modules)
{
    char command[COMMAND_BYTES];
    snprintf(command, sizeof(command), "%s -c 'import %s' 2>/dev/null", python(), modules);
    return system(command) == 0;
}

/* A way that is left out when its modules are not there. */
static struct bench_way python_way(char command[COMMAND_BYTES], const char *name, const char *modules, const char *how,
                                   const char *where, size_t total)
{
    const char *script = getenv("ADB_BENCH_PYTHON");
    if (script == NULL || !python_has(modules))
        return (struct bench_way){.name = name};
    const int size =
        snprintf(command, COMMAND_BYTES, "LD_PRELOAD= %s '%s' %s '%s' %zu", python(), script, how, where, total);
    BENCH_CHECK(size > 0 && size < COMMAND_BYTES);
    return (struct bench_way){.name = name, .command = command};
}

/* All of it ------------------------------------------------------------------------------------------------------- */

static void compare_sqlite(void)
{
    static char plain[COMMAND_BYTES], kept[COMMAND_BYTES], alone[COMMAND_BYTES];
    struct bench bench = {.url = bench_url("")};
    bench_fill(N_ROWS);
    bench_compare(&(struct bench_contest){
        .id = "python-sqlite",
        .name = "SQLite: point select, 64 in flight, and Python",
        .state = &bench,
        .ways = {{.name = "asyncdb", .open = open_ours, .run = run_ours, .close = close_ours},
                 python_way(plain, "databases", "databases, aiosqlite", "databases", bench_path(), 1280),
                 python_way(kept, "databases, connections kept", "databases, aiosqlite", "kept", bench_path(), 3200),
                 python_way(alone, "aiosqlite", "aiosqlite", "aiosqlite", bench_path(), 3200)},
        .goals = {{"X1", BENCH_RATE, 1, 100, 0}},
    });
}

static void make_table(void *argument)
{
    adb_database *db = bench_open(argument, NULL);
    adb_context *ctx = adb_context_new(db, NULL, 0);
    bench_execute(ctx, "DROP TABLE IF EXISTS item; CREATE TABLE item (id BIGINT PRIMARY KEY, name TEXT);"
                       "INSERT INTO item SELECT i, 'the item called ' || i FROM generate_series(1, 100000) AS i;"
                       "VACUUM ANALYZE item");
    adb_context_free(ctx);
    bench_close(db);
}

static void drop_table(void *argument)
{
    adb_database *db = bench_open(argument, NULL);
    adb_context *ctx = adb_context_new(db, NULL, 0);
    bench_execute(ctx, "DROP TABLE item");
    adb_context_free(ctx);
    bench_close(db);
}

static void compare_postgresql(char *url)
{
    static char plain[COMMAND_BYTES], alone[COMMAND_BYTES];
    struct bench bench = {.url = url};
    bench_isolate(make_table, url);
    bench_compare(&(struct bench_contest){
        .id = "python-postgresql",
        .name = "PostgreSQL: point select, 64 in flight, 4 connections, and Python",
        .state = &bench,
        .ways = {{.name = "asyncdb", .open = open_ours, .run = run_ours, .close = close_ours},
                 python_way(plain, "databases", "databases, asyncpg", "databases", url, 3200),
                 python_way(alone, "asyncpg", "asyncpg", "asyncpg", url, 6400)},
        .goals = {{"X1", BENCH_RATE, 1, 20, 0}},
    });
    bench_isolate(drop_table, url);
}

int main(void)
{
    char *url = getenv("ADB_TEST_POSTGRESQL_URL");
    if (getenv("ADB_BENCH_PYTHON") == NULL)
        fprintf(stderr, "ADB_BENCH_PYTHON is not set: without Python\n");
    if (bench_wanted("python-sqlite"))
        compare_sqlite();
    if (url != NULL && bench_wanted("python-postgresql"))
        compare_postgresql(url);
    return 0;
}
