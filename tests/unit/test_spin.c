/* SPDX-License-Identifier: BSD-3-Clause */
/* When it is worth looking for a moment before going to sleep. */
#include "tests/lib/harness.h"

#include "queue/spin.h"

#define NS 1000

/* How many times it is left out before it is tried again. */
static unsigned left_out(struct adb__spin *spin)
{
    unsigned n = 0;
    while (adb__spin_until(spin, NS) == 0)
        n++;
    return n;
}

/* The first time it is tried, for as long as the caller says. */
TEST(begins_by_looking)
{
    struct adb__spin spin = {0};
    const int64_t before = adb__clock_now();
    const int64_t until = adb__spin_until(&spin, NS);
    CU_ASSERT(until >= before + NS && until <= adb__clock_now() + NS);
}

/* Each time in vain it is left out about twice as often, and in the end 63 times of 64. */
TEST(is_left_out_more_and_more_when_in_vain)
{
    struct adb__spin spin = {0};
    const unsigned expected[] = {0, 1, 3, 7, 15, 31, 63, 63, 63};
    for (unsigned i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
        CU_ASSERT_EQUAL(left_out(&spin), expected[i]);
}

/* One time that was not in vain, and it is tried again each time, as long as it pays. */
TEST(is_tried_each_time_while_it_pays)
{
    struct adb__spin spin = {0};
    for (int i = 0; i < 9; i++)
        left_out(&spin);
    adb__spin_paid(&spin);
    for (int i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(left_out(&spin), 0);
        adb__spin_paid(&spin);
    }
    CU_ASSERT_EQUAL(left_out(&spin), 0);
    CU_ASSERT_EQUAL(left_out(&spin), 1);
}

SUITE(spin, CASE(begins_by_looking), CASE(is_left_out_more_and_more_when_in_vain), CASE(is_tried_each_time_while_it_pays))
