/* SPDX-License-Identifier: BSD-3-Clause */
/* Looking for a moment before going to sleep, where that has paid lately. What comes within a moment then costs neither
 * the sleep nor the wake-up. Each look in vain doubles the number of times that it is left out, up to 1 in 64, so a
 * program that waits for long costs nothing; one that was not in vain makes it worth trying again. */
#ifndef ADB_QUEUE_SPIN_H
#define ADB_QUEUE_SPIN_H

#include "base/clock.h"

/* One thread's at a time. */
struct adb__spin {
    unsigned skip;          /* times that it is left out before it is tried again */
    unsigned penalty;       /* what that begins with after the next time in vain */
};

#define ADB__SPIN_PENALTY_MAX 63

/* When to stop looking, which is 0 when it is left out. Without adb__spin_paid() after it, it was in vain. */
static inline int64_t adb__spin_until(struct adb__spin *spin, int64_t ns)
{
    if (spin->skip > 0) {
        spin->skip--;
        return 0;
    }
    spin->penalty = spin->penalty < ADB__SPIN_PENALTY_MAX ? 2 * spin->penalty + 1 : ADB__SPIN_PENALTY_MAX;
    spin->skip = spin->penalty;
    return adb__clock_now() + ns;
}

/* It came while we looked. */
static inline void adb__spin_paid(struct adb__spin *spin)
{
    spin->skip = spin->penalty = 0;
}

/* Between two looks: lets the other thread of the core have it. */
static inline void adb__spin_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __asm__ __volatile__("pause");
#elif defined(__aarch64__)
    __asm__ __volatile__("isb");
#endif
}

#endif
