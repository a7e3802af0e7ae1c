/* SPDX-License-Identifier: BSD-3-Clause */
/* What the benchmarks share: a way to fail, time, processes, a file with rows. */
#ifndef ADB_TESTS_BENCH_H
#define ADB_TESTS_BENCH_H

#include <asyncdb.h>

#include <stdbool.h>
#include <stddef.h>

/* A benchmark that goes wrong says where and ends. */
#define BENCH_CHECK(condition) ((condition) ? (void)0 : bench_fail(__FILE__, __LINE__, #condition))
_Noreturn void bench_fail(const char *file, int line, const char *condition);

double bench_seconds(void); /* monotonic */

/* Run the function in a process of its own, and wait for it: for what can be set or measured only once in one. */
void bench_isolate(void (*function)(void *argument), void *argument);

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

/* A database that is open and connected, and its end. */
adb_database *bench_open(const char *url, const adb_options *options);
void bench_close(adb_database *db);

#endif
