/* SPDX-License-Identifier: BSD-3-Clause */
/* What the benchmarks share: alternating runs and their medians, jobs kept in flight, a file with rows. */
#include "tests/bench/bench.h"

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_PAIRS 101

struct bench_seat {
    struct bench_flight *flight;
    adb_context *ctx;
    bool owned;
};

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

static int compare_doubles(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

double bench_median(double *values, size_t n)
{
    qsort(values, n, sizeof(*values), compare_doubles);
    return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

size_t bench_pairs(void)
{
    const char *given = getenv("ADB_BENCH_PAIRS");
    long pairs = given != NULL ? strtol(given, NULL, 10) : 7;
    return pairs < 1 ? 1 : pairs > MAX_PAIRS ? MAX_PAIRS : (size_t)pairs;
}

static void print_alone(const struct bench_contest *contest, double rate)
{
    printf("%s: asyncdb %.0f/s\n", contest->name, rate);
    fflush(stdout);
}

static void print_contest(const struct bench_contest *contest, double ours, double other, double ratio)
{
    printf("%s: asyncdb %.0f/s, %s %.0f/s, ratio %.2f", contest->name, ours, contest->other_name, other, ratio);
    if (contest->floor > 0)
        printf(" (floor %.2f: %s)", contest->floor, ratio >= contest->floor ? "held" : "MISSED");
    printf("\n");
    fflush(stdout);
}

void bench_compare(const struct bench_contest *contest)
{
    double ours[MAX_PAIRS], other[MAX_PAIRS], ratios[MAX_PAIRS];
    size_t n = bench_pairs();
    contest->ours(contest->state);
    if (contest->other != NULL)
        contest->other(contest->state);
    for (size_t i = 0; i < n; i++) {
        ours[i] = contest->ours(contest->state);
        if (contest->other == NULL)
            continue;
        other[i] = contest->other(contest->state);
        ratios[i] = ours[i] / other[i];
    }
    if (contest->other == NULL)
        print_alone(contest, bench_median(ours, n));
    else
        print_contest(contest, bench_median(ours, n), bench_median(other, n), bench_median(ratios, n));
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

double bench_peak_mib(void)
{
    char line[256]; /* VmHWM: the high-water mark of the resident set (proc(5)) */
    double kib = -1;
    FILE *status = fopen("/proc/self/status", "r");
    BENCH_CHECK(status != NULL);
    while (kib < 0 && fgets(line, sizeof(line), status) != NULL) {
        if (strncmp(line, "VmHWM:", 6) == 0)
            kib = strtod(line + 6, NULL);
    }
    fclose(status);
    BENCH_CHECK(kib >= 0);
    return kib / 1024;
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

void bench_flight_init(struct bench_flight *flight, adb_database *db, size_t n_seats, unsigned flags,
                       adb_context *shared)
{
    flight->queue = shared != NULL ? adb_context_queue(shared) : adb_queue_new();
    flight->n_seats = n_seats;
    flight->seats = calloc(n_seats, sizeof(*flight->seats));
    BENCH_CHECK(flight->queue != NULL && flight->seats != NULL);
    for (size_t i = 0; i < n_seats; i++) {
        struct bench_seat *seat = &flight->seats[i];
        *seat = (struct bench_seat){.flight = flight, .ctx = shared, .owned = shared == NULL};
        if (seat->owned)
            seat->ctx = adb_context_new(db, flight->queue, flags);
        BENCH_CHECK(seat->ctx != NULL);
    }
}

void bench_flight_fini(struct bench_flight *flight)
{
    bool owned = flight->seats[0].owned;
    for (size_t i = 0; i < flight->n_seats && owned; i++)
        adb_context_free(flight->seats[i].ctx);
    if (owned)
        adb_queue_free(flight->queue);
    free(flight->seats);
}

static void seat_next(struct bench_seat *seat);

static void seat_done(adb_result *result, void *user_data)
{
    struct bench_seat *seat = user_data;
    if (adb_result_status(result) != ADB_OK) {
        fprintf(stderr, "a job failed: %s\n", adb_result_error(result)->message);
        exit(1);
    }
    seat->flight->flying--;
    seat_next(seat);
}

static void seat_next(struct bench_seat *seat)
{
    struct bench_flight *flight = seat->flight;
    if (flight->left == 0)
        return;
    flight->left--;
    flight->flying++;
    if (flight->submit(seat->ctx, seat_done, seat) == 0) {
        fprintf(stderr, "a job was refused: %s\n", adb_context_error(seat->ctx)->message);
        exit(1);
    }
}

double bench_flight_run(struct bench_flight *flight, size_t total)
{
    double start = bench_seconds();
    flight->left = total;
    for (size_t i = 0; i < flight->n_seats; i++)
        seat_next(&flight->seats[i]);
    while (flight->flying > 0) {
        BENCH_CHECK(adb_queue_wait(flight->queue, 60000) == ADB_OK);
        adb_queue_dispatch(flight->queue, 0);
    }
    return (double)total / (bench_seconds() - start);
}
