/* SPDX-License-Identifier: BSD-3-Clause */
/* Prepared statements by their text: who is found, who has to go, and that every one that goes is dropped once. */
#include "tests/lib/fault.h"
#include "tests/lib/harness.h"

#include "drivers/cache.h"

#include <stdio.h>
#include <string.h>

/* A statement as a test prepares it: a number, whose bit is set in dropped when it has to go. */
struct prepared {
    int number;
};

static struct adb__cache cache;
static unsigned dropped;
static int n_dropped;

static void drop(void *payload, void *owner)
{
    const struct prepared *prepared = payload;
    CU_ASSERT_PTR_EQUAL(owner, &cache);
    dropped |= 1u << prepared->number;
    n_dropped++;
}

static bool open_cache(int count, size_t max_bytes)
{
    const struct adb__cache_config config = {
        .count = count,
        .max_bytes = max_bytes,
        .payload_size = sizeof(struct prepared),
        .drop_fn = drop,
        .owner = &cache,
    };
    dropped = 0;
    n_dropped = 0;
    return adb__cache_open(&cache, &config);
}

/* The text of a statement is its number. */
static struct prepared *add(int number)
{
    char sql[16];
    const int size = snprintf(sql, sizeof(sql), "SELECT %d", number);
    return adb__cache_add(&cache, sql, (size_t)size, &(struct prepared){.number = number});
}

static struct prepared *find(int number)
{
    char sql[16];
    const int size = snprintf(sql, sizeof(sql), "SELECT %d", number);
    return adb__cache_find(&cache, sql, (size_t)size);
}

/* What is kept under a text comes back with the same bytes, at the same place; another text finds nothing. */
TEST(a_kept_statement_is_found_by_its_text)
{
    REQUIRE(open_cache(8, 0));
    struct prepared *kept = add(1);
    REQUIRE(kept != NULL);
    CU_ASSERT_PTR_EQUAL(find(1), kept);
    CU_ASSERT_EQUAL(kept->number, 1);
    CU_ASSERT_PTR_NULL(find(2));
    CU_ASSERT_PTR_NULL(adb__cache_find(&cache, "SELECT 1 ", 9));
    CU_ASSERT_PTR_NULL(adb__cache_find(&cache, "", 0));
    adb__cache_close(&cache);
    CU_ASSERT_EQUAL(dropped, 1u << 1);
}

/* Of a full cache the statement goes that was used longest ago, be it to add or to find. */
TEST(the_least_recently_used_goes_first)
{
    REQUIRE(open_cache(3, 0));
    for (int i = 0; i < 3; i++)
        REQUIRE(add(i) != NULL);
    REQUIRE(find(0) != NULL);
    REQUIRE(add(3) != NULL);
    CU_ASSERT_EQUAL(dropped, 1u << 1);
    REQUIRE(add(4) != NULL);
    CU_ASSERT_EQUAL(dropped, 1u << 1 | 1u << 2);
    CU_ASSERT(find(0) != NULL && find(3) != NULL && find(4) != NULL);
    adb__cache_close(&cache);
    CU_ASSERT_EQUAL(n_dropped, 5);
}

/* One that has grown drives out others, oldest first, but never itself. */
TEST(memory_told_of_makes_others_go)
{
    REQUIRE(open_cache(100, 4096));
    for (int i = 0; i < 3; i++)
        REQUIRE(add(i) != NULL);
    adb__cache_weigh(&cache, find(1), 3940);
    CU_ASSERT_EQUAL(dropped, 1u << 0);
    adb__cache_weigh(&cache, find(2), 1 << 20);
    CU_ASSERT_EQUAL(dropped, 1u << 0 | 1u << 1);
    CU_ASSERT_EQUAL(cache.count, 1);
    adb__cache_weigh(&cache, find(2), 0);
    REQUIRE(add(3) != NULL);
    CU_ASSERT_EQUAL(cache.count, 2);
    adb__cache_close(&cache);
    CU_ASSERT_EQUAL(cache.bytes, 0);
}

/* A statement that is removed is dropped, and can be kept again. */
TEST(a_removed_statement_can_come_back)
{
    REQUIRE(open_cache(4, 0));
    REQUIRE(add(1) != NULL && add(2) != NULL);
    adb__cache_remove(&cache, find(1));
    CU_ASSERT_EQUAL(dropped, 1u << 1);
    CU_ASSERT_PTR_NULL(find(1));
    CU_ASSERT_PTR_NOT_NULL(add(1));
    adb__cache_clear(&cache);
    CU_ASSERT_EQUAL(n_dropped, 3);
    CU_ASSERT_PTR_NULL(find(2));
    CU_ASSERT_PTR_NOT_NULL(add(2));
    adb__cache_close(&cache);
    adb__cache_close(&cache);
    CU_ASSERT_EQUAL(n_dropped, 4);
}

/* A cache that is off keeps nothing, and neither does any cache a text made for one use. */
TEST(what_is_not_worth_it_is_not_kept)
{
    static char longest[ADB__CACHE_MOST_SQL + 1];
    memset(longest, ' ', sizeof(longest));
    REQUIRE(open_cache(-1, 0));
    CU_ASSERT_FALSE(adb__cache_takes(&cache, 1));
    CU_ASSERT_PTR_NULL(add(1));
    CU_ASSERT_PTR_NULL(find(1));
    adb__cache_close(&cache);

    REQUIRE(open_cache(0, 0));
    CU_ASSERT_PTR_NULL(adb__cache_add(&cache, longest, sizeof(longest), &(struct prepared){0}));
    CU_ASSERT_PTR_NOT_NULL(adb__cache_add(&cache, longest, sizeof(longest) - 1, &(struct prepared){0}));
    adb__cache_close(&cache);
    CU_ASSERT_EQUAL(n_dropped, 1);
}

/* Storage that was never opened can be closed, and holds nothing. */
TEST(zeroed_storage_closes)
{
    memset(&cache, 0, sizeof(cache));
    CU_ASSERT_PTR_NULL(find(1));
    adb__cache_close(&cache);
}

/* As many as fit: thousands are found by text, whatever bucket they share. */
TEST(many_are_kept_apart)
{
    REQUIRE(open_cache(1000, 0));
    for (int i = 0; i < 5000; i++)
        REQUIRE(adb__cache_add(&cache, (const char *)&i, sizeof(i), &(struct prepared){i % 16}) != NULL);
    CU_ASSERT_EQUAL(cache.count, 1000);
    CU_ASSERT_EQUAL(n_dropped, 4000);
    for (int i = 0; i < 5000; i++) {
        const struct prepared *found = adb__cache_find(&cache, (const char *)&i, sizeof(i));
        CU_ASSERT_EQUAL(found != NULL, i >= 4000);
        CU_ASSERT(found == NULL || found->number == i % 16);
    }
    adb__cache_close(&cache);
}

/* No memory: nothing is kept, what is there stays, and nothing leaks. */
TEST(no_memory_keeps_what_is_there)
{
    fault_watch();
    const size_t before = fault_live_blocks();
    FAULT_EACH(n)
    {
        fault_arm(n);
        const bool opened = open_cache(4, 0);
        const bool kept_first = opened && add(1) != NULL;
        const bool kept_second = opened && add(2) != NULL;
        FAULT_DONE();
        CU_ASSERT_EQUAL(opened, n > 0);
        CU_ASSERT_EQUAL(kept_first, n > 1);
        CU_ASSERT_EQUAL(kept_second, n > 2);
        CU_ASSERT_EQUAL(cache.count, (size_t)kept_first + kept_second);
        adb__cache_close(&cache);
        CU_ASSERT_EQUAL(fault_live_blocks(), before);
    }
}

SUITE(cache, CASE(a_kept_statement_is_found_by_its_text), CASE(the_least_recently_used_goes_first),
      CASE(memory_told_of_makes_others_go), CASE(a_removed_statement_can_come_back),
      CASE(what_is_not_worth_it_is_not_kept), CASE(zeroed_storage_closes), CASE(many_are_kept_apart),
      CASE(no_memory_keeps_what_is_there))
