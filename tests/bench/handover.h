/* SPDX-License-Identifier: BSD-3-Clause */
/* How fast empty jobs could be at most: what threads hand to each other for each, and nothing else. */
#ifndef ADB_TESTS_HANDOVER_H
#define ADB_TESTS_HANDOVER_H

#include <stdbool.h>
#include <stddef.h>

#define BENCH_HANDOVER_THREADS 16
#define BENCH_HANDOVER_MOST    (BENCH_HANDOVER_THREADS * 256) /* jobs in flight, and lanes */

struct bench_handover {
    size_t n_threads;
    size_t in_flight, n_lanes; /* of each; the lanes are used in turn */
    size_t total;              /* of all */
};

/* It takes a processor for each. */
bool bench_handover_here(void);

/* Returns the total. */
size_t bench_handover_run(const struct bench_handover *task);

#endif
