/* SPDX-License-Identifier: BSD-3-Clause */
/* The shelf: what is put is found, what is held stays, what is removed goes. */
#include "queue/shelf.h"

#include "tests/lib/harness.h"

#include <stdlib.h>

#define N_HOLDS 8
#define ROUNDS  20000
#define READERS 3
#define KEYS    64

struct item {
    struct adb__shelved shelved;
    uint64_t key;
    uint64_t twice; /* of the key, as long as it lives */
};

static struct adb__shelf shelf;
static struct adb__hold holds[N_HOLDS];
static _Atomic int live;

static struct adb__hold *hold_at(void *owner, size_t index)
{
    (void)owner;
    return &holds[index];
}

static void item_free(struct adb__shelved *shelved)
{
    struct item *item = (struct item *)shelved;
    item->twice = 0;
    atomic_fetch_sub(&live, 1);
    free(item);
}

static bool has_key(const struct adb__shelved *shelved, const void *key)
{
    return ((const struct item *)shelved)->key == *(const uint64_t *)key;
}

static void set_up(size_t max_bytes)
{
    shelf = (struct adb__shelf){.bytes = 0};
    adb__shelf_init(&shelf, &(struct adb__shelf_config){
                                .max_bytes = max_bytes, .n_holds = N_HOLDS, .hold_fn = hold_at, .free_fn = item_free});
}

static void tear_down(void)
{
    adb__shelf_fini(&shelf);
    CU_ASSERT_EQUAL(atomic_load(&live), 0);
}

/* A hash in a set of its own choice, so that tests say which things are in each other's way. */
static uint64_t hash_in(size_t set, uint64_t key)
{
    return (key + 1) << 32 | (key * ADB__SHELF_SETS + set);
}

static void put(size_t set, uint64_t key, size_t bytes, struct adb__hold *hold)
{
    struct item *item = malloc(sizeof(*item));
    REQUIRE(item != NULL);
    *item = (struct item){.shelved = {.hash = hash_in(set, key), .bytes = bytes}, .key = key, .twice = 2 * key};
    atomic_fetch_add(&live, 1);
    adb__shelf_put(&shelf, &item->shelved, hold);
}

static void put_and_let_go(size_t set, uint64_t key, size_t bytes)
{
    put(set, key, bytes, &holds[0]);
    adb__hold_drop(&holds[0]);
}

static const struct item *find(size_t set, uint64_t key, struct adb__hold *hold)
{
    return (const struct item *)adb__shelf_find(&shelf, hash_in(set, key), hold, has_key, &key);
}

static bool is_there(size_t set, uint64_t key)
{
    const struct item *item = find(set, key, &holds[1]);
    const bool right = item == NULL || (item->key == key && item->twice == 2 * key);
    CU_ASSERT_TRUE(right);
    CU_ASSERT_EQUAL(adb__hold_is_empty(&holds[1]), item == NULL);
    adb__hold_drop(&holds[1]);
    return item != NULL;
}

TEST(what_was_put_is_found)
{
    set_up(1000);
    for (uint64_t key = 0; key < 20; key++)
        put_and_let_go(key % 3, key, 1);
    for (uint64_t key = 0; key < 20; key++)
        CU_ASSERT_TRUE(is_there(key % 3, key));
    CU_ASSERT_FALSE(is_there(0, 20));
    CU_ASSERT_FALSE(is_there(5, 1));
    tear_down();
}

/* Two texts may have one hash. */
TEST(the_hash_alone_is_not_enough)
{
    set_up(1000);
    const uint64_t other = 99;
    put_and_let_go(1, 7, 1);
    CU_ASSERT_PTR_NULL(adb__shelf_find(&shelf, hash_in(1, 7), &holds[1], has_key, &other));
    CU_ASSERT_TRUE(adb__hold_is_empty(&holds[1]));
    tear_down();
}

/* The first of a set goes when there are too many; those that were found meanwhile stay. */
TEST(what_is_not_found_any_more_makes_room)
{
    set_up(1000);
    for (uint64_t key = 0; key < ADB__SHELF_WAYS; key++)
        put_and_let_go(2, key, 1);
    for (uint64_t key = 0; key < ADB__SHELF_WAYS; key++)
        CU_ASSERT_TRUE(key == 3 || is_there(2, key));
    put_and_let_go(2, 50, 1);
    CU_ASSERT_FALSE(is_there(2, 3));
    CU_ASSERT_TRUE(is_there(2, 50));
    CU_ASSERT_TRUE(is_there(2, 0));
    tear_down();
}

TEST(no_more_bytes_than_allowed_are_kept)
{
    set_up(100);
    for (uint64_t key = 0; key < 40; key++) {
        put_and_let_go(key % 7, key, 10);
        CU_ASSERT_TRUE(shelf.bytes <= 100);
        CU_ASSERT_TRUE(is_there(key % 7, key));
    }
    put_and_let_go(0, 41, 5000);
    CU_ASSERT_EQUAL(shelf.bytes, 5000); /* the newest, however large */
    put_and_let_go(0, 42, 10);
    CU_ASSERT_FALSE(is_there(0, 41));
    tear_down();
}

/* A hundred others take its place, one after the other. */
TEST(what_is_held_is_not_freed)
{
    set_up(10);
    put_and_let_go(1, 1, 10);
    const struct item *held = find(1, 1, &holds[5]);
    REQUIRE(held != NULL);
    for (uint64_t key = 2; key < 100; key++)
        put_and_let_go(1, key, 10);
    CU_ASSERT_FALSE(is_there(1, 1));
    CU_ASSERT_EQUAL(held->key, 1);
    CU_ASSERT_EQUAL(held->twice, 2);
    adb__hold_drop(&holds[5]);
    tear_down();
}

TEST(what_nobody_holds_is_freed_soon)
{
    set_up(10);
    for (uint64_t key = 0; key < 1000; key++)
        put_and_let_go(key % 5, key, 10);
    CU_ASSERT_TRUE(atomic_load(&live) < 64);
    tear_down();
}

/* Two threads may have made the same. */
TEST(a_second_of_the_same_goes_with_its_only_reader)
{
    set_up(1000);
    put(1, 1, 10, &holds[2]);
    put(1, 1, 10, &holds[3]);
    const struct item *first = find(1, 1, &holds[4]);
    CU_ASSERT_PTR_EQUAL(first, atomic_load(&holds[2].item));
    CU_ASSERT_PTR_NOT_EQUAL(first, atomic_load(&holds[3].item));
    CU_ASSERT_EQUAL(shelf.bytes, 10);
    for (int i = 2; i < 5; i++)
        adb__hold_drop(&holds[i]);
    tear_down();
}

TEST(only_the_second_asking_is_seen_before)
{
    set_up(10);
    CU_ASSERT_FALSE(adb__shelf_seen_before(&shelf, hash_in(1, 1)));
    CU_ASSERT_TRUE(adb__shelf_seen_before(&shelf, hash_in(1, 1)));
    CU_ASSERT_FALSE(adb__shelf_seen_before(&shelf, hash_in(1, 2)));
    tear_down();
}

static _Atomic size_t wrong;

static void *read_all_day(void *argument)
{
    struct adb__hold *hold = argument;
    uint64_t seed = (uintptr_t)argument;
    for (int i = 0; i < ROUNDS; i++) {
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
        const uint64_t key = (seed >> 33) % KEYS;
        const struct item *item = find(key % 3, key, hold);
        if (item == NULL)
            put(key % 3, key, 10, hold);
        else if (item->key != key || item->twice != 2 * key)
            atomic_fetch_add(&wrong, 1);
        adb__hold_drop(hold);
    }
    return NULL;
}

/* Far more keys than there is room for, so that they come and go under the readers. */
TEST(many_readers_never_see_what_was_freed)
{
    pthread_t threads[READERS];
    set_up(150);
    for (int i = 0; i < READERS; i++)
        REQUIRE(pthread_create(&threads[i], NULL, read_all_day, &holds[i]) == 0);
    for (int i = 0; i < READERS; i++)
        pthread_join(threads[i], NULL);
    CU_ASSERT_EQUAL(atomic_load(&wrong), 0);
    CU_ASSERT_TRUE(shelf.bytes <= 150);
    tear_down();
}

SUITE(shelf, CASE(what_was_put_is_found), CASE(the_hash_alone_is_not_enough),
      CASE(what_is_not_found_any_more_makes_room), CASE(no_more_bytes_than_allowed_are_kept),
      CASE(what_is_held_is_not_freed), CASE(what_nobody_holds_is_freed_soon),
      CASE(a_second_of_the_same_goes_with_its_only_reader), CASE(only_the_second_asking_is_seen_before),
      CASE(many_readers_never_see_what_was_freed))
