/* SPDX-License-Identifier: BSD-3-Clause */
/* Parks. The word of a park changes only under its lock, once per locked section, so that each section is
 * one step for those who read the word without it. */
#include "queue/park.h"

#include "base/clock.h"

#include <assert.h>

#define ONE_SLEEPING  UINT32_C(1)
#define ONE_SEARCHING (UINT32_C(1) << 16)
#define VACANT        (UINT32_C(1) << 30)
#define WATCHED       (UINT32_C(1) << 31)
#define SLEEPING      (ONE_SEARCHING - 1)
#define SEARCHING     (VACANT - ONE_SEARCHING)

/* How often who watches looks after the rover. Each look takes the processor from somebody, so the longer the rover has
 * come on, the longer it is left alone. Work that waits behind a job which was not quick waits for two such times at
 * most. */
#define WATCH_NS      200000
#define WATCH_MOST_NS (8 * WATCH_NS)

/* The rover, as long as VACANT says that its place is for the next one who roves or searches. */
static const struct adb__sleeper next_one;

/* gcc warns that ThreadSanitizer knows no fences. None of ours publishes data: locks and queues do. */
#if defined(__SANITIZE_THREAD__) && defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wtsan"
#endif

bool adb__park_init(struct adb__park *park)
{
    atomic_init(&park->word, 0);
    atomic_init(&park->steps, 0);
    atomic_init(&park->staying, 0);
    park->enough = UINT32_MAX;
    adb__list_init(&park->sleepers);
    atomic_init(&park->rover, NULL);
    park->watcher = NULL;
    return pthread_mutex_init(&park->lock, NULL) == 0;
}

void adb__park_fini(struct adb__park *park)
{
    assert(adb__list_empty(&park->sleepers));
    (void)pthread_mutex_destroy(&park->lock);
}

/* relaxed: a hint, or it was written under the lock that the caller holds. */
static uint32_t park_word(const struct adb__park *park)
{
    return atomic_load_explicit(&park->word, memory_order_relaxed);
}

/* relaxed: the lock orders the writers; for the readers without it, the fence that follows where one is needed. */
static void park_set_locked(struct adb__park *park, uint32_t word)
{
    atomic_store_explicit(&park->word, word, memory_order_relaxed);
}

/* relaxed, as the word */
static const struct adb__sleeper *park_rover(const struct adb__park *park)
{
    return atomic_load_explicit(&park->rover, memory_order_relaxed);
}

static void park_set_rover_locked(struct adb__park *park, const struct adb__sleeper *sleeper)
{
    atomic_store_explicit(&park->rover, sleeper, memory_order_relaxed);
}

static bool word_needs_call(uint32_t word)
{
    return (word & SEARCHING) == 0 && (word & SLEEPING) != 0;
}

/* Nobody does, or it is left to whoever comes next. */
static bool word_may_search(uint32_t word)
{
    return (word & SEARCHING) == 0 || (word & VACANT) != 0;
}

/* Off the list, and to as many searchers more. Who watched a rover takes its search over, so that nobody roves alone:
 * true, and none is added. */
static bool park_unlist_locked(struct adb__park *park, struct adb__sleeper *sleeper, uint32_t searching)
{
    bool watched = park->watcher == sleeper;
    bool takes_over = watched && park_rover(park) != NULL;
    uint32_t word = park_word(park) - ONE_SLEEPING + (takes_over ? 0 : searching);
    sleeper->listed = false;
    adb__list_remove(&sleeper->link);
    if (watched) {
        park_set_rover_locked(park, NULL);
        park->watcher = NULL;
    }
    park_set_locked(park, watched ? word & ~(WATCHED | VACANT) : word);
    return takes_over;
}

/* A sleeper becomes a searcher; NULL when none sleeps. It may run as soon as the lock is free. */
static struct adb__parker *park_take_locked(struct adb__park *park)
{
    if (adb__list_empty(&park->sleepers))
        return NULL;
    struct adb__sleeper *sleeper = ADB__CONTAINER_OF(park->sleepers.next, struct adb__sleeper, link);
    (void)park_unlist_locked(park, sleeper, ONE_SEARCHING);
    return sleeper->parker;
}

void adb__park_stay(struct adb__park *park)
{
    /* relaxed: who does not see it calls somebody */
    atomic_fetch_add_explicit(&park->staying, 1, memory_order_relaxed);
}

void adb__park_stray(struct adb__park *park)
{
    atomic_fetch_sub_explicit(&park->staying, 1, memory_order_relaxed);
    /* Pairs with the loads in adb__park_call_pushed(): whoever still counted on us has pushed what we see next. */
    atomic_thread_fence(memory_order_seq_cst);
}

bool adb__park_is_full(const struct adb__park *park)
{
    /* seq_cst: for adb__park_call_pushed(), as the word; for others a hint */
    return atomic_load_explicit(&park->staying, memory_order_seq_cst) >= park->enough;
}

/* What was pushed is before this in the order of all that is seq_cst, and so are, with their fences, a worker's step
 * (it sleeps, searches no more, or strays) and the look into the queue that it takes next: either the step is read
 * here, or the look sees the push. */
bool adb__park_call_pushed(struct adb__park *park)
{
    struct adb__parker *parker = NULL;
    uint32_t word = atomic_load_explicit(&park->word, memory_order_seq_cst);
    if (!word_needs_call(word))
        return (word & SEARCHING) != 0;
    if (adb__park_is_full(park))
        return true;

    pthread_mutex_lock(&park->lock);
    word = park_word(park);
    if (word_needs_call(word))
        parker = park_take_locked(park);
    pthread_mutex_unlock(&park->lock);
    if (parker != NULL)
        adb__parker_wake(parker);
    return (word & (SEARCHING | SLEEPING)) != 0;
}

bool adb__park_call(struct adb__park *park)
{
    atomic_thread_fence(memory_order_seq_cst);
    return adb__park_call_pushed(park);
}

bool adb__park_search(struct adb__park *park)
{
    bool searcher = false;
    /* An old value does no harm: the caller goes to sleep, and looks once more before it does. */
    if (!word_may_search(park_word(park)))
        return false;
    pthread_mutex_lock(&park->lock);
    uint32_t word = park_word(park);
    if ((word & VACANT) != 0) {
        park_set_rover_locked(park, NULL);
        park_set_locked(park, word & ~VACANT);
        searcher = true;
    } else if (word_may_search(word)) {
        park_set_locked(park, word + ONE_SEARCHING);
        searcher = true;
    }
    pthread_mutex_unlock(&park->lock);
    return searcher;
}

void adb__park_found(struct adb__park *park)
{
    pthread_mutex_lock(&park->lock);
    assert((park_word(park) & SEARCHING) != 0);
    park_set_locked(park, park_word(park) - ONE_SEARCHING);
    pthread_mutex_unlock(&park->lock);
    /* Pairs with the loads in adb__park_call_pushed(): whoever still saw us searching has pushed what we see next. */
    atomic_thread_fence(memory_order_seq_cst);
}

bool adb__park_rove(struct adb__park *park, struct adb__sleeper *sleeper, bool searching)
{
    /* An old value does no harm: one watches or not, and the next call is made. */
    if ((park_word(park) & WATCHED) == 0)
        return false;
    pthread_mutex_lock(&park->lock);
    uint32_t word = park_word(park);
    /* There is one rover: of several searchers the others keep theirs, which would be nobody's if they took its place,
     * or the vacant one. */
    bool vacant = (word & VACANT) != 0;
    bool may = vacant ? !searching
                      : park->watcher != NULL && park_rover(park) == NULL && (searching || (word & SEARCHING) == 0);
    if (may) {
        park_set_rover_locked(park, sleeper);
        park_set_locked(park, (word & ~VACANT) + (searching || vacant ? 0 : ONE_SEARCHING));
    }
    pthread_mutex_unlock(&park->lock);
    return may;
}

bool adb__park_step(struct adb__park *park, const struct adb__sleeper *sleeper)
{
    /* relaxed, all: a sign of life that orders nothing, from one rover. If it loses the search in this moment, and
     * there is another rover, a step may be lost, which the next one makes good. */
    uint32_t steps = atomic_load_explicit(&park->steps, memory_order_relaxed);
    if (park_rover(park) != sleeper)
        return false;
    atomic_store_explicit(&park->steps, steps + 1, memory_order_relaxed);
    return true;
}

bool adb__park_settle(struct adb__park *park, const struct adb__sleeper *sleeper)
{
    pthread_mutex_lock(&park->lock);
    bool searcher = park_rover(park) == sleeper;
    if (searcher)
        park_set_rover_locked(park, NULL);
    pthread_mutex_unlock(&park->lock);
    return searcher;
}

/* It was not needed, so it may as well look after one that goes on alone. Others are called before it is. */
static void park_watch_locked(struct adb__park *park, struct adb__sleeper *sleeper)
{
    sleeper->seen = atomic_load_explicit(&park->steps, memory_order_relaxed);
    sleeper->watch_ns = WATCH_NS;
    adb__list_append(&park->sleepers, &sleeper->link);
    park->watcher = sleeper;
    park_set_locked(park, park_word(park) | WATCHED);
}

void adb__park_announce(struct adb__park *park, struct adb__sleeper *sleeper, bool searching)
{
    pthread_mutex_lock(&park->lock);
    assert(!searching || (park_word(park) & SEARCHING) != 0);
    sleeper->listed = true;
    sleeper->searched = searching;
    sleeper->watches = sleeper->in_vain && park->watcher == NULL;
    if (sleeper->watches)
        park_watch_locked(park, sleeper);
    else
        adb__list_prepend(&park->sleepers, &sleeper->link);
    park_set_locked(park, park_word(park) + ONE_SLEEPING - (searching ? ONE_SEARCHING : 0));
    pthread_mutex_unlock(&park->lock);
    /* Pairs with the loads in adb__park_call_pushed(): whoever did not see us sleeping has pushed what we see next. */
    atomic_thread_fence(memory_order_seq_cst);
}

/* It has a rover, or whoever sits out would watch for one. */
static bool park_may_spare(const struct adb__park *park, uint32_t word)
{
    return (word & VACANT) == 0 && (park_rover(park) != NULL || (word & (SEARCHING | WATCHED)) == 0);
}

bool adb__park_may_sit_out(const struct adb__park *park)
{
    return park_may_spare(park, park_word(park));
}

bool adb__park_sit_out(struct adb__park *park, struct adb__sleeper *sleeper)
{
    pthread_mutex_lock(&park->lock);
    bool may = park_may_spare(park, park_word(park));
    if (may) {
        bool watches = park_rover(park) == NULL;
        sleeper->listed = true;
        sleeper->searched = false;
        sleeper->watches = watches;
        if (watches) {
            park_watch_locked(park, sleeper);
            park_set_rover_locked(park, &next_one);
        } else {
            adb__list_prepend(&park->sleepers, &sleeper->link);
        }
        park_set_locked(park, park_word(park) + ONE_SLEEPING + (watches ? ONE_SEARCHING | VACANT : 0));
    }
    pthread_mutex_unlock(&park->lock);
    return may;
}

bool adb__park_withdraw(struct adb__park *park, struct adb__sleeper *sleeper)
{
    pthread_mutex_lock(&park->lock);
    bool searcher = !sleeper->listed || sleeper->searched;
    if (sleeper->listed && park_unlist_locked(park, sleeper, sleeper->searched ? ONE_SEARCHING : 0))
        searcher = true;
    pthread_mutex_unlock(&park->lock);
    return searcher;
}

/* The rover has not come on: another sleeper, woken by the caller, takes its search over. NULL: there is no other. */
static struct adb__parker *park_replace_locked(struct adb__park *park, const struct adb__sleeper *watcher)
{
    struct adb__sleeper *sleeper = ADB__CONTAINER_OF(park->sleepers.next, struct adb__sleeper, link);
    if (sleeper == watcher)
        return NULL;
    (void)park_unlist_locked(park, sleeper, 0);
    park_set_rover_locked(park, NULL);
    park_set_locked(park, park_word(park) & ~VACANT);
    return sleeper->parker;
}

/* Time to look after the rover. True: sleep on, as it comes on, or there is none, or another one was found for it. */
static bool park_look_locked(struct adb__park *park, struct adb__sleeper *sleeper, struct adb__parker **other_out)
{
    uint32_t steps = atomic_load_explicit(&park->steps, memory_order_relaxed);
    bool comes_on = steps != sleeper->seen;
    sleeper->seen = steps;
    sleeper->watch_ns = sleeper->watch_ns < WATCH_MOST_NS ? 2 * sleeper->watch_ns : WATCH_MOST_NS;
    if (comes_on)
        return true;
    if (park_rover(park) != NULL) {
        sleeper->watch_ns = WATCH_NS;
        *other_out = park_replace_locked(park, sleeper);
        return *other_out != NULL;
    }
    sleeper->watches = false;
    park->watcher = NULL;
    park_set_locked(park, park_word(park) & ~WATCHED);
    return true;
}

bool adb__park_sleep(struct adb__park *park, struct adb__sleeper *sleeper, int64_t deadline)
{
    for (bool asleep = true; asleep;) {
        struct adb__parker *other = NULL;
        int64_t until =
            sleeper->watches ? adb__deadline_first(deadline, adb__clock_now() + sleeper->watch_ns) : deadline;
        bool woken = adb__parker_wait(sleeper->parker, until);
        pthread_mutex_lock(&park->lock);
        /* Why it woke does not matter: it was called if it is no longer listed. Believing the parker instead would lose
         * a search when the call comes between the deadline and the withdrawal. */
        asleep = sleeper->listed && !woken && until != deadline && park_look_locked(park, sleeper, &other);
        if (!asleep)
            sleeper->in_vain = !sleeper->listed || park_unlist_locked(park, sleeper, 0);
        pthread_mutex_unlock(&park->lock);
        if (other != NULL)
            adb__parker_wake(other);
    }
    return sleeper->in_vain;
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
    return park_word(park) & SLEEPING;
}
