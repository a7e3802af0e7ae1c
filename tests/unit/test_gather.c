/* SPDX-License-Identifier: BSD-3-Clause */
/* How many outcomes are worth waiting for, so that they are taken together. */
#include "tests/lib/harness.h"

#include "queue/gather.h"

/* So many times so many were taken; what is wanted then. */
static unsigned taken(struct adb__gather *gather, unsigned times, unsigned n)
{
    unsigned want = 0;
    for (unsigned i = 0; i < times; i++)
        want = adb__gather_want(gather, gather->taken + n);
    return want;
}

/* What comes one by one, or a few at a time, is waited for by nobody. */
TEST(a_few_are_not_waited_for)
{
    struct adb__gather gather = {0};
    for (unsigned i = 0; i < 1000; i++)
        CU_ASSERT_EQUAL(taken(&gather, 1, ADB__GATHER_LEAST - 1), 0);
}

/* Where several have come, as many are wanted the next time, then one more each time; but not for ever. */
TEST(wants_one_more_each_time)
{
    struct adb__gather gather = {.taken = UINT32_MAX - 100};
    CU_ASSERT_EQUAL(taken(&gather, 1, ADB__GATHER_LEAST), ADB__GATHER_LEAST);
    CU_ASSERT_EQUAL(taken(&gather, 1, ADB__GATHER_LEAST - 1), ADB__GATHER_LEAST);
    CU_ASSERT_EQUAL(taken(&gather, 5, ADB__GATHER_MOST), ADB__GATHER_LEAST + 5);
    CU_ASSERT_EQUAL(taken(&gather, 1000, ADB__GATHER_MOST), ADB__GATHER_MOST);
}

/* When no more have come, half of them will do, for long; then it tries again. */
TEST(half_will_do_when_no_more_come)
{
    struct adb__gather gather = {0};
    taken(&gather, 1000, ADB__GATHER_MOST);
    adb__gather_in_vain(&gather, 50);
    CU_ASSERT_EQUAL(taken(&gather, ADB__GATHER_REST, ADB__GATHER_MOST), 25);
    CU_ASSERT_EQUAL(taken(&gather, 1, ADB__GATHER_MOST), 26);
}

/* Or none, when half of them are few. */
TEST(nothing_when_half_of_them_are_few)
{
    for (unsigned n = 0; n < ADB__GATHER_MOST; n++) {
        struct adb__gather gather = {0};
        taken(&gather, 1000, ADB__GATHER_MOST);
        adb__gather_in_vain(&gather, n);
        CU_ASSERT_EQUAL(taken(&gather, 1, 0), n < 2 * ADB__GATHER_LEAST ? 0 : n / 2);
    }
}

/* One more each time that somebody looks, up to so many. */
struct arrivals {
    uint32_t n;
    uint32_t most;
};

static uint32_t arrive(const void *of)
{
    struct arrivals *arrivals = (struct arrivals *)(uintptr_t)of;
    return arrivals->n < arrivals->most ? ++arrivals->n : arrivals->n;
}

/* It waits for as many as are wanted while they come, and no longer when none comes. */
TEST(waits_while_they_come)
{
    struct adb__gather gather = {0};
    struct arrivals arrivals = {.most = 100};
    adb__gather_wait(&gather, 0, arrive, &arrivals);
    CU_ASSERT_EQUAL(arrivals.n, 0);
    arrivals.n = ADB__GATHER_LEAST;
    adb__gather_wait(&gather, arrivals.n, arrive, &arrivals);
    CU_ASSERT_EQUAL(arrivals.n, 2 * ADB__GATHER_LEAST);
    arrivals.most = arrivals.n + 3;
    adb__gather_wait(&gather, arrivals.n, arrive, &arrivals);
    CU_ASSERT_EQUAL(arrivals.n, arrivals.most);
    CU_ASSERT_EQUAL(gather.want, 0);
}

SUITE(gather, CASE(a_few_are_not_waited_for), CASE(wants_one_more_each_time), CASE(half_will_do_when_no_more_come),
      CASE(nothing_when_half_of_them_are_few), CASE(waits_while_they_come))
