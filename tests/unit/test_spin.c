/* SPDX-License-Identifier: BSD-3-Clause */
/* When it is worth looking for a moment before going to sleep, and for how long. */
#include "tests/lib/harness.h"

#include "queue/spin.h"

#define MS INT64_C(1000000)

static const struct adb__spin_limits common = {.ns = 1 * MS, .again_ns = 500 * MS, .skip_most = 63};

#define NOW (1000 * MS)

/* How many times it is left out before it is tried again; and for how long then. */
static unsigned left_out(struct adb__spin *spin, int64_t *ns_out)
{
    unsigned n = 0;
    int64_t until = adb__spin_until(spin, &common, NOW, true);
    for (; until == 0; n++)
        until = adb__spin_until(spin, &common, NOW, true);
    *ns_out = until - NOW;
    return n;
}

static unsigned n_left_out(struct adb__spin *spin)
{
    int64_t ns;
    return left_out(spin, &ns);
}

static void paid_soon(struct adb__spin *spin)
{
    adb__spin_paid(spin, spin->soon);
}

static void paid_late(struct adb__spin *spin)
{
    adb__spin_paid(spin, spin->soon + 1);
}

/* The first time it is tried, for as long as the caller says. */
TEST(begins_by_looking)
{
    struct adb__spin spin = {0};
    int64_t ns;
    CU_ASSERT_EQUAL(left_out(&spin, &ns), 0);
    CU_ASSERT_EQUAL(ns, common.ns);
}

/* Each time in vain it is left out about twice as often, and in the end 63 times of 64, or whatever the caller says. */
TEST(is_left_out_more_and_more_when_in_vain)
{
    struct adb__spin spin = {0}, eager = {0};
    const struct adb__spin_limits little = {.ns = MS, .again_ns = MS, .skip_most = 3};
    const unsigned expected[] = {0, 1, 3, 7, 15, 31, 63, 63, 63};
    for (unsigned i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
        CU_ASSERT_EQUAL(n_left_out(&spin), expected[i]);
    for (unsigned i = 0; i < 9; i++) {
        unsigned n = 0;
        while (adb__spin_until(&eager, &little, NOW, true) == 0)
            n++;
        CU_ASSERT_EQUAL(n, expected[i] < 3 ? expected[i] : 3);
    }
}

/* One time that was not in vain, and it is tried again each time, as long as it pays. */
TEST(is_tried_each_time_while_it_pays)
{
    struct adb__spin spin = {0};
    for (int i = 0; i < 9; i++)
        n_left_out(&spin);
    paid_soon(&spin);
    for (int i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(n_left_out(&spin), 0);
        paid_soon(&spin);
    }
    CU_ASSERT_EQUAL(n_left_out(&spin), 0);
    CU_ASSERT_EQUAL(n_left_out(&spin), 1);
}

/* When it is tried again after it was left out it lasts longer; and for as long as ever once that has paid. */
TEST(lasts_longer_when_tried_again)
{
    struct adb__spin spin = {0};
    int64_t ns;
    n_left_out(&spin);
    CU_ASSERT_EQUAL(left_out(&spin, &ns), 1);
    CU_ASSERT_EQUAL(ns, common.again_ns);
    paid_soon(&spin);
    CU_ASSERT_EQUAL(left_out(&spin, &ns), 0);
    CU_ASSERT_EQUAL(ns, common.ns);
}

/* But not for who asks only now and then. */
TEST(lasts_no_longer_when_asked_seldom)
{
    struct adb__spin spin = {0};
    n_left_out(&spin);
    CU_ASSERT_EQUAL(n_left_out(&spin), 1);
    spin.skip = 0;
    spin.asked_at = NOW - ADB__SPIN_OFTEN_NS;
    CU_ASSERT_EQUAL(adb__spin_until(&spin, &common, NOW, true), NOW + common.ns);
    spin.skip = 0;
    spin.asked_at = NOW - ADB__SPIN_OFTEN_NS + 1;
    CU_ASSERT_EQUAL(adb__spin_until(&spin, &common, NOW, true), NOW + common.again_ns);
}

/* What comes late makes it worth more looks as long, a number of them. If it is late each time, and in vain or late
 * once more, nothing was won: it is left out more often than before. */
TEST(gets_more_looks_when_late)
{
    struct adb__spin spin = {0};
    int64_t ns;
    n_left_out(&spin);
    CU_ASSERT_EQUAL(n_left_out(&spin), 1);
    CU_ASSERT_EQUAL(left_out(&spin, &ns), 3);
    for (unsigned i = 1; i < ADB__SPIN_LATE_MOST; i++) {
        CU_ASSERT_EQUAL(ns, common.again_ns);
        paid_late(&spin);
        CU_ASSERT_EQUAL(left_out(&spin, &ns), 0);
    }
    paid_late(&spin);
    CU_ASSERT_EQUAL(left_out(&spin, &ns), 0);
    CU_ASSERT_EQUAL(ns, common.ns);
    CU_ASSERT_EQUAL(left_out(&spin, &ns), 63);
    CU_ASSERT_EQUAL(ns, common.again_ns); /* from the beginning */
    paid_late(&spin);
    CU_ASSERT_EQUAL(n_left_out(&spin), 0);
    paid_soon(&spin); /* the other one had to wake up, no more */
    CU_ASSERT_EQUAL(n_left_out(&spin), 0);
    CU_ASSERT_EQUAL(n_left_out(&spin), 1);
}

/* What has come soon for long is worth more patience, once: it is held up. */
TEST(lasts_longer_when_it_has_paid_for_long)
{
    struct adb__spin spin = {0};
    int64_t ns;
    for (unsigned i = 0; i < ADB__SPIN_SOON; i++) {
        CU_ASSERT_EQUAL(left_out(&spin, &ns), 0);
        CU_ASSERT_EQUAL(ns, common.ns);
        paid_soon(&spin);
    }
    CU_ASSERT_EQUAL(left_out(&spin, &ns), 0);
    CU_ASSERT_EQUAL(ns, common.again_ns);
    paid_soon(&spin);
    CU_ASSERT_EQUAL(left_out(&spin, &ns), 0);
    CU_ASSERT_EQUAL(ns, common.again_ns); /* and this is in vain */
    CU_ASSERT_EQUAL(left_out(&spin, &ns), 1);
    paid_soon(&spin);
    CU_ASSERT_EQUAL(left_out(&spin, &ns), 0);
    CU_ASSERT_EQUAL(ns, common.ns);
}

/* The first looks follow close on each other. Then the processor is offered to others: between all looks while somebody
 * takes it, and else not for a while. */
TEST(offers_the_processor_after_some_looks)
{
    struct adb__spin spin = {0};
    n_left_out(&spin);
    const int64_t soon = spin.soon;
    int64_t now = adb__clock_now();
    for (unsigned i = 0; i < ADB__SPIN_CLOSE; i++)
        now = adb__spin_pause(&spin, now);
    CU_ASSERT(!spin.crowded && spin.alone_until == 0);
    adb__spin_pause(&spin, now);
    const bool alone = spin.alone_until != 0;
    CU_ASSERT_EQUAL(alone + spin.crowded + (spin.keeps > 0), 1);
    CU_ASSERT(alone == (spin.soon == soon));
}

/* Nobody wants it: not for a while. Somebody does, and gives it back soon: at once, and that time does not count.
 * Somebody has it for long: not for many times. */
TEST(learns_who_takes_the_processor)
{
    struct adb__spin spin = {0};
    n_left_out(&spin);
    const int64_t soon = spin.soon;
    adb__spin_offered(&spin, 0, ADB__SPIN_CALL_NS);
    CU_ASSERT(!spin.crowded && spin.soon == soon);
    CU_ASSERT_EQUAL(spin.alone_until, ADB__SPIN_CALL_NS + ADB__SPIN_ALONE_NS);
    adb__spin_offered(&spin, 0, ADB__SPIN_CALL_NS + 1);
    CU_ASSERT(spin.crowded);
    CU_ASSERT_EQUAL(spin.soon, soon + ADB__SPIN_CALL_NS + 1);
    n_left_out(&spin);
    CU_ASSERT_EQUAL(spin.alone_until, 0);
    adb__spin_offered(&spin, 0, ADB__SPIN_LONG_NS);
    CU_ASSERT(!spin.crowded);
    unsigned n = 0;
    for (; n < 2 * ADB__SPIN_LONG && spin.keeps > 0; n++)
        adb__spin_until(&spin, &common, NOW, true);
    CU_ASSERT_EQUAL(n, ADB__SPIN_LONG);
}

/* What others had of the processor was not spent looking, but for the call; unless they had it for long. */
TEST(time_of_others_is_given_back)
{
    struct adb__spin spin = {0};
    n_left_out(&spin);
    adb__spin_offered(&spin, 0, ADB__SPIN_CALL_NS);
    CU_ASSERT_EQUAL(spin.given, 0);
    adb__spin_offered(&spin, 0, ADB__SPIN_CALL_NS + 1);
    adb__spin_offered(&spin, 0, ADB__SPIN_GIVEN_NS - 1);
    CU_ASSERT_EQUAL(spin.given, ADB__SPIN_CALL_NS + ADB__SPIN_GIVEN_NS - 2 * ADB__SPIN_OWN_NS);
    adb__spin_offered(&spin, 0, ADB__SPIN_GIVEN_NS);
    CU_ASSERT_EQUAL(spin.given, ADB__SPIN_CALL_NS + ADB__SPIN_GIVEN_NS - 2 * ADB__SPIN_OWN_NS);
    n_left_out(&spin);
    CU_ASSERT_EQUAL(spin.given, 0);
}

SUITE(spin, CASE(begins_by_looking), CASE(is_left_out_more_and_more_when_in_vain),
      CASE(is_tried_each_time_while_it_pays), CASE(lasts_longer_when_tried_again), CASE(lasts_no_longer_when_asked_seldom),
      CASE(gets_more_looks_when_late), CASE(lasts_longer_when_it_has_paid_for_long),
      CASE(offers_the_processor_after_some_looks), CASE(learns_who_takes_the_processor),
      CASE(time_of_others_is_given_back))
