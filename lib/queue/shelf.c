/* SPDX-License-Identifier: BSD-3-Clause */
/* A shelf is a table of sets, as a processor's cache: what has a hash stands in one of the few places of its set. */
#include "queue/shelf.h"

#include <assert.h>

/* To look into all holds is worth while only for several, the more holds the more. */
#define PATIENCE_LEAST 16
#define PATIENCE_MOST  64

static size_t set_of(uint64_t hash)
{
    return hash % ADB__SHELF_SETS;
}

static uint32_t tag_of(uint64_t hash)
{
    return (uint32_t)(hash >> 32);
}

/* How many are to be removed before the holds are looked into: twice as many as were found there the last time. */
static size_t shelf_patience(const struct adb__shelf *shelf)
{
    size_t patience = shelf->config.n_holds / 256;
    if (patience < PATIENCE_LEAST)
        patience = PATIENCE_LEAST;
    if (patience > PATIENCE_MOST)
        patience = PATIENCE_MOST;
    return shelf->n_removed * 2 > patience ? shelf->n_removed * 2 : patience;
}

void adb__shelf_init(struct adb__shelf *shelf, const struct adb__shelf_config *config)
{
    shelf->config = *config;
    shelf->n_patience = shelf_patience(shelf);
    pthread_mutex_init(&shelf->lock, NULL);
}

/* What is in the place, and from now on in the hold; NULL: nothing, or it has just gone. */
static struct adb__shelved *place_hold(struct adb__shelf_place *place, struct adb__hold *hold)
{
    /* relaxed: it is not looked into before the second reading, which acquires. */
    struct adb__shelved *item = atomic_load_explicit(&place->item, memory_order_relaxed);
    if (item == NULL)
        return NULL;
    /* seq_cst, both: pairs with shelf_clear() and shelf_look(). */
    atomic_store_explicit(&hold->item, item, memory_order_seq_cst);
    if (atomic_load_explicit(&place->item, memory_order_seq_cst) == item)
        return item;
    adb__hold_drop(hold);
    return NULL;
}

struct adb__shelved *adb__shelf_find(struct adb__shelf *shelf, uint64_t hash, struct adb__hold *hold,
                                     bool (*is_fn)(const struct adb__shelved *item, const void *key), const void *key)
{
    const size_t set = set_of(hash);
    for (size_t way = 0; way < ADB__SHELF_WAYS; way++) {
        /* relaxed: a wrong tag is no more than a miss, or a look in vain. */
        if (atomic_load_explicit(&shelf->tags[set][way], memory_order_relaxed) != tag_of(hash))
            continue;
        struct adb__shelved *item = place_hold(&shelf->places[set][way], hold);
        if (item == NULL)
            continue;
        if (item->hash == hash && is_fn(item, key)) {
            /* relaxed, and written only by the first after the hand: its line stays shared. */
            if (!atomic_load_explicit(&item->found, memory_order_relaxed))
                atomic_store_explicit(&item->found, true, memory_order_relaxed);
            return item;
        }
        adb__hold_drop(hold);
    }
    return NULL;
}

bool adb__shelf_seen_before(struct adb__shelf *shelf, uint64_t hash)
{
    _Atomic uint32_t *seen = &shelf->seen[hash % ADB__SHELF_SEEN];
    if (atomic_load_explicit(seen, memory_order_relaxed) == tag_of(hash))
        return true;
    atomic_store_explicit(seen, tag_of(hash), memory_order_relaxed);
    return false;
}

/* Mark what of the removed is in some hold. What is in a hold must not be looked into: it may have been freed between
 * the two readings of place_hold(), which will let go of it. */
static void shelf_look(struct adb__shelf *shelf)
{
    for (struct adb__shelved *item = shelf->removed; item != NULL; item = item->next)
        item->held = false;
    for (size_t i = 0; i < shelf->config.n_holds; i++) {
        const struct adb__hold *hold = shelf->config.hold_fn(shelf->config.owner, i);
        /* seq_cst: pairs with place_hold(); and acquires what the last reader's adb__hold_drop() released. */
        const struct adb__shelved *held = atomic_load_explicit(&hold->item, memory_order_seq_cst);
        for (struct adb__shelved *item = held != NULL ? shelf->removed : NULL; item != NULL; item = item->next)
            item->held = item->held || item == held;
    }
}

/* Free what nobody holds; the rest waits until there are twice as many. */
static void shelf_free_removed(struct adb__shelf *shelf)
{
    struct adb__shelved **place = &shelf->removed;
    shelf_look(shelf);
    while (*place != NULL) {
        struct adb__shelved *item = *place;
        if (item->held) {
            place = &item->next;
            continue;
        }
        *place = item->next;
        shelf->n_removed--;
        shelf->config.free_fn(item);
    }
    shelf->n_patience = shelf_patience(shelf);
}

static void shelf_remove(struct adb__shelf *shelf, struct adb__shelved *item)
{
    item->next = shelf->removed;
    shelf->removed = item;
    shelf->n_removed++;
}

/* Put an item, or NULL, in place of what is there, whose turn to be freed comes later. */
static void shelf_replace(struct adb__shelf *shelf, size_t set, size_t way, struct adb__shelved *item)
{
    struct adb__shelf_place *place = &shelf->places[set][way];
    struct adb__shelved *old = atomic_load_explicit(&place->item, memory_order_relaxed);
    atomic_store_explicit(&shelf->tags[set][way], item != NULL ? tag_of(item->hash) : 0, memory_order_relaxed);
    /* seq_cst: pairs with place_hold(); and releases the item. */
    atomic_store_explicit(&place->item, item, memory_order_seq_cst);
    shelf->bytes += item != NULL ? item->bytes : 0;
    if (old != NULL) {
        shelf->bytes -= old->bytes;
        shelf_remove(shelf, old);
    }
}

static struct adb__shelved *shelf_at(struct adb__shelf *shelf, size_t set, size_t way)
{
    return atomic_load_explicit(&shelf->places[set][way].item, memory_order_relaxed);
}

/* Was it found since the hand came by last? Now the hand has come by. */
static bool was_found(struct adb__shelved *item)
{
    const bool found = atomic_load_explicit(&item->found, memory_order_relaxed);
    atomic_store_explicit(&item->found, false, memory_order_relaxed);
    return found;
}

/* A place of the set for a new item: an empty one, or whose turn it is. */
static size_t shelf_choose(struct adb__shelf *shelf, size_t set)
{
    for (size_t way = 0; way < ADB__SHELF_WAYS; way++) {
        if (shelf_at(shelf, set, way) == NULL)
            return way;
    }
    size_t way = shelf->hand++ % ADB__SHELF_WAYS;
    while (was_found(shelf_at(shelf, set, way)))
        way = shelf->hand++ % ADB__SHELF_WAYS;
    return way;
}

/* Remove until the bytes are few enough, from all sets, but not that one item. */
static void shelf_shrink(struct adb__shelf *shelf, const struct adb__shelved *but)
{
    while (shelf->bytes > shelf->config.max_bytes && shelf->bytes > but->bytes) {
        const size_t at = shelf->hand++ % (ADB__SHELF_SETS * ADB__SHELF_WAYS);
        const size_t set = at / ADB__SHELF_WAYS;
        const size_t way = at % ADB__SHELF_WAYS;
        struct adb__shelved *item = shelf_at(shelf, set, way);
        if (item != NULL && item != but && !was_found(item))
            shelf_replace(shelf, set, way, NULL);
    }
}

static bool shelf_has(struct adb__shelf *shelf, uint64_t hash)
{
    for (size_t way = 0; way < ADB__SHELF_WAYS; way++) {
        const struct adb__shelved *item = shelf_at(shelf, set_of(hash), way);
        if (item != NULL && item->hash == hash)
            return true;
    }
    return false;
}

void adb__shelf_put(struct adb__shelf *shelf, struct adb__shelved *item, struct adb__hold *hold)
{
    const size_t set = set_of(item->hash);
    assert(adb__hold_is_empty(hold));
    atomic_init(&item->found, false);
    /* seq_cst: as place_hold(); nobody can have removed it yet. */
    atomic_store_explicit(&hold->item, item, memory_order_seq_cst);
    pthread_mutex_lock(&shelf->lock);
    if (shelf_has(shelf, item->hash)) {
        shelf_remove(shelf, item); /* another thread was faster; this one goes with its only reader */
    } else {
        shelf_replace(shelf, set, shelf_choose(shelf, set), item);
        shelf_shrink(shelf, item);
    }
    if (shelf->n_removed >= shelf->n_patience)
        shelf_free_removed(shelf);
    pthread_mutex_unlock(&shelf->lock);
}

void adb__shelf_fini(struct adb__shelf *shelf)
{
    if (shelf->config.free_fn == NULL)
        return;
    for (size_t set = 0; set < ADB__SHELF_SETS; set++) {
        for (size_t way = 0; way < ADB__SHELF_WAYS; way++)
            shelf_replace(shelf, set, way, NULL);
    }
    while (shelf->removed != NULL) {
        struct adb__shelved *item = shelf->removed;
        shelf->removed = item->next;
        shelf->config.free_fn(item);
    }
    pthread_mutex_destroy(&shelf->lock);
    shelf->config.free_fn = NULL;
}
