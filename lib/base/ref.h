/* SPDX-License-Identifier: BSD-3-Clause */
/* Atomic reference count, and counters that only statistics read. */
#ifndef ADB_BASE_REF_H
#define ADB_BASE_REF_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct adb__ref {
    atomic_uint count;
};

static inline void adb__ref_init(struct adb__ref *ref, unsigned count)
{
    atomic_init(&ref->count, count);
}

/* Relaxed: whoever takes a reference already holds one, so nothing is published by it. */
static inline void adb__ref_take(struct adb__ref *ref)
{
    atomic_fetch_add_explicit(&ref->count, 1, memory_order_relaxed);
}

/* Is there no other reference? Only a holder may ask: then nobody can take one meanwhile.
 * Acquire pairs with the release of those that were dropped. */
static inline bool adb__ref_is_only(const struct adb__ref *ref)
{
    return atomic_load_explicit(&ref->count, memory_order_acquire) == 1;
}

/* True when this was the last reference: the caller now owns the object alone. The last one need not be counted down: a
 * look is a twentieth of the price.
 * Release on the way down pairs with the acquire of whoever comes last. */
static inline bool adb__ref_drop(struct adb__ref *ref)
{
    return adb__ref_is_only(ref) || atomic_fetch_sub_explicit(&ref->count, 1, memory_order_acq_rel) == 1;
}

/* The same for several at once. */
static inline bool adb__ref_drop_some(struct adb__ref *ref, unsigned count)
{
    return atomic_fetch_sub_explicit(&ref->count, count, memory_order_acq_rel) == count;
}

/* A number that many threads add to and that orders nothing. */
struct adb__counter {
    _Atomic int64_t value;
};

static inline void adb__counter_add(struct adb__counter *counter, int64_t amount)
{
    atomic_fetch_add_explicit(&counter->value, amount, memory_order_relaxed);
}

/* The same for a counter that only this thread writes, so that it takes no turns with anybody. */
static inline void adb__counter_add_own(struct adb__counter *counter, int64_t amount)
{
    const int64_t value = atomic_load_explicit(&counter->value, memory_order_relaxed);
    atomic_store_explicit(&counter->value, value + amount, memory_order_relaxed);
}

/* The same as adb__counter_add(), and the new value; sequentially consistent, for the few counters that a decision
 * hangs on. */
static inline int64_t adb__counter_add_get(struct adb__counter *counter, int64_t amount)
{
    return atomic_fetch_add_explicit(&counter->value, amount, memory_order_seq_cst) + amount;
}

static inline void adb__counter_set(struct adb__counter *counter, int64_t value)
{
    atomic_store_explicit(&counter->value, value, memory_order_relaxed);
}

static inline int64_t adb__counter_get(const struct adb__counter *counter)
{
    return atomic_load_explicit(&counter->value, memory_order_relaxed);
}

#endif
