/* SPDX-License-Identifier: BSD-3-Clause */
/* The figures of adb_database_stats(): what is now, and what has been. (POOL-19) */
#include "tests/lib/rig.h"

#include <string.h>

/* A database that was never used. */
TEST(fresh_database_has_no_figures)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://", NULL);
    const adb_stats stats = rig_stats(&rig);
    CU_ASSERT_EQUAL(stats.contexts, 1);
    CU_ASSERT_EQUAL(stats.workers + stats.connections + stats.opened + stats.accepted + stats.refused, 0);
    CU_ASSERT_EQUAL(stats.jobs_waiting + stats.jobs_running + stats.jobs_undelivered, 0);
    CU_ASSERT_EQUAL(stats.oldest_wait_ms, 0);
    rig_close(&rig);
}

/* Each outcome counts once, by its class. */
BOTH(outcomes_are_counted_by_class)
{
    RIG(rig, kind, NULL);
    CU_ASSERT_EQUAL(status_of(rig.ctx, rig_quick(&rig, NULL, NULL)), ADB_OK);
    CU_ASSERT_EQUAL(status_of(rig.ctx, rig_insert(&rig, 1, NULL, NULL)), ADB_OK);
    CU_ASSERT_EQUAL(status_of(rig.ctx, rig_insert(&rig, -1, NULL, NULL)), ADB_E_CHECK);
    CU_ASSERT_EQUAL(adb_execute(rig.ctx, kind->insert, NULL, NULL, NULL), 0);
    const adb_job slow = rig_slow(&rig, NULL, NULL);
    adb_cancel(rig.ctx, slow);
    CU_ASSERT_EQUAL(status_of(rig.ctx, slow), ADB_E_CANCELLED);
    adb_context_set_timeout(rig.ctx, 1);
    CU_ASSERT_EQUAL(status_of(rig.ctx, rig_slow(&rig, NULL, NULL)), ADB_E_TIMEOUT);
    const adb_stats stats = rig_stats(&rig);
    CU_ASSERT_EQUAL(stats.accepted, 5);
    CU_ASSERT_EQUAL(stats.refused, 1);
    CU_ASSERT_EQUAL(stats.completed, 2);
    CU_ASSERT_EQUAL(stats.failed, 1);
    CU_ASSERT_EQUAL(stats.cancelled, 1);
    CU_ASSERT_EQUAL(stats.timed_out, 1);
    rig_close(&rig);
}

/* What waits, what runs, what nobody has taken. */
TEST(jobs_are_counted_by_state)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://?max_size=1", NULL);
    rig_quick(&rig, NULL, NULL);
    rig_slow(&rig, NULL, NULL);
    rig_quick(&rig, NULL, NULL);
    rig_quick(&rig, NULL, NULL);
    rig_await_slow(&rig, 1);
    const adb_stats stats = rig_stats(&rig);
    CU_ASSERT_EQUAL(stats.jobs_undelivered, 1);
    CU_ASSERT_EQUAL(stats.jobs_running, 1);
    CU_ASSERT_EQUAL(stats.jobs_waiting, 2);
    CU_ASSERT_EQUAL(stats.workers, 1);
    CU_ASSERT_EQUAL(stats.busy, 1);
    CU_ASSERT(stats.oldest_wait_ms >= 0);
    latch_open(latch_named("slow"));
    run_all(rig.ctx);
    CU_ASSERT_EQUAL(rig_stats(&rig).jobs_undelivered, 0);
    rig_close(&rig);
}

static bool one_is_held(void *data)
{
    return rig_stats(data).held == 1;
}

static bool none_is_held(void *data)
{
    return rig_stats(data).held == 0;
}

/* A worker that a lane keeps between its jobs is held, not busy and not idle. */
BOTH(held_workers_are_counted)
{
    RIG(rig, kind, NULL);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_begin(rig.ctx, NULL, NULL, NULL)), ADB_OK);
    await(one_is_held, &rig);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_commit(rig.ctx, NULL, NULL)), ADB_OK);
    await(none_is_held, &rig);
    rig_close(&rig);
}

/* Every connection that was opened is closed for one reason. */
TEST(connections_are_counted_by_their_end)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://?max_size=1", NULL);
    fake_open_fails(1, ADB_E_CONNECTION);
    adb_execute(rig.ctx, "write", NULL, NULL, NULL);
    adb_execute(rig.ctx, "lose", NULL, NULL, NULL);
    adb_execute(rig.ctx, "write", NULL, NULL, NULL);
    fake_text_fails("ROLLBACK", ADB_E_IO, 0, 1);
    adb_execute(rig.ctx, "dirty", NULL, NULL, NULL);
    adb_execute(rig.ctx, "write", NULL, NULL, NULL);
    run_all(rig.ctx);
    CU_ASSERT_EQUAL(adb_database_close(rig.db, PATIENCE_MS), ADB_OK);
    const adb_stats stats = rig_stats(&rig);
    CU_ASSERT_EQUAL(stats.opened, 3);
    CU_ASSERT_EQUAL(stats.open_failures, 1);
    CU_ASSERT_EQUAL(stats.closed_lost, 1);
    CU_ASSERT_EQUAL(stats.closed_dirty, 1);
    CU_ASSERT_EQUAL(stats.closed_close, 1);
    CU_ASSERT_EQUAL(stats.dirty_returns, 1);
    CU_ASSERT_EQUAL(stats.connections, 0);
    CU_ASSERT_EQUAL(stats.workers, 0);
    rig_drop(&rig);
}

/* Contexts come and go. (LIFE-17, TX-31) */
BOTH(contexts_are_counted)
{
    RIG(rig, kind, NULL);
    adb_context *shared = adb_context_share(rig.ctx, NULL);
    CU_ASSERT_EQUAL(rig_stats(&rig).contexts, 2);
    adb_context_free(shared);
    CU_ASSERT_EQUAL(rig_stats(&rig).contexts, 1);
    rig_close(&rig);
}

/* Writes that waited together share a commit. */
TEST(shared_commits_are_counted)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://?max_size=1&group=1", NULL);
    adb_execute(rig.ctx, "block start", NULL, NULL, NULL);
    latch_expect(latch_named("start"), 1);
    for (int i = 0; i < 4; i++)
        adb_execute(rig.ctx, "insert 1", NULL, NULL, NULL);
    latch_open(latch_named("start"));
    run_all(rig.ctx);
    CU_ASSERT_EQUAL(rig_stats(&rig).group_commits, 1);
    CU_ASSERT_EQUAL(fake_count(FAKE_EXECUTE, "COMMIT"), 1);
    CU_ASSERT(fake_table_is("1 1 1 1"));
    rig_close(&rig);
}

/* An older program asks with a smaller struct, and gets as much; a wrong size is a status. */
TEST(size_of_the_struct_is_respected)
{
    struct rig rig;
    adb_stats stats;
    rig_open_fake(&rig, "fake://", NULL);
    memset(&stats, 0xff, sizeof(stats));
    stats.size = offsetof(adb_stats, accepted);
    CU_ASSERT_EQUAL(adb_database_stats(rig.db, &stats), ADB_OK);
    CU_ASSERT_EQUAL(stats.contexts, 1);
    CU_ASSERT_EQUAL(stats.accepted, UINT64_MAX);
    stats.size = 0;
    CU_ASSERT_EQUAL(adb_database_stats(rig.db, &stats), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_database_stats(rig.db, NULL), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_database_stats(NULL, &stats), ADB_E_INVAL);
    rig_close(&rig);
}

SUITE(stats, CASE(fresh_database_has_no_figures), CASES(outcomes_are_counted_by_class), CASE(jobs_are_counted_by_state),
      CASES(held_workers_are_counted), CASE(connections_are_counted_by_their_end), CASES(contexts_are_counted),
      CASE(shared_commits_are_counted), CASE(size_of_the_struct_is_respected))
