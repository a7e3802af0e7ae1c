/* SPDX-License-Identifier: BSD-3-Clause */
/* Open, connect, close, and all of it again. What close does to jobs under way is tested in tests/integration. */
#include "tests/conformance/driver_suite.h"

#include <string.h>

static bool connects(void)
{
    adb_error error = {0};
    const adb_status status = adb_database_connect(db, 10000, &error);
    return status == ADB_OK && error.status == ADB_OK;
}

/* Opening makes a handle and nothing else. LIFE-01 LIFE-02 LIFE-05 LIFE-23 CFL-05 */
TEST(open_does_no_io)
{
    suite_open(NULL);
    CU_ASSERT_FALSE(adb_database_is_connected(db));
    CU_ASSERT_EQUAL(figures().opened + figures().workers, 0);
    CU_ASSERT_STRING_EQUAL(adb_database_driver(db), suite->dialect->driver);
    suite_close();
}

/* Connect twice and close twice: the second time there is nothing to do. LIFE-03 LIFE-04 LIFE-05 LIFE-12 CTX-31
 * REG-21 */
TEST(connect_and_close_are_idempotent)
{
    suite_open(NULL);
    CU_ASSERT(connects());
    CU_ASSERT(adb_database_is_connected(db));
    CU_ASSERT(connects());
    CU_ASSERT(adb_database_is_connected(db));
    CU_ASSERT_EQUAL(adb_database_close(db, 5000), ADB_OK);
    CU_ASSERT_FALSE(adb_database_is_connected(db));
    CU_ASSERT_EQUAL(adb_database_close(db, 5000), ADB_OK);
    CU_ASSERT_FALSE(adb_database_is_connected(db));
    suite_close();
}

/* A closed database refuses jobs with a status of its own. LIFE-13 LIFE-21 ERR-03 */
TEST(a_closed_database_refuses_jobs)
{
    suite_open(NULL);
    CU_ASSERT(connects());
    CU_ASSERT_EQUAL(adb_database_close(db, 5000), ADB_OK);
    CU_ASSERT_EQUAL(adb_fetch_one(ctx, suite->dialect->one, NULL, NULL, NULL), 0);
    CU_ASSERT_EQUAL(adb_context_error(ctx)->status, ADB_E_CLOSED);
    CU_ASSERT_EQUAL(ended(0), ADB_E_CLOSED);
    suite_close();
}

/* Ten cycles of connect, work and close, from the same context. LIFE-07 LIFE-22 REG-05 REG-20 */
TEST(a_database_can_be_connected_again)
{
    suite_open(NULL);
    for (int i = 0; i < 10; i++) {
        CU_ASSERT(connects());
        CU_ASSERT(ended_well(adb_fetch_one(ctx, suite->dialect->one, NULL, NULL, NULL)));
        CU_ASSERT_EQUAL(adb_database_close(db, 5000), ADB_OK);
    }
    CU_ASSERT(figures().opened >= 10);
    CU_ASSERT_EQUAL(figures().connections, 0);
    suite_close();
}

/* A transaction that close has rolled back is not taken up again. LIFE-16 LIFE-20 */
TEST(a_transaction_does_not_outlive_close)
{
    NOTES("a");
    adb_begin(ctx, NULL, NULL, NULL);
    CU_ASSERT(add_note(ctx, "b"));
    CU_ASSERT_EQUAL(adb_database_close(db, 5000), ADB_OK);
    CU_ASSERT(connects());
    CU_ASSERT_EQUAL(adb_context_depth(ctx), 0);
    if (suite->can & SUITE_PERSISTENT)
        CU_ASSERT_EQUAL(count_notes(ctx), 1);
    CU_ASSERT_EQUAL(ended(adb_commit(ctx, NULL, NULL)), ADB_E_NO_TRANSACTION);
    suite_close();
}

/* Jobs take a connection, opened if need be, and give it back. LIFE-14 CTX-14 CTX-16 DRV-03 */
TEST(a_job_connects_by_itself)
{
    suite_open(NULL);
    CU_ASSERT(ended_well(adb_fetch_one(ctx, suite->dialect->one, NULL, NULL, NULL)));
    CU_ASSERT(adb_database_is_connected(db));
    suite_close();
}

/* After everything is given back no connection and no handle is left. LIFE-08 LIFE-17 */
TEST(nothing_is_left_after_close)
{
    suite_open(NULL);
    adb_context *other = adb_context_new(db, NULL, 0);
    CU_ASSERT_EQUAL(ended_in(other, adb_fetch_one(other, suite->dialect->one, NULL, NULL, NULL)), ADB_OK);
    adb_context_free(other);
    CU_ASSERT_EQUAL(adb_database_close(db, 5000), ADB_OK);
    const adb_stats stats = figures();
    CU_ASSERT_EQUAL(stats.connections + stats.workers + stats.held, 0);
    CU_ASSERT_EQUAL(stats.contexts, 1);
    CU_ASSERT_EQUAL(stats.jobs_waiting + stats.jobs_running + stats.jobs_undelivered, 0);
    suite_close();
}

static int n_refusals;

static adb_status refuse_at_first(adb_session *session, void *user_data)
{
    (void)user_data;
    return n_refusals-- > 0 ? adb_session_fail(session, ADB_E_AUTH, "not yet") : ADB_OK;
}

/* A connect that fails leaves the handle unconnected and all slots free; the next one may succeed. LIFE-06 LIFE-18
 * LIFE-24 REG-19 CTX-11 */
TEST(a_failed_connect_can_be_repeated)
{
    adb_error error = {0};
    suite_open(ADB_OPTIONS(.on_connect = refuse_at_first, .log_level = ADB_LOG_ERROR));
    n_refusals = 2;
    CU_ASSERT_EQUAL(adb_database_connect(db, 5000, &error), ADB_E_AUTH);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "not yet"));
    CU_ASSERT_FALSE(adb_database_is_connected(db));
    CU_ASSERT_EQUAL(ended(adb_fetch_one(ctx, suite->dialect->one, NULL, NULL, NULL)), ADB_E_AUTH);
    CU_ASSERT(connects());
    CU_ASSERT_EQUAL(figures().open_failures, 2);
    CU_ASSERT(ended_well(adb_fetch_one(ctx, suite->dialect->one, NULL, NULL, NULL)));
    suite_close();
}

/* Connecting can be a job like any other. */
TEST(connect_can_be_a_job)
{
    suite_open(NULL);
    CU_ASSERT(ended_well(adb_connect(ctx, NULL, NULL)));
    CU_ASSERT(adb_database_is_connected(db));
    suite_close();
}

/* URL and options can be read back, merged. URL-32 OPT-01 OPT-10 OPT-35 DRV-13 */
TEST(url_and_options_can_be_read_back)
{
    adb_database *other = NULL;
    suite_open(ADB_OPTIONS(.idle_timeout_ms = 1234));
    CU_ASSERT_STRING_EQUAL(adb_url_text(adb_database_url(db)), suite_url());
    CU_ASSERT_EQUAL(adb_database_options(db)->idle_timeout_ms, 1234);
    CU_ASSERT_EQUAL(adb_database_options(db)->queue_capacity, 4096);
    REQUIRE(adb_database_open(suite_url_with("idle_timeout_ms=77&batch_rows=5"), ADB_OPTIONS(.idle_timeout_ms = 88),
                              &other, NULL) == ADB_OK);
    CU_ASSERT_EQUAL(adb_database_options(other)->idle_timeout_ms, 88);
    CU_ASSERT_EQUAL(adb_database_options(other)->batch_rows, 5);
    adb_database_free(other);
    suite_close();
}

/* The sizes of a pool mean the same in the URL, under each of their names, and in the options. OPT-03 OPT-05 OPT-06
 * OPT-23 OPT-34 REG-30 */
TEST(sizes_have_aliases_in_the_url)
{
    static const char *const queries[] = {"min_size=2&max_size=5", "minsize=2&maxsize=5", "min_size=2&pool_size=5"};
    suite_open(NULL);
    for (size_t i = 0; i < 3; i++) {
        adb_database *other = NULL;
        REQUIRE(adb_database_open(suite_url_with(queries[i]), NULL, &other, NULL) == ADB_OK);
        CU_ASSERT_EQUAL(adb_database_options(other)->min_size, 2);
        CU_ASSERT_EQUAL(adb_database_options(other)->max_size, 5);
        adb_database_free(other);
    }
    suite_close();
}

GROUP(lifecycle, SQL(open_does_no_io), SQL(connect_and_close_are_idempotent), SQL(a_closed_database_refuses_jobs),
      SQL(a_database_can_be_connected_again), SQL(a_transaction_does_not_outlive_close), SQL(a_job_connects_by_itself),
      SQL(nothing_is_left_after_close), SQL(a_failed_connect_can_be_repeated), SQL(connect_can_be_a_job),
      SQL(url_and_options_can_be_read_back), SQL(sizes_have_aliases_in_the_url));
