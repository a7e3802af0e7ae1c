/* SPDX-License-Identifier: BSD-3-Clause */
/* Sleep and wake without lost wake-ups, and without a wake-up per job.
 *
 * A park is what the workers of one pool share: it knows how many of them search for work and which ones sleep. Whoever
 * makes work (adb__park_call) wakes one sleeper, unless somebody searches already: the searcher will find the work, or
 * a later look will. A searcher that has found work calls the next one if there is more. So at most one worker is woken
 * at a time, and a busy pool wakes nobody.
 *
 * To be woken costs more than many a job. A searcher that has found quick work, and little of it or none besides, may
 * rove: it still counts as searching while it runs that, so nobody is called. It may be wrong about what is quick. So
 * somebody watches, or nobody roves: a sleeper that was called in vain looks after the rover from time to time. When
 * that has not come on since, another sleeper is woken, and takes the search over; or who watches does, if there is no
 * other.
 *
 * With work that is quick enough, more than few at work are only in each other's way, and none of them would ever find
 * the queue empty. So one that finds itself too many may sit out, although there is work: while another one roves; or
 * it watches, and leaves the rover's place to whoever takes it next, to rove or to search. When nobody does in time,
 * that is as if a rover had not come on.
 *
 * Who is about to be free may search before anybody can see that it is: else whoever makes work in that moment wakes
 * another one, which finds that the first was there sooner.
 *
 * Where it does not pay to have more than so many at work at a time, those who are may stay (adb__park_stay): they run
 * something that is soon over, and look for work then, whoever calls. When enough of them stay, nobody is called. One
 * that turns to something else, or finds it not so soon over, strays (adb__park_stray), and calls in the place of those
 * who have relied on it. Who stays must not depend on anybody to notice that: it has a timer of its own.
 *
 * Why no wake-up is lost: the producer pushes, then reads the word, both seq_cst; a worker going to sleep writes the
 * word, then (seq_cst fence) looks into the queue once more. One of the two sees the other. The same holds for a
 * searcher that stops searching, and for one that strays. tests/models/park.pml checks all interleavings.
 *
 * The loop of a worker, which the model and tests/stress/stress_park.c follow too:
 *
 *     bool searching = false, roves = false;
 *     while (!stopping) {
 *         if (is_too_many() && !searching && !roves && !stays && adb__park_sit_out(park, me)) {
 *             searching = stopping ? adb__park_withdraw(park, me) : adb__park_sleep(park, me, deadline);
 *             continue;
 *         }
 *         bool found = pop(&lane);
 *         if (found && roves && still_quick() && adb__park_step(park, me)) {
 *             run(lane);
 *             continue;
 *         }
 *         if (roves)
 *             searching = adb__park_settle(park, me);
 *         roves = false;
 *         if (!found && stays) {
 *             adb__park_stray(park);
 *             stays = false;
 *         }
 *         if (!found && !searching)
 *             searching = adb__park_search(park);
 *         if (!found && searching)
 *             found = pop_spinning(&lane);        // a bounded number of looks
 *         if (!found) {
 *             adb__park_announce(park, me, searching);
 *             found = pop(&lane);
 *             searching = found || stopping ? adb__park_withdraw(park, me) : adb__park_sleep(park, me, deadline);
 *         }
 *         if (!found)
 *             continue;                           // or leave, when it has slept long enough
 *         roves = quick() && adb__park_rove(park, me, searching);
 *         if (searching && !roves)
 *             end_search();                       // who is to stay, does so before that
 *         searching = false;
 *         run(lane);                              // unless that is soon over, who stays strays, and calls if waiting()
 *         searching = !roves && adb__park_search(park);   // or not; and if there is more to run after all, end_search()
 *     }
 *     if (roves)
 *         searching = adb__park_settle(park, me);
 *     if (searching)
 *         end_search();                           // adb__park_found(park); if (waiting()) adb__park_call(park);
 *
 * Who stops the workers sets stopping first and calls adb__park_wake_all() then. A worker that leaves for good first
 * ceases to count as one (under the lock that starts new ones), and then looks for work once more: a producer whose
 * adb__park_call() was false has seen either that nobody is there, or somebody who will look again. */
#ifndef ADB_QUEUE_PARK_H
#define ADB_QUEUE_PARK_H

#include "base/cacheline.h"
#include "base/list.h"
#include "queue/parker.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct adb__sleeper;

struct adb__park {
    /* watched << 31 | vacant << 30 | searching << 16 | sleeping; written under lock, read without: by who pushes, each
     * time */
    _Alignas(ADB__CACHE_LINE) _Atomic uint32_t word;
    uint32_t enough;            /* workers that stay; set before anybody calls, UINT32_MAX: they never are */
    _Alignas(ADB__CACHE_LINE) _Atomic uint32_t steps; /* of rovers; the rover's */
    _Atomic uint32_t staying;   /* workers that do */
    _Alignas(ADB__CACHE_LINE) pthread_mutex_t lock; /* taken before that of a parker */
    struct adb__list sleepers;  /* last one to fall asleep first, and who watches last of all; lock */
    /* One of those who search, or whoever is the next; NULL: none. Written under lock. */
    _Atomic(const struct adb__sleeper *) rover;
    const struct adb__sleeper *watcher; /* one of the sleepers; NULL: none; lock */
};

/* A worker's place in the park. Its parker lives as long as the park: adb__park_call() wakes it after letting go of the
 * lock, when its owner may be far away already. */
struct adb__sleeper {
    struct adb__list link;
    struct adb__parker *parker; /* set by the owner, before anything else */
    bool listed;                /* in sleepers; lock of the park */
    bool searched;              /* was the searcher until it announced; lock of the park */
    bool in_vain;               /* called, and has found nothing yet; the owner's */
    bool watches;               /* sleeps with a timer; the owner's */
    uint32_t seen;              /* steps of the rover when it looked last; the owner's */
    int64_t watch_ns;           /* how long it sleeps before it looks again; the owner's */
};

/* False: the system refused. */
bool adb__park_init(struct adb__park *park);
void adb__park_fini(struct adb__park *park);

/* There is work. False: nobody sleeps and nobody searches, so it waits until a worker is free (or a new one starts). */
bool adb__park_call(struct adb__park *park);
/* The same by who has just pushed it, in a way that is sequentially consistent: it need not have a fence. */
bool adb__park_call_pushed(struct adb__park *park);

/* A worker without work asks to search. True: it is the searcher now, and ends that by adb__park_found() or
 * adb__park_announce(). False: somebody searches already. */
bool adb__park_search(struct adb__park *park);
/* The searcher has found work, or gives up for another reason: it searches no more. If there may be more work, it calls
 * adb__park_call() next. */
void adb__park_found(struct adb__park *park);

/* A worker that has found work goes on as the searcher while it runs that, with no call for what else waits. False: it
 * does not, as nobody watches, or somebody else searches. */
bool adb__park_rove(struct adb__park *park, struct adb__sleeper *sleeper, bool searching);
/* The rover has found the next work: whoever watches sees that it comes on. False: it is no rover any more. */
bool adb__park_step(struct adb__park *park, const struct adb__sleeper *sleeper);
/* It roves no more. True: it is the searcher. False: it is not, another one has taken the search over. */
bool adb__park_settle(struct adb__park *park, const struct adb__sleeper *sleeper);

/* A worker will look for work soon. Not twice by one. */
void adb__park_stay(struct adb__park *park);
/* It may not. If it finds work after this, it takes that and stays again, or calls adb__park_call(). */
void adb__park_stray(struct adb__park *park);
/* Do enough stay? */
bool adb__park_is_full(const struct adb__park *park);

/* Announce sleep; searching says whether the caller is the searcher (it is no more). The caller then looks for work
 * once more, and calls either of the next two. */
void adb__park_announce(struct adb__park *park, struct adb__sleeper *sleeper, bool searching);
/* Sleep, whether there is work or not; neither the searcher, nor a rover, nor one that stays. The caller withdraws, or
 * sleeps. False: others rely on it, as nobody roves, and somebody else watches or searches. */
bool adb__park_sit_out(struct adb__park *park, struct adb__sleeper *sleeper);
/* Would that be true, as it seems? */
bool adb__park_may_sit_out(const struct adb__park *park);
/* There was work after all. True: the caller is the searcher: it was before it announced, and others may have relied on
 * that, or it has been called meanwhile. */
bool adb__park_withdraw(struct adb__park *park, struct adb__sleeper *sleeper);
/* Sleep. True: called, the caller is the searcher now. False: the deadline passed or its parker was woken by name; the
 * caller is awake and not the searcher. */
bool adb__park_sleep(struct adb__park *park, struct adb__sleeper *sleeper, int64_t deadline);
/* Wake all that sleep, for closing. They wake as searchers, all of them. */
void adb__park_wake_all(struct adb__park *park);
/* For statistics. */
unsigned adb__park_sleeping(const struct adb__park *park);

#endif
