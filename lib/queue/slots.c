/* SPDX-License-Identifier: BSD-3-Clause */
/* The stack of free numbers. The tag goes up with every change of the head, so that a take() which was held up between
 * reading next and its exchange fails when the stack has changed, even if the same number is on top again. (Unless it
 * was held up for a multiple of 2^32 changes.) */
#include "queue/slots.h"

#include "base/alloc.h"

#include <assert.h>

#define TAG_ONE (UINT64_C(1) << 32)

/* The head that follows old, with index on top. */
static uint64_t head_after(uint64_t old, uint32_t index)
{
    return ((old + TAG_ONE) & ~(TAG_ONE - 1)) | index;
}

bool adb__slots_init(struct adb__slots *slots, uint32_t capacity)
{
    assert(capacity > 0);
    _Atomic uint32_t *next = adb__alloc_array(capacity, sizeof(*next));
    if (next == NULL)
        return false;
    for (uint32_t i = 0; i < capacity; i++)
        atomic_init(&next[i], i + 1 < capacity ? i + 1 : ADB__SLOT_NONE);
    atomic_init(&slots->head, 0);
    slots->next = next;
    slots->capacity = capacity;
    return true;
}

void adb__slots_fini(struct adb__slots *slots)
{
    adb__free(slots->next);
    slots->next = NULL;
}

uint32_t adb__slots_take(struct adb__slots *slots)
{
    /* acquire, here and on failure below: pairs with the release in adb__slots_give(), which wrote next. */
    uint64_t head = atomic_load_explicit(&slots->head, memory_order_acquire);
    for (;;) {
        uint32_t index = (uint32_t)head;
        if (index == ADB__SLOT_NONE)
            return ADB__SLOT_NONE;
        /* relaxed: the value counts only if the exchange finds the head unchanged. */
        uint32_t next = atomic_load_explicit(&slots->next[index], memory_order_relaxed);
        if (atomic_compare_exchange_weak_explicit(&slots->head, &head, head_after(head, next), memory_order_acquire,
                                                  memory_order_acquire))
            return index;
    }
}

void adb__slots_give(struct adb__slots *slots, uint32_t index)
{
    assert(index < slots->capacity);
    /* relaxed: nothing is read through it. */
    uint64_t head = atomic_load_explicit(&slots->head, memory_order_relaxed);
    do {
        /* relaxed: the release below publishes it. */
        atomic_store_explicit(&slots->next[index], (uint32_t)head, memory_order_relaxed);
        /* release: pairs with the acquire in adb__slots_take(); each change of the head is an exchange, so that also a
         * take() of a later head sees this. */
    } while (!atomic_compare_exchange_weak_explicit(&slots->head, &head, head_after(head, index), memory_order_release,
                                                    memory_order_relaxed));
}
