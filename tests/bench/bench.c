/* SPDX-License-Identifier: BSD-3-Clause */
/* What the benchmarks share: a way to fail, time, processes, a file with rows. */
#include "tests/bench/bench.h"

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

_Noreturn void bench_fail(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
    exit(1);
}

double bench_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void bench_isolate(void (*function)(void *argument), void *argument)
{
    int status;
    fflush(NULL);
    pid_t child = fork();
    BENCH_CHECK(child >= 0);
    if (child == 0) {
        function(argument);
        fflush(NULL);
        _exit(0);
    }
    BENCH_CHECK(waitpid(child, &status, 0) == child);
    BENCH_CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static char directory[PATH_MAX];
static pid_t directory_owner;

/* All that SQLite leaves there. */
static void directory_remove(void)
{
    static const char *const names[] = {"bench.db", "bench.db-wal", "bench.db-shm", "bench.db-journal"};
    char path[PATH_MAX + 32];
    if (directory_owner != getpid())
        return;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
        unlink(path);
    }
    rmdir(directory);
}

const char *bench_directory(void)
{
    if (directory[0] == '\0') {
        const char *parent = getenv("TMPDIR");
        int size = snprintf(directory, sizeof(directory), "%s/asyncdb-bench.XXXXXX", parent != NULL ? parent : "/tmp");
        BENCH_CHECK(size > 0 && (size_t)size < sizeof(directory));
        BENCH_CHECK(mkdtemp(directory) != NULL);
        directory_owner = getpid();
        atexit(directory_remove);
    }
    return directory;
}

const char *bench_path(void)
{
    static char path[PATH_MAX + 16];
    snprintf(path, sizeof(path), "%s/bench.db", bench_directory());
    return path;
}

const char *bench_url(const char *keys)
{
    static char url[PATH_MAX + 256];
    snprintf(url, sizeof(url), "sqlite:///%s?%s", bench_path(), keys);
    return url;
}

adb_database *bench_open(const char *url, const adb_options *options)
{
    adb_database *db;
    adb_error error;
    if (adb_database_open(url, options, &db, &error) != ADB_OK || adb_database_connect(db, -1, &error) != ADB_OK) {
        fprintf(stderr, "%s: %s\n", url, error.message);
        exit(1);
    }
    return db;
}

void bench_close(adb_database *db)
{
    BENCH_CHECK(adb_database_close(db, 30000) == ADB_OK);
    adb_database_free(db);
}

void bench_execute(adb_context *ctx, const char *sql)
{
    adb_result *result = adb_wait(ctx, adb_execute_script(ctx, sql, NULL, NULL), -1);
    if (adb_result_status(result) != ADB_OK) {
        fprintf(stderr, "%s: %s\n", sql, adb_result_error(result)->message);
        exit(1);
    }
    adb_result_unref(result);
}

struct filling {
    size_t n_rows;
};

static void fill(void *argument)
{
    const struct filling *filling = argument;
    char sql[512];
    adb_database *db = bench_open(bench_url("synchronous=off"), NULL);
    adb_context *ctx = adb_context_new(db, NULL, 0);
    snprintf(sql, sizeof(sql),
             "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT, price REAL);"
             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %zu)"
             " INSERT INTO item SELECT i, 'the item called ' || i, i * 0.25 FROM n;",
             filling->n_rows);
    bench_execute(ctx, sql);
    adb_context_free(ctx);
    bench_close(db);
}

void bench_fill(size_t n_rows)
{
    struct filling filling = {.n_rows = n_rows};
    bench_directory();
    bench_isolate(fill, &filling); /* so that this process stays small */
}

size_t bench_random(size_t below)
{
    static uint64_t state = 88172645463325252u;
    state ^= state << 13; /* xorshift64, Marsaglia 2003 */
    state ^= state >> 7;
    state ^= state << 17;
    return (size_t)(state % below);
}
