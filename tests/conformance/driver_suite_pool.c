/* SPDX-License-Identifier: BSD-3-Clause */
/* Connections: how many, which, for how long, and in what state they go back. */
#include "tests/conformance/driver_suite.h"

#include <sched.h>
#include <stdatomic.h>

/* More scopes than connections all finish, each in its turn. POOL-01 POOL-07 POOL-08 */
TEST(more_scopes_than_connections_all_finish)
{
    adb_context *five[5];
    adb_job jobs[5];
    suite_open(ADB_OPTIONS(.max_size = 2));
    for (size_t i = 0; i < 5; i++) {
        five[i] = lane();
        adb_acquire(five[i], NULL, NULL);
        adb_fetch_one(five[i], suite->dialect->one, NULL, NULL, NULL);
        jobs[i] = adb_release(five[i], NULL, NULL);
    }
    for (size_t i = 0; i < 5; i++)
        CU_ASSERT_EQUAL(ended_in(five[i], jobs[i]), ADB_OK);
    CU_ASSERT(figures().opened <= 2);
    suite_close();
}

/* Lanes that hold connections hold different ones. POOL-20 CTX-03 */
TEST(each_lane_that_holds_has_its_own)
{
    adb_context *three[3];
    suite_open(ADB_OPTIONS(.max_size = 4));
    for (size_t i = 0; i < 3; i++) {
        three[i] = lane_with(ADB_CONTEXT_READ_ONLY);
        CU_ASSERT_EQUAL(ended_in(three[i], adb_begin(three[i], ADB_TRANSACTION(.read_only = true), NULL, NULL)),
                        ADB_OK);
        CU_ASSERT_EQUAL(number_in(three[i], suite->dialect->one), 1);
    }
    CU_ASSERT(figures().connections >= 3);
    until_held(3);
    suite_close();
}

/* Nor those who write, also when it was the first of all to ask for a connection. */
TEST(who_holds_to_read_keeps_nobody_from_writing)
{
    for (int i = 0; i < 2; i++) {
        NOTES("a");
        suite_reopen(ADB_OPTIONS(.wait_timeout_ms = 5000));
        adb_context *reader = lane_with(ADB_CONTEXT_READ_ONLY);
        CU_ASSERT_EQUAL(
            ended_in(reader, i == 0 ? adb_acquire(reader, NULL, NULL) : adb_begin(reader, NULL, NULL, NULL)), ADB_OK);
        CU_ASSERT(add_note(ctx, "b"));
        CU_ASSERT_EQUAL(ended_in(reader, i == 0 ? adb_release(reader, NULL, NULL) : adb_commit(reader, NULL, NULL)),
                        ADB_OK);
        suite_close();
    }
}

/* Who waits too long for a connection is told so. POOL-07 PAIN-13 */
TEST(waiting_for_a_connection_has_an_end)
{
    suite_open(ADB_OPTIONS(.max_size = 1, .wait_timeout_ms = 100));
    adb_context *other = lane();
    CU_ASSERT(ended_well(adb_acquire(ctx, NULL, NULL)));
    CU_ASSERT_EQUAL(ended_in(other, adb_fetch_one(other, suite->dialect->one, NULL, NULL, NULL)), ADB_E_TIMEOUT);
    CU_ASSERT(ended_well(adb_release(ctx, NULL, NULL)));
    CU_ASSERT_EQUAL(ended_in(other, adb_fetch_one(other, suite->dialect->one, NULL, NULL, NULL)), ADB_OK);
    suite_close();
}

/* One job after the other goes to the same connection. POOL-10 */
TEST(without_competition_one_connection_serves_all)
{
    suite_open(ADB_OPTIONS(.max_size = 4));
    for (int i = 0; i < 20; i++)
        CU_ASSERT(ended_well(adb_fetch_one(ctx, suite->dialect->one, NULL, NULL, NULL)));
    CU_ASSERT(figures().opened <= 2);
    suite_close();
}

static atomic_uint n_hooks;

static adb_status count_hook(adb_session *session, void *user_data)
{
    (void)user_data;
    adb_result *result = adb_session_fetch_one(session, suite->dialect->one, NULL);
    const adb_status status = adb_result_status(result);
    adb_result_unref(result);
    atomic_fetch_add(&n_hooks, 1);
    return status;
}

/* The hook runs once for each connection that is opened, not for each use, and may run statements. POOL-17 POOL-18
 * OPT-30 REG-33 REG-57 PAIN-25 */
TEST(the_hook_runs_once_per_connection)
{
    atomic_store(&n_hooks, 0);
    suite_open(ADB_OPTIONS(.on_connect = count_hook));
    for (int i = 0; i < 5; i++)
        CU_ASSERT(ended_well(adb_fetch_one(ctx, suite->dialect->one, NULL, NULL, NULL)));
    CU_ASSERT(atomic_load(&n_hooks) >= 1);
    CU_ASSERT_EQUAL(atomic_load(&n_hooks), figures().opened);
    suite_close();
}

/* Without a pool each run of a lane opens a connection and closes it. CFL-06 POOL-01 DRV-05 REG-58 */
TEST(without_a_pool_connections_are_opened_per_use)
{
    NOTES("a");
    suite_reopen(ADB_OPTIONS(.unpooled = true));
    for (int i = 0; i < 3; i++)
        CU_ASSERT_EQUAL(count_notes(ctx), 1);
    CU_ASSERT_EQUAL(adb_database_close(db, 5000), ADB_OK);
    CU_ASSERT_EQUAL(figures().closed_unpooled, figures().opened);
    suite_close();
}

/* What a lane has set is not there for the next one on the same connection. POOL-11 OPT-29 */
TEST(settings_do_not_leak_to_the_next_lane)
{
    suite_open(ADB_OPTIONS(.max_size = 1));
    CU_ASSERT(ended_well(adb_acquire(ctx, NULL, NULL)));
    must(suite->dialect->set);
    CU_ASSERT_EQUAL(number(suite->dialect->is_set), 1);
    CU_ASSERT(ended_well(adb_release(ctx, NULL, NULL)));
    CU_ASSERT_EQUAL(number_in(lane(), suite->dialect->is_set), 0);
    suite_close();
}

/* An open transaction goes with the hold that it was made in. POOL-11 */
TEST(release_leaves_no_open_transaction)
{
    NOTES("a");
    adb_acquire(ctx, NULL, NULL);
    must("BEGIN");
    CU_ASSERT(add_note(ctx, "b"));
    adb_release(ctx, NULL, NULL);
    CU_ASSERT_EQUAL(count_notes(ctx), 1);
    CU_ASSERT_EQUAL(figures().dirty_returns, 1);
    CU_ASSERT_EQUAL(figures().held, 0);
    suite_close();
}

/* A connection that has lived long enough is replaced before its next use. POOL-15 OPT-22 */
TEST(old_connections_are_replaced)
{
    NOTES("a");
    suite_reopen(ADB_OPTIONS(.lifetime_ms = 1));
    while (figures().closed_lifetime == 0)
        CU_ASSERT_EQUAL(count_notes(ctx), 1);
    CU_ASSERT_EQUAL(count_notes(ctx), 1);
    suite_close();
}

/* Connections above the minimum are closed when nobody has used them for a while. POOL-14 OPT-04 REG-30 */
TEST(idle_connections_are_closed)
{
    adb_context *three[3];
    NOTES("a");
    suite_reopen(ADB_OPTIONS(.max_size = 4, .idle_timeout_ms = 20));
    for (size_t i = 0; i < 3; i++) {
        three[i] = lane_with(ADB_CONTEXT_READ_ONLY);
        CU_ASSERT_EQUAL(ended_in(three[i], adb_acquire(three[i], NULL, NULL)), ADB_OK);
        CU_ASSERT_EQUAL(count_notes(three[i]), 1);
    }
    for (size_t i = 0; i < 3; i++)
        CU_ASSERT_EQUAL(ended_in(three[i], adb_release(three[i], NULL, NULL)), ADB_OK);
    while (figures().closed_idle == 0)
        sched_yield();
    CU_ASSERT_EQUAL(count_notes(ctx), 1);
    suite_close();
}

/* Connect opens as many connections as are always wanted. LIFE-24 OPT-03 */
TEST(connect_opens_the_minimum)
{
    suite_open(ADB_OPTIONS(.min_size = 3, .max_size = 4));
    REQUIRE(adb_database_connect(db, 10000, NULL) == ADB_OK);
    while (figures().connections < 3)
        sched_yield();
    CU_ASSERT_EQUAL(figures().opened, 3);
    suite_close();
}

/* The figures tell who holds and who waits. POOL-19 PAIN-13 */
TEST(the_figures_tell_who_waits)
{
    suite_open(ADB_OPTIONS(.max_size = 1));
    adb_context *other = lane();
    CU_ASSERT(ended_well(adb_acquire(ctx, NULL, NULL)));
    const adb_job waiting = adb_fetch_one(other, suite->dialect->one, NULL, NULL, NULL);
    CU_ASSERT_EQUAL(figures().jobs_waiting, 1);
    until_held(1);
    CU_ASSERT_EQUAL(figures().idle, 0);
    CU_ASSERT(ended_well(adb_release(ctx, NULL, NULL)));
    CU_ASSERT_EQUAL(ended_in(other, waiting), ADB_OK);
    CU_ASSERT_EQUAL(figures().accepted, 3);
    CU_ASSERT_EQUAL(figures().completed, 3);
    suite_close();
}

GROUP(pool, SQL(more_scopes_than_connections_all_finish),
      NEEDS(SUITE_SQL | SUITE_READERS, each_lane_that_holds_has_its_own),
      NEEDS(SUITE_SQL | SUITE_PERSISTENT | SUITE_READERS, who_holds_to_read_keeps_nobody_from_writing),
      SQL(waiting_for_a_connection_has_an_end), SQL(without_competition_one_connection_serves_all),
      SQL(the_hook_runs_once_per_connection),
      NEEDS(SUITE_SQL | SUITE_PERSISTENT, without_a_pool_connections_are_opened_per_use),
      NEEDS(SUITE_SQL | SUITE_SESSION, settings_do_not_leak_to_the_next_lane), SQL(release_leaves_no_open_transaction),
      NEEDS(SUITE_SQL | SUITE_PERSISTENT, old_connections_are_replaced),
      NEEDS(SUITE_SQL | SUITE_PERSISTENT | SUITE_READERS, idle_connections_are_closed),
      NEEDS(SUITE_SQL | SUITE_READERS, connect_opens_the_minimum), SQL(the_figures_tell_who_waits));
