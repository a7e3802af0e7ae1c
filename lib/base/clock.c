/* SPDX-License-Identifier: BSD-3-Clause */
/* Monotonic time, deadlines, and the jitter that keeps many clients from retrying in step. */
#include "base/clock.h"

#include <assert.h>
#include <limits.h>
#include <time.h>

#define NS_PER_S INT64_C(1000000000)

/* Linux and FreeBSD have one; see clock_gettime(2) of either. */
#if defined(CLOCK_MONOTONIC_COARSE)
#define TICK CLOCK_MONOTONIC_COARSE
#elif defined(CLOCK_MONOTONIC_FAST)
#define TICK CLOCK_MONOTONIC_FAST
#else
#define TICK CLOCK_MONOTONIC
#endif

static int64_t clock_read(clockid_t clock)
{
    struct timespec now;
    const int failed = clock_gettime(clock, &now);
    assert(failed == 0);
    (void)failed;
    return (int64_t)now.tv_sec * NS_PER_S + (int64_t)now.tv_nsec;
}

int64_t adb__clock_now(void)
{
    return clock_read(CLOCK_MONOTONIC);
}

int64_t adb__clock_tick(void)
{
    return clock_read(TICK);
}

int64_t adb__deadline_in(int64_t now, int timeout_ms)
{
    if (timeout_ms < 0)
        return ADB__NEVER;
    const int64_t timeout = timeout_ms * ADB__NS_PER_MS; /* INT_MAX ms fit many times */
    return now > ADB__NEVER - timeout ? ADB__NEVER : now + timeout;
}

int adb__deadline_left_ms(int64_t deadline, int64_t now)
{
    if (deadline == ADB__NEVER)
        return -1;
    if (deadline <= now)
        return 0;
    const uint64_t left = (uint64_t)deadline - (uint64_t)now;
    const uint64_t left_ms = (left - 1) / (uint64_t)ADB__NS_PER_MS + 1; /* up, so that nobody wakes early and spins */
    return left_ms < INT_MAX ? (int)left_ms : INT_MAX;
}

int64_t adb__deadline_first(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

uint64_t adb__random(uint64_t *state)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}
