/* SPDX-License-Identifier: BSD-3-Clause */
/* What one thread can see of the ready queue; tests/stress/stress_ready.c has the others. */
#include "tests/lib/fault.h"
#include "tests/lib/harness.h"

#include "queue/ready.h"

static struct adb__ready ready;

static void expect_pop(uint32_t expected)
{
    uint32_t index = UINT32_MAX;
    CU_ASSERT(adb__ready_pop(&ready, &index));
    CU_ASSERT_EQUAL(index, expected);
}

static void expect_empty(void)
{
    uint32_t index = 4711;
    CU_ASSERT(!adb__ready_pop(&ready, &index));
    CU_ASSERT_EQUAL(index, 4711);
}

/* A new queue has nothing, however often it is asked. */
TEST(pop_on_new_queue_is_empty)
{
    REQUIRE(adb__ready_init(&ready, 4));
    for (int i = 0; i < 100; i++)
        expect_empty();
    CU_ASSERT(!adb__ready_waiting(&ready));
    adb__ready_fini(&ready);
}

/* First in, first out. */
TEST(pops_in_the_order_of_pushes)
{
    REQUIRE(adb__ready_init(&ready, 4));
    adb__ready_push(&ready, 2);
    adb__ready_push(&ready, 0);
    adb__ready_push(&ready, 3);
    expect_pop(2);
    expect_pop(0);
    adb__ready_push(&ready, 1);
    expect_pop(3);
    expect_pop(1);
    expect_empty();
    adb__ready_fini(&ready);
}

/* Every index may be inside at once, for any capacity, lap after lap round the ring. */
TEST(holds_every_index_at_once)
{
    const uint32_t capacities[] = {1, 2, 3, 100, 512, 1000, 5000};
    for (size_t c = 0; c < sizeof(capacities) / sizeof(capacities[0]); c++) {
        const uint32_t capacity = capacities[c];
        REQUIRE(adb__ready_init(&ready, capacity));
        for (uint32_t lap = 0; lap < 10000 / capacity; lap++) {
            for (uint32_t i = 0; i < capacity; i++)
                adb__ready_push(&ready, (i + lap) % capacity);
            for (uint32_t i = 0; i < capacity; i++)
                expect_pop((i + lap) % capacity);
            expect_empty();
        }
        adb__ready_fini(&ready);
    }
}

/* However small the queue, as many threads may pop as there are workers: so the ring is not small. */
TEST(small_queue_suffices_for_many_threads)
{
    REQUIRE(adb__ready_init(&ready, 1));
    CU_ASSERT((UINT64_C(1) << ready.order) >= 2 * ADB__READY_THREADS);
    adb__ready_fini(&ready);
}

/* Pops that found nothing spoil places for the pushes to come, which then look further. */
TEST(push_after_many_empty_pops_is_found)
{
    REQUIRE(adb__ready_init(&ready, 2));
    for (uint32_t i = 0; i < 1000; i++) {
        adb__ready_push(&ready, i % 2);
        expect_pop(i % 2);
        for (uint32_t n = 0; n < i % 7; n++)
            expect_empty();
    }
    adb__ready_fini(&ready);
}

/* The glance agrees with what a pop would find, as long as nothing moves. */
TEST(waiting_tells_of_what_was_pushed)
{
    REQUIRE(adb__ready_init(&ready, 4));
    CU_ASSERT(!adb__ready_waiting(&ready));
    adb__ready_push(&ready, 1);
    CU_ASSERT(adb__ready_waiting(&ready));
    expect_pop(1);
    CU_ASSERT(!adb__ready_waiting(&ready));
    adb__ready_fini(&ready);
}

/* All are known once few of those that were seen are left. */
TEST(what_waits_is_known)
{
    REQUIRE(adb__ready_init(&ready, 16));
    CU_ASSERT_EQUAL(adb__ready_known(&ready), 0);
    for (uint32_t i = 0; i < 12; i++)
        adb__ready_push(&ready, i);
    CU_ASSERT_EQUAL(adb__ready_known(&ready), 12);
    for (uint32_t i = 12; i < 16; i++)
        adb__ready_push(&ready, i);
    CU_ASSERT_EQUAL(adb__ready_known(&ready), 12); /* as it was seen */
    for (uint32_t i = 0; i < 16; i++) {
        CU_ASSERT(adb__ready_known(&ready) <= 16 - i);
        expect_pop(i);
    }
    CU_ASSERT_EQUAL(adb__ready_known(&ready), 0);
    adb__ready_fini(&ready);
}

/* What was pushed before the tail was read is out once the head is there, and not earlier. */
TEST(head_reaches_tail_when_all_is_popped)
{
    REQUIRE(adb__ready_init(&ready, 8));
    for (uint32_t i = 0; i < 5; i++)
        adb__ready_push(&ready, i);
    uint64_t tail = adb__ready_tail(&ready);
    adb__ready_push(&ready, 5);
    for (uint32_t i = 0; i < 5; i++) {
        CU_ASSERT(adb__ready_head(&ready) < tail);
        expect_pop(i);
    }
    CU_ASSERT(adb__ready_head(&ready) >= tail);
    expect_pop(5);
    adb__ready_fini(&ready);
}

/* No memory: init says so, and nothing leaks. */
TEST(init_without_memory_fails)
{
    fault_watch();
    size_t before = fault_live_blocks();
    FAULT_EACH(n)
    {
        fault_arm(n);
        bool ok = adb__ready_init(&ready, 16);
        FAULT_DONE();
        CU_ASSERT_EQUAL(ok, n > 0);
        if (ok)
            adb__ready_fini(&ready);
        CU_ASSERT_EQUAL(fault_live_blocks(), before);
    }
}

SUITE(ready, CASE(pop_on_new_queue_is_empty), CASE(pops_in_the_order_of_pushes), CASE(holds_every_index_at_once),
      CASE(small_queue_suffices_for_many_threads), CASE(push_after_many_empty_pops_is_found),
      CASE(waiting_tells_of_what_was_pushed), CASE(what_waits_is_known),
      CASE(head_reaches_tail_when_all_is_popped), CASE(init_without_memory_fails))
