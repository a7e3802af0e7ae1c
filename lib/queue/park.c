/* SPDX-License-Identifier: BSD-3-Clause */
/* Parks. The word of a park changes only under its lock, once per locked section, so that each section is
 * one step for those who read the word without it. */
#include "queue/park.h"

#include <assert.h>

#define ONE_SLEEPING  UINT32_C(1)
#define ONE_SEARCHING (UINT32_C(1) << 16)

/* gcc warns that ThreadSanitizer knows no fences. None of ours publishes data: locks and queues do. */
#if defined(__SANITIZE_THREAD__) && defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wtsan"
#endif

bool adb__park_init(struct adb__park *park)
{
    atomic_init(&park->word, 0);
    adb__list_init(&park->sleepers);
    return pthread_mutex_init(&park->lock, NULL) == 0;
}

void adb__park_fini(struct adb__park *park)
{
    assert(adb__list_empty(&park->sleepers));
    (void)pthread_mutex_destroy(&park->lock);
}

/* relaxed: what it must not miss is before the fence of the caller, or was written under the lock the caller holds. */
static uint32_t park_word(const struct adb__park *park)
{
    return atomic_load_explicit(&park->word, memory_order_relaxed);
}

/* relaxed: the lock orders the writers; for the readers without it, the fence that follows where one is needed. */
static void park_set_locked(struct adb__park *park, uint32_t word)
{
    atomic_store_explicit(&park->word, word, memory_order_relaxed);
}

static bool word_needs_call(uint32_t word)
{
    return word < ONE_SEARCHING && word > 0;
}

/* A sleeper becomes a searcher; NULL when none sleeps. It may run as soon as the lock is free. */
static struct adb__parker *park_take_locked(struct adb__park *park)
{
    struct adb__list *link = adb__list_take_first(&park->sleepers);
    if (link == NULL)
        return NULL;
    struct adb__sleeper *sleeper = ADB__CONTAINER_OF(link, struct adb__sleeper, link);
    sleeper->listed = false;
    park_set_locked(park, park_word(park) - ONE_SLEEPING + ONE_SEARCHING);
    return sleeper->parker;
}

bool adb__park_call(struct adb__park *park)
{
    struct adb__parker *parker = NULL;
    /* Pairs with the fences in adb__park_announce() and adb__park_found(): either the word read here is new (a worker
     * sleeps, or searches no more), or the look which that worker takes next sees the push that came before this. */
    atomic_thread_fence(memory_order_seq_cst);
    uint32_t word = park_word(park);
    if (!word_needs_call(word))
        return word > 0;

    pthread_mutex_lock(&park->lock);
    word = park_word(park);
    if (word_needs_call(word))
        parker = park_take_locked(park);
    pthread_mutex_unlock(&park->lock);
    if (parker != NULL)
        adb__parker_wake(parker);
    return word > 0;
}

bool adb__park_search(struct adb__park *park)
{
    bool searcher = false;
    /* An old value does no harm: the caller goes to sleep, and looks once more before it does. */
    if (park_word(park) >= ONE_SEARCHING)
        return false;
    pthread_mutex_lock(&park->lock);
    uint32_t word = park_word(park);
    if (word < ONE_SEARCHING) {
        park_set_locked(park, word + ONE_SEARCHING);
        searcher = true;
    }
    pthread_mutex_unlock(&park->lock);
    return searcher;
}

void adb__park_found(struct adb__park *park)
{
    pthread_mutex_lock(&park->lock);
    assert(park_word(park) >= ONE_SEARCHING);
    park_set_locked(park, park_word(park) - ONE_SEARCHING);
    pthread_mutex_unlock(&park->lock);
    /* Pairs with the fence in adb__park_call(): whoever still saw us searching has pushed what we see next. */
    atomic_thread_fence(memory_order_seq_cst);
}

void adb__park_announce(struct adb__park *park, struct adb__sleeper *sleeper, bool searching)
{
    pthread_mutex_lock(&park->lock);
    assert(!searching || park_word(park) >= ONE_SEARCHING);
    sleeper->listed = true;
    sleeper->searched = searching;
    adb__list_prepend(&park->sleepers, &sleeper->link);
    park_set_locked(park, park_word(park) + ONE_SLEEPING - (searching ? ONE_SEARCHING : 0));
    pthread_mutex_unlock(&park->lock);
    /* Pairs with the fence in adb__park_call(): whoever did not see us sleeping has pushed what we see next. */
    atomic_thread_fence(memory_order_seq_cst);
}

/* Off the list again, and to as many searchers more. */
static void park_unlist_locked(struct adb__park *park, struct adb__sleeper *sleeper, uint32_t searching)
{
    sleeper->listed = false;
    adb__list_remove(&sleeper->link);
    park_set_locked(park, park_word(park) - ONE_SLEEPING + searching);
}

bool adb__park_withdraw(struct adb__park *park, struct adb__sleeper *sleeper)
{
    pthread_mutex_lock(&park->lock);
    bool searcher = !sleeper->listed || sleeper->searched;
    if (sleeper->listed)
        park_unlist_locked(park, sleeper, sleeper->searched ? ONE_SEARCHING : 0);
    pthread_mutex_unlock(&park->lock);
    return searcher;
}

bool adb__park_sleep(struct adb__park *park, struct adb__sleeper *sleeper, int64_t deadline)
{
    /* Why it woke does not matter: it was called if it is no longer listed. Believing the parker instead would lose a
     * search when the call comes between the deadline and the withdrawal. */
    (void)adb__parker_wait(sleeper->parker, deadline);
    pthread_mutex_lock(&park->lock);
    bool called = !sleeper->listed;
    if (!called)
        park_unlist_locked(park, sleeper, 0);
    pthread_mutex_unlock(&park->lock);
    return called;
}

void adb__park_wake_all(struct adb__park *park)
{
    pthread_mutex_lock(&park->lock);
    struct adb__parker *parker = park_take_locked(park);
    while (parker != NULL) {
        adb__parker_wake(parker);
        parker = park_take_locked(park);
    }
    pthread_mutex_unlock(&park->lock);
}

unsigned adb__park_sleeping(const struct adb__park *park)
{
    return park_word(park) % ONE_SEARCHING;
}
