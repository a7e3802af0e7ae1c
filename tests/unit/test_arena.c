/* SPDX-License-Identifier: BSD-3-Clause */
/* Arena: lent memory first, chunks after it, all back at once. */
#include "base/arena.h"

#include "tests/lib/fault.h"
#include "tests/lib/harness.h"

#include <stdalign.h>
#include <stdint.h>
#include <string.h>

static alignas(max_align_t) char lent[256];

static int is_lent(const void *piece)
{
    return (uintptr_t)piece >= (uintptr_t)lent && (uintptr_t)piece < (uintptr_t)lent + sizeof(lent);
}

static int is_aligned(const void *piece)
{
    return (uintptr_t)piece % alignof(max_align_t) == 0;
}

/* What fits into the lent memory allocates nothing. */
TEST(small_work_stays_in_the_lent_memory)
{
    struct adb__arena arena;
    adb__arena_init(&arena, lent, sizeof(lent));
    fault_arm(0);
    const void *piece = adb__arena_alloc(&arena, 100);
    const char *text = adb__arena_strdup(&arena, "text");
    CU_ASSERT_FALSE(fault_disarm());
    CU_ASSERT_TRUE(is_lent(piece));
    CU_ASSERT_TRUE(is_lent(text));
    CU_ASSERT_EQUAL(arena.total_bytes, 105);
    adb__arena_reset(&arena);
}

/* The last lent byte is used, and the one after it is not. */
TEST(lent_memory_is_filled_to_the_brim)
{
    struct adb__arena arena;
    adb__arena_init(&arena, lent, 64);
    CU_ASSERT_TRUE(is_lent(adb__arena_alloc(&arena, 64)));
    const void *next = adb__arena_alloc(&arena, 1);
    CU_ASSERT_PTR_NOT_NULL(next);
    CU_ASSERT_FALSE(is_lent(next));
    adb__arena_reset(&arena);
}

/* Bytes leave the cursor anywhere; the next piece is aligned all the same. */
TEST(pieces_are_aligned_after_odd_bytes)
{
    struct adb__arena arena;
    adb__arena_init(&arena, lent, sizeof(lent));
    for (size_t size = 0; size < 40; size++) {
        CU_ASSERT_PTR_NOT_NULL(adb__arena_bytes(&arena, "0123456789012345678901234567890123456789", size));
        CU_ASSERT_TRUE(is_aligned(adb__arena_alloc(&arena, size)));
    }
    adb__arena_reset(&arena);
}

/* Pieces of all sizes stay apart and keep what was written. */
TEST(pieces_do_not_overlap)
{
    enum { N = 300 };
    struct adb__arena arena;
    unsigned char *pieces[N];
    adb__arena_init(&arena, NULL, 0);
    for (size_t i = 0; i < N; i++) {
        pieces[i] = adb__arena_alloc(&arena, i * 97);
        REQUIRE(pieces[i] != NULL);
        memset(pieces[i], (int)(i & 0xff), i * 97);
    }
    for (size_t i = 0; i < N; i++) {
        for (size_t j = 0; j < i * 97; j += 96)
            CU_ASSERT_FATAL(pieces[i][j] == (unsigned char)i);
    }
    adb__arena_reset(&arena);
}

/* A big piece has a chunk of its own, and small ones go on in the old chunk. */
TEST(big_piece_does_not_waste_the_chunk)
{
    struct adb__arena arena;
    adb__arena_init(&arena, NULL, 0);
    const char *first = adb__arena_bytes(&arena, "a", 1);
    CU_ASSERT_PTR_NOT_NULL(adb__arena_alloc(&arena, 1024 * 1024));
    const char *second = adb__arena_bytes(&arena, "b", 1);
    CU_ASSERT_PTR_EQUAL(second, first + 2);
    adb__arena_reset(&arena);
}

/* Bytes may hold NULs and are followed by one more. */
TEST(bytes_are_copied_and_terminated)
{
    struct adb__arena arena;
    adb__arena_init(&arena, lent, sizeof(lent));
    CU_ASSERT_EQUAL(memcmp(adb__arena_bytes(&arena, "a\0b", 3), "a\0b", 4), 0);
    CU_ASSERT_STRING_EQUAL(adb__arena_bytes(&arena, NULL, 0), "");
    CU_ASSERT_PTR_NULL(adb__arena_bytes(&arena, "", SIZE_MAX));
    CU_ASSERT_PTR_NULL(adb__arena_alloc(&arena, SIZE_MAX));
    adb__arena_reset(&arena);
}

/* A zeroed arena is an arena, and one that may be reset. */
TEST(zeroed_arena_works)
{
    struct adb__arena arena = {0};
    adb__arena_reset(&arena);
    CU_ASSERT_PTR_NOT_NULL(adb__arena_alloc(&arena, 0));
    adb__arena_reset(&arena);
    CU_ASSERT_EQUAL(arena.total_bytes, 0);
}

/* After a reset the lent memory is given out from its start again, and no chunk is left. */
TEST(reset_frees_all_and_starts_again)
{
    struct adb__arena arena;
    fault_watch();
    adb__arena_init(&arena, lent, sizeof(lent));
    const void *first = adb__arena_alloc(&arena, 8);
    for (int i = 0; i < 100; i++)
        CU_ASSERT_PTR_NOT_NULL(adb__arena_alloc(&arena, 1000));
    adb__arena_reset(&arena);
    CU_ASSERT_EQUAL(fault_live_blocks(), 0);
    CU_ASSERT_PTR_EQUAL(adb__arena_alloc(&arena, 8), first);
}

/* Work that repeats itself soon allocates nothing, large pieces or small. */
TEST(rewound_arena_keeps_one_chunk_for_all)
{
    struct adb__arena arena;
    adb__arena_init(&arena, lent, sizeof(lent));
    for (int round = 0; round < 4; round++) {
        if (round == 3)
            fault_arm(0);
        for (int i = 0; i < 40; i++)
            CU_ASSERT_PTR_NOT_NULL(adb__arena_alloc(&arena, i % 20 == 0 ? 50000 : 200));
        adb__arena_rewind(&arena);
        CU_ASSERT_EQUAL(arena.total_bytes, 0);
    }
    CU_ASSERT_FALSE(fault_disarm());
    CU_ASSERT_EQUAL(fault_live_blocks(), 1);
    adb__arena_reset(&arena);
    CU_ASSERT_EQUAL(fault_live_blocks(), 0);
}

/* What was made for a single big piece goes, and with it all that it would hold on to. */
TEST(rewound_arena_keeps_no_big_piece)
{
    struct adb__arena arena;
    fault_watch();
    adb__arena_init(&arena, lent, sizeof(lent));
    CU_ASSERT_PTR_NOT_NULL(adb__arena_alloc(&arena, 1000000));
    adb__arena_rewind(&arena);
    CU_ASSERT_EQUAL(fault_live_blocks(), 0);
    CU_ASSERT_TRUE(is_lent(adb__arena_alloc(&arena, 8)));
    adb__arena_rewind(&arena);
    CU_ASSERT_TRUE(is_lent(adb__arena_alloc(&arena, sizeof(lent))));
    adb__arena_reset(&arena);
}

/* Without memory the arena is as it was and goes on when there is some again. */
TEST(failure_leaves_the_arena_as_it_was)
{
    FAULT_EACH(n)
    {
        struct adb__arena arena;
        adb__arena_init(&arena, lent, 16);
        fault_arm(n);
        const size_t sizes[] = {100, 20000, 2000, 70000};
        for (size_t i = 0; i < 4; i++) {
            const size_t total = arena.total_bytes;
            const void *piece = adb__arena_alloc(&arena, sizes[i]);
            CU_ASSERT_EQUAL(arena.total_bytes, total + (piece != NULL ? sizes[i] : 0));
        }
        FAULT_DONE();
        CU_ASSERT_PTR_NOT_NULL(adb__arena_alloc(&arena, 100));
        adb__arena_reset(&arena);
        CU_ASSERT_EQUAL(fault_live_blocks(), 0);
    }
}

SUITE(arena, CASE(small_work_stays_in_the_lent_memory), CASE(lent_memory_is_filled_to_the_brim),
      CASE(pieces_are_aligned_after_odd_bytes), CASE(pieces_do_not_overlap), CASE(big_piece_does_not_waste_the_chunk),
      CASE(bytes_are_copied_and_terminated), CASE(zeroed_arena_works), CASE(reset_frees_all_and_starts_again),
      CASE(rewound_arena_keeps_one_chunk_for_all), CASE(rewound_arena_keeps_no_big_piece),
      CASE(failure_leaves_the_arena_as_it_was))
