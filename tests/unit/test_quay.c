/* SPDX-License-Identifier: BSD-3-Clause */
/* The quay: a few are at sea, the lanes of others wait, and whoever comes back takes all of them along. */
#include "core/quay.h"
#include "tests/lib/harness.h"

/* Stands for a lane, which the quay never looks into. */
static struct adb__lane *lane(size_t n)
{
    static char lanes[ADB__QUAY_MAX + 16];
    return (struct adb__lane *)(void *)&lanes[n];
}

static void fill(struct adb__quay *quay)
{
    REQUIRE(adb__quay_init(quay));
    for (size_t i = 0; i < adb__quay_places(); i++)
        CU_ASSERT_TRUE(adb__quay_enter(quay, lane(0)));
}

/* There are so many places, and the next lane stays. */
TEST(lanes_wait_when_enough_are_at_sea)
{
    struct adb__quay quay;
    fill(&quay);
    CU_ASSERT_FALSE(adb__quay_enter(&quay, lane(1)));
    CU_ASSERT_EQUAL(adb__quay_at_sea(&quay), adb__quay_places());
    adb__quay_fini(&quay);
}

/* All that wait are taken along, in their order, and the place is kept; with nobody it is given back. */
TEST(who_comes_back_takes_all_that_wait)
{
    struct adb__quay quay;
    struct adb__lane *lanes[ADB__QUAY_MAX];
    fill(&quay);
    for (size_t i = 1; i <= 3; i++)
        CU_ASSERT_FALSE(adb__quay_enter(&quay, lane(i)));
    CU_ASSERT_EQUAL(adb__quay_return(&quay, lanes), 3);
    for (size_t i = 0; i < 3; i++)
        CU_ASSERT_PTR_EQUAL(lanes[i], lane(i + 1));
    CU_ASSERT_EQUAL(adb__quay_at_sea(&quay), adb__quay_places());
    CU_ASSERT_EQUAL(adb__quay_return(&quay, lanes), 0);
    CU_ASSERT_EQUAL(adb__quay_at_sea(&quay), adb__quay_places() - 1);
    CU_ASSERT_TRUE(adb__quay_enter(&quay, lane(4)));
    adb__quay_fini(&quay);
}

/* Nobody waits for one that is lost. */
TEST(who_quits_leaves_nobody_behind)
{
    struct adb__quay quay;
    struct adb__lane *lanes[ADB__QUAY_MAX];
    fill(&quay);
    CU_ASSERT_FALSE(adb__quay_enter(&quay, lane(1)));
    CU_ASSERT_EQUAL(adb__quay_quit(&quay, lanes), 1);
    CU_ASSERT_EQUAL(adb__quay_at_sea(&quay), adb__quay_places() - 1);
    CU_ASSERT_TRUE(adb__quay_enter(&quay, lane(1)));
    adb__quay_fini(&quay);
}

/* A convoy takes no more: one more goes to sea. */
TEST(a_full_quay_lets_one_more_go)
{
    struct adb__quay quay;
    fill(&quay);
    for (size_t i = 0; i < ADB__QUAY_MAX; i++)
        CU_ASSERT_FALSE(adb__quay_enter(&quay, lane(i)));
    CU_ASSERT_TRUE(adb__quay_enter(&quay, lane(ADB__QUAY_MAX)));
    CU_ASSERT_EQUAL(adb__quay_at_sea(&quay), adb__quay_places() + 1);
    adb__quay_fini(&quay);
}

SUITE(quay, CASE(lanes_wait_when_enough_are_at_sea), CASE(who_comes_back_takes_all_that_wait),
      CASE(who_quits_leaves_nobody_behind), CASE(a_full_quay_lets_one_more_go))
