/* SPDX-License-Identifier: BSD-3-Clause */
/* The stash: what comes back is given out again, and nothing is lost when the owner goes before its blocks. */
#include "core/stash.h"

#include "tests/lib/fault.h"
#include "tests/lib/harness.h"

#include <pthread.h>
#include <string.h>

#define BLOCK  100
#define ROUNDS 20000

TEST(what_came_back_last_is_given_out_next)
{
    struct adb__stash *stash = adb__stash_new(BLOCK, 5);
    REQUIRE(stash != NULL);
    void *first = adb__stash_take(stash);
    void *second = adb__stash_take(stash);
    REQUIRE(first != NULL && second != NULL && first != second);
    memset(first, 1, BLOCK);
    memset(second, 2, BLOCK);
    adb__stash_give(stash, first);
    adb__stash_give(stash, second);
    fault_arm(0);
    CU_ASSERT_PTR_EQUAL(adb__stash_take(stash), second);
    CU_ASSERT_PTR_EQUAL(adb__stash_take(stash), first);
    CU_ASSERT_PTR_NULL(adb__stash_take(stash));
    CU_ASSERT_TRUE(fault_disarm());
    adb__stash_give(stash, first);
    adb__stash_give(stash, second);
    adb__stash_close(stash);
}

TEST(no_more_than_allowed_are_kept)
{
    fault_watch();
    const size_t before = fault_live_blocks();
    struct adb__stash *stash = adb__stash_new(BLOCK, 2);
    void *blocks[4];
    REQUIRE(stash != NULL);
    for (int i = 0; i < 4; i++) {
        blocks[i] = adb__stash_take(stash);
        REQUIRE(blocks[i] != NULL);
    }
    for (int i = 0; i < 4; i++)
        adb__stash_give(stash, blocks[i]);
    CU_ASSERT_EQUAL(fault_live_blocks(), before + 3); /* two, and the stash */
    adb__stash_close(stash);
    CU_ASSERT_EQUAL(fault_live_blocks(), before);
}

/* A result may be kept for longer than its database. */
TEST(a_block_may_come_back_after_the_owner_has_gone)
{
    fault_watch();
    const size_t before = fault_live_blocks();
    struct adb__stash *stash = adb__stash_new(BLOCK, 5);
    REQUIRE(stash != NULL);
    void *kept = adb__stash_take(stash);
    void *spare = adb__stash_take(stash);
    REQUIRE(kept != NULL && spare != NULL);
    adb__stash_give(stash, spare);
    adb__stash_close(stash);
    CU_ASSERT_EQUAL(fault_live_blocks(), before + 2);
    adb__stash_give(stash, kept);
    CU_ASSERT_EQUAL(fault_live_blocks(), before);
    adb__stash_close(NULL);
}

TEST(no_memory_for_the_stash_is_said)
{
    fault_arm(0);
    CU_ASSERT_PTR_NULL(adb__stash_new(BLOCK, 5));
    CU_ASSERT_TRUE(fault_disarm());
}

static void *take_and_give(void *stash)
{
    for (int i = 0; i < ROUNDS; i++) {
        char *block = adb__stash_take(stash);
        if (block == NULL)
            return stash;
        memset(block, i & 0x7f, BLOCK);
        adb__stash_give(stash, block);
    }
    return NULL;
}

/* The owner goes in the middle of it. */
TEST(threads_and_the_owner_need_not_agree)
{
    pthread_t threads[3];
    void *failed = NULL;
    fault_watch();
    const size_t before = fault_live_blocks();
    struct adb__stash *stash = adb__stash_new(BLOCK, 2);
    REQUIRE(stash != NULL);
    void *last = adb__stash_take(stash); /* keeps it for the threads */
    for (int i = 0; i < 3; i++)
        REQUIRE(pthread_create(&threads[i], NULL, take_and_give, stash) == 0);
    adb__stash_close(stash);
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], &failed);
        CU_ASSERT_PTR_NULL(failed);
    }
    adb__stash_give(stash, last);
    CU_ASSERT_EQUAL(fault_live_blocks(), before);
}

SUITE(stash, CASE(what_came_back_last_is_given_out_next), CASE(no_more_than_allowed_are_kept),
      CASE(a_block_may_come_back_after_the_owner_has_gone), CASE(no_memory_for_the_stash_is_said),
      CASE(threads_and_the_owner_need_not_agree))
