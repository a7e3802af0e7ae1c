/* SPDX-License-Identifier: BSD-3-Clause */
/* Things that many threads read and nobody changes, found by their hash without a lock or a shared counter, and freed
 * when nobody reads them any more. Of hazard pointers (M. M. Michael, IEEE TPDS 15(6), 2004):
 *
 *     who reads:    writes into its hold what it has found, and looks again: still on the shelf? Then it stays until
 *                   the hold is let go.
 *     who removes:  takes it from the shelf, then looks into all holds: in none? Then nobody has it or gets it.
 *
 * Each writes one thing and then reads the other's, all sequentially consistent, so one of the two sees the other.
 * tests/models/shelf.pml checks all interleavings. Readers write to nothing that is shared; putting and removing are
 * behind a lock. What is full makes room by second chance: the next that was not found since the hand came by last. */
#ifndef ADB_QUEUE_SHELF_H
#define ADB_QUEUE_SHELF_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ADB__SHELF_SETS 32
#define ADB__SHELF_WAYS 8
#define ADB__SHELF_SEEN 512

/* The beginning of whatever stands on a shelf. */
struct adb__shelved {
    uint64_t hash;
    size_t bytes;              /* what it costs */
    _Atomic bool found;        /* since the hand came by */
    bool held;                 /* when the holds were last looked into, after its removal; the shelf's lock */
    struct adb__shelved *next; /* of those that are removed; the shelf's lock */
};

/* What one reader reads. A hold has one user at a time. */
struct adb__hold {
    _Atomic(struct adb__shelved *) item;
};

struct adb__shelf_config {
    size_t max_bytes; /* on the shelf */
    size_t n_holds;
    struct adb__hold *(*hold_fn)(void *owner, size_t index);
    void *owner;
    void (*free_fn)(struct adb__shelved *item);
};

struct adb__shelf_place {
    _Atomic(struct adb__shelved *) item;
};

struct adb__shelf {
    _Atomic uint32_t tags[ADB__SHELF_SETS][ADB__SHELF_WAYS]; /* of the hashes: a hint where to look */
    struct adb__shelf_place places[ADB__SHELF_SETS][ADB__SHELF_WAYS];
    _Atomic uint32_t seen[ADB__SHELF_SEEN];
    struct adb__shelf_config config;
    pthread_mutex_t lock; /* what follows, and all writing to the places */
    size_t bytes;
    size_t hand;
    struct adb__shelved *removed; /* may still be read */
    size_t n_removed;
    size_t n_patience; /* so many of them, and the holds are looked into */
};

/* Zeroed storage. */
void adb__shelf_init(struct adb__shelf *shelf, const struct adb__shelf_config *config);
/* Free all. Nobody holds anything. Safe on zeroed storage. */
void adb__shelf_fini(struct adb__shelf *shelf);

/* What has this hash and is_fn says is it; NULL: none, and the hold is empty. It is the hold's, empty before, until
 * adb__hold_drop(). */
struct adb__shelved *adb__shelf_find(struct adb__shelf *shelf, uint64_t hash, struct adb__hold *hold,
                                     bool (*is_fn)(const struct adb__shelved *item, const void *key), const void *key);
/* Was this hash asked for before, not long ago? A hint: what is used once is not worth a place. */
bool adb__shelf_seen_before(struct adb__shelf *shelf, uint64_t hash);
/* Hand over a new item, with its hash and bytes. It is the caller's hold's too. */
void adb__shelf_put(struct adb__shelf *shelf, struct adb__shelved *item, struct adb__hold *hold);

/* Nothing of it is read any more. */
static inline void adb__hold_drop(struct adb__hold *hold)
{
    /* release: pairs with the look into the holds: all reading comes before the freeing. */
    atomic_store_explicit(&hold->item, NULL, memory_order_release);
}

static inline bool adb__hold_is_empty(const struct adb__hold *hold)
{
    return atomic_load_explicit(&hold->item, memory_order_relaxed) == NULL;
}

#endif
