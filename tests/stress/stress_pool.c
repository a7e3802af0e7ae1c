/* SPDX-License-Identifier: BSD-3-Clause */
/* A pool through bad days: connections are lost, checks and attempts fail, the server changes its role, what idles or
 * is old is closed, and lanes come in bursts all the while. Whenever that is over, everything is as it should be: each
 * job has ended, the least number of connections is open, and the figures are those of the server. */
#include "tests/lib/rig.h"

#include "base/clock.h"
#include "core/database.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define DAYS       80
#define N_CONTEXTS 6
#define MIN        2
#define MAX        4

struct pool_test {
    struct rig rig;
    adb_context *contexts[N_CONTEXTS];
    uint64_t random;
    size_t n_submitted;
    size_t n_ended;
    bool closes;          /* at times, in the evening */
    atomic_uint n_errors; /* in the log: nothing here is the library's own trouble */
};

static unsigned choose(struct pool_test *test, unsigned n)
{
    return (unsigned)(adb__random(&test->random) % n);
}

static void note(adb_log_level level, const char *line, void *user_data)
{
    struct pool_test *test = user_data;
    if (level == ADB_LOG_ERROR) {
        atomic_fetch_add(&test->n_errors, 1);
        printf("%s\n", line);
    }
}

static void ended(adb_result *result, void *user_data)
{
    struct pool_test *test = user_data;
    (void)result;
    test->n_ended++;
}

static void submit(struct pool_test *test, adb_context *ctx)
{
    adb_job job = 0;
    switch (choose(test, 8)) {
    case 0:
        job = adb_begin(ctx, NULL, ended, test);
        break;
    case 1:
        job = adb_commit(ctx, ended, test);
        break;
    case 2:
        job = adb_execute(ctx, "lose", NULL, ended, test);
        break;
    case 3:
        job = adb_submit(ctx, ADB_REQUEST(.kind = ADB_REQUEST_EXECUTE, .sql = "insert 1", .timeout_ms = 1,
                                          .done = ended, .user_data = test));
        break;
    default:
        job = adb_execute(ctx, "insert 1", NULL, ended, test);
    }
    REQUIRE(job != 0);
    test->n_submitted++;
    if (choose(test, 16) == 0)
        adb_cancel(ctx, job);
}

static void arrange_trouble(struct pool_test *test)
{
    switch (choose(test, 6)) {
    case 0:
        fake_lose_idle();
        break;
    case 1:
        fake_open_fails(1 + choose(test, 2), ADB_E_CONNECTION);
        break;
    case 2:
        fake_check_fails(1 + choose(test, 3));
        break;
    case 3:
        fake_text_fails("insert", ADB_E_READ_ONLY, ADB_ERROR_WRONG_ROLE, 1);
        break;
    default:
        break; /* for now */
    }
}

static void pass(struct pool_test *test, int most_ms)
{
    adb_queue_wait(test->rig.queue, (int)choose(test, (unsigned)most_ms + 1));
    adb_queue_dispatch(test->rig.queue, 0);
}

static void live_through_a_day(struct pool_test *test)
{
    for (unsigned bursts = 1 + choose(test, 4); bursts > 0; bursts--) {
        arrange_trouble(test);
        for (unsigned n = choose(test, 3 * N_CONTEXTS); n > 0; n--)
            submit(test, test->contexts[choose(test, N_CONTEXTS)]);
        pass(test, 12);
    }
}

static bool all_have_ended(void *data)
{
    const struct pool_test *test = data;
    return test->n_ended == test->n_submitted;
}

static bool is_at_rest(void *data)
{
    const struct pool_test *test = data;
    const adb_stats stats = rig_stats(&test->rig);
    const struct adb__pool *pool = &test->rig.db->servers[0].pools[ADB__ROLE_WRITER];
    return stats.connections >= MIN && stats.connections <= MAX && stats.connections == fake_connections() &&
           stats.connections == (uint64_t)adb__counter_get(&pool->n_open) && stats.connecting == 0 && stats.busy == 0 &&
           stats.held == 0;
}

/* With jobs under way, for whatever time they get. */
static void close_and_open_again(struct pool_test *test)
{
    const adb_status status = adb_database_close(test->rig.db, (int)choose(test, 3));
    CU_ASSERT(status == ADB_OK || status == ADB_E_TIMEOUT);
    fake_open_fails(0, ADB_OK);
    REQUIRE(adb_database_connect(test->rig.db, PATIENCE_MS, NULL) == ADB_OK);
}

/* What is left of it is over, and no new trouble comes. */
static void rest(struct pool_test *test)
{
    fake_open_fails(0, ADB_OK);
    fake_check_fails(0);
    if (test->closes && choose(test, 4) == 0)
        close_and_open_again(test);
    for (int i = 0; i < N_CONTEXTS; i++) {
        adb_context_free(test->contexts[i]); /* and its transaction with it */
        test->contexts[i] = adb_context_new(test->rig.db, test->rig.queue, 0);
    }
    run_until(test->rig.queue, all_have_ended, test);
    await(is_at_rest, test);
}

static void live_with(const char *url, bool closes)
{
    const char *seed = getenv("ADB_TEST_SEED");
    struct pool_test test = {.random = seed != NULL ? strtoull(seed, NULL, 10) : 1, .closes = closes};
    rig_open_fake(&test.rig, url, ADB_OPTIONS(.log = note, .log_data = &test));
    for (int i = 0; i < N_CONTEXTS; i++)
        test.contexts[i] = adb_context_new(test.rig.db, test.rig.queue, 0);
    REQUIRE(adb_database_connect(test.rig.db, PATIENCE_MS, NULL) == ADB_OK);
    for (int day = 0; day < DAYS; day++) {
        live_through_a_day(&test);
        rest(&test);
    }
    const adb_stats stats = rig_stats(&test.rig);
    CU_ASSERT(stats.jobs_waiting == 0 && stats.jobs_running == 0 && stats.jobs_undelivered == 0);
    CU_ASSERT_EQUAL(atomic_load(&test.n_errors), 0);
    for (int i = 0; i < N_CONTEXTS; i++)
        adb_context_free(test.contexts[i]);
    rig_close(&test.rig);
}

/* (POOL-14, POOL-15, PAIN-14) */
TEST(pool_outlives_bad_days)
{
    live_with("fake://?max_size=4&min_size=2&backoff=1&check_after_ms=5", false);
}

TEST(pool_outlives_them_with_connections_that_come_and_go)
{
    live_with("fake://?max_size=4&min_size=2&backoff=1&check_after_ms=1&idle_timeout_ms=4&lifetime_ms=15", false);
}

TEST(pool_outlives_them_when_its_database_closes_at_times)
{
    live_with("fake://?max_size=4&min_size=2&backoff=1&check_after_ms=5&idle_timeout_ms=4", true);
}

SUITE(pool_stress, CASE(pool_outlives_bad_days), CASE(pool_outlives_them_with_connections_that_come_and_go),
      CASE(pool_outlives_them_when_its_database_closes_at_times))
