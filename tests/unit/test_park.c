/* SPDX-License-Identifier: BSD-3-Clause */
/* Parkers and parks as one thread sees them, which keeps the wakes that come before the sleep;
 * tests/stress/stress_park.c has the others. */
#include "tests/lib/harness.h"

#include "base/clock.h"
#include "queue/park.h"

#define SLEEPERS 3

static struct adb__park park;
static struct adb__parker parkers[SLEEPERS];
static struct adb__sleeper sleepers[SLEEPERS];

static void setup(void)
{
    REQUIRE(adb__park_init(&park));
    for (int i = 0; i < SLEEPERS; i++) {
        REQUIRE(adb__parker_init(&parkers[i]));
        sleepers[i] = (struct adb__sleeper){.parker = &parkers[i]};
    }
}

/* No test leaves a searcher or a sleeper behind. */
static void teardown(void)
{
    CU_ASSERT_EQUAL(atomic_load(&park.word), 0);
    for (int i = 0; i < SLEEPERS; i++)
        adb__parker_fini(&parkers[i]);
    adb__park_fini(&park);
}

/* A deadline that has passed: looks whether a wake is there, and does not sleep. */
static bool woken(int i)
{
    return adb__parker_wait(&parkers[i], adb__clock_now());
}

static unsigned searching(void)
{
    return atomic_load(&park.word) >> 16 & 0x3fff;
}

/* A wake that comes before the sleep is kept, once. */
TEST(wake_before_wait_is_kept)
{
    setup();
    adb__parker_wake(&parkers[0]);
    adb__parker_wake(&parkers[0]);
    CU_ASSERT(adb__parker_wait(&parkers[0], ADB__NEVER));
    CU_ASSERT(!woken(0));
    teardown();
}

/* While enough stay, nobody is called; when one strays, who makes work calls again. */
TEST(enough_that_stay_make_up_for_a_call)
{
    setup();
    park.enough = 2;
    adb__park_announce(&park, &sleepers[0], false);
    adb__park_stay(&park);
    CU_ASSERT(!adb__park_is_full(&park));
    adb__park_stay(&park);
    CU_ASSERT(adb__park_is_full(&park));
    CU_ASSERT(adb__park_call(&park));
    CU_ASSERT(!woken(0));
    adb__park_stray(&park);
    CU_ASSERT(adb__park_call(&park));
    CU_ASSERT(woken(0));
    CU_ASSERT(adb__park_withdraw(&park, &sleepers[0]));
    adb__park_found(&park);
    adb__park_stray(&park);
    teardown();
}

/* With nobody asleep, that enough stay says nothing of who else might come. */
TEST(a_call_with_nobody_asleep_asks_for_more)
{
    setup();
    park.enough = 1;
    adb__park_stay(&park);
    CU_ASSERT(!adb__park_call(&park));
    adb__park_stray(&park);
    teardown();
}

/* A kept wake counts even when the deadline has passed. */
TEST(wake_counts_after_the_deadline_too)
{
    setup();
    adb__parker_wake(&parkers[0]);
    CU_ASSERT(woken(0));
    teardown();
}

/* Without a wake, the sleep ends at the deadline and not before, in the past, at zero and before the clock's time. */
TEST(wait_ends_at_the_deadline)
{
    const int64_t before[] = {INT64_MIN, -1, 0, 1};
    setup();
    for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++)
        CU_ASSERT(!adb__parker_wait(&parkers[0], before[i]));
    int64_t deadline = adb__clock_now() + ADB__NS_PER_MS;
    CU_ASSERT(!adb__parker_wait(&parkers[0], deadline));
    CU_ASSERT(adb__clock_now() >= deadline);
    teardown();
}

static void *wake_first(void *arg)
{
    (void)arg;
    adb__parker_wake(&parkers[0]);
    return NULL;
}

/* A wake from another thread ends the sleep, for ever or long as it was to be. */
TEST(wait_ends_with_a_wake_from_another_thread)
{
    const int64_t deadlines[] = {ADB__NEVER, ADB__NEVER - 1, adb__clock_now() + 3600 * 1000 * ADB__NS_PER_MS};
    setup();
    for (int i = 0; i < 3; i++) {
        pthread_t thread;
        REQUIRE(pthread_create(&thread, NULL, wake_first, NULL) == 0);
        CU_ASSERT(adb__parker_wait(&parkers[0], deadlines[i]));
        pthread_join(thread, NULL);
    }
    teardown();
}

/* When nobody sleeps or searches, the caller is told, so that it can start a worker. */
TEST(call_on_busy_pool_is_false)
{
    setup();
    CU_ASSERT(!adb__park_call(&park));
    teardown();
}

/* A call turns one sleeper into the searcher and wakes it. */
TEST(call_wakes_a_sleeper_as_searcher)
{
    setup();
    adb__park_announce(&park, &sleepers[0], false);
    CU_ASSERT_EQUAL(adb__park_sleeping(&park), 1);
    CU_ASSERT(adb__park_call(&park));
    CU_ASSERT_EQUAL(adb__park_sleeping(&park), 0);
    CU_ASSERT_EQUAL(searching(), 1);
    CU_ASSERT(adb__park_sleep(&park, &sleepers[0], ADB__NEVER));
    adb__park_found(&park);
    teardown();
}

/* While somebody searches, nobody else is woken: that one will find the work. */
TEST(call_wakes_nobody_while_somebody_searches)
{
    setup();
    CU_ASSERT(adb__park_search(&park));
    adb__park_announce(&park, &sleepers[0], false);
    CU_ASSERT(adb__park_call(&park));
    CU_ASSERT_EQUAL(adb__park_sleeping(&park), 1);
    CU_ASSERT(!woken(0));
    CU_ASSERT(!adb__park_withdraw(&park, &sleepers[0]));
    adb__park_found(&park);
    teardown();
}

/* Two calls wake one: the second is left to the searcher. */
TEST(second_call_wakes_nobody)
{
    setup();
    adb__park_announce(&park, &sleepers[0], false);
    adb__park_announce(&park, &sleepers[1], false);
    CU_ASSERT(adb__park_call(&park));
    CU_ASSERT(adb__park_call(&park));
    CU_ASSERT_EQUAL(adb__park_sleeping(&park), 1);
    CU_ASSERT(adb__park_sleep(&park, &sleepers[1], ADB__NEVER));
    CU_ASSERT(!woken(0));
    adb__park_found(&park);
    CU_ASSERT(!adb__park_withdraw(&park, &sleepers[0]));
    teardown();
}

/* A searcher that has found work and calls wakes the next: so the pool grows awake one by one. */
TEST(searcher_calls_the_next)
{
    setup();
    adb__park_announce(&park, &sleepers[0], false);
    adb__park_announce(&park, &sleepers[1], false);
    CU_ASSERT(adb__park_call(&park));
    CU_ASSERT(adb__park_sleep(&park, &sleepers[1], ADB__NEVER));
    adb__park_found(&park);
    CU_ASSERT(adb__park_call(&park));
    CU_ASSERT(adb__park_sleep(&park, &sleepers[0], ADB__NEVER));
    adb__park_found(&park);
    CU_ASSERT(!adb__park_call(&park));
    teardown();
}

/* The last one to fall asleep is called first, as its memory is warm, and the others can sleep long enough to leave. */
TEST(last_asleep_is_called_first)
{
    setup();
    for (int i = 0; i < SLEEPERS; i++)
        adb__park_announce(&park, &sleepers[i], false);
    for (int i = SLEEPERS - 1; i >= 0; i--) {
        CU_ASSERT(adb__park_call(&park));
        CU_ASSERT(woken(i));
        CU_ASSERT(adb__park_sleep(&park, &sleepers[i], adb__clock_now()));
        adb__park_found(&park);
    }
    teardown();
}

/* One searches at a time. */
TEST(second_search_is_refused)
{
    setup();
    CU_ASSERT(adb__park_search(&park));
    CU_ASSERT(!adb__park_search(&park));
    adb__park_found(&park);
    CU_ASSERT(adb__park_search(&park));
    adb__park_found(&park);
    teardown();
}

/* A searcher that goes to sleep searches no more. */
TEST(announce_ends_the_search)
{
    setup();
    CU_ASSERT(adb__park_search(&park));
    adb__park_announce(&park, &sleepers[0], true);
    CU_ASSERT_EQUAL(searching(), 0);
    CU_ASSERT_EQUAL(adb__park_sleeping(&park), 1);
    CU_ASSERT(!adb__park_sleep(&park, &sleepers[0], adb__clock_now()));
    teardown();
}

/* Work that came while it was the searcher may be more than one piece, and its producers have called nobody: so when it
 * does not sleep after all it is the searcher again, and will look for more. */
TEST(withdrawing_searcher_searches_again)
{
    setup();
    CU_ASSERT(adb__park_search(&park));
    adb__park_announce(&park, &sleepers[0], true);
    CU_ASSERT(adb__park_withdraw(&park, &sleepers[0]));
    CU_ASSERT_EQUAL(searching(), 1);
    CU_ASSERT_EQUAL(adb__park_sleeping(&park), 0);
    adb__park_found(&park);
    teardown();
}

/* Called between the announcement and the withdrawal: the caller relies on it, so it is the searcher. */
TEST(withdraw_after_a_call_is_the_searcher)
{
    setup();
    adb__park_announce(&park, &sleepers[0], false);
    CU_ASSERT(adb__park_call(&park));
    CU_ASSERT(adb__park_withdraw(&park, &sleepers[0]));
    adb__park_found(&park);
    teardown();
}

/* The wake of a call that was noticed otherwise stays in the parker, and ends the next sleep, which says that it was
 * not called. */
TEST(old_wake_is_no_call)
{
    setup();
    adb__park_announce(&park, &sleepers[0], false);
    CU_ASSERT(adb__park_call(&park));
    CU_ASSERT(adb__park_withdraw(&park, &sleepers[0]));
    adb__park_found(&park);
    adb__park_announce(&park, &sleepers[0], false);
    CU_ASSERT(!adb__park_sleep(&park, &sleepers[0], ADB__NEVER));
    teardown();
}

/* Woken by name: awake, not the searcher, and no longer listed. */
TEST(wake_by_name_ends_the_sleep)
{
    setup();
    adb__park_announce(&park, &sleepers[0], false);
    adb__parker_wake(&parkers[0]);
    CU_ASSERT(!adb__park_sleep(&park, &sleepers[0], ADB__NEVER));
    CU_ASSERT_EQUAL(adb__park_sleeping(&park), 0);
    CU_ASSERT(!adb__park_call(&park));
    teardown();
}

/* Called and woken by name at once, or called when the deadline passes: the search must not get lost. */
TEST(call_wins_over_name_and_deadline)
{
    setup();
    adb__park_announce(&park, &sleepers[0], false);
    adb__parker_wake(&parkers[0]);
    CU_ASSERT(adb__park_call(&park));
    CU_ASSERT(adb__park_sleep(&park, &sleepers[0], ADB__NEVER));
    adb__park_found(&park);

    adb__park_announce(&park, &sleepers[0], false);
    CU_ASSERT(adb__park_call(&park));
    CU_ASSERT(woken(0));
    CU_ASSERT(adb__park_sleep(&park, &sleepers[0], adb__clock_now()));
    adb__park_found(&park);
    teardown();
}

/* One leaves from the middle of the list; the others are called as ever. */
TEST(withdrawing_leaves_the_others_listed)
{
    setup();
    for (int i = 0; i < SLEEPERS; i++)
        adb__park_announce(&park, &sleepers[i], false);
    CU_ASSERT(!adb__park_withdraw(&park, &sleepers[1]));
    CU_ASSERT_EQUAL(adb__park_sleeping(&park), 2);
    adb__park_wake_all(&park);
    CU_ASSERT(woken(0) && !woken(1) && woken(2));
    adb__park_found(&park);
    adb__park_found(&park);
    teardown();
}

/* Closing wakes all, each as a searcher. */
TEST(wake_all_wakes_every_sleeper)
{
    setup();
    adb__park_wake_all(&park);
    for (int i = 0; i < SLEEPERS; i++)
        adb__park_announce(&park, &sleepers[i], false);
    adb__park_wake_all(&park);
    CU_ASSERT_EQUAL(adb__park_sleeping(&park), 0);
    CU_ASSERT_EQUAL(searching(), SLEEPERS);
    for (int i = 0; i < SLEEPERS; i++) {
        CU_ASSERT(adb__park_sleep(&park, &sleepers[i], ADB__NEVER));
        adb__park_found(&park);
    }
    teardown();
}

/* One that was called, and has found nothing, sleeps and watches. */
static void watch(int i)
{
    sleepers[i].in_vain = true;
    adb__park_announce(&park, &sleepers[i], false);
}

/* Nobody roves when nobody watches: a sleeper that was not called in vain does not. */
TEST(nobody_roves_unwatched)
{
    setup();
    adb__park_announce(&park, &sleepers[1], false);
    CU_ASSERT(!adb__park_rove(&park, &sleepers[0], false));
    CU_ASSERT_EQUAL(searching(), 0);
    CU_ASSERT(!adb__park_withdraw(&park, &sleepers[1]));
    teardown();
}

/* A rover counts as the searcher, so nobody is called, until it settles. */
TEST(rover_counts_as_the_searcher)
{
    setup();
    watch(1);
    CU_ASSERT(adb__park_rove(&park, &sleepers[0], false));
    CU_ASSERT_EQUAL(searching(), 1);
    CU_ASSERT(adb__park_call(&park));
    CU_ASSERT(!adb__park_search(&park));
    CU_ASSERT_EQUAL(adb__park_sleeping(&park), 1);
    CU_ASSERT(adb__park_settle(&park, &sleepers[0]));
    adb__park_found(&park);
    CU_ASSERT(!adb__park_withdraw(&park, &sleepers[1]));
    teardown();
}

/* A searcher that roves is still one searcher; and while another searches, nobody begins to rove. */
TEST(there_is_one_rover_or_searcher)
{
    setup();
    watch(2);
    CU_ASSERT(adb__park_search(&park));
    CU_ASSERT(!adb__park_rove(&park, &sleepers[1], false));
    CU_ASSERT(adb__park_rove(&park, &sleepers[0], true));
    CU_ASSERT_EQUAL(searching(), 1);
    CU_ASSERT(!adb__park_rove(&park, &sleepers[1], false));
    CU_ASSERT(adb__park_settle(&park, &sleepers[0]));
    adb__park_found(&park);
    CU_ASSERT(!adb__park_withdraw(&park, &sleepers[2]));
    teardown();
}

/* Of two searchers one may rove: another one in its place would leave a search that is nobody's. */
TEST(second_searcher_does_not_rove)
{
    setup();
    watch(2);
    CU_ASSERT(adb__park_search(&park));
    adb__park_announce(&park, &sleepers[0], true);
    CU_ASSERT(adb__park_search(&park));
    CU_ASSERT(adb__park_withdraw(&park, &sleepers[0]));
    CU_ASSERT_EQUAL(searching(), 2);
    CU_ASSERT(adb__park_rove(&park, &sleepers[0], true));
    CU_ASSERT(!adb__park_rove(&park, &sleepers[1], true));
    adb__park_found(&park);
    CU_ASSERT(adb__park_settle(&park, &sleepers[0]));
    adb__park_found(&park);
    CU_ASSERT_EQUAL(searching(), 0);
    CU_ASSERT(!adb__park_withdraw(&park, &sleepers[2]));
    teardown();
}

/* A rover that does not come on loses the search to who watches, who sleeps with a timer. */
TEST(watcher_takes_the_search_of_a_rover_that_is_stuck)
{
    setup();
    watch(1);
    CU_ASSERT(adb__park_rove(&park, &sleepers[0], false));
    CU_ASSERT(adb__park_sleep(&park, &sleepers[1], ADB__NEVER));
    CU_ASSERT_EQUAL(searching(), 1);
    CU_ASSERT(!adb__park_settle(&park, &sleepers[0]));
    adb__park_found(&park);
    teardown();
}

/* Nor does a rover go on alone when who watches is woken for something else. */
TEST(watcher_that_leaves_takes_the_search_along)
{
    setup();
    watch(1);
    CU_ASSERT(adb__park_rove(&park, &sleepers[0], false));
    CU_ASSERT(adb__park_withdraw(&park, &sleepers[1]));
    CU_ASSERT(!adb__park_settle(&park, &sleepers[0]));
    CU_ASSERT_EQUAL(searching(), 1);
    adb__park_found(&park);
    watch(1);
    CU_ASSERT(adb__park_rove(&park, &sleepers[0], false));
    adb__parker_wake(&parkers[1]);
    CU_ASSERT(adb__park_sleep(&park, &sleepers[1], ADB__NEVER));
    CU_ASSERT(!adb__park_settle(&park, &sleepers[0]));
    adb__park_found(&park);
    teardown();
}

/* With nobody to look after, the timer is given up, and only a deadline or a wake ends the sleep. */
TEST(watch_ends_when_nobody_roves)
{
    setup();
    watch(1);
    CU_ASSERT(!adb__park_sleep(&park, &sleepers[1], adb__clock_now() + ADB__NS_PER_MS));
    CU_ASSERT_EQUAL(atomic_load(&park.word), 0);
    teardown();
}

/* Who watches is called last. */
TEST(call_spares_who_watches)
{
    setup();
    watch(1);
    adb__park_announce(&park, &sleepers[0], false);
    watch(2); /* there is one already: it just sleeps */
    CU_ASSERT(!sleepers[2].watches);
    CU_ASSERT(adb__park_call(&park));
    CU_ASSERT(adb__park_sleep(&park, &sleepers[2], ADB__NEVER));
    adb__park_found(&park);
    CU_ASSERT(adb__park_call(&park));
    CU_ASSERT(adb__park_sleep(&park, &sleepers[0], ADB__NEVER));
    adb__park_found(&park);
    CU_ASSERT(adb__park_call(&park));
    CU_ASSERT(adb__park_sleep(&park, &sleepers[1], ADB__NEVER));
    adb__park_found(&park);
    teardown();
}

/* Who has lost the search to another one learns that with its next step. */
TEST(step_tells_a_rover_that_it_is_none)
{
    setup();
    watch(1);
    CU_ASSERT(adb__park_rove(&park, &sleepers[0], false));
    CU_ASSERT(adb__park_step(&park, &sleepers[0]));
    CU_ASSERT(!adb__park_step(&park, &sleepers[2]));
    CU_ASSERT(adb__park_withdraw(&park, &sleepers[1]));
    CU_ASSERT(!adb__park_step(&park, &sleepers[0]));
    adb__park_found(&park);
    teardown();
}

/* Who watches goes on watching where somebody else sleeps, who can take the search of a rover that is stuck. */
TEST(watcher_wakes_another_for_a_rover_that_is_stuck)
{
    setup();
    watch(1);
    adb__park_announce(&park, &sleepers[2], false);
    CU_ASSERT(adb__park_rove(&park, &sleepers[0], false));
    CU_ASSERT(!adb__park_sleep(&park, &sleepers[1], adb__clock_now() + 5 * ADB__NS_PER_MS));
    CU_ASSERT_EQUAL(searching(), 1);
    CU_ASSERT_EQUAL(adb__park_sleeping(&park), 0);
    CU_ASSERT(adb__park_sleep(&park, &sleepers[2], ADB__NEVER));
    CU_ASSERT(!adb__park_settle(&park, &sleepers[0]));
    adb__park_found(&park);
    teardown();
}

/* One too many leaves the rover's place to the next that finds work; who makes work relies on that. */
TEST(who_sits_out_leaves_a_place_to_rove)
{
    setup();
    CU_ASSERT(adb__park_may_sit_out(&park));
    CU_ASSERT(adb__park_sit_out(&park, &sleepers[0]));
    CU_ASSERT_EQUAL(searching(), 1);
    CU_ASSERT_EQUAL(adb__park_sleeping(&park), 1);
    CU_ASSERT(adb__park_call(&park));
    CU_ASSERT_EQUAL(adb__park_sleeping(&park), 1);
    CU_ASSERT(adb__park_rove(&park, &sleepers[1], false));
    CU_ASSERT_EQUAL(searching(), 1);
    CU_ASSERT(!adb__park_rove(&park, &sleepers[2], false));
    CU_ASSERT(adb__park_settle(&park, &sleepers[1]));
    adb__park_found(&park);
    CU_ASSERT(!adb__park_withdraw(&park, &sleepers[0]));
    teardown();
}

/* The next that looks for work searches in that place. */
TEST(who_sits_out_leaves_a_place_to_search)
{
    setup();
    CU_ASSERT(adb__park_sit_out(&park, &sleepers[0]));
    CU_ASSERT(adb__park_search(&park));
    CU_ASSERT_EQUAL(searching(), 1);
    CU_ASSERT(!adb__park_search(&park));
    adb__park_found(&park);
    CU_ASSERT_EQUAL(searching(), 0);
    CU_ASSERT(!adb__park_withdraw(&park, &sleepers[0]));
    teardown();
}

/* When nobody takes it in time, who sits out searches; and when it is woken before that. */
TEST(who_sits_out_takes_the_search_when_nobody_does)
{
    setup();
    CU_ASSERT(adb__park_sit_out(&park, &sleepers[0]));
    CU_ASSERT(adb__park_sleep(&park, &sleepers[0], ADB__NEVER));
    CU_ASSERT_EQUAL(searching(), 1);
    adb__park_found(&park);
    CU_ASSERT(adb__park_sit_out(&park, &sleepers[0]));
    CU_ASSERT(adb__park_withdraw(&park, &sleepers[0]));
    adb__park_found(&park);
    teardown();
}

/* Beside a rover others may sit out too; but not while its place is vacant, or others rely on who would. */
TEST(nobody_sits_out_without_a_rover_or_its_place)
{
    setup();
    CU_ASSERT(adb__park_sit_out(&park, &sleepers[0]));
    CU_ASSERT(!adb__park_may_sit_out(&park));
    CU_ASSERT(!adb__park_sit_out(&park, &sleepers[1]));
    CU_ASSERT(adb__park_rove(&park, &sleepers[1], false));
    CU_ASSERT(adb__park_sit_out(&park, &sleepers[2]));
    CU_ASSERT(!sleepers[2].watches);
    CU_ASSERT(!adb__park_withdraw(&park, &sleepers[2]));
    CU_ASSERT(adb__park_settle(&park, &sleepers[1]));
    CU_ASSERT(!adb__park_sit_out(&park, &sleepers[2])); /* one searches, who is no rover */
    adb__park_found(&park);
    CU_ASSERT(!adb__park_sit_out(&park, &sleepers[2])); /* one watches already, for no rover */
    CU_ASSERT(!adb__park_withdraw(&park, &sleepers[0]));
    teardown();
}

/* A searcher keeps its search: in the vacant place there would be two, and one of them nobody's. */
TEST(searcher_does_not_take_the_vacant_place)
{
    setup();
    CU_ASSERT(adb__park_search(&park));
    adb__park_announce(&park, &sleepers[0], true);
    CU_ASSERT(adb__park_sit_out(&park, &sleepers[2]));
    CU_ASSERT(adb__park_withdraw(&park, &sleepers[0]));
    CU_ASSERT_EQUAL(searching(), 2);
    CU_ASSERT(!adb__park_rove(&park, &sleepers[0], true));
    adb__park_found(&park);
    CU_ASSERT(adb__park_withdraw(&park, &sleepers[2]));
    adb__park_found(&park);
    teardown();
}

SUITE(park, CASE(wake_before_wait_is_kept), CASE(wake_counts_after_the_deadline_too), CASE(wait_ends_at_the_deadline),
      CASE(wait_ends_with_a_wake_from_another_thread), CASE(call_on_busy_pool_is_false),
      CASE(call_wakes_a_sleeper_as_searcher), CASE(call_wakes_nobody_while_somebody_searches),
      CASE(second_call_wakes_nobody), CASE(searcher_calls_the_next), CASE(last_asleep_is_called_first),
      CASE(second_search_is_refused), CASE(announce_ends_the_search), CASE(withdrawing_searcher_searches_again),
      CASE(withdraw_after_a_call_is_the_searcher), CASE(old_wake_is_no_call), CASE(wake_by_name_ends_the_sleep),
      CASE(call_wins_over_name_and_deadline), CASE(withdrawing_leaves_the_others_listed),
      CASE(wake_all_wakes_every_sleeper), CASE(nobody_roves_unwatched), CASE(rover_counts_as_the_searcher),
      CASE(there_is_one_rover_or_searcher), CASE(enough_that_stay_make_up_for_a_call),
      CASE(a_call_with_nobody_asleep_asks_for_more),
      CASE(second_searcher_does_not_rove), CASE(watcher_takes_the_search_of_a_rover_that_is_stuck),
      CASE(watcher_that_leaves_takes_the_search_along), CASE(watch_ends_when_nobody_roves), CASE(call_spares_who_watches),
      CASE(step_tells_a_rover_that_it_is_none), CASE(watcher_wakes_another_for_a_rover_that_is_stuck),
      CASE(who_sits_out_leaves_a_place_to_rove), CASE(who_sits_out_leaves_a_place_to_search),
      CASE(who_sits_out_takes_the_search_when_nobody_does), CASE(nobody_sits_out_without_a_rover_or_its_place),
      CASE(searcher_does_not_take_the_vacant_place))
