/* SPDX-License-Identifier: BSD-3-Clause */
/* Where lately pushed mail lies, side by side, for who is to take it. A mailbox gives each address only when the line
 * of the mail after it has come from the other processor; with a trail several lines are on their way at once. Nothing
 * hangs on it: an entry may be missing, in the wrong place, or of what is long gone, and then a line comes in vain. So
 * all is relaxed, and those who note at the same moment may undo each other's. */
#ifndef ADB_QUEUE_TRAIL_H
#define ADB_QUEUE_TRAIL_H

#include "base/cacheline.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* So many are kept; a power of two. */
#define ADB__TRAIL_SIZE 64

struct adb__trail {
    _Atomic uint32_t n;                             /* noted so far */
    _Atomic(const char *) places[ADB__TRAIL_SIZE];
};

/* The way back along it, from the newest to the oldest, as a mailbox has them. The taker's. */
struct adb__retrace {
    const struct adb__trail *trail;
    uint32_t left;      /* not asked for */
    uint32_t next;      /* the newest of those */
};

/* Before it is pushed. */
static inline void adb__trail_note(struct adb__trail *trail, const void *place)
{
    const uint32_t n = atomic_load_explicit(&trail->n, memory_order_relaxed);
    atomic_store_explicit(&trail->places[n % ADB__TRAIL_SIZE], (const char *)place, memory_order_relaxed);
    atomic_store_explicit(&trail->n, n + 1, memory_order_relaxed);
}

/* The next; NULL when there is none. */
static inline const char *adb__retrace_next(struct adb__retrace *retrace)
{
    if (retrace->left == 0)
        return NULL;
    retrace->left--;
    return atomic_load_explicit(&retrace->trail->places[retrace->next-- % ADB__TRAIL_SIZE], memory_order_relaxed);
}

/* Have the next come, its first line and its last, to be written to. */
static inline void adb__retrace_fetch(struct adb__retrace *retrace, size_t size)
{
    const char *place = adb__retrace_next(retrace);
    if (place == NULL)
        return;
    adb__cacheline_fetch_own(place);
    adb__cacheline_fetch_own(place + size - 1);
}

/* About so many have been noted so far; it may overflow. */
static inline uint32_t adb__trail_count(const struct adb__trail *trail)
{
    return atomic_load_explicit(&trail->n, memory_order_relaxed);
}

/* From the one before the newest, which the mailbox itself tells, to what had been noted the last time: *seen, 0 at
 * first. So of one at a time nothing is read here, and the lines stay with who notes. */
static inline struct adb__retrace adb__trail_retrace(const struct adb__trail *trail, _Atomic uint32_t *seen)
{
    const uint32_t n = adb__trail_count(trail);
    const uint32_t all = n - atomic_load_explicit(seen, memory_order_relaxed);
    const uint32_t fresh = all < ADB__TRAIL_SIZE ? all : ADB__TRAIL_SIZE;
    atomic_store_explicit(seen, n, memory_order_relaxed);
    return (struct adb__retrace){.trail = trail, .left = fresh > 0 ? fresh - 1 : 0, .next = n - 2};
}

#endif
