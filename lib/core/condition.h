/* SPDX-License-Identifier: BSD-3-Clause */
/* A condition variable on the monotonic clock, for the few places that wait for a predicate under a lock. */
#ifndef ADB_CORE_CONDITION_H
#define ADB_CORE_CONDITION_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

bool adb__condition_init(pthread_cond_t *condition);
/* False: the deadline (base/clock.h) has passed. */
bool adb__condition_wait(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t deadline);

#endif
