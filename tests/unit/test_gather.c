/* SPDX-License-Identifier: BSD-3-Clause */
/* How many outcomes are worth waiting for, so that they are taken together. */
#include "tests/lib/harness.h"

#include "queue/gather.h"

/* So many times it waits while so many are on their way, and no more. */
static void come(struct adb__gather *gather, unsigned times, unsigned n_in_flight)
{
    for (unsigned i = 0; i < times; i++) {
        const unsigned want = adb__gather_want(gather);
        adb__gather_learn(gather, want < n_in_flight ? want : n_in_flight);
    }
}

/* Half of those that are on their way are waited for, however many these are; but not for a few, nor for very many. */
TEST(half_of_those_in_flight)
{
    for (unsigned n = 0; n < 1000; n++) {
        struct adb__gather gather = {0};
        come(&gather, 10, n);
        unsigned half = n / 2 < ADB__GATHER_LEAST ? 0 : n / 2;
        CU_ASSERT_EQUAL(adb__gather_want(&gather), half < ADB__GATHER_MOST ? half : ADB__GATHER_MOST);
    }
}

/* Those that are there already need not be waited for, and tell as much. */
TEST(those_that_are_there_tell)
{
    struct adb__gather gather = {0};
    adb__gather_learn(&gather, 1000);
    CU_ASSERT_EQUAL(adb__gather_want(&gather), ADB__GATHER_MOST);
}

/* Once it is known, it is tried again after so many times, and found out if there are more now. */
TEST(tries_again_after_a_rest)
{
    struct adb__gather gather = {0};
    adb__gather_learn(&gather, 3);
    come(&gather, ADB__GATHER_REST - 1, 200);
    CU_ASSERT_EQUAL(adb__gather_want(&gather), 0);
    come(&gather, 1, 200);
    CU_ASSERT_EQUAL(adb__gather_want(&gather), 2 * ADB__GATHER_LEAST);
    come(&gather, 10, 200);
    CU_ASSERT_EQUAL(adb__gather_want(&gather), ADB__GATHER_MOST);
}

/* Where fewer come than are wanted as a rule, it is tried at once: they may only have been held up. */
TEST(tries_at_once_when_fewer_come)
{
    struct adb__gather gather = {0};
    come(&gather, 100, 40);
    CU_ASSERT_EQUAL(adb__gather_want(&gather), 20);
    adb__gather_learn(&gather, 5);
    come(&gather, 10, 40);
    CU_ASSERT_EQUAL(adb__gather_want(&gather), 20);
    adb__gather_learn(&gather, 5);
    come(&gather, 10, 5);
    CU_ASSERT_EQUAL(adb__gather_want(&gather), 0);
}

/* One more each time that somebody looks, up to so many. */
struct arrivals {
    uint32_t n;
    uint32_t most;
};

static uint32_t arrive(const void *of)
{
    struct arrivals *arrivals = (struct arrivals *)(uintptr_t)of;
    return arrivals->n != arrivals->most ? ++arrivals->n : arrivals->n;
}

/* It waits for as many as are wanted while they come, and no longer when none comes; past the end of the numbers too. */
TEST(waits_while_they_come)
{
    const uint32_t begin = UINT32_MAX - ADB__GATHER_LEAST;
    struct adb__gather gather = {0};
    struct arrivals arrivals = {.n = begin, .most = begin + 1000};
    adb__gather_wait(&gather, begin, arrive, &arrivals);
    CU_ASSERT_EQUAL(arrivals.n - begin, 2 * ADB__GATHER_LEAST);
    CU_ASSERT_EQUAL(gather.want, ADB__GATHER_LEAST);
    const uint32_t taken = arrivals.n;
    arrivals.most = taken + 3;
    adb__gather_wait(&gather, taken, arrive, &arrivals);
    CU_ASSERT_EQUAL(arrivals.n, arrivals.most);
    CU_ASSERT_EQUAL(gather.want, 0);
    arrivals.most += 1000;
    adb__gather_wait(&gather, taken, arrive, &arrivals);
    CU_ASSERT_EQUAL(arrivals.n, taken + 3); /* not even looked at */
}

SUITE(gather, CASE(half_of_those_in_flight), CASE(those_that_are_there_tell), CASE(tries_again_after_a_rest),
      CASE(tries_at_once_when_fewer_come), CASE(waits_while_they_come))
