/* SPDX-License-Identifier: BSD-3-Clause */
/* What the benchmarks share: alternating runs and their medians, jobs kept in flight, a file with rows. */
#ifndef ADB_TESTS_BENCH_H
#define ADB_TESTS_BENCH_H

#include <asyncdb.h>

#include <stdbool.h>
#include <stddef.h>

/* A benchmark that goes wrong says where and ends. */
#define BENCH_CHECK(condition) ((condition) ? (void)0 : bench_fail(__FILE__, __LINE__, #condition))
_Noreturn void bench_fail(const char *file, int line, const char *condition);

double bench_seconds(void); /* monotonic */
double bench_median(double *values, size_t n); /* sorts them */

/* How many pairs of runs: ADB_BENCH_PAIRS, or 7. */
size_t bench_pairs(void);

/* Something done in two ways. A run returns how much was done in a second: more is better. */
struct bench_contest {
    const char *name;
    double (*ours)(void *state);
    double (*other)(void *state); /* NULL: nothing to compare with */
    const char *other_name;
    void *state;
    double floor; /* the least ratio that is wanted; 0: none */
};

/* Run both in turn, the first pair for warmth only, and print one line: the medians, and the median of the ratios. */
void bench_compare(const struct bench_contest *contest);

/* Run the function in a process of its own, and wait for it: for what can be set or measured only once in one. */
void bench_isolate(void (*function)(void *argument), void *argument);

/* The highest that this process's memory has been, in MiB. */
double bench_peak_mib(void);

/* A directory on disk that goes when this process ends. Once per process. */
const char *bench_directory(void);

/* The URL of a database in bench_directory(), and the path of its file, with the keys after ?. Static memory. */
const char *bench_url(const char *keys);
const char *bench_path(void);

/* Make the database and its table item(id, name, price) with so many rows, ids from 1. */
void bench_fill(size_t n_rows);

/* Run one statement or script to its end; it must go well. */
void bench_execute(adb_context *ctx, const char *sql);

/* Any number, the same series in each run. */
size_t bench_random(size_t below);

/* Jobs kept in flight: each that is done makes place for the next, until the total is reached. */
struct bench_flight {
    adb_queue *queue;
    struct bench_seat *seats; /* as many as are in flight */
    size_t n_seats;
    adb_job (*submit)(adb_context *ctx, adb_done_cb done, void *user_data);
    size_t left; /* not submitted yet */
    size_t flying;
};

/* One context for each seat with flags, or the one given for all of them. */
void bench_flight_init(struct bench_flight *flight, adb_database *db, size_t n_seats, unsigned flags,
                       adb_context *shared);
void bench_flight_fini(struct bench_flight *flight);

/* Returns how many jobs were done in a second. */
double bench_flight_run(struct bench_flight *flight, size_t total);

/* A database that is open and connected, and its end. */
adb_database *bench_open(const char *url, const adb_options *options);
void bench_close(adb_database *db);

#endif
