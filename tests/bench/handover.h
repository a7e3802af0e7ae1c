/* SPDX-License-Identifier: BSD-3-Clause */
/* How fast empty jobs could be at most: what two threads hand to each other for each, and nothing else. */
#ifndef ADB_TESTS_HANDOVER_H
#define ADB_TESTS_HANDOVER_H

#include <stdbool.h>
#include <stddef.h>

#define BENCH_HANDOVER_MOST 256 /* jobs in flight, and lanes */

/* It takes a processor for each. */
bool bench_handover_here(void);

/* So many jobs, a number of them in flight, on as many lanes, which are used in turn. Returns the total. */
size_t bench_handover_run(size_t total, size_t in_flight, size_t n_lanes);

#endif
