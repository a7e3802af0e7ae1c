/* SPDX-License-Identifier: BSD-3-Clause */
/* Names and their numbers, few and many. */
#include "sql/names.h"

#include "tests/lib/fault.h"
#include "tests/lib/harness.h"

#include <stdio.h>

/* Names are told apart whole, not by a common start. */
TEST(names_are_numbered_by_first_use)
{
    struct adb__arena arena = {0};
    struct adb__sql_names names = {0};
    CU_ASSERT_EQUAL(adb__sql_names_add(&names, &arena, "ab", 2), 0);
    CU_ASSERT_EQUAL(adb__sql_names_add(&names, &arena, "abc", 1), 1);
    CU_ASSERT_EQUAL(adb__sql_names_add(&names, &arena, "abc", 3), 2);
    CU_ASSERT_EQUAL(adb__sql_names_add(&names, &arena, "abx", 2), 0);
    CU_ASSERT_EQUAL(adb__sql_names_find(&names, "a", 1), 1);
    CU_ASSERT_EQUAL(adb__sql_names_find(&names, "b", 1), ADB__NAME_NONE);
    CU_ASSERT_STRING_EQUAL(names.items[1], "a");
    adb__arena_reset(&arena);
}

/* The hash table that comes with many names finds those from before it. */
TEST(many_names_keep_their_numbers)
{
    char name[16];
    struct adb__arena arena = {0};
    struct adb__sql_names names = {0};
    for (size_t i = 0; i < 5000; i++) {
        const size_t size = (size_t)snprintf(name, sizeof(name), "n%zu", i);
        CU_ASSERT_EQUAL(adb__sql_names_add(&names, &arena, name, size), i);
    }
    for (size_t i = 0; i < 5000; i++) {
        const size_t size = (size_t)snprintf(name, sizeof(name), "n%zu", i);
        CU_ASSERT_EQUAL(adb__sql_names_find(&names, name, size), i);
    }
    CU_ASSERT_EQUAL(adb__sql_names_find(&names, "n5000", 5), ADB__NAME_NONE);
    adb__arena_reset(&arena);
}

/* A name that found no memory is not there, and those before it still are. */
TEST(no_memory_leaves_the_names_as_they_were)
{
    char name[16];
    FAULT_EACH(n)
    {
        struct adb__arena arena = {0};
        struct adb__sql_names names = {0};
        size_t added = 0;
        fault_arm(n);
        while (added < 300) {
            const size_t size = (size_t)snprintf(name, sizeof(name), "n%zu", added);
            if (adb__sql_names_add(&names, &arena, name, size) == ADB__NAME_NONE)
                break;
            added++;
        }
        FAULT_DONE();
        CU_ASSERT_TRUE(fault_more || added == 300);
        CU_ASSERT_EQUAL(names.n_items, added);
        CU_ASSERT_EQUAL(adb__sql_names_find(&names, "n0", 2), added > 0 ? 0 : ADB__NAME_NONE);
        adb__arena_reset(&arena);
        CU_ASSERT_EQUAL(fault_live_blocks(), 0);
    }
}

SUITE(names, CASE(names_are_numbered_by_first_use), CASE(many_names_keep_their_numbers),
      CASE(no_memory_leaves_the_names_as_they_were))
