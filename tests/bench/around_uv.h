/* SPDX-License-Identifier: BSD-3-Clause */
/* What a C programmer would build instead: a blocking client library behind uv_queue_work() of libuv, one connection
 * for each of its threads, and the loop that is told of the end. */
#ifndef ADB_TESTS_AROUND_UV_H
#define ADB_TESTS_AROUND_UV_H

#include <stdbool.h>
#include <stddef.h>

/* Without libuv there is nothing here but false. */
bool bench_uv_here(void);

/* How many threads libuv is to have: once in a process, before its first work. */
void bench_uv_threads(unsigned n_threads);

/* So many calls of work, a number of them in flight. Each call says which of the threads it is on, from 0. */
struct bench_uv_task {
    void (*work)(size_t thread, void *state);
    void *state;
    size_t total;
    size_t in_flight;
};

/* On a loop of its own, so on any thread; returns the total. */
size_t bench_uv_run(const struct bench_uv_task *task);

#endif
