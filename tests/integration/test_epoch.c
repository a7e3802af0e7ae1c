/* SPDX-License-Identifier: BSD-3-Clause */
/* What one connection learns of its server, all learn: a restart costs one failure, not one per connection; a server
 * that has changed its role is left; and what the pool is to have at least is there again before anybody asks. */
#include "tests/lib/rig.h"

#include "base/clock.h"
#include "core/database.h"

#define N 3

/* The checks that go on longer than that are given up; here none is. */
#define PATIENT (30000 * ADB__NS_PER_MS)

static adb_status execute(adb_context *ctx, const char *sql)
{
    return status_of(ctx, adb_execute(ctx, sql, NULL, NULL, NULL));
}

/* N connections, all idle. */
static void open_rig(struct rig *rig, const char *url, const adb_options *options)
{
    adb_context *contexts[N];
    rig_open_fake(rig, url, options);
    rig->db->guards.probe_ns = rig->db->guards.call_ns = PATIENT;
    for (int i = 0; i < N; i++) {
        contexts[i] = adb_context_new(rig->db, rig->queue, 0);
        adb_execute(contexts[i], "block all", NULL, NULL, NULL);
    }
    latch_expect(latch_named("all"), N);
    latch_open(latch_named("all"));
    for (int i = 0; i < N; i++) {
        run_all(contexts[i]);
        adb_context_free(contexts[i]);
    }
    rig_await_sleep(rig);
    CU_ASSERT_EQUAL(fake_connections(), N);
}

struct expected {
    struct rig *rig;
    uint64_t opened, lost, role, idle;
    size_t checks;
};

static bool has_come(void *data)
{
    const struct expected *expected = data;
    const adb_stats stats = rig_stats(expected->rig);
    return stats.opened >= expected->opened && stats.closed_lost >= expected->lost &&
           stats.closed_role >= expected->role && fake_count(FAKE_CHECK, "ping") >= expected->checks;
}

/* A connection is lost under a job: the others are checked at the same time, none waits for another. */
TEST(siblings_of_a_lost_connection_are_checked_together)
{
    struct rig rig;
    open_rig(&rig, "fake://?max_size=3&backoff=1&check_after_ms=-1", NULL);
    fake_check_hangs("check");
    CU_ASSERT_EQUAL(execute(rig.ctx, "lose"), ADB_E_CONNECTION);
    latch_expect(latch_named("check"), N - 1);
    latch_open(latch_named("check"));
    CU_ASSERT_EQUAL(execute(rig.ctx, "write"), ADB_OK);
    rig_await_sleep(&rig);
    CU_ASSERT_EQUAL(fake_count(FAKE_CHECK, ""), N - 1);
    CU_ASSERT_EQUAL(rig_stats(&rig).closed_lost, 1);
    rig_close(&rig);
}

/* The server has restarted while nothing was under way: no job fails, and one lost connection was enough to replace
 * all. */
TEST(restart_of_the_server_fails_no_job)
{
    struct rig rig;
    open_rig(&rig, "fake://?max_size=3&backoff=1&check_after_ms=-1", NULL);
    struct expected expected = {.rig = &rig, .lost = N};
    fake_lose_idle();
    for (int64_t i = 1; i < 8; i++)
        CU_ASSERT_EQUAL(status_of(rig.ctx, rig_insert(&rig, i, NULL, NULL)), ADB_OK);
    await(has_come, &expected);
    CU_ASSERT(fake_table_is("1 2 3 4 5 6 7"));
    CU_ASSERT_EQUAL(rig_stats(&rig).failed, 0);
    rig_close(&rig);
}

/* A server that others use is not asked whether its connections are alive because one of them ended: it must back
 * off. */
TEST(databases_without_a_server_are_not_alarmed)
{
    struct rig rig;
    open_rig(&rig, "fake://?max_size=3&check_after_ms=-1", NULL);
    CU_ASSERT_EQUAL(execute(rig.ctx, "lose"), ADB_E_CONNECTION);
    CU_ASSERT_EQUAL(execute(rig.ctx, "write"), ADB_OK);
    CU_ASSERT_EQUAL(fake_count(FAKE_CHECK, ""), 0);
    rig_close(&rig);
}

/* A lane that is in a transaction at that time goes on; its connection is checked before the next lane has it. */
TEST(transaction_goes_on_beside_a_loss)
{
    struct rig rig;
    open_rig(&rig, "fake://?max_size=3&backoff=1&check_after_ms=-1", NULL);
    struct expected expected = {.rig = &rig, .checks = N - 1};
    adb_context *other = adb_context_new(rig.db, rig.queue, 0);
    CU_ASSERT_EQUAL(status_of(other, adb_begin(other, NULL, NULL, NULL)), ADB_OK);
    CU_ASSERT_EQUAL(execute(other, "insert 1"), ADB_OK);
    CU_ASSERT_EQUAL(execute(rig.ctx, "lose"), ADB_E_CONNECTION);
    CU_ASSERT_EQUAL(execute(other, "insert 2"), ADB_OK);
    CU_ASSERT_EQUAL(status_of(other, adb_commit(other, NULL, NULL)), ADB_OK);
    CU_ASSERT(fake_table_is("1 2"));
    await(has_come, &expected);
    CU_ASSERT_EQUAL(fake_count(FAKE_CHECK, "ping"), N - 1);
    adb_context_free(other);
    rig_close(&rig);
}

/* All connections are lost, and the server is away for a while: the least number comes back by itself. */
TEST(least_number_of_connections_comes_back)
{
    struct rig rig;
    open_rig(&rig, "fake://?max_size=3&min_size=2&backoff=1&check_after_ms=-1", NULL);
    struct expected expected = {.rig = &rig, .lost = N, .opened = N + 2};
    fake_lose_idle();
    fake_open_fails(3, ADB_E_CONNECTION);
    const adb_status status = execute(rig.ctx, "insert 1");
    CU_ASSERT(status == ADB_E_CONNECTION || status == ADB_OK); /* whether the attempts that failed were the job's */
    await(has_come, &expected);
    CU_ASSERT_EQUAL(rig_stats(&rig).open_failures, 3);
    CU_ASSERT_EQUAL(execute(rig.ctx, "insert 2"), ADB_OK);
    rig_close(&rig);
}

static bool has_failed_twice(void *data)
{
    const struct rig *rig = data;
    return rig_stats(rig).open_failures == 2 && rig_stats(rig).connecting == 0;
}

static bool has_idled(void *data)
{
    const struct expected *expected = data;
    return rig_stats(expected->rig).closed_idle == expected->idle;
}

/* Refused credentials do not get better by trying: after one attempt that is left to the next job. */
TEST(refused_credentials_are_not_tried_by_itself)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://?max_size=1&backoff=1", NULL);
    fake_open_fails(1, ADB_E_AUTH);
    const struct adb__pool *pool = &rig.db->servers[0].pools[ADB__ROLE_WRITER];
    CU_ASSERT_EQUAL(execute(rig.ctx, "write"), ADB_E_AUTH);
    adb__counter_set(&pool->workers[0]->eager, 1);
    adb__counter_set(&rig.db->servers[0].retry_at, 0);
    fake_open_fails(1, ADB_E_AUTH);
    adb__worker_wake(pool->workers[0]);
    await(has_failed_twice, &rig);
    CU_ASSERT_EQUAL(adb__counter_get(&pool->workers[0]->eager), 0);
    CU_ASSERT_EQUAL(execute(rig.ctx, "write"), ADB_OK);
    rig_close(&rig);
}

/* Who has left is not one of those that are asked to connect: a worker that had timed out took a place among them, and
 * the least number was not there again until a job came. */
TEST(least_number_is_asked_of_those_that_are_there)
{
    struct rig rig;
    adb_context *contexts[N];
    rig_open_fake(&rig, "fake://?max_size=3&min_size=2&backoff=1&check_after_ms=-1&idle_timeout_ms=5", NULL);
    struct expected expected = {.rig = &rig, .idle = 1, .opened = N + 2};
    for (int i = 0; i < N; i++) {
        contexts[i] = adb_context_new(rig.db, rig.queue, 0);
        CU_ASSERT_EQUAL(status_of(contexts[i], adb_begin(contexts[i], NULL, NULL, NULL)), ADB_OK);
    }
    CU_ASSERT_EQUAL(status_of(contexts[0], adb_commit(contexts[0], NULL, NULL)), ADB_OK);
    await(has_idled, &expected);
    fake_lose_idle();
    fake_open_fails(2, ADB_E_AUTH); /* each gives up until it is asked */
    for (int i = 1; i < N; i++) {
        CU_ASSERT_EQUAL(execute(contexts[i], "write"), ADB_E_CONNECTION);
        adb_rollback(contexts[i], NULL, NULL);
    }
    await(has_failed_twice, &rig);
    adb__pool_want_least(&rig.db->servers[0].pools[ADB__ROLE_WRITER]);
    await(has_come, &expected);
    for (int i = 0; i < N; i++)
        adb_context_free(contexts[i]);
    rig_close(&rig);
}

/* Roles ------------------------------------------------------------------------------------------------------------ */

static void fail_over(unsigned times)
{
    fake_text_fails("insert", ADB_E_READ_ONLY, ADB_ERROR_WRONG_ROLE, times);
}

/* The old primary only reads: all connections to it go, unasked, and the next one may find the new one. */
TEST(wrong_role_replaces_all_connections)
{
    struct rig rig;
    open_rig(&rig, "fake://?max_size=3&backoff=1&check_after_ms=-1", NULL);
    struct expected expected = {.rig = &rig, .role = N, .opened = N + 1};
    fail_over(1);
    CU_ASSERT_EQUAL(execute(rig.ctx, "insert 1"), ADB_E_READ_ONLY);
    await(has_come, &expected);
    CU_ASSERT_EQUAL(execute(rig.ctx, "insert 2"), ADB_OK);
    CU_ASSERT_EQUAL(fake_count(FAKE_CHECK, ""), 0);
    CU_ASSERT_EQUAL(rig_stats(&rig).closed_lost, 0);
    CU_ASSERT_EQUAL(rig_stats(&rig).closed_role, N);
    rig_close(&rig);
}

/* Inside a transaction it ends first, in the way that its user wants. */
TEST(wrong_role_waits_for_the_transaction)
{
    struct rig rig;
    open_rig(&rig, "fake://?max_size=3&backoff=1&check_after_ms=-1", NULL);
    struct expected expected = {.rig = &rig, .role = N - 1};
    fail_over(1);
    adb_begin(rig.ctx, ADB_TRANSACTION(.on_error = ADB_ON_ERROR_CONTINUE), NULL, NULL);
    CU_ASSERT_EQUAL(execute(rig.ctx, "insert 1"), ADB_E_READ_ONLY);
    await(has_come, &expected);
    CU_ASSERT_EQUAL(value_of(rig.ctx, adb_fetch_all(rig.ctx, "value 7", NULL, NULL, NULL)), 7);
    CU_ASSERT_EQUAL(rig_stats(&rig).closed_role, N - 1);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_rollback(rig.ctx, NULL, NULL)), ADB_OK);
    expected.role = N;
    await(has_come, &expected);
    CU_ASSERT_EQUAL(rig_stats(&rig).dirty_returns, 0);
    rig_close(&rig);
}

/* A server that stays read-only fails each write, and does not cost a new set of connections each time. */
TEST(wrong_role_that_stays_is_no_storm)
{
    struct rig rig;
    open_rig(&rig, "fake://?max_size=3&backoff=1&check_after_ms=-1", NULL);
    fail_over(20);
    int64_t since = adb__clock_now();
    for (int i = 0; i < 20; i++)
        CU_ASSERT_EQUAL(execute(rig.ctx, "insert 1"), ADB_E_READ_ONLY);
    uint64_t rounds = 1 + (uint64_t)((adb__clock_now() - since) / (1000 * ADB__NS_PER_MS));
    CU_ASSERT(rig_stats(&rig).closed_role <= rounds * N);
    rig_close(&rig);
}

/* Who has asked for a database that only reads is not surprised when it does. */
TEST(wrong_role_is_none_where_nothing_is_written)
{
    struct rig rig;
    open_rig(&rig, "fake://?max_size=3&backoff=1&check_after_ms=-1&read_only=true", NULL);
    fail_over(1);
    CU_ASSERT_EQUAL(execute(rig.ctx, "insert 1"), ADB_E_READ_ONLY);
    CU_ASSERT_EQUAL(execute(rig.ctx, "value 1"), ADB_OK);
    CU_ASSERT_EQUAL(rig_stats(&rig).closed_role, 0);
    rig_close(&rig);
}

SUITE(epoch, CASE(siblings_of_a_lost_connection_are_checked_together), CASE(restart_of_the_server_fails_no_job),
      CASE(databases_without_a_server_are_not_alarmed), CASE(transaction_goes_on_beside_a_loss),
      CASE(least_number_of_connections_comes_back), CASE(refused_credentials_are_not_tried_by_itself),
      CASE(least_number_is_asked_of_those_that_are_there), CASE(wrong_role_replaces_all_connections),
      CASE(wrong_role_waits_for_the_transaction), CASE(wrong_role_that_stays_is_no_storm),
      CASE(wrong_role_is_none_where_nothing_is_written))
