/* SPDX-License-Identifier: BSD-3-Clause */
/* Free numbers 0 … capacity-1: a lock-free stack of indices whose head carries a tag against ABA (R. K. Treiber, IBM
 * RJ 5118, 1986). Taking a number is accepting a job; none left is a full queue. */
#ifndef ADB_QUEUE_SLOTS_H
#define ADB_QUEUE_SLOTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ADB__SLOT_NONE UINT32_MAX

struct adb__slots {
    _Atomic uint64_t head;      /* tag << 32 | index */
    _Atomic uint32_t *next;
    uint32_t capacity;
};

/* capacity: 1 … ADB__SLOT_NONE. False: no memory. */
bool adb__slots_init(struct adb__slots *slots, uint32_t capacity);
void adb__slots_fini(struct adb__slots *slots);
/* The number given back last, else the lowest that was never taken; ADB__SLOT_NONE: none left. What its last holder
 * wrote before giving it back is visible. */
uint32_t adb__slots_take(struct adb__slots *slots);
void adb__slots_give(struct adb__slots *slots, uint32_t index);

#endif
