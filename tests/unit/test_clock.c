/* SPDX-License-Identifier: BSD-3-Clause */
/* Clock: deadlines are arithmetic, and are tested as such. */
#include "base/clock.h"
#include "base/machine.h"

#include "tests/lib/harness.h"

#include <limits.h>
#include <time.h>

/* Time does not go back. */
TEST(now_never_goes_back)
{
    int64_t before = adb__clock_now();
    for (int i = 0; i < 1000; i++) {
        const int64_t now = adb__clock_now();
        CU_ASSERT_FATAL(now >= before);
        before = now;
    }
}

/* The tick comes on, behind the time and never far. */
TEST(tick_follows_the_time)
{
    const int64_t begun = adb__clock_now();
    int64_t before = adb__clock_tick();
    CU_ASSERT_FATAL(before > 0 && before <= adb__clock_now());
    for (int64_t tick = before; tick <= begun; before = tick) {
        tick = adb__clock_tick();
        CU_ASSERT_FATAL(tick >= before && tick <= adb__clock_now());
    }
    CU_ASSERT(before > begun);
}

/* A timeout is added in milliseconds; a negative one does not pass. */
TEST(deadline_is_now_and_the_timeout)
{
    CU_ASSERT_EQUAL(adb__deadline_in(1000, 5), 1000 + 5 * ADB__NS_PER_MS);
    CU_ASSERT_EQUAL(adb__deadline_in(1000, 0), 1000);
    CU_ASSERT_EQUAL(adb__deadline_in(1000, -1), ADB__NEVER);
    CU_ASSERT_EQUAL(adb__deadline_in(0, INT_MAX), INT_MAX * ADB__NS_PER_MS);
}

/* A deadline beyond the end of time is the end of time. */
TEST(deadline_saturates)
{
    CU_ASSERT_EQUAL(adb__deadline_in(INT64_MAX - 10, 1), ADB__NEVER);
    CU_ASSERT_EQUAL(adb__deadline_in(INT64_MAX - ADB__NS_PER_MS, 1), ADB__NEVER);
}

/* The rest is rounded up, so that who sleeps so long does not wake too early. */
TEST(time_left_is_rounded_up)
{
    CU_ASSERT_EQUAL(adb__deadline_left_ms(ADB__NS_PER_MS, 0), 1);
    CU_ASSERT_EQUAL(adb__deadline_left_ms(ADB__NS_PER_MS + 1, 0), 2);
    CU_ASSERT_EQUAL(adb__deadline_left_ms(1, 0), 1);
}

/* A deadline that passed has nothing left; one that never passes says so. */
TEST(time_left_at_the_edges)
{
    CU_ASSERT_EQUAL(adb__deadline_left_ms(5, 5), 0);
    CU_ASSERT_EQUAL(adb__deadline_left_ms(4, 5), 0);
    CU_ASSERT_EQUAL(adb__deadline_left_ms(ADB__NEVER, 5), -1);
    CU_ASSERT_EQUAL(adb__deadline_left_ms(ADB__NEVER - 1, 0), INT_MAX);
    CU_ASSERT_EQUAL(adb__deadline_left_ms(ADB__NEVER - 1, INT64_MIN), INT_MAX);
}

/* Of two deadlines the earlier counts, and any is earlier than never. */
TEST(first_of_two_deadlines)
{
    CU_ASSERT_EQUAL(adb__deadline_first(1, 2), 1);
    CU_ASSERT_EQUAL(adb__deadline_first(2, 1), 1);
    CU_ASSERT_EQUAL(adb__deadline_first(ADB__NEVER, 1), 1);
}

/* The generator is splitmix64: these are its published first numbers for the seed 1234567. */
TEST(random_is_splitmix64)
{
    uint64_t state = 1234567;
    CU_ASSERT_EQUAL(adb__random(&state), UINT64_C(6457827717110365317));
    CU_ASSERT_EQUAL(adb__random(&state), UINT64_C(3203168211198807973));
}

/* A thread that sleeps has waited, where the system tells. */
TEST(sleep_is_a_wait)
{
    const struct timespec moment = {.tv_nsec = 1000000};
    const long before = adb__machine_waits();
    CU_ASSERT_EQUAL(nanosleep(&moment, NULL), 0);
#ifdef RUSAGE_THREAD
    CU_ASSERT(adb__machine_waits() > before);
#else
    CU_ASSERT_EQUAL(before, 0);
#endif
}

SUITE(clock, CASE(now_never_goes_back), CASE(tick_follows_the_time), CASE(deadline_is_now_and_the_timeout), CASE(deadline_saturates),
      CASE(time_left_is_rounded_up), CASE(time_left_at_the_edges), CASE(first_of_two_deadlines),
      CASE(random_is_splitmix64), CASE(sleep_is_a_wait))
