/* SPDX-License-Identifier: BSD-3-Clause */
/* The snapshots that selects share are numbered, in the order in which they are begun, all those of a database from 1.
 * Who looks how many there are knows that each with a higher number is younger than all that it can have seen: it was
 * numbered after the look, and taken after that. tests/models/share.pml checks it. */
#ifndef ADB_QUEUE_SNAPSHOTS_H
#define ADB_QUEUE_SNAPSHOTS_H

#include "base/cacheline.h"

#include <stdatomic.h>
#include <stdint.h>

/* On a line of its own, which each submission of a select reads. */
struct adb__snapshots {
    _Alignas(ADB__CACHE_LINE) _Atomic uint64_t n;
};

/* So many have been begun. seq_cst: pairs with adb__snapshots_next(). A commit that the caller knows of comes before its
 * look, and if the look does not count a snapshot, before that one is taken. */
static inline uint64_t adb__snapshots_begun(const struct adb__snapshots *snapshots)
{
    return atomic_load_explicit(&snapshots->n, memory_order_seq_cst);
}

/* The number of one that the caller takes next. */
static inline uint64_t adb__snapshots_next(struct adb__snapshots *snapshots)
{
    return atomic_fetch_add_explicit(&snapshots->n, 1, memory_order_seq_cst) + 1;
}

#endif
