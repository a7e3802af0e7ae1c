/* SPDX-License-Identifier: BSD-3-Clause */
/* Taking several together of what comes quickly, one after the other. Each taking has its price, and takes the line of
 * the inbox from who brings the next. So where several have come at once by themselves, one more is waited for each
 * time, up to a limit. That so many come is known only from trying: if they stop coming, as too few are on their way,
 * a part of those is enough for a long time. */
#ifndef ADB_QUEUE_GATHER_H
#define ADB_QUEUE_GATHER_H

#include "queue/spin.h"

#include <stdint.h>

/* Fewer are not waited for: there would soon be nothing to do on the other side. */
#define ADB__GATHER_LEAST 8

/* Nor are more. They stay what the cache nearest to the processor holds with all that belongs to them. */
#define ADB__GATHER_MOST 64

/* So many times it does not try for more after it did in vain. */
#define ADB__GATHER_REST 1024

/* So long who brings them quickly takes for one: 0.6 us. */
#define ADB__GATHER_PAUSES 32

/* One thread's at a time. Zeroed to begin with. */
struct adb__gather {
    uint32_t taken; /* in all, as the caller counts */
    unsigned want;  /* so many are waited for */
    unsigned rest;  /* so many times it is not tried with more */
};

/* So many are worth waiting for, when so many have been taken in all, which may overflow. */
static inline unsigned adb__gather_want(struct adb__gather *gather, uint32_t taken)
{
    const uint32_t n = taken - gather->taken;
    gather->taken = taken;
    if (gather->rest > 0)
        gather->rest--;
    else if (n >= ADB__GATHER_LEAST && n >= gather->want && gather->want < ADB__GATHER_MOST)
        gather->want = gather->want < ADB__GATHER_LEAST ? ADB__GATHER_LEAST : gather->want + 1;
    return gather->want;
}

/* No more come than these. */
static inline void adb__gather_in_vain(struct adb__gather *gather, unsigned n)
{
    gather->want = n / 2 < ADB__GATHER_LEAST ? 0 : n / 2;
    gather->rest = ADB__GATHER_REST;
}

/* Some are there, beyond those that were taken. Wait for as many as are to be taken together, for 40 us at most.
 * count_fn says how many have come in all, and may be wrong at times. */
static inline void adb__gather_wait(struct adb__gather *gather, uint32_t taken, uint32_t (*count_fn)(const void *of),
                                    const void *of)
{
    const unsigned want = adb__gather_want(gather, taken);
    uint32_t n = 0;
    while (n < want) {
        const uint32_t before = n;
        n = count_fn(of) - taken;
        if (n == before) {
            adb__gather_in_vain(gather, n);
            return;
        }
        for (unsigned i = 0; i < ADB__GATHER_PAUSES && n < want; i++)
            adb__spin_relax();
    }
}

#endif
