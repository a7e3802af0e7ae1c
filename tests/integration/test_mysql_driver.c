/* SPDX-License-Identifier: BSD-3-Clause */
/* The MySQL driver on a real server, straight from its struct and without any core: what is prepared and when, what
 * heals, what a reset leaves, and where memory ends. */
#include "base/clock.h"
#include "drivers/mysql/mysql_driver.h"
#include "model/error.h"
#include "model/result.h"
#include "tests/lib/fault.h"
#include "tests/lib/harness.h"
#include "tests/lib/own.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DRIVER (&adb__mysql_driver)

static struct own own;

/* One connection with all that its open borrows, and the result of its last statement. */
struct session {
    adb_url *url;
    adb_options options;
    struct adb__open open;
    struct adb__mysql conn;
    struct adb_result result;
    adb_error error;
    size_t most;    /* max_rows of the next statements */
    unsigned flags; /* of the next statements */
};

static struct session first;
static struct session second;

static adb_status session_open_url(struct session *session, adb_url *url, int statement_cache)
{
    memset(session, 0, sizeof(*session));
    adb__result_init(&session->result, NULL, 0, NULL);
    session->url = url;
    session->options = (adb_options){.size = sizeof(adb_options), .statement_cache = statement_cache};
    session->open = (struct adb__open){
        .url = url, .options = &session->options, .deadline = ADB__NEVER, .wake_fd = -1, .stop_fn = NULL};
    return DRIVER->open(&session->conn, &session->open, &session->error);
}

static void session_open(struct session *session, int statement_cache)
{
    struct adb__layout layout;
    adb_url *url;
    REQUIRE(adb_url_parse(own.url, &url, NULL) == ADB_OK);
    REQUIRE(DRIVER->configure(url, ADB_OPTIONS(), &layout, NULL) == ADB_OK);
    REQUIRE(session_open_url(session, url, statement_cache) == ADB_OK);
}

static void session_close(struct session *session)
{
    DRIVER->close(&session->conn);
    adb__result_fini(&session->result);
    adb_url_free(session->url);
    session->url = NULL;
}

static void close_both(void)
{
    if (first.url != NULL)
        session_close(&first);
    if (second.url != NULL)
        session_close(&second);
}

static adb_status run_with(struct session *session, const char *sql, const adb_value *values, size_t n_values)
{
    struct adb__sink sink = {.result = &session->result, .max_rows = session->most};
    const struct adb__statement statement = {
        .sql = sql, .sql_size = strlen(sql), .values = values, .n_values = n_values, .flags = session->flags};
    adb__result_fini(&session->result);
    adb__result_init(&session->result, NULL, 0, NULL);
    return DRIVER->execute(&session->conn, &statement, &sink, &session->error);
}

static adb_status run(struct session *session, const char *sql)
{
    return run_with(session, sql, NULL, 0);
}

static void must(struct session *session, const char *sql)
{
    const adb_status status = run(session, sql);
    if (status != ADB_OK)
        printf("# %s: %s\n", sql, session->error.message);
    REQUIRE(status == ADB_OK);
}

/* The number in the first row, -1 when there is none. */
static int64_t number(struct session *session, const char *sql)
{
    if (run(session, sql) != ADB_OK || adb_result_rows(&session->result) == 0)
        return -1;
    return adb_row_int(adb_result_row(&session->result, 0), 0);
}

static enum adb__txn_state state(struct session *session)
{
    return DRIVER->transaction_state(&session->conn);
}

/* How often the server has prepared something for this session. */
static int64_t n_prepared(struct session *session)
{
    must(session, "SHOW SESSION STATUS LIKE 'Com_stmt_prepare'");
    return adb_row_int(adb_result_row(&session->result, 0), 1);
}

/* Prepared statements ---------------------------------------------------------------------------------------------- */

/* What comes again is prepared once; what comes once, or cannot come with values, not at all. */
TEST(only_what_comes_again_is_prepared)
{
    session_open(&first, 0);
    const int64_t before = n_prepared(&first);
    for (int i = 0; i < 5; i++)
        CU_ASSERT_EQUAL(number(&first, "SELECT 1"), 1);
    CU_ASSERT_EQUAL(n_prepared(&first), before + 1);
    must(&first, "CREATE TEMPORARY TABLE t (a INT)");
    must(&first, "BEGIN");
    must(&first, "ROLLBACK");
    CU_ASSERT_EQUAL(n_prepared(&first), before + 1);
}

/* Off is off: values are still sent apart from the text, and nothing is kept. */
TEST(without_a_cache_nothing_is_kept)
{
    const adb_value two = adb_int(2);
    session_open(&first, -1);
    const int64_t before = n_prepared(&first);
    for (int i = 0; i < 5; i++)
        CU_ASSERT_EQUAL(number(&first, "SELECT 1"), 1);
    CU_ASSERT_EQUAL(n_prepared(&first), before);
    CU_ASSERT_EQUAL(run_with(&first, "SELECT ?", &two, 1), ADB_OK);
    CU_ASSERT_EQUAL(run_with(&first, "SELECT ?", &two, 1), ADB_OK);
    CU_ASSERT_EQUAL(n_prepared(&first), before + 2);
    must(&first, "SHOW SESSION STATUS LIKE 'Prepared_stmt_count'");
    CU_ASSERT_EQUAL(first.conn.cache.count, 0);
}

/* Columns that come, go, or change their names and types are seen at once. QRY-33 */
TEST(a_changed_table_is_seen_by_prepared_statements)
{
    session_open(&first, 0);
    must(&first, "CREATE OR REPLACE TABLE changing (a INT, b INT)");
    must(&first, "INSERT INTO changing VALUES (1, 2)");
    must(&first, "SELECT * FROM changing");
    must(&first, "ALTER TABLE changing CHANGE b c VARCHAR(10)");
    for (int i = 0; i < 3; i++) {
        must(&first, "SELECT * FROM changing");
        CU_ASSERT_STRING_EQUAL(adb_result_column_name(&first.result, 1), "c");
        CU_ASSERT_EQUAL(adb_row_value(adb_result_row(&first.result, 0), 1).type, ADB_TYPE_TEXT);
    }
    must(&first, "ALTER TABLE changing ADD d INT DEFAULT 7");
    must(&first, "SELECT * FROM changing");
    CU_ASSERT_EQUAL(adb_result_columns(&first.result), 3);
    must(&first, "ALTER TABLE changing DROP a, DROP d");
    must(&first, "SELECT * FROM changing");
    CU_ASSERT_EQUAL(adb_result_columns(&first.result), 1);
}

/* Within a transaction the caller hears of it, and the transaction is as it was. */
TEST(in_a_transaction_a_changed_table_is_told)
{
    session_open(&first, 0);
    must(&first, "CREATE OR REPLACE TABLE changing (a INT)");
    must(&first, "INSERT INTO changing VALUES (1)");
    must(&first, "SELECT * FROM changing");
    must(&first, "ALTER TABLE changing ADD b INT");
    must(&first, "BEGIN");
    CU_ASSERT_EQUAL(run(&first, "SELECT * FROM changing"), ADB_E_SQL);
    CU_ASSERT((first.error.flags & ADB_ERROR_RETRY_TRANSACTION) != 0);
    CU_ASSERT_EQUAL(state(&first), ADB__TXN_OPEN);
    CU_ASSERT_EQUAL(number(&first, "SELECT * FROM changing"), 1);
    must(&first, "ROLLBACK");
}

/* Values -------------------------------------------------------------------------------------------------------- */

static adb_value copied[2][32];
static char texts[2][32][64];

static size_t copy_row(struct session *session, int which)
{
    const size_t n_columns = adb_result_columns(&session->result);
    for (size_t i = 0; i < n_columns && i < 32; i++) {
        copied[which][i] = adb_row_value(adb_result_row(&session->result, 0), i);
        adb_value_format(&copied[which][i], texts[which][i], sizeof(texts[which][i]));
    }
    return n_columns;
}

/* Each type, by either protocol: the same value of the same type. TYP-02 TYP-05 TYP-20 */
TEST(both_protocols_give_the_same_values)
{
    static const char *const sql = "SELECT * FROM every";
    session_open(&first, 0);
    must(&first, "CREATE OR REPLACE TABLE every (a BOOLEAN, b TINYINT UNSIGNED, c BIGINT UNSIGNED, d DECIMAL(30, 20), "
                 "e FLOAT, f DOUBLE, g DATE, h TIME(6), i DATETIME(6), j TIMESTAMP(3) NULL, k YEAR, l JSON, m BIT(10), "
                 "n ENUM('x', 'y'), o SET('x', 'y'), p BINARY(4), q VARCHAR(20), r LONGTEXT, s INT(5) ZEROFILL, "
                 "t TIME, u DATE, v MEDIUMINT, w BLOB)");
    must(&first, "SET sql_mode = ''");
    must(&first, "INSERT INTO every VALUES (TRUE, 255, 18446744073709551615, 0.700000000000001, 0.1, 1e308, "
                 "'2024-02-29', '23:59:58.123456', '1969-12-31 23:59:59.999999', '2024-01-01 00:00:00.125', 2024, "
                 "'{\"a\": 1}', b'1000000001', 'y', 'x,y', 'ab', 'text', REPEAT('long ', 100), 42, '-838:59:59', "
                 "'0000-00-00', -8388608, X'00FF')");
    must(&first, sql);
    const size_t n_columns = copy_row(&first, 0);
    first.flags = ADB__STMT_NO_CACHE;
    must(&first, sql);
    CU_ASSERT_EQUAL(copy_row(&first, 1), n_columns);
    for (size_t i = 0; i < n_columns; i++) {
        CU_ASSERT_EQUAL(copied[0][i].type, copied[1][i].type);
        CU_ASSERT_STRING_EQUAL(texts[0][i], texts[1][i]);
    }
    CU_ASSERT_STRING_EQUAL(texts[0][2], "18446744073709551615");
    CU_ASSERT_STRING_EQUAL(texts[0][19], "-838:59:59");
    CU_ASSERT_STRING_EQUAL(texts[0][20], "0000-00-00");
}

/* What the server would turn into something else without a word is refused before. */
TEST(values_that_the_server_has_not_are_refused)
{
    const adb_value wrong[] = {
        adb_double(strtod("nan", NULL)),
        adb_double(strtod("-inf", NULL)),
        {.type = ADB_TYPE_DATE, .as.integer = INT64_C(1) << 40},
        {.type = ADB_TYPE_TIMESTAMP, .as.integer = INT64_MAX},
    };
    session_open(&first, 0);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        CU_ASSERT_EQUAL(run_with(&first, "SELECT ?", &wrong[i], 1), ADB_E_DATA);
    CU_ASSERT_EQUAL(number(&first, "SELECT 1"), 1);
}

/* A packet over the server's limit is not sent: it would break the connection. */
TEST(what_is_too_big_for_the_server_is_not_sent)
{
    session_open(&first, 0);
    const size_t size = first.conn.max_packet;
    char *bytes = calloc(1, size);
    REQUIRE(bytes != NULL);
    const adb_value value = adb_blob(bytes, size);
    CU_ASSERT_EQUAL(run_with(&first, "SELECT LENGTH(?)", &value, 1), ADB_E_TOO_BIG);
    CU_ASSERT_EQUAL(number(&first, "SELECT 1"), 1);
    free(bytes);
}

/* Procedures ------------------------------------------------------------------------------------------------------- */

/* Of several result sets the first is given, all are read, and what came by OUT is there. */
TEST(a_procedure_may_give_several_results)
{
    const adb_value four = adb_int(4);
    session_open(&first, 0);
    must(&first, "CREATE OR REPLACE PROCEDURE several (IN a INT, OUT b INT) BEGIN "
                 "SELECT a, 1; SELECT a + 1; SET b = a * 10; END");
    for (int i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(run_with(&first, "CALL several(?, @b)", &four, 1), ADB_OK);
        CU_ASSERT(adb_result_rows(&first.result) == 1 && adb_result_columns(&first.result) == 2);
        CU_ASSERT_EQUAL(number(&first, "SELECT @b"), 40);
    }
    CU_ASSERT_EQUAL(number(&first, "CALL several(5, @b)"), 5);
    CU_ASSERT_EQUAL(number(&first, "SELECT @b"), 50);
}

/* Leaving ---------------------------------------------------------------------------------------------------------- */

/* One row of many millions is had at once, and the transaction does not notice. */
TEST(a_large_result_can_be_left)
{
    session_open(&first, 0);
    must(&first, "CREATE OR REPLACE TABLE kept (a INT)");
    must(&first, "BEGIN");
    must(&first, "INSERT INTO kept VALUES (1)");
    first.most = 1;
    CU_ASSERT_EQUAL(number(&first, "SELECT seq FROM seq_1_to_1000000000"), 1);
    first.flags = ADB__STMT_NO_CACHE;
    CU_ASSERT_EQUAL(number(&first, "SELECT seq FROM seq_1_to_1000000000"), 1);
    CU_ASSERT_EQUAL(state(&first), ADB__TXN_OPEN);
    CU_ASSERT_EQUAL(number(&first, "SELECT count(*) FROM kept"), 1);
    must(&first, "COMMIT");
    CU_ASSERT_EQUAL(number(&first, "SELECT count(*) FROM kept"), 1);
}

/* Rows of every shape behind the last that is wanted are read past, and the connection is as good as before. */
TEST(rows_that_nobody_wants_are_read_past)
{
    session_open(&first, 0);
    first.most = 1;
    CU_ASSERT_EQUAL(number(&first,
                           "SELECT seq, REPEAT('long ', seq), seq * 0.5e0, DATE('2024-02-29') + INTERVAL seq DAY, "
                           "NULLIF(seq % 2, 1), CAST(seq AS TIME), 'text' FROM seq_1_to_2000"),
                    1);
    CU_ASSERT_EQUAL(number(&first, "SELECT 17"), 17);
}

/* What writes runs to its end, although its rows are not wanted. */
TEST(a_write_is_never_left_half_way)
{
    session_open(&first, 0);
    must(&first, "CREATE OR REPLACE TABLE kept (a INT)");
    first.most = 1;
    must(&first, "INSERT INTO kept SELECT seq FROM seq_1_to_20000 RETURNING a");
    CU_ASSERT_EQUAL(adb_result_affected(&first.result), 20000);
    CU_ASSERT_EQUAL(number(&first, "SELECT count(*) FROM kept"), 20000);
}

/* A request to stop that comes when nothing runs hits nothing. PAIN-14 */
TEST(a_late_cancel_is_harmless)
{
    session_open(&first, 0);
    for (int i = 0; i < 10; i++) {
        DRIVER->cancel(&first.conn, ADB__CANCEL_ASK);
        CU_ASSERT_EQUAL(number(&first, "SELECT count(*) FROM seq_1_to_1000"), 1000);
    }
}

/* Transactions ----------------------------------------------------------------------------------------------------- */

/* The server commits by itself at a CREATE TABLE, also at one that fails: the state says so. */
TEST(the_state_is_the_servers_own)
{
    session_open(&first, 0);
    must(&first, "CREATE OR REPLACE TABLE kept (a INT)");
    must(&first, "BEGIN");
    CU_ASSERT_EQUAL(run(&first, "SELECT nonsense"), ADB_E_UNDEFINED);
    CU_ASSERT_EQUAL(state(&first), ADB__TXN_OPEN);
    CU_ASSERT_EQUAL(run(&first, "CREATE TABLE kept (a INT)"), ADB_E_EXISTS);
    CU_ASSERT_EQUAL(state(&first), ADB__TXN_NONE);
    must(&first, "BEGIN");
    must(&first, "CREATE OR REPLACE TABLE kept (a INT)");
    CU_ASSERT_EQUAL(state(&first), ADB__TXN_NONE);
}

/* A statement that may only read is refused by the session itself when it writes; the next may write again. REP-07 */
TEST(a_write_where_only_reading_is_allowed_is_refused)
{
    session_open(&first, 0);
    must(&first, "CREATE OR REPLACE TABLE kept (a INT)");
    first.flags = ADB__STMT_MUST_READ;
    CU_ASSERT_EQUAL(run(&first, "INSERT INTO kept VALUES (1)"), ADB_E_READ_ONLY);
    CU_ASSERT_EQUAL(first.error.flags, 0);
    CU_ASSERT_EQUAL(run(&first, "CREATE TABLE more (a INT)"), ADB_E_READ_ONLY);
    CU_ASSERT_EQUAL(number(&first, "SELECT count(*) FROM kept"), 0);
    first.flags = 0;
    must(&first, "INSERT INTO kept VALUES (1)");
    first.flags = ADB__STMT_MUST_READ;
    must(&first, "SELECT a FROM kept");
    first.flags = 0;
    must(&first, "BEGIN");
    first.flags = ADB__STMT_MUST_READ;
    CU_ASSERT_EQUAL(run(&first, "DELETE FROM kept"), ADB_E_READ_ONLY);
    first.flags = 0;
    must(&first, "ROLLBACK");
}

/* Connections ------------------------------------------------------------------------------------------------------ */

/* Temporary tables, variables and settings do not pass from one to the next; what the URL wants stays. POOL-11 */
TEST(a_reset_gives_the_session_back)
{
    session_open(&first, 0);
    must(&first, "CREATE TEMPORARY TABLE mine (a INT)");
    must(&first, "SET @mine = 1, time_zone = '+05:00', sql_mode = 'ANSI_QUOTES'");
    CU_ASSERT_EQUAL(number(&first, "SELECT 1"), 1);
    CU_ASSERT_EQUAL(DRIVER->check(&first.conn, ADB__CHECK_RESET, &first.error), ADB_OK);
    CU_ASSERT_EQUAL(number(&first, "SELECT 1"), 1);
    CU_ASSERT_EQUAL(run(&first, "SELECT * FROM mine"), ADB_E_UNDEFINED);
    CU_ASSERT_EQUAL(number(&first, "SELECT @mine IS NULL AND @@time_zone = '+00:00'"), 1);
    CU_ASSERT_EQUAL(number(&first, "SELECT @@sql_mode LIKE '%ANSI%'"), 0);
}

/* A session that the server begins in a mode that reads literals otherwise is set right. */
TEST(modes_of_the_server_that_change_literals_are_left_out)
{
    session_open(&first, 0);
    must(&first, "SET sql_mode = 'ANSI,STRICT_TRANS_TABLES,NO_BACKSLASH_ESCAPES'");
    REQUIRE(adb__mysql_session_set_up(&first.conn, &first.error) == ADB_OK);
    CU_ASSERT_EQUAL(number(&first, "SELECT @@sql_mode LIKE '%STRICT_TRANS_TABLES%'"), 1);
    CU_ASSERT_EQUAL(number(&first, "SELECT @@sql_mode LIKE '%ANSI%' OR @@sql_mode LIKE '%BACKSLASH%'"), 0);
    CU_ASSERT_EQUAL(number(&first, "SELECT LENGTH(\"a\\\"b\")"), 3);
}

/* The administrator has ended it: a look at the socket tells, before anything is sent. */
TEST(a_session_that_was_ended_is_noticed)
{
    char sql[64];
    session_open(&first, 0);
    session_open(&second, 0);
    CU_ASSERT_EQUAL(DRIVER->check(&first.conn, ADB__CHECK_PING, &first.error), ADB_OK);
    snprintf(sql, sizeof(sql), "KILL %llu", (unsigned long long)first.conn.id);
    must(&second, sql);
    CU_ASSERT_EQUAL(DRIVER->check(&first.conn, ADB__CHECK_PING, &first.error), ADB_E_CONNECTION);
    CU_ASSERT((first.error.flags & ADB_ERROR_CONNECTION_LOST) != 0);
    CU_ASSERT_EQUAL(state(&first), ADB__TXN_UNKNOWN);
}

/* Cut off, a connection says so, and that what it was to run has not run. */
TEST(a_severed_connection_is_lost)
{
    session_open(&first, 0);
    CU_ASSERT_EQUAL(number(&first, "SELECT 1"), 1);
    DRIVER->cancel(&first.conn, ADB__CANCEL_SEVER);
    CU_ASSERT_EQUAL(run(&first, "SELECT 1"), ADB_E_CONNECTION);
    CU_ASSERT((first.error.flags & ADB_ERROR_CONNECTION_LOST) != 0);
    CU_ASSERT_EQUAL(run(&first, "SELECT 1"), ADB_E_CONNECTION);
    CU_ASSERT_EQUAL(state(&first), ADB__TXN_UNKNOWN);
}

/* No memory at any point: a status, nothing leaks, and the connection is as good as before. */
TEST(want_of_memory_is_a_status)
{
    const adb_value one = adb_int(1);
    session_open(&first, 0);
    FAULT_EACH(n)
    {
        const size_t before = fault_live_blocks();
        adb__cache_clear(&first.conn.cache);
        fault_arm(n);
        const adb_status status = run_with(&first, "SELECT ?, 'text', REPEAT('x', 5000)", &one, 1);
        FAULT_DONE();
        CU_ASSERT(status == ADB_OK || status == ADB_E_NOMEM);
        adb__result_fini(&first.result);
        adb__result_init(&first.result, NULL, 0, NULL);
        adb__cache_clear(&first.conn.cache);
        CU_ASSERT(fault_live_blocks() <= before);
    }
    CU_ASSERT_EQUAL(number(&first, "SELECT 1"), 1);
}

static const struct harness_case cases[] = {
    CASE(only_what_comes_again_is_prepared),
    CASE(without_a_cache_nothing_is_kept),
    CASE(a_changed_table_is_seen_by_prepared_statements),
    CASE(in_a_transaction_a_changed_table_is_told),
    CASE(both_protocols_give_the_same_values),
    CASE(values_that_the_server_has_not_are_refused),
    CASE(what_is_too_big_for_the_server_is_not_sent),
    CASE(a_procedure_may_give_several_results),
    CASE(a_large_result_can_be_left),
    CASE(rows_that_nobody_wants_are_read_past),
    CASE(a_write_is_never_left_half_way),
    CASE(a_late_cancel_is_harmless),
    CASE(the_state_is_the_servers_own),
    CASE(a_write_where_only_reading_is_allowed_is_refused),
    CASE(a_reset_gives_the_session_back),
    CASE(modes_of_the_server_that_change_literals_are_left_out),
    CASE(a_session_that_was_ended_is_noticed),
    CASE(a_severed_connection_is_lost),
    CASE(want_of_memory_is_a_status),
};

int main(int argc, char **argv)
{
    const char *url = own_variable("ADB_TEST_MYSQL_URL");
    int failed = 1;
    if (url == NULL)
        return 77;
    harness_after_each = close_both;
    fault_watch(); /* before any thread of the library is there */
    if (own_make(&own, url))
        failed = harness_main("mysql_driver", cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
    own_drop(&own);
    return failed;
}
