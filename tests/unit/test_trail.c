/* SPDX-License-Identifier: BSD-3-Clause */
/* Trails: from the newest to the oldest of what is new, and no more than they keep. */
#include "tests/lib/harness.h"

#include "queue/trail.h"

static struct adb__trail trail;
static char places[2 * ADB__TRAIL_SIZE];

static void note(unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++)
        adb__trail_note(&trail, &places[i]);
}

/* All from the last to the first, and no more. */
static void expect_back(struct adb__retrace retrace, unsigned last, unsigned first)
{
    for (unsigned i = last + 1; i > first; i--)
        CU_ASSERT_PTR_EQUAL(adb__retrace_next(&retrace), &places[i - 1]);
    CU_ASSERT_PTR_NULL(adb__retrace_next(&retrace));
}

/* A new trail leads nowhere. */
TEST(nothing_is_noted_at_first)
{
    _Atomic uint32_t seen = 0;
    trail = (struct adb__trail){0};
    struct adb__retrace retrace = adb__trail_retrace(&trail, &seen);
    CU_ASSERT_PTR_NULL(adb__retrace_next(&retrace));
    adb__retrace_fetch(&retrace, 1);
}

/* From the one before the newest on, each once. */
TEST(leads_from_the_newest_to_what_was_seen)
{
    _Atomic uint32_t seen = 0;
    trail = (struct adb__trail){0};
    note(0, 3);
    expect_back(adb__trail_retrace(&trail, &seen), 1, 0);
    note(3, 8);
    expect_back(adb__trail_retrace(&trail, &seen), 6, 3);
    note(8, 9);
    CU_ASSERT_EQUAL(adb__trail_count(&trail), 9);
    struct adb__retrace retrace = adb__trail_retrace(&trail, &seen);
    CU_ASSERT_PTR_NULL(adb__retrace_next(&retrace));
    retrace = adb__trail_retrace(&trail, &seen);
    CU_ASSERT_PTR_NULL(adb__retrace_next(&retrace));
}

/* Of more than it keeps, the newest; also when its count begins anew. */
TEST(keeps_the_newest)
{
    _Atomic uint32_t seen = UINT32_MAX - 3;
    trail = (struct adb__trail){.n = UINT32_MAX - 3};
    note(0, ADB__TRAIL_SIZE + 10);
    expect_back(adb__trail_retrace(&trail, &seen), ADB__TRAIL_SIZE + 8, 10);
    note(0, 2);
    expect_back(adb__trail_retrace(&trail, &seen), 0, 0);
}

/* Where something noted is no more, fetching it does nothing. */
TEST(what_is_gone_does_no_harm)
{
    _Atomic uint32_t seen = 0;
    trail = (struct adb__trail){0};
    adb__trail_note(&trail, NULL);
    adb__trail_note(&trail, (const char *)64);
    adb__trail_note(&trail, &places[0]);
    struct adb__retrace retrace = adb__trail_retrace(&trail, &seen);
    for (unsigned i = 0; i < 2; i++)
        adb__retrace_fetch(&retrace, sizeof(places));
    CU_ASSERT_PTR_NULL(adb__retrace_next(&retrace));
}

SUITE(trail, CASE(nothing_is_noted_at_first), CASE(leads_from_the_newest_to_what_was_seen),
          CASE(keeps_the_newest), CASE(what_is_gone_does_no_harm))
