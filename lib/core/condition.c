/* SPDX-License-Identifier: BSD-3-Clause */
/* Condition variables with a deadline on the monotonic clock. */
#include "core/condition.h"

#include "base/clock.h"

#include <errno.h>
#include <time.h>

bool adb__condition_init(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    if (pthread_condattr_init(&attributes) != 0)
        return false;
    bool good = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
                pthread_cond_init(condition, &attributes) == 0;
    pthread_condattr_destroy(&attributes);
    return good;
}

bool adb__condition_wait(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t deadline)
{
    if (deadline == ADB__NEVER) {
        pthread_cond_wait(condition, lock);
        return true;
    }
    const int64_t ns_per_s = 1000 * ADB__NS_PER_MS;
    const struct timespec until = {.tv_sec = (time_t)(deadline / ns_per_s), .tv_nsec = (long)(deadline % ns_per_s)};
    return pthread_cond_timedwait(condition, lock, &until) != ETIMEDOUT;
}
