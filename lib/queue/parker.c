/* SPDX-License-Identifier: BSD-3-Clause */
/* Parkers: a word that its thread sleeps on, or a mutex and a condition variable where nobody can. */
#include "queue/parker.h"

#include "base/clock.h"

#if ADB__HAVE_FUTEX

enum { NOTHING, TOKEN, ASLEEP };

bool adb__parker_init(struct adb__parker *parker)
{
    atomic_init(&parker->word, NOTHING);
    return true;
}

void adb__parker_fini(struct adb__parker *parker)
{
    (void)parker;
}

bool adb__parker_wait(struct adb__parker *parker, int64_t deadline)
{
    uint32_t expected = NOTHING;
    /* Only this thread puts it to sleep, so what is not NOTHING is a token. */
    if (atomic_compare_exchange_strong_explicit(&parker->word, &expected, ASLEEP, memory_order_relaxed,
                                                memory_order_relaxed)) {
        while (atomic_load_explicit(&parker->word, memory_order_relaxed) == ASLEEP &&
               adb__futex_wait(&parker->word, ASLEEP, deadline))
            continue;
    }
    /* acquire: pairs with the release in adb__parker_wake(), of this wake and of those before it. */
    return atomic_exchange_explicit(&parker->word, NOTHING, memory_order_acquire) == TOKEN;
}

void adb__parker_wake(struct adb__parker *parker)
{
    /* release: pairs with the acquire in adb__parker_wait() */
    if (atomic_exchange_explicit(&parker->word, TOKEN, memory_order_release) == ASLEEP)
        adb__futex_wake(&parker->word, 1);
}

#else

#include <errno.h>
#include <time.h>
#include <unistd.h>

/* Whether a condition variable can be told to use the clock of base/clock.h. */
#ifndef ADB__PARKER_MONOTONIC
#define ADB__PARKER_MONOTONIC (_POSIX_CLOCK_SELECTION > 0)
#endif

#if ADB__PARKER_MONOTONIC

static bool wake_init(pthread_cond_t *wake)
{
    pthread_condattr_t monotonic;
    if (pthread_condattr_init(&monotonic) != 0)
        return false;
    bool ok = pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) == 0 && pthread_cond_init(wake, &monotonic) == 0;
    (void)pthread_condattr_destroy(&monotonic);
    return ok;
}

static int64_t wake_time(int64_t deadline)
{
    return deadline;
}

#else

static bool wake_init(pthread_cond_t *wake)
{
    return pthread_cond_init(wake, NULL) == 0;
}

/* The deadline by the wall clock, as things stand: if that clock is set meanwhile, the sleep is too long or short. */
static int64_t wake_time(int64_t deadline)
{
    struct timespec wall;
    (void)clock_gettime(CLOCK_REALTIME, &wall);
    int64_t now = (int64_t)wall.tv_sec * (1000 * ADB__NS_PER_MS) + wall.tv_nsec;
    int64_t left = deadline - adb__clock_now();
    return left < ADB__NEVER - now ? now + left : ADB__NEVER;
}

#endif

bool adb__parker_init(struct adb__parker *parker)
{
    parker->token = false;
    if (pthread_mutex_init(&parker->lock, NULL) != 0)
        return false;
    if (wake_init(&parker->wake))
        return true;
    (void)pthread_mutex_destroy(&parker->lock);
    return false;
}

void adb__parker_fini(struct adb__parker *parker)
{
    (void)pthread_cond_destroy(&parker->wake);
    (void)pthread_mutex_destroy(&parker->lock);
}

/* 0, or ETIMEDOUT. */
static int parker_wait_locked(struct adb__parker *parker, int64_t deadline)
{
    if (deadline == ADB__NEVER)
        return pthread_cond_wait(&parker->wake, &parker->lock);
    int64_t time = deadline > 0 ? wake_time(deadline) : 0;
    struct timespec until = {.tv_sec = (time_t)(time / (1000 * ADB__NS_PER_MS)),
                             .tv_nsec = (long)(time % (1000 * ADB__NS_PER_MS))};
    return pthread_cond_timedwait(&parker->wake, &parker->lock, &until);
}

bool adb__parker_wait(struct adb__parker *parker, int64_t deadline)
{
    int status = 0;
    pthread_mutex_lock(&parker->lock);
    while (!parker->token && status == 0)
        status = parker_wait_locked(parker, deadline);
    bool woken = parker->token;
    parker->token = false;
    pthread_mutex_unlock(&parker->lock);
    return woken;
}

void adb__parker_wake(struct adb__parker *parker)
{
    pthread_mutex_lock(&parker->lock);
    parker->token = true;
    pthread_mutex_unlock(&parker->lock);
    pthread_cond_signal(&parker->wake); /* after the lock, which the sleeper would run into: a third faster */
}

#endif
