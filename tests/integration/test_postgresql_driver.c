/* SPDX-License-Identifier: BSD-3-Clause */
/* The PostgreSQL driver on a real server, straight from its struct and without any core: what is prepared and when,
 * what heals, what a reset leaves, and where memory ends. */
#include "base/clock.h"
#include "drivers/postgresql/postgresql.h"
#include "model/error.h"
#include "tests/lib/fault.h"
#include "tests/lib/harness.h"
#include "tests/lib/own.h"

#include <stdio.h>
#include <string.h>

#define DRIVER (&adb__postgresql_driver)

static struct own own;

/* One connection with all that its open borrows, and the result of its last statement. */
struct session {
    adb_url *url;
    adb_options options;
    struct adb__open open;
    struct adb__pg conn;
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
    adb_url *url;
    REQUIRE(adb_url_parse(own.url, &url, NULL) == ADB_OK);
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

/* The number in the first row, -1 when there is none. */
static int64_t number(struct session *session, const char *sql)
{
    if (run(session, sql) != ADB_OK || adb_result_rows(&session->result) == 0)
        return -1;
    return adb_row_int(adb_result_row(&session->result, 0), 0);
}

/* Asked in a way that prepares nothing itself. */
static int64_t n_prepared(struct session *session)
{
    session->flags = ADB__STMT_NO_CACHE;
    const int64_t count = number(session, "SELECT count(*) FROM pg_prepared_statements");
    session->flags = 0;
    return count;
}

/* What a client does who has the native handle. */
static void native(struct session *session, const char *sql)
{
    PQclear(PQexec(DRIVER->native(&session->conn), sql));
}

/* Prepared statements ---------------------------------------------------------------------------------------------- */

/* Once may be chance; a second time it pays. */
TEST(a_statement_is_prepared_at_its_second_use)
{
    session_open(&first, 0);
    CU_ASSERT_EQUAL(number(&first, "SELECT 1"), 1);
    CU_ASSERT_EQUAL(n_prepared(&first), 0);
    CU_ASSERT_EQUAL(number(&first, "SELECT 1"), 1);
    CU_ASSERT_EQUAL(number(&first, "SELECT 1"), 1);
    CU_ASSERT_EQUAL(n_prepared(&first), 1);
}

/* A pooler would give them to somebody else. */
TEST(without_a_cache_nothing_is_prepared)
{
    session_open(&first, -1);
    for (int i = 0; i < 5; i++)
        CU_ASSERT_EQUAL(number(&first, "SELECT 1"), 1);
    CU_ASSERT_EQUAL(n_prepared(&first), 0);
}

/* The server keeps no more than the cache does, and one that is about to be closed. */
TEST(what_leaves_the_cache_is_closed_at_the_server)
{
    char sql[32];
    session_open(&first, 3);
    for (int i = 0; i < 40; i++) {
        snprintf(sql, sizeof(sql), "SELECT %d", i / 2);
        CU_ASSERT_EQUAL(number(&first, sql), i / 2);
    }
    CU_ASSERT(n_prepared(&first) <= 4);
}

/* 26000: somebody has thrown them away. */
TEST(forgotten_statements_are_prepared_again)
{
    session_open(&first, 0);
    for (int i = 0; i < 3; i++)
        CU_ASSERT_EQUAL(number(&first, "SELECT 1"), 1);
    native(&first, "DEALLOCATE ALL");
    CU_ASSERT_EQUAL(number(&first, "SELECT 1"), 1);
    CU_ASSERT_EQUAL(number(&first, "SELECT 1"), 1);
    CU_ASSERT_EQUAL(n_prepared(&first), 1);
}

/* There the failure has taken the transaction with it, and says what helps. */
TEST(in_a_transaction_a_forgotten_statement_is_told)
{
    session_open(&first, 0);
    for (int i = 0; i < 3; i++)
        CU_ASSERT_EQUAL(number(&first, "SELECT 1"), 1);
    native(&first, "DEALLOCATE ALL");
    CU_ASSERT_EQUAL(run(&first, "BEGIN"), ADB_OK);
    CU_ASSERT_EQUAL(run(&first, "SELECT 1"), ADB_E_SQL);
    CU_ASSERT_STRING_EQUAL(first.error.sqlstate, "26000");
    CU_ASSERT_EQUAL(first.error.flags, ADB_ERROR_RETRY_TRANSACTION);
    CU_ASSERT_EQUAL(DRIVER->transaction_state(&first.conn), ADB__TXN_FAILED);
    CU_ASSERT_EQUAL(run(&first, "ROLLBACK"), ADB_OK);
    CU_ASSERT_EQUAL(number(&first, "SELECT 1"), 1);
}

/* 0A000: another connection has changed the table. */
TEST(a_changed_table_is_seen_by_prepared_statements)
{
    session_open(&first, 0);
    session_open(&second, 0);
    CU_ASSERT_EQUAL(run(&first, "CREATE TABLE changing (a INTEGER)"), ADB_OK);
    for (int i = 0; i < 3; i++)
        CU_ASSERT_EQUAL(run(&first, "SELECT * FROM changing"), ADB_OK);
    CU_ASSERT_EQUAL(run(&second, "ALTER TABLE changing ADD b TEXT"), ADB_OK);
    CU_ASSERT_EQUAL(run(&first, "SELECT * FROM changing"), ADB_OK);
    CU_ASSERT_EQUAL(adb_result_columns(&first.result), 2);
    CU_ASSERT_EQUAL(run(&second, "ALTER TABLE changing RENAME b TO c"), ADB_OK);
    for (int i = 0; i < 3; i++)
        CU_ASSERT_EQUAL(run(&first, "SELECT * FROM changing"), ADB_OK);
    CU_ASSERT_STRING_EQUAL(adb_result_column_name(&first.result, 1), "c");
    CU_ASSERT_EQUAL(run(&first, "DROP TABLE changing"), ADB_OK);
}

/* Also the types of its parameters may be those of yesterday. */
TEST(a_changed_type_is_seen_by_prepared_statements)
{
    const adb_value word = adb_text("word");
    const adb_value digit = adb_int(1);
    session_open(&first, 0);
    session_open(&second, 0);
    CU_ASSERT_EQUAL(run(&first, "CREATE TABLE typed (a INTEGER)"), ADB_OK);
    for (int i = 0; i < 3; i++)
        CU_ASSERT_EQUAL(run_with(&first, "INSERT INTO typed VALUES ($1)", &digit, 1), ADB_OK);
    CU_ASSERT_EQUAL(run(&second, "ALTER TABLE typed ALTER a TYPE TEXT"), ADB_OK);
    CU_ASSERT_EQUAL(run_with(&first, "INSERT INTO typed VALUES ($1)", &word, 1), ADB_OK);
    CU_ASSERT_EQUAL(run(&first, "DROP TABLE typed"), ADB_OK);
}

/* Found before anything is sent. */
TEST(values_that_do_not_fit_a_prepared_statement_are_refused)
{
    const adb_value values[] = {adb_int(1), adb_int(2)};
    session_open(&first, 0);
    for (int i = 0; i < 3; i++)
        CU_ASSERT_EQUAL(run_with(&first, "SELECT $1::int", values, 1), ADB_OK);
    CU_ASSERT_EQUAL(run_with(&first, "SELECT $1::int", values, 2), ADB_E_PARAMETER);
    CU_ASSERT_EQUAL(number(&first, "SELECT 1"), 1);
}

/* Results ---------------------------------------------------------------------------------------------------------- */

/* At the first use as at later ones, in text as in binary, all rows or only the first. */
TEST(columns_have_their_names)
{
    session_open(&first, 0);
    CU_ASSERT_EQUAL(run(&first, "CREATE TYPE mood AS ENUM ('sad', 'happy')"), ADB_OK);
    CU_ASSERT_EQUAL(run(&first, "CREATE TABLE people (name TEXT, feels mood)"), ADB_OK);
    CU_ASSERT_EQUAL(run(&first, "INSERT INTO people VALUES ('Ada', 'happy'), ('Bob', 'sad')"), ADB_OK);
    for (int i = 0; i < 6; i++) {
        first.most = i % 2 == 0 ? 0 : 1;
        CU_ASSERT_EQUAL(run(&first, "SELECT name AS who, feels FROM people"), ADB_OK);
        CU_ASSERT_STRING_EQUAL(adb_result_column_name(&first.result, 0), "who");
        CU_ASSERT_STRING_EQUAL(adb_result_column_table(&first.result, 0), "people");
        CU_ASSERT_STRING_EQUAL(adb_result_column_decltype(&first.result, 1), "mood");
        CU_ASSERT_STRING_EQUAL(adb_row_text(adb_result_row(&first.result, 0), 1), "happy");
    }
    first.most = 0;
    CU_ASSERT_EQUAL(run(&first, "DROP TABLE people"), ADB_OK);
    CU_ASSERT_EQUAL(run(&first, "DROP TYPE mood"), ADB_OK);
}

/* What nobody reads does not have to be computed; a transaction stays well. */
TEST(a_large_result_can_be_left)
{
    session_open(&first, 0);
    first.most = 1;
    first.flags = ADB__STMT_READS;
    CU_ASSERT_EQUAL(number(&first, "SELECT generate_series(1, 100000000)"), 1);
    first.flags = ADB__STMT_READS | ADB__STMT_MUST_READ;
    CU_ASSERT_EQUAL(number(&first, "SELECT generate_series(1, 100000001)"), 1);
    CU_ASSERT_EQUAL(DRIVER->transaction_state(&first.conn), ADB__TXN_NONE);
    first.flags = ADB__STMT_READS;
    CU_ASSERT_EQUAL(run(&first, "BEGIN"), ADB_OK);
    CU_ASSERT_EQUAL(number(&first, "SELECT generate_series(1, 100000)"), 1);
    CU_ASSERT_EQUAL(DRIVER->transaction_state(&first.conn), ADB__TXN_OPEN);
    CU_ASSERT_EQUAL(run(&first, "COMMIT"), ADB_OK);
}

/* One row is looked at, all are changed. */
TEST(a_write_is_never_left_half_way)
{
    session_open(&first, 0);
    CU_ASSERT_EQUAL(run(&first, "CREATE TABLE numbers AS SELECT generate_series(1, 10000) AS n"), ADB_OK);
    CU_ASSERT_EQUAL(first.result.affected, 10000);
    first.most = 1;
    CU_ASSERT_EQUAL(number(&first, "UPDATE numbers SET n = 7 RETURNING n"), 7);
    CU_ASSERT_EQUAL(first.result.affected, 10000);
    first.most = 0;
    CU_ASSERT_EQUAL(number(&first, "SELECT count(*) FROM numbers WHERE n = 7"), 10000);
    CU_ASSERT_EQUAL(run(&first, "DROP TABLE numbers"), ADB_OK);
}

/* By the server, statement by statement where the session may write. */
TEST(a_write_where_only_reading_is_allowed_is_refused)
{
    session_open(&first, 0);
    first.flags = ADB__STMT_MUST_READ;
    CU_ASSERT_EQUAL(run(&first, "CREATE TABLE refused (a INTEGER)"), ADB_E_READ_ONLY);
    CU_ASSERT_EQUAL(first.error.flags, 0);
    CU_ASSERT_EQUAL(run(&first, "VACUUM"), ADB_E_READ_ONLY);
    CU_ASSERT_EQUAL(number(&first, "SELECT 1"), 1);
    CU_ASSERT_EQUAL(DRIVER->transaction_state(&first.conn), ADB__TXN_NONE);
}

/* Statements that the server has answered since the last time, by their synchronisations in libpq's own trace. */
static int n_round_trips(struct session *session, FILE *trace)
{
    char line[256];
    int n = 0;
    PQuntrace(session->conn.pg);
    rewind(trace);
    while (fgets(line, sizeof(line), trace) != NULL)
        n += strstr(line, "ReadyForQuery") != NULL;
    REQUIRE(freopen(NULL, "w+", trace) != NULL);
    PQtrace(session->conn.pg, trace);
    return n;
}

/* Whatever it yields, and however it is read. What is prepared first is one more. */
TEST(a_query_that_must_not_write_is_one_round_trip)
{
    FILE *trace = tmpfile();
    REQUIRE(trace != NULL);
    session_open(&first, 0);
    PQtrace(first.conn.pg, trace);
    CU_ASSERT_EQUAL(number(&first, "SELECT 1"), 1);
    CU_ASSERT_EQUAL(n_round_trips(&first, trace), 1);
    first.flags = ADB__STMT_READS | ADB__STMT_MUST_READ;
    CU_ASSERT_EQUAL(number(&first, "SELECT 2"), 2);
    CU_ASSERT_EQUAL(n_round_trips(&first, trace), 1);
    CU_ASSERT_EQUAL(number(&first, "SELECT generate_series(3, 10000)"), 3);
    CU_ASSERT_EQUAL(adb_result_rows(&first.result), 9998);
    CU_ASSERT_EQUAL(n_round_trips(&first, trace), 1);
    first.most = 1;
    CU_ASSERT_EQUAL(number(&first, "SELECT 4"), 4);
    CU_ASSERT_EQUAL(n_round_trips(&first, trace), 1);
    for (int i = 0; i < 2; i++)
        CU_ASSERT_EQUAL(number(&first, "SELECT 5"), 5);
    CU_ASSERT_EQUAL(n_round_trips(&first, trace), 3);
    CU_ASSERT_EQUAL(number(&first, "SELECT 5"), 5);
    CU_ASSERT_EQUAL(n_round_trips(&first, trace), 1);
    CU_ASSERT_EQUAL(run(&first, "SELECT 1 / 0"), ADB_E_DATA);
    CU_ASSERT_EQUAL(n_round_trips(&first, trace), 1);
    CU_ASSERT_EQUAL(DRIVER->transaction_state(&first.conn), ADB__TXN_NONE);
    PQuntrace(first.conn.pg);
    fclose(trace);
}

/* Forgotten by the server, cancelled, or the last thing that the session did. */
TEST(a_query_that_must_not_write_ends_as_any_other)
{
    session_open(&first, 0);
    first.flags = ADB__STMT_READS | ADB__STMT_MUST_READ;
    for (int i = 0; i < 3; i++)
        CU_ASSERT_EQUAL(number(&first, "SELECT 1"), 1);
    native(&first, "DEALLOCATE ALL");
    CU_ASSERT_EQUAL(number(&first, "SELECT 1"), 1);
    CU_ASSERT_EQUAL(run(&first, "SELECT pg_cancel_backend(pg_backend_pid()), pg_sleep(60)"), ADB_E_CANCELLED);
    CU_ASSERT_EQUAL(DRIVER->transaction_state(&first.conn), ADB__TXN_NONE);
    CU_ASSERT_EQUAL(number(&first, "SELECT 1"), 1);
    CU_ASSERT_EQUAL(run(&first, "SELECT pg_terminate_backend(pg_backend_pid()), pg_sleep(60)"), ADB_E_CONNECTION);
    CU_ASSERT_EQUAL(DRIVER->transaction_state(&first.conn), ADB__TXN_UNKNOWN);
}

/* As what it looks like does not say what a statement does. */
TEST(what_only_looks_like_a_query_does_not_write_either)
{
    static const char make[] = "CREATE PROCEDURE sneak() LANGUAGE plpgsql AS "
                               "$$BEGIN COMMIT; INSERT INTO notes VALUES (1); END$$";
    static const char *const writes[] = {
        "WITH gone AS (DELETE FROM notes RETURNING a) SELECT a FROM gone",
        "SELECT a INTO others FROM notes",
        "SELECT a FROM notes FOR UPDATE",
        "SELECT leave_note()",
        "EXPLAIN ANALYZE DELETE FROM notes",
    };
    session_open(&first, 0);
    CU_ASSERT_EQUAL(run(&first, "CREATE TABLE notes (a INTEGER)"), ADB_OK);
    CU_ASSERT_EQUAL(run(&first, "CREATE FUNCTION leave_note() RETURNS INTEGER LANGUAGE sql VOLATILE AS "
                                "'INSERT INTO notes VALUES (1) RETURNING a'"),
                    ADB_OK);
    CU_ASSERT_EQUAL(run(&first, make), ADB_OK);
    first.flags = ADB__STMT_READS | ADB__STMT_MUST_READ;
    for (size_t i = 0; i < sizeof(writes) / sizeof(*writes); i++) {
        for (int n = 0; n < 3; n++)
            CU_ASSERT_EQUAL(run(&first, writes[i]), ADB_E_READ_ONLY);
    }
    CU_ASSERT_EQUAL(run(&first, "SELECT set_config('transaction_read_only', 'off', true), leave_note()"), ADB_E_SQL);
    first.flags = ADB__STMT_MUST_READ;
    CU_ASSERT_NOT_EQUAL(run(&first, "CALL sneak()"), ADB_OK);
    first.flags = 0;
    CU_ASSERT_EQUAL(number(&first, "SELECT count(*) FROM notes"), 0);
    CU_ASSERT_EQUAL(run(&first, "CALL sneak()"), ADB_OK);
    CU_ASSERT_EQUAL(number(&first, "SELECT count(*) FROM notes"), 1);
    CU_ASSERT_EQUAL(run(&first, "DROP PROCEDURE sneak"), ADB_OK);
    CU_ASSERT_EQUAL(run(&first, "DROP FUNCTION leave_note"), ADB_OK);
    CU_ASSERT_EQUAL(run(&first, "DROP TABLE notes"), ADB_OK);
}

/* The index is that of the set that failed; those before it count outside a transaction, none after it ran. CFL-10 */
TEST(many_sets_stop_at_the_one_that_fails)
{
    const adb_value values[] = {adb_int(1), adb_int(2), adb_int(1), adb_int(3)};
    const adb_value *sets[] = {&values[0], &values[1], &values[2], &values[3]};
    const struct adb__statement insert = {.sql = "INSERT INTO keys VALUES ($1)", .sql_size = 28, .n_values = 1};
    session_open(&first, 0);
    CU_ASSERT_EQUAL(run(&first, "CREATE TABLE keys (k INTEGER PRIMARY KEY)"), ADB_OK);
    for (int inside = 0; inside < 2; inside++) {
        struct adb__sink sink = {.result = &first.result};
        size_t failed = 99;
        CU_ASSERT_EQUAL(run(&first, "TRUNCATE keys"), ADB_OK);
        CU_ASSERT_EQUAL(inside ? run(&first, "BEGIN") : ADB_OK, ADB_OK);
        CU_ASSERT_EQUAL(DRIVER->execute_many(&first.conn, &insert, sets, 4, &sink, &failed, &first.error),
                        ADB_E_UNIQUE);
        CU_ASSERT_EQUAL(failed, 2);
        CU_ASSERT_EQUAL(inside ? run(&first, "ROLLBACK") : ADB_OK, ADB_OK);
        CU_ASSERT_EQUAL(DRIVER->transaction_state(&first.conn), ADB__TXN_NONE);
        CU_ASSERT_EQUAL(number(&first, "SELECT count(*) FROM keys"), inside ? 0 : 2);
    }
    CU_ASSERT_EQUAL(run(&first, "DROP TABLE keys"), ADB_OK);
}

static bool stops(void *data)
{
    unsigned *n_asked = data;
    return ++*n_asked > 2;
}

/* All or nothing in one round trip, whatever ends it: a set, the commit, or who asked. CFL-10 */
TEST(many_sets_that_are_one_take_one_round_trip)
{
    static adb_value values[4000];
    static const adb_value *sets[4000];
    const struct adb__statement insert = {
        .sql = "INSERT INTO keys VALUES ($1)", .sql_size = 28, .n_values = 1, .flags = ADB__STMT_WHOLE};
    struct adb__sink sink = {.result = &first.result};
    FILE *trace = tmpfile();
    unsigned n_asked = 0;
    size_t failed = 99;
    REQUIRE(trace != NULL);
    session_open(&first, 0);
    CU_ASSERT_EQUAL(run(&first, "CREATE TABLE keys (k INTEGER UNIQUE DEFERRABLE INITIALLY DEFERRED CHECK (k < 9999))"),
                    ADB_OK);
    for (int i = 0; i < 4000; i++) {
        values[i] = adb_int(i);
        sets[i] = &values[i];
    }
    PQtrace(first.conn.pg, trace);
    CU_ASSERT_EQUAL(DRIVER->execute_many(&first.conn, &insert, sets, 10, &sink, &failed, &first.error), ADB_OK);
    CU_ASSERT_EQUAL(first.result.affected, 10);
    CU_ASSERT_EQUAL(n_round_trips(&first, trace), 1);
    PQuntrace(first.conn.pg);
    fclose(trace);

    values[12] = adb_int(9999);
    CU_ASSERT_EQUAL(DRIVER->execute_many(&first.conn, &insert, sets + 10, 4, &sink, &failed, &first.error),
                    ADB_E_CHECK);
    CU_ASSERT_EQUAL(failed, 2);
    CU_ASSERT_EQUAL(number(&first, "SELECT count(*) FROM keys"), 10);
    CU_ASSERT_EQUAL(DRIVER->execute_many(&first.conn, &insert, sets + 8, 4, &sink, &failed, &first.error),
                    ADB_E_UNIQUE);
    CU_ASSERT_EQUAL(failed, 4);
    CU_ASSERT_EQUAL(number(&first, "SELECT count(*) FROM keys"), 10);
    first.open.stop_fn = stops;
    first.open.stop_data = &n_asked;
    CU_ASSERT_EQUAL(DRIVER->execute_many(&first.conn, &insert, sets + 13, 3900, &sink, &failed, &first.error),
                    ADB_E_CANCELLED);
    first.open.stop_fn = NULL;
    CU_ASSERT(failed > 0 && failed < 3900);
    CU_ASSERT_EQUAL(DRIVER->transaction_state(&first.conn), ADB__TXN_NONE);
    CU_ASSERT_EQUAL(number(&first, "SELECT count(*) FROM keys"), 10);
    CU_ASSERT_EQUAL(run(&first, "DROP TABLE keys"), ADB_OK);
}

/* Before COMMIT nothing is in doubt. */
TEST(many_sets_that_are_one_are_not_in_doubt_half_way)
{
    const adb_value values[] = {adb_int(1), adb_int(2)};
    const adb_value *sets[] = {&values[0], &values[1]};
    static const char sql[] = "SELECT pg_terminate_backend(pg_backend_pid()), pg_sleep(60), $1::int";
    const struct adb__statement fatal = {.sql = sql, .sql_size = strlen(sql), .n_values = 1, .flags = ADB__STMT_WHOLE};
    struct adb__sink sink = {.result = &first.result};
    size_t failed = 99;
    session_open(&first, 0);
    DRIVER->cancel(&first.conn, ADB__CANCEL_SEVER);
    CU_ASSERT_EQUAL(DRIVER->execute_many(&first.conn, &fatal, sets, 2, &sink, &failed, &first.error), ADB_E_CONNECTION);
    CU_ASSERT_EQUAL(first.error.flags, ADB_ERROR_CONNECTION_LOST);
    session_close(&first);
    session_open(&first, 0);
    CU_ASSERT_EQUAL(DRIVER->execute_many(&first.conn, &fatal, sets, 2, &sink, &failed, &first.error), ADB_E_CONNECTION);
    CU_ASSERT_EQUAL(first.error.flags, ADB_ERROR_CONNECTION_LOST | ADB_ERROR_OUTCOME_UNKNOWN);
}

/* Sessions --------------------------------------------------------------------------------------------------------- */

/* As it was at the beginning, but for what is prepared. */
TEST(a_reset_gives_the_session_back)
{
    session_open(&first, 0);
    CU_ASSERT_EQUAL(run(&first, "SET work_mem = '7MB'"), ADB_OK);
    CU_ASSERT_EQUAL(run(&first, "CREATE TEMPORARY TABLE mine (a INTEGER)"), ADB_OK);
    CU_ASSERT_EQUAL(run(&first, "SELECT pg_advisory_lock(17)"), ADB_OK);
    for (int i = 0; i < 3; i++)
        CU_ASSERT_EQUAL(number(&first, "SELECT 1"), 1);
    CU_ASSERT_EQUAL(DRIVER->check(&first.conn, ADB__CHECK_RESET, &first.error), ADB_OK);
    CU_ASSERT_EQUAL(run(&first, "SELECT * FROM mine"), ADB_E_UNDEFINED);
    CU_ASSERT_EQUAL(number(&first, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"), 0);
    CU_ASSERT_EQUAL(number(&first, "SELECT count(*) FROM pg_settings WHERE name = 'work_mem' AND source = 'session'"),
                    0);
    CU_ASSERT_EQUAL(n_prepared(&first), 1);
    CU_ASSERT_EQUAL(number(&first, "SELECT 1"), 1);
}

/* Nothing was sent, so nothing is in doubt. */
TEST(a_session_that_was_ended_is_noticed)
{
    char sql[80];
    session_open(&first, 0);
    session_open(&second, 0);
    CU_ASSERT_EQUAL(DRIVER->check(&first.conn, ADB__CHECK_PING, &first.error), ADB_OK);
    snprintf(sql, sizeof(sql), "SELECT pg_terminate_backend(%d, 5000)::int", PQbackendPID(first.conn.pg));
    CU_ASSERT_EQUAL(number(&second, sql), 1);
    CU_ASSERT_EQUAL(DRIVER->check(&first.conn, ADB__CHECK_PING, &first.error), ADB_E_CONNECTION);
    CU_ASSERT_EQUAL(first.error.flags, ADB_ERROR_CONNECTION_LOST);
    CU_ASSERT_EQUAL(DRIVER->transaction_state(&first.conn), ADB__TXN_UNKNOWN);
}

/* Whoever waits for the server gets an end. */
TEST(a_severed_connection_is_lost)
{
    session_open(&first, 0);
    CU_ASSERT_EQUAL(number(&first, "SELECT 1"), 1);
    DRIVER->cancel(&first.conn, ADB__CANCEL_SEVER);
    CU_ASSERT_EQUAL(run(&first, "SELECT 1"), ADB_E_CONNECTION);
    CU_ASSERT((first.error.flags & ADB_ERROR_CONNECTION_LOST) != 0);
    CU_ASSERT_EQUAL(run(&first, "SELECT 1"), ADB_E_CONNECTION);
}

/* A request that comes when nothing runs hits nothing. */
TEST(a_late_cancel_is_harmless)
{
    session_open(&first, 0);
    for (int i = 0; i < 20; i++) {
        DRIVER->cancel(&first.conn, ADB__CANCEL_ASK);
        CU_ASSERT_EQUAL(number(&first, "SELECT 1"), 1);
    }
}

/* A host that is not there costs nothing but its turn. */
TEST(a_host_that_is_away_is_passed_over)
{
    char hosts[600];
    adb_url *url;
    REQUIRE(adb_url_parse(own.url, &url, NULL) == ADB_OK);
    snprintf(hosts, sizeof(hosts), "/no/such/folder,%s", adb_url_host(url));
    REQUIRE(adb_url_set_option(url, "host", hosts) == ADB_OK);
    CU_ASSERT_EQUAL(session_open_url(&first, url, 0), ADB_OK);
    CU_ASSERT_EQUAL(number(&first, "SELECT 1"), 1);
}

/* Wherever memory ends, it is a status, the session is as good as before, and nothing is left behind. */
TEST(want_of_memory_is_a_status)
{
    const adb_value values[] = {adb_int(3), adb_text("x"), adb_blob("b", 1)};
    adb_url *url;
    REQUIRE(adb_url_parse(own.url, &url, NULL) == ADB_OK);
    const size_t live = fault_live_blocks();
    FAULT_EACH(n)
    {
        fault_arm(n);
        adb_status status = session_open_url(&first, url, 4);
        for (int i = 0; i < 6 && status == ADB_OK; i++) {
            first.flags = i < 3 ? 0 : ADB__STMT_READS | ADB__STMT_MUST_READ;
            status = run_with(&first, "SELECT $1::int, $2::text, $3::bytea, '{1}'::int[]", values, 3);
        }
        CU_ASSERT(FAULT_DONE() ? status == ADB_E_NOMEM || status == ADB_OK : status == ADB_OK);
        if (status == ADB_OK)
            CU_ASSERT_EQUAL(number(&first, "SELECT 1"), 1);
        first.url = NULL;
        session_close(&first);
        CU_ASSERT_EQUAL(fault_live_blocks(), live);
    }
    adb_url_free(url);
}

static const struct harness_case cases[] = {
    CASE(a_statement_is_prepared_at_its_second_use),
    CASE(without_a_cache_nothing_is_prepared),
    CASE(what_leaves_the_cache_is_closed_at_the_server),
    CASE(forgotten_statements_are_prepared_again),
    CASE(in_a_transaction_a_forgotten_statement_is_told),
    CASE(a_changed_table_is_seen_by_prepared_statements),
    CASE(a_changed_type_is_seen_by_prepared_statements),
    CASE(values_that_do_not_fit_a_prepared_statement_are_refused),
    CASE(columns_have_their_names),
    CASE(a_large_result_can_be_left),
    CASE(a_write_is_never_left_half_way),
    CASE(a_write_where_only_reading_is_allowed_is_refused),
    CASE(a_query_that_must_not_write_is_one_round_trip),
    CASE(a_query_that_must_not_write_ends_as_any_other),
    CASE(what_only_looks_like_a_query_does_not_write_either),
    CASE(many_sets_stop_at_the_one_that_fails),
    CASE(many_sets_that_are_one_take_one_round_trip),
    CASE(many_sets_that_are_one_are_not_in_doubt_half_way),
    CASE(a_reset_gives_the_session_back),
    CASE(a_session_that_was_ended_is_noticed),
    CASE(a_severed_connection_is_lost),
    CASE(a_late_cancel_is_harmless),
    CASE(a_host_that_is_away_is_passed_over),
    CASE(want_of_memory_is_a_status),
};

int main(int argc, char **argv)
{
    const char *url = own_variable("ADB_TEST_POSTGRESQL_URL");
    int failed = 1;
    if (url == NULL)
        return 77;
    harness_after_each = close_both;
    fault_watch(); /* before any thread of the library is there */
    if (own_make(&own, url))
        failed = harness_main("postgresql_driver", cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
    own_drop(&own);
    return failed;
}
