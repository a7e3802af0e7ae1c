/* SPDX-License-Identifier: BSD-3-Clause */
/* The gate: so many inside, the others in line, and nobody forgotten. */
#include "tests/lib/harness.h"

#include "base/clock.h"
#include "core/gate.h"

#define N (ADB__GATE_WIDTH + 3)

struct crowd {
    struct adb__gate gate;
    struct adb__parker parkers[N];
    struct adb__place places[N];
};

static void crowd_init(struct crowd *crowd)
{
    REQUIRE(adb__gate_init(&crowd->gate));
    for (int i = 0; i < N; i++) {
        REQUIRE(adb__parker_init(&crowd->parkers[i]));
        crowd->places[i].parker = &crowd->parkers[i];
    }
}

static void crowd_fini(struct crowd *crowd)
{
    for (int i = 0; i < N; i++)
        adb__parker_fini(&crowd->parkers[i]);
    adb__gate_fini(&crowd->gate);
}

static void all_enter(struct crowd *crowd)
{
    for (int i = 0; i < N; i++)
        adb__gate_enter(&crowd->gate, &crowd->places[i]);
}

static bool is_inside(struct crowd *crowd, int i)
{
    return adb__gate_is_inside(&crowd->gate, &crowd->places[i]);
}

/* Without waiting: has it been woken? */
static bool was_woken(struct crowd *crowd, int i)
{
    return adb__parker_wait(&crowd->parkers[i], adb__clock_now());
}

/* The first ones get in at once, the others are in line. */
TEST(gate_lets_so_many_in)
{
    struct crowd crowd;
    crowd_init(&crowd);
    all_enter(&crowd);
    for (int i = 0; i < N; i++)
        CU_ASSERT_EQUAL(is_inside(&crowd, i), i < ADB__GATE_WIDTH);
    crowd_fini(&crowd);
}

/* Whoever leaves lets in the one that has waited longest, and wakes it. */
TEST(first_in_line_is_next)
{
    struct crowd crowd;
    crowd_init(&crowd);
    all_enter(&crowd);
    for (int i = 0; i + ADB__GATE_WIDTH < N; i++) {
        CU_ASSERT_FALSE(was_woken(&crowd, i + ADB__GATE_WIDTH));
        adb__gate_leave(&crowd.gate, &crowd.places[i]);
        CU_ASSERT(was_woken(&crowd, i + ADB__GATE_WIDTH));
        CU_ASSERT(is_inside(&crowd, i + ADB__GATE_WIDTH));
        CU_ASSERT_FALSE(is_inside(&crowd, i));
    }
    crowd_fini(&crowd);
}

/* Who leaves the line is not let in, and takes nobody's turn. */
TEST(line_can_be_left)
{
    struct crowd crowd;
    crowd_init(&crowd);
    all_enter(&crowd);
    adb__gate_leave(&crowd.gate, &crowd.places[ADB__GATE_WIDTH]);
    adb__gate_leave(&crowd.gate, &crowd.places[0]);
    CU_ASSERT_FALSE(is_inside(&crowd, ADB__GATE_WIDTH));
    CU_ASSERT(is_inside(&crowd, ADB__GATE_WIDTH + 1));
    CU_ASSERT_FALSE(is_inside(&crowd, ADB__GATE_WIDTH + 2));
    crowd_fini(&crowd);
}

/* Who is let in and does not want it any more passes it on. */
TEST(turn_that_is_not_used_is_passed_on)
{
    struct crowd crowd;
    crowd_init(&crowd);
    all_enter(&crowd);
    for (int i = 0; i < N; i++)
        adb__gate_leave(&crowd.gate, &crowd.places[i]);
    CU_ASSERT_EQUAL(crowd.gate.inside, 0);
    adb__gate_enter(&crowd.gate, &crowd.places[0]);
    CU_ASSERT(is_inside(&crowd, 0));
    crowd_fini(&crowd);
}

SUITE(gate, CASE(gate_lets_so_many_in), CASE(first_in_line_is_next), CASE(line_can_be_left),
      CASE(turn_that_is_not_used_is_passed_on))
