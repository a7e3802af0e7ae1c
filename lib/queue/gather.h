/* SPDX-License-Identifier: BSD-3-Clause */
/* Taking several together of what comes quickly, one after the other. Each taking has its price, and takes the line of
 * the inbox from who brings the next. So some are waited for; but never more than half of all that are on their way, so
 * that there is something to do on the other side too. How many are on their way nobody counts. It is found out by
 * trying: now and then twice as many as are wanted are waited for, and when no more come, half of what came is right. */
#ifndef ADB_QUEUE_GATHER_H
#define ADB_QUEUE_GATHER_H

#include "queue/spin.h"

#include <stdint.h>

/* Fewer are not waited for. */
#define ADB__GATHER_LEAST 8

/* Nor are more. They stay what the cache nearest to the processor holds with all that belongs to them. */
#define ADB__GATHER_MOST 24

/* After so many times it tries again. */
#define ADB__GATHER_REST 1024

/* So long who brings them quickly takes for one: 0.6 us. */
#define ADB__GATHER_PAUSES 32

/* One thread's at a time. Zeroed to begin with. */
struct adb__gather {
    unsigned want; /* so many are waited for, 0: it does not pay */
    unsigned rest; /* so many times, until it tries how many come */
};

/* So many are worth waiting for now. */
static inline unsigned adb__gather_want(const struct adb__gather *gather)
{
    const unsigned more = gather->want + ADB__GATHER_LEAST;
    return gather->rest > 0 ? gather->want : 2 * (more < ADB__GATHER_MOST ? more : ADB__GATHER_MOST);
}

/* So many have come while it waited, and no more, if they are fewer than it wanted. When that is what it wants as a
 * rule, fewer are on their way than were, or they were held up. */
static inline void adb__gather_learn(struct adb__gather *gather, unsigned n)
{
    const bool in_vain = n < adb__gather_want(gather);
    if (gather->rest > 0) {
        gather->rest = in_vain ? 0 : gather->rest - 1;
        return;
    }
    gather->want = n / 2 < ADB__GATHER_MOST ? n / 2 : ADB__GATHER_MOST;
    if (gather->want < ADB__GATHER_LEAST)
        gather->want = 0;
    gather->rest = in_vain || gather->want == ADB__GATHER_MOST ? ADB__GATHER_REST : 0;
}

/* Some are there, beyond those that were taken. Wait for as many as are to be taken together, for 30 us at most.
 * count_fn says how many have come in all, which may overflow, and may be wrong at times. */
static inline void adb__gather_wait(struct adb__gather *gather, uint32_t taken, uint32_t (*count_fn)(const void *of),
                                    const void *of)
{
    const unsigned want = adb__gather_want(gather);
    uint32_t n = 0;
    while (n < want) {
        const uint32_t before = n;
        n = count_fn(of) - taken;
        if (n == before)
            break;
        for (unsigned i = 0; i < ADB__GATHER_PAUSES && n < want; i++)
            adb__spin_relax();
    }
    adb__gather_learn(gather, n);
}

#endif
