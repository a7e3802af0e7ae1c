/* SPDX-License-Identifier: BSD-3-Clause */
/* What a piece of work costs besides time: allocations, system calls, memory, and how long each of its parts took. */
#ifndef ADB_TESTS_COUNTERS_H
#define ADB_TESTS_COUNTERS_H

#include <stddef.h>
#include <stdint.h>

/* Counts so far; -1: they cannot be had here. */
struct bench_counts {
    double allocations_own;    /* asked for by the code of this program, in which the library is linked */
    double allocations_client; /* by shared libraries: the client library, libc */
    double calls;              /* system calls of all threads */
    double calls_own;          /* futex, read and write of all threads; waiting for descriptors of the first thread */
};

/* Once in a process, and before it starts threads. */
void bench_counters_open(void);

/* Count from now on, and what was counted since. Allocations need the shim of bench_shim.c, system calls need root. */
void bench_counters_start(void);
struct bench_counts bench_counters_stop(void);

/* Percentiles of what bench_latency_end() was told, in microseconds; -1: nothing was told. */
struct bench_latency {
    double p50, p99, p999;
};

void bench_latency_start(size_t capacity);
struct bench_latency bench_latency_stop(void);

/* Around each part of the work, on any thread: the time now, or 0 when nobody wants to know. */
int64_t bench_latency_begin(void);
void bench_latency_end(int64_t begun);

/* The highest that this process's memory has been since bench_peak_reset(), and what it is now, in MiB. */
double bench_peak_mib(void);
double bench_resident_mib(void);
void bench_peak_reset(void);

#endif
