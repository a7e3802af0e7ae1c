/* SPDX-License-Identifier: BSD-3-Clause */
/* Allocation: overflow, zeroing, failure, hooks. */
#include "base/alloc.h"
#include "base/cacheline.h"

#include "tests/lib/fault.h"
#include "tests/lib/harness.h"

#include <stdint.h>
#include <string.h>

/* A product that does not fit is no memory, not a small block. */
TEST(array_whose_size_overflows_is_refused)
{
    CU_ASSERT_PTR_NULL(adb__alloc_array(SIZE_MAX / 2, 3));
    CU_ASSERT_PTR_NULL(adb__realloc_array(NULL, SIZE_MAX / 2, 3));
    CU_ASSERT_PTR_NULL(adb__alloc_array(3, SIZE_MAX / 2));
}

/* Blocks and arrays that are said to be zeroed are. */
TEST(zeroed_blocks_are_zero)
{
    static const char zeros[48];
    char *block = adb__alloc_zeroed(sizeof(zeros));
    char *array = adb__alloc_array(6, 8);
    REQUIRE(block != NULL && array != NULL);
    CU_ASSERT_EQUAL(memcmp(block, zeros, sizeof(zeros)), 0);
    CU_ASSERT_EQUAL(memcmp(array, zeros, sizeof(zeros)), 0);
    adb__free(array);
    adb__free(block);
}

/* Nothing asked for is still a block, and shrinking to nothing does not free. */
TEST(size_0_gives_a_block)
{
    void *block = adb__alloc(0);
    REQUIRE(block != NULL);
    block = adb__realloc_array(block, 0, 8);
    REQUIRE(block != NULL);
    void *array = adb__alloc_array(0, 0);
    CU_ASSERT_PTR_NOT_NULL(array);
    adb__free(array);
    adb__free(block);
}

/* Growing keeps what was there. */
TEST(realloc_keeps_the_contents)
{
    char *block = adb__strdup("abcdefg");
    REQUIRE(block != NULL);
    block = adb__realloc_array(block, 100, 40);
    REQUIRE(block != NULL);
    CU_ASSERT_STRING_EQUAL(block, "abcdefg");
    adb__free(block);
}

/* strndup stops at the size and at the NUL, whichever is first. */
TEST(strndup_takes_at_most_size_bytes)
{
    const char unterminated[] = {'a', 'b', 'c'};
    char *cut = adb__strndup(unterminated, 3);
    char *whole = adb__strndup("ab", 100);
    REQUIRE(cut != NULL && whole != NULL);
    CU_ASSERT_STRING_EQUAL(cut, "abc");
    CU_ASSERT_STRING_EQUAL(whole, "ab");
    adb__free(cut);
    adb__free(whole);
}

/* From the beginning of a line on, zeroed, and each block whole: for any size. */
TEST(lines_begin_where_a_line_does)
{
    fault_watch();
    for (size_t size = 0; size < 300; size++) {
        char *block = adb__alloc_lines(1, size);
        char *array = adb__alloc_lines(3, size);
        REQUIRE(block != NULL && array != NULL);
        CU_ASSERT_EQUAL((uintptr_t)block % ADB__CACHE_LINE, 0);
        CU_ASSERT_EQUAL((uintptr_t)array % ADB__CACHE_LINE, 0);
        for (size_t i = 0; i < 3 * size; i++)
            CU_ASSERT_EQUAL(array[i], 0);
        memset(block, 'b', size);
        memset(array, 'a', 3 * size);
        adb__free_lines(block);
        adb__free_lines(array);
    }
    CU_ASSERT_PTR_NULL(adb__alloc_lines(SIZE_MAX / 2, 3));
    CU_ASSERT_PTR_NULL(adb__alloc_lines(1, SIZE_MAX - 64));
    adb__free_lines(NULL);
    CU_ASSERT_EQUAL(fault_live_blocks(), 0);
}

/* Every way to allocate reports failure, and a block that cannot grow stays. */
TEST(failure_is_null_and_leaves_the_block)
{
    fault_watch();
    char *block = adb__strdup("kept");
    REQUIRE(block != NULL);
    fault_arm(0);
    CU_ASSERT_PTR_NULL(adb__alloc(1));
    CU_ASSERT_PTR_NULL(adb__alloc_zeroed(1));
    CU_ASSERT_PTR_NULL(adb__alloc_array(1, 1));
    CU_ASSERT_PTR_NULL(adb__alloc_lines(1, 1));
    CU_ASSERT_PTR_NULL(adb__strdup("x"));
    CU_ASSERT_PTR_NULL(adb__realloc_array(block, 2, 50));
    CU_ASSERT_TRUE(fault_disarm());
    CU_ASSERT_STRING_EQUAL(block, "kept");
    adb__free(block);
    adb__free(NULL);
    CU_ASSERT_EQUAL(fault_live_blocks(), 0);
}

/* Without hooks libc serves again. */
TEST(null_hooks_put_libc_back)
{
    fault_arm(0);
    adb__alloc_set_hooks(NULL);
    void *block = adb__alloc(8);
    CU_ASSERT_PTR_NOT_NULL(block);
    adb__free(block);
    CU_ASSERT_EQUAL(fault_live_blocks(), 0);
    fault_disarm();
    adb__alloc_set_hooks(NULL);
}

SUITE(alloc, CASE(array_whose_size_overflows_is_refused), CASE(zeroed_blocks_are_zero), CASE(size_0_gives_a_block),
      CASE(realloc_keeps_the_contents), CASE(strndup_takes_at_most_size_bytes), CASE(lines_begin_where_a_line_does),
      CASE(failure_is_null_and_leaves_the_block), CASE(null_hooks_put_libc_back))
