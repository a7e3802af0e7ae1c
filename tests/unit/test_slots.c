/* SPDX-License-Identifier: BSD-3-Clause */
/* Free numbers: the order they are handed out in, and that no two threads ever hold the same. */
#include "tests/lib/fault.h"
#include "tests/lib/harness.h"

#include "queue/slots.h"

#include <pthread.h>

#define ROUNDS   200000
#define CAPACITY 3

static struct adb__slots slots;

/* The first numbers are 0, 1, 2 and so on. */
TEST(numbers_are_handed_out_from_zero)
{
    REQUIRE(adb__slots_init(&slots, 5));
    for (uint32_t i = 0; i < 5; i++)
        CU_ASSERT_EQUAL(adb__slots_take(&slots, 0), i);
    adb__slots_fini(&slots);
}

/* None left is said, as often as one asks, and ends with the first number that comes back. */
TEST(take_on_empty_gives_none)
{
    REQUIRE(adb__slots_init(&slots, 1));
    CU_ASSERT_EQUAL(adb__slots_take(&slots, 0), 0);
    CU_ASSERT_EQUAL(adb__slots_take(&slots, 0), ADB__SLOT_NONE);
    CU_ASSERT_EQUAL(adb__slots_take(&slots, 0), ADB__SLOT_NONE);
    adb__slots_give(&slots, 0, 0);
    CU_ASSERT_EQUAL(adb__slots_take(&slots, 0), 0);
    adb__slots_fini(&slots);
}

/* The number that was given back last is the next to go: its memory is warm. */
TEST(last_given_is_first_taken)
{
    REQUIRE(adb__slots_init(&slots, 3));
    for (uint32_t i = 0; i < 3; i++)
        adb__slots_take(&slots, 0);
    adb__slots_give(&slots, 0, 1);
    adb__slots_give(&slots, 0, 2);
    CU_ASSERT_EQUAL(adb__slots_take(&slots, 0), 2);
    CU_ASSERT_EQUAL(adb__slots_take(&slots, 0), 1);
    CU_ASSERT_EQUAL(adb__slots_take(&slots, 0), ADB__SLOT_NONE);
    adb__slots_fini(&slots);
}

/* The head never looks the same after a take and a give, although the same number is on top. */
TEST(head_changes_when_a_number_comes_back)
{
    REQUIRE(adb__slots_init(&slots, 2));
    uint64_t before = atomic_load(&slots.stacks[0].head);
    adb__slots_give(&slots, 0, adb__slots_take(&slots, 0));
    CU_ASSERT_NOT_EQUAL(atomic_load(&slots.stacks[0].head), before);
    CU_ASSERT_EQUAL((uint32_t)atomic_load(&slots.stacks[0].head), (uint32_t)before);
    adb__slots_fini(&slots);
}

/* What is given back lies on the stack it was given to; who finds its own empty takes from the others. */
TEST(a_number_is_found_on_whichever_stack_it_lies)
{
    REQUIRE(adb__slots_init(&slots, 2));
    CU_ASSERT_EQUAL(adb__slots_take(&slots, 3), 0);
    CU_ASSERT_EQUAL(adb__slots_take(&slots, ADB__SLOT_STACKS - 1), 1);
    CU_ASSERT_EQUAL(adb__slots_take(&slots, 3), ADB__SLOT_NONE);
    adb__slots_give(&slots, 3, 0);
    adb__slots_give(&slots, 5, 1);
    CU_ASSERT_EQUAL(adb__slots_take(&slots, 5), 1);
    CU_ASSERT_EQUAL(adb__slots_take(&slots, 5), 0);
    adb__slots_fini(&slots);
}

/* No memory: init says so, and nothing leaks. */
TEST(init_without_memory_fails)
{
    fault_watch();
    size_t before = fault_live_blocks();
    FAULT_EACH (n) {
        fault_arm(n);
        bool ok = adb__slots_init(&slots, 16);
        FAULT_DONE();
        CU_ASSERT_EQUAL(ok, n > 0);
        if (ok)
            adb__slots_fini(&slots);
        CU_ASSERT_EQUAL(fault_live_blocks(), before);
    }
}

static unsigned holders[CAPACITY]; /* plain on purpose: giving must publish it to whoever takes next */
static _Atomic unsigned broken, refused;

static void *take_and_give(void *arg)
{
    const unsigned stack = (unsigned)(uintptr_t)arg;
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint32_t index = adb__slots_take(&slots, stack);
        if (index == ADB__SLOT_NONE) {
            atomic_fetch_add(&refused, 1);
            continue;
        }
        if (index >= CAPACITY || ++holders[index] != 1) {
            atomic_fetch_add(&broken, 1);
            return NULL;
        }
        holders[index]--;
        adb__slots_give(&slots, (stack + i) % ADB__SLOT_STACKS, index);
    }
    return NULL;
}

/* So many threads, each with a stack of its own; then all numbers are back. */
static void take_and_give_with(uintptr_t n_threads)
{
    pthread_t threads[CAPACITY + 1];
    REQUIRE(adb__slots_init(&slots, CAPACITY));
    atomic_store(&refused, 0);
    for (uintptr_t i = 0; i < n_threads; i++)
        REQUIRE(pthread_create(&threads[i], NULL, take_and_give, (void *)i) == 0);
    for (uintptr_t i = 0; i < n_threads; i++)
        pthread_join(threads[i], NULL);
    CU_ASSERT_EQUAL(atomic_load(&broken), 0);
    for (int i = 0; i < CAPACITY; i++)
        CU_ASSERT_NOT_EQUAL(adb__slots_take(&slots, 0), ADB__SLOT_NONE);
    CU_ASSERT_EQUAL(adb__slots_take(&slots, 0), ADB__SLOT_NONE);
    adb__slots_fini(&slots);
}

/* With more threads than numbers, which take and give all the time, a number has one holder, and none gets lost. */
TEST(a_number_has_one_holder_at_a_time)
{
    take_and_give_with(CAPACITY + 1);
}

/* Where there is a number for each, nobody is told that none is left, however they go from stack to stack. */
TEST(nobody_is_refused_a_number_that_is_there)
{
    take_and_give_with(CAPACITY);
    CU_ASSERT_EQUAL(atomic_load(&refused), 0);
}

SUITE(slots, CASE(numbers_are_handed_out_from_zero), CASE(take_on_empty_gives_none), CASE(last_given_is_first_taken),
      CASE(head_changes_when_a_number_comes_back), CASE(a_number_is_found_on_whichever_stack_it_lies),
      CASE(init_without_memory_fails), CASE(a_number_has_one_holder_at_a_time),
      CASE(nobody_is_refused_a_number_that_is_there))
