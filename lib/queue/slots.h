/* SPDX-License-Identifier: BSD-3-Clause */
/* Free numbers 0 … capacity-1: lock-free stacks of indices whose heads carry a tag against ABA (R. K. Treiber, IBM
 * RJ 5118, 1986). Taking a number is accepting a job; none left is a full queue.
 *
 * There are several stacks, so that threads which take and give at the same moment need not write to the same line;
 * each has one that it likes best, and takes from another when that is empty. Where a number is given back, there it
 * is. */
#ifndef ADB_QUEUE_SLOTS_H
#define ADB_QUEUE_SLOTS_H

#include "base/cacheline.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ADB__SLOT_NONE   UINT32_MAX
#define ADB__SLOT_STACKS 16

struct adb__slots_stack {
    _Alignas(ADB__CACHE_LINE) _Atomic uint64_t head; /* tag << 32 | index */
};

struct adb__slots {
    struct adb__slots_stack stacks[ADB__SLOT_STACKS]; /* all is in the first to begin with */
    _Atomic uint32_t *next;     /* of each number, the one below it on its stack */
    uint32_t capacity;
};

/* capacity: 1 … ADB__SLOT_NONE. False: no memory. */
bool adb__slots_init(struct adb__slots *slots, uint32_t capacity);
void adb__slots_fini(struct adb__slots *slots);
/* The number given back last to this stack, else to another; else the lowest that was never taken. ADB__SLOT_NONE:
 * there was a moment when none was left. What its last holder wrote before giving it back is visible. stack: 0 …
 * ADB__SLOT_STACKS-1. */
uint32_t adb__slots_take(struct adb__slots *slots, unsigned stack);
void adb__slots_give(struct adb__slots *slots, unsigned stack, uint32_t index);

#endif
