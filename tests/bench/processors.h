/* SPDX-License-Identifier: BSD-3-Clause */
/* Processors, and how far apart they are. */
#ifndef ADB_TESTS_PROCESSORS_H
#define ADB_TESTS_PROCESSORS_H

#include <pthread.h>

/* The processors that this process may use: the number of one of them, from 0 on; negative: there are not so many. */
int bench_processor(int index);
/* A thread that stays on it. */
pthread_t bench_start_on(int index, void *(*function)(void *argument), void *argument);

/* Nanoseconds that a line of the cache takes from one processor to another, the first two that this process may use;
 * negative: it has but one. A virtual machine's are moved about on their host while it runs, to where they have a cache in
 * common or have none, so the same program is twice as fast in one second as in the next. Takes 0.1 to 0.5 ms. */
double bench_hop_ns(void);

#endif
