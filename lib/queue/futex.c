/* SPDX-License-Identifier: BSD-3-Clause */
/* futex(2), which the C library has no function for. All are private to the process; a child made by fork() has no
 * sleepers of its parent's. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "queue/futex.h"

#if ADB__HAVE_FUTEX

#include "base/clock.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

bool adb__futex_wait(_Atomic uint32_t *word, uint32_t value, int64_t deadline)
{
    const int saved = errno;
    const int64_t time = deadline > 0 ? deadline : 0;
    const struct timespec until = {.tv_sec = (time_t)(time / (1000 * ADB__NS_PER_MS)),
                                   .tv_nsec = (long)(time % (1000 * ADB__NS_PER_MS))};
    /* The one of the two that takes an absolute time, on CLOCK_MONOTONIC. */
    long status = syscall(SYS_futex, word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, value,
                          deadline == ADB__NEVER ? NULL : &until, NULL, FUTEX_BITSET_MATCH_ANY);
    const bool timed_out = status != 0 && errno == ETIMEDOUT;
    errno = saved;
    return !timed_out;
}

void adb__futex_wake(_Atomic uint32_t *word, int n)
{
    const int saved = errno;
    (void)syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, n, NULL, NULL, 0);
    errno = saved;
}

#else

typedef int adb__futex_is_not_here; /* a file of C has a declaration in it */

#endif
