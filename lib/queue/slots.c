/* SPDX-License-Identifier: BSD-3-Clause */
/* The stacks of free numbers. The tag goes up with every change of a head, so that a take() which was held up between
 * reading next and its exchange fails when the stack has changed, even if the same number is on top again. (Unless it
 * was held up for a multiple of 2^32 changes.) tests/models/slots.pml is the same in Promela. */
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
    for (unsigned i = 0; i < ADB__SLOT_STACKS; i++)
        atomic_init(&slots->stacks[i].head, i == 0 ? 0 : ADB__SLOT_NONE);
    slots->next = next;
    slots->capacity = capacity;
    return true;
}

void adb__slots_fini(struct adb__slots *slots)
{
    adb__free(slots->next);
    slots->next = NULL;
}

/* ADB__SLOT_NONE: it is empty, and *head_out what says so. */
static uint32_t stack_take(struct adb__slots *slots, unsigned stack, uint64_t *head_out)
{
    _Atomic uint64_t *word = &slots->stacks[stack].head;
    /* acquire, here and on failure below: pairs with the release in adb__slots_give(), which wrote next. */
    uint64_t head = atomic_load_explicit(word, memory_order_acquire);
    for (;;) {
        uint32_t index = (uint32_t)head;
        if (index == ADB__SLOT_NONE) {
            *head_out = head;
            return ADB__SLOT_NONE;
        }
        /* relaxed: the value counts only if the exchange finds the head unchanged. */
        uint32_t next = atomic_load_explicit(&slots->next[index], memory_order_relaxed);
        /* release, too: who sees this stack empty sees the numbers that its taker has given to another before. */
        if (atomic_compare_exchange_weak_explicit(word, &head, head_after(head, next), memory_order_acq_rel,
                                                  memory_order_acquire))
            return index;
    }
}

/* This stack is empty. The others are looked at one after the other, and a number may go from one that is still to be
 * looked at to one that has been. If none of them has changed since, all were empty at once. */
static uint32_t take_elsewhere(struct adb__slots *slots, unsigned stack, uint64_t head)
{
    uint64_t heads[ADB__SLOT_STACKS];
    bool changed;
    heads[stack] = head;
    do {
        changed = false;
        for (unsigned i = 1; i < ADB__SLOT_STACKS; i++) {
            const unsigned other = (stack + i) % ADB__SLOT_STACKS;
            const uint32_t index = stack_take(slots, other, &heads[other]);
            if (index != ADB__SLOT_NONE)
                return index;
        }
        for (unsigned i = 0; i < ADB__SLOT_STACKS; i++) {
            /* acquire: as in stack_take() */
            const uint64_t now = atomic_load_explicit(&slots->stacks[i].head, memory_order_acquire);
            changed = changed || now != heads[i];
        }
        if (changed) {
            const uint32_t index = stack_take(slots, stack, &heads[stack]);
            if (index != ADB__SLOT_NONE)
                return index;
        }
    } while (changed);
    return ADB__SLOT_NONE;
}

uint32_t adb__slots_take(struct adb__slots *slots, unsigned stack)
{
    uint64_t head;
    assert(stack < ADB__SLOT_STACKS);
    const uint32_t index = stack_take(slots, stack, &head);
    return index != ADB__SLOT_NONE ? index : take_elsewhere(slots, stack, head);
}

void adb__slots_give(struct adb__slots *slots, unsigned stack, uint32_t index)
{
    assert(stack < ADB__SLOT_STACKS && index < slots->capacity);
    _Atomic uint64_t *word = &slots->stacks[stack].head;
    /* relaxed: nothing is read through it. */
    uint64_t head = atomic_load_explicit(word, memory_order_relaxed);
    do {
        /* relaxed: the release below publishes it. */
        atomic_store_explicit(&slots->next[index], (uint32_t)head, memory_order_relaxed);
        /* release: pairs with the acquire in stack_take(); each change of the head is an exchange, so that also a
         * take() of a later head sees this. */
    } while (!atomic_compare_exchange_weak_explicit(word, &head, head_after(head, index), memory_order_release,
                                                    memory_order_relaxed));
}
