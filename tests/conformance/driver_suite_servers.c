/* SPDX-License-Identifier: BSD-3-Clause */
/* What only a server can do: be reached over TLS, and end a connection behind one's back. Servers that die, and
 * networks that fail, are in tests/faults. */
#include "tests/conformance/driver_suite.h"

#include "base/clock.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

/* A URL that asks for TLS is served over TLS, on every connection. OPT-03 OPT-04 PAIN-17 */
TEST(a_url_with_tls_encrypts)
{
    adb_context *three[3];
    suite_open(ADB_OPTIONS(.max_size = 3));
    for (size_t i = 0; i < 3; i++) {
        three[i] = lane();
        CU_ASSERT_EQUAL(ended_in(three[i], adb_acquire(three[i], NULL, NULL)), ADB_OK);
        CU_ASSERT_EQUAL(adb_result_rows(rows_in(three[i], suite->dialect->encrypted)), 1);
    }
    CU_ASSERT_EQUAL(figures().held, 3);
    suite_close();
}

/* Refusals are what the words are tried for. */
static void log_nothing(adb_log_level level, const char *line, void *user_data)
{
    (void)level;
    (void)line;
    (void)user_data;
}

/* The instance's URL with another word for ssl: what it connects to, encrypted or not, or how it fails. */
static const char *with_word(const char *word, adb_status *status_out)
{
    adb_url *url = NULL;
    adb_database *other = NULL;
    const char *found = "";
    REQUIRE(adb_url_parse(suite_url(), &url, NULL) == ADB_OK);
    adb_url_set_option(url, "sslmode", NULL);
    REQUIRE(adb_url_set_option(url, "ssl", word) == ADB_OK);
    *status_out = adb_database_open(adb_url_text(url), ADB_OPTIONS(.log = log_nothing), &other, NULL);
    adb_url_free(url);
    if (*status_out == ADB_OK)
        *status_out = adb_database_connect(other, 10000, NULL);
    if (*status_out == ADB_OK) {
        adb_context *there = adb_context_new(other, NULL, 0);
        found = adb_result_rows(rows_in(there, suite->dialect->encrypted)) > 0 ? "encrypted" : "plain";
        adb_context_free(there);
    }
    adb_database_free(other);
    return found;
}

/* The same words on every database, in any case; a user of whom the server demands TLS is refused without. OPT-07
 * OPT-08 OPT-09 CFL-20 PAIN-17 REG-01 */
TEST(words_for_tls_mean_the_same_everywhere)
{
    static const char *const on[] = {"require", "verify-ca", "verify-full", "true", "True", "TRUE"};
    adb_status status = ADB_OK;
    suite_open(NULL);
    for (size_t i = 0; i < sizeof(on) / sizeof(on[0]); i++) {
        CU_ASSERT_STRING_EQUAL(with_word(on[i], &status), "encrypted");
        CU_ASSERT_EQUAL(status, ADB_OK);
    }
    CU_ASSERT_STRING_EQUAL(with_word("prefer", &status), "encrypted");
    with_word("disable", &status);
    CU_ASSERT_EQUAL(status, ADB_E_AUTH);
    with_word("false", &status);
    CU_ASSERT_EQUAL(status, ADB_E_AUTH);
    with_word("perhaps", &status);
    CU_ASSERT_EQUAL(status, ADB_E_OPTION);
    suite_close();
}

/* The same question many times: its results are not kept. */
static bool is_alive(adb_context *there, const char *sql)
{
    adb_result *result = adb_wait(there, adb_fetch_val(there, sql, NULL, NULL, NULL), 20000);
    const bool alive = adb_row_int(adb_result_row(result, 0), 0) > 0;
    adb_result_unref(result);
    return alive;
}

/* End the connection that ctx has, from outside, and wait until it is gone and has been idle for more than a
 * millisecond: the shortest time after which one is looked at before its next use. */
static void end_connection(void)
{
    char sql[128];
    adb_database *other = NULL;
    const int64_t id = number(suite->dialect->id);
    REQUIRE(adb_database_open(suite_url(), ADB_OPTIONS(.max_size = 1), &other, NULL) == ADB_OK);
    adb_context *there = adb_context_new(other, NULL, 0);
    snprintf(sql, sizeof(sql), "%s%lld%s", suite->dialect->end[0], (long long)id, suite->dialect->end[1]);
    rows_in(there, sql);
    snprintf(sql, sizeof(sql), "%s%lld", suite->dialect->alive, (long long)id);
    while (is_alive(there, sql))
        sched_yield();
    const int64_t gone_at = adb__clock_now();
    while (adb__clock_now() - gone_at <= 2 * ADB__NS_PER_MS)
        sched_yield();
    adb_context_free(there);
    adb_database_free(other);
}

/* A connection that the server has ended while it was idle is replaced, and nobody notices. POOL-16 PAIN-14 */
TEST(a_connection_that_was_ended_is_replaced)
{
    NOTES("a");
    suite_reopen(ADB_OPTIONS(.max_size = 1, .check_after_ms = 1));
    for (int i = 0; i < 3; i++) {
        end_connection();
        CU_ASSERT_EQUAL(count_notes(ctx), 1);
        CU_ASSERT(add_note(ctx, "b"));
        must("DELETE FROM notes WHERE text = 'b'");
    }
    CU_ASSERT(figures().opened >= 4);
    suite_close();
}

/* A transaction whose connection was ended is lost: nothing of it stays, nothing runs outside of it, and its end says
 * so. TX-18 */
TEST(a_transaction_whose_connection_was_ended_is_lost)
{
    NOTES("a");
    adb_begin(ctx, NULL, NULL, NULL);
    CU_ASSERT(add_note(ctx, "b"));
    end_connection();
    CU_ASSERT_FALSE(add_note(ctx, "c"));
    CU_ASSERT_NOT_EQUAL(ended(adb_commit(ctx, NULL, NULL)), ADB_OK);
    CU_ASSERT_EQUAL(adb_context_depth(ctx), 0);
    CU_ASSERT_EQUAL(count_notes(ctx), 1);
    CU_ASSERT(add_note(ctx, "d"));
    suite_close();
}

GROUP(servers, NEEDS(SUITE_SQL | SUITE_TLS, a_url_with_tls_encrypts),
      NEEDS(SUITE_SQL | SUITE_TLS, words_for_tls_mean_the_same_everywhere),
      NEEDS(SUITE_SQL | SUITE_REMOTE, a_connection_that_was_ended_is_replaced),
      NEEDS(SUITE_SQL | SUITE_REMOTE, a_transaction_whose_connection_was_ended_is_lost));
