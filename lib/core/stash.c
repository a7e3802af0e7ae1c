/* SPDX-License-Identifier: BSD-3-Clause */
/* A list of blocks behind a lock that is held for a few instructions. Each block that is about keeps the stash. */
#include "core/stash.h"

#include "base/alloc.h"
#include "base/ref.h"

#include <pthread.h>

struct spare {
    struct spare *next;
};

struct adb__stash {
    struct adb__ref ref; /* the owner, and each block that is about */
    size_t block_size;
    pthread_mutex_t lock;
    struct spare *spares;
    size_t n_spares;
    size_t most; /* 0: the owner has gone */
};

struct adb__stash *adb__stash_new(size_t block_size, size_t most)
{
    struct adb__stash *stash = adb__alloc_zeroed(sizeof(*stash));
    if (stash == NULL)
        return NULL;
    adb__ref_init(&stash->ref, 1);
    pthread_mutex_init(&stash->lock, NULL);
    stash->block_size = block_size;
    stash->most = most;
    return stash;
}

static void stash_unref(struct adb__stash *stash)
{
    if (!adb__ref_drop(&stash->ref))
        return;
    pthread_mutex_destroy(&stash->lock);
    adb__free(stash);
}

static struct spare *stash_pop(struct adb__stash *stash)
{
    pthread_mutex_lock(&stash->lock);
    struct spare *spare = stash->spares;
    if (spare != NULL) {
        stash->spares = spare->next;
        stash->n_spares--;
    }
    pthread_mutex_unlock(&stash->lock);
    return spare;
}

static bool stash_push(struct adb__stash *stash, struct spare *spare)
{
    pthread_mutex_lock(&stash->lock);
    const bool room = stash->n_spares < stash->most;
    if (room) {
        spare->next = stash->spares;
        stash->spares = spare;
        stash->n_spares++;
    }
    pthread_mutex_unlock(&stash->lock);
    return room;
}

void *adb__stash_take(struct adb__stash *stash)
{
    void *block = stash_pop(stash);
    if (block == NULL)
        block = adb__alloc_lines(1, stash->block_size);
    if (block != NULL)
        adb__ref_take(&stash->ref);
    return block;
}

void adb__stash_give(struct adb__stash *stash, void *block)
{
    if (!stash_push(stash, block))
        adb__free_lines(block);
    stash_unref(stash);
}

void adb__stash_close(struct adb__stash *stash)
{
    if (stash == NULL)
        return;
    pthread_mutex_lock(&stash->lock);
    struct spare *spares = stash->spares;
    stash->spares = NULL;
    stash->n_spares = stash->most = 0;
    pthread_mutex_unlock(&stash->lock);
    while (spares != NULL) {
        struct spare *spare = spares;
        spares = spare->next;
        adb__free_lines(spare);
    }
    stash_unref(stash);
}
