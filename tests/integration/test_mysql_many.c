/* SPDX-License-Identifier: BSD-3-Clause */
/* Many sets of values in one job of the MySQL driver, on a real server: sent together in messages or one by one, which
 * set it was that failed, and what is left then. */
#include "config.h"
#include "tests/integration/mysql_scene.h"

/* Sets of two values: more than go in one message. */
#define MANY   12000
#define FEWER  3000
#define INSERT "INSERT INTO many VALUES (?, ?)"

/* Failures, by the server's numbers. */
#define INTERRUPTED  1317
#define OUT_OF_PLACE 1399

static adb_value values[MANY][2];
static const adb_value *sets[MANY];

static void fill_sets(void)
{
    for (int i = 0; i < MANY; i++) {
        values[i][0] = adb_int(i);
        values[i][1] = i % 3 == 0 ? adb_null() : adb_text("some text");
        sets[i] = values[i];
    }
}

static adb_status run_many(struct session *session, const char *sql, size_t n_values, size_t n_sets, size_t *failed_out)
{
    struct adb__sink sink = {.result = &session->result};
    const struct adb__statement statement = {.sql = sql, .sql_size = strlen(sql), .n_values = n_values};
    adb__result_fini(&session->result);
    adb__result_init(&session->result, NULL, 0, NULL);
    return DRIVER->execute_many(&session->conn, &statement, sets, n_sets, &sink, failed_out, &session->error);
}

/* An empty table, and sets for it. */
static void set_many_up(struct session *session)
{
    fill_sets();
    must(session, "CREATE OR REPLACE TABLE many (a BIGINT PRIMARY KEY, b BLOB)");
}

static void check_many(struct session *session, size_t n_sets, size_t failing)
{
    size_t failed = n_sets;
    values[failing][0] = adb_int((int64_t)failing - 1);
    CU_ASSERT_EQUAL(run_many(session, INSERT, 2, n_sets, &failed), ADB_E_UNIQUE);
    CU_ASSERT_EQUAL(failed, failing);
    CU_ASSERT_EQUAL(number(session, "SELECT count(*) FROM many"), (int64_t)failing);
}

/* The index is that of the set that failed, sent one by one or all together, in the first message or in the second;
 * those before it are there. */
TEST(many_sets_stop_at_the_one_that_fails)
{
    session_open(&first, 0);
    set_many_up(&first);
    must(&first, "BEGIN");
    check_many(&first, MANY, 11500);
    must(&first, "ROLLBACK");
    must(&first, "BEGIN");
    check_many(&first, MANY, 5000);
    must(&first, "ROLLBACK");
    check_many(&first, FEWER, 2500);
}

/* Where nothing may be sent ahead of an answer, savepoints go before the messages. */
TEST(many_sets_do_the_same_over_a_compressed_connection)
{
    size_t failed;
    session_open_with(&first, "compress=1", 0);
    set_many_up(&first);
    must(&first, "BEGIN");
    CU_ASSERT_EQUAL(run_many(&first, INSERT, 2, MANY, &failed), ADB_OK);
    CU_ASSERT_EQUAL(number(&first, "SELECT count(*) FROM many"), MANY);
    must(&first, "ROLLBACK");
    must(&first, "BEGIN");
    check_many(&first, MANY, 11500);
    must(&first, "ROLLBACK");
}

#if defined(HAVE_DECL_STMT_ATTR_ARRAY_SIZE) && HAVE_DECL_STMT_ATTR_ARRAY_SIZE

/* No server refuses a savepoint on demand. So the client library's sending is replaced: instead of SAVEPOINT, the
 * server gets a statement that fails with the number that is wanted. */
static struct st_mariadb_methods methods;
static int (*sends)(MYSQL *, enum enum_server_command, const char *, size_t, my_bool, void *);
static char refusal[80];

static int send_refusal(MYSQL *mysql, enum enum_server_command command, const char *bytes, size_t size, my_bool skips,
                        void *stmt)
{
    const bool is_savepoint = command == COM_QUERY && size >= 9 && memcmp(bytes, "SAVEPOINT", 9) == 0;
    if (is_savepoint)
        return sends(mysql, command, refusal, strlen(refusal), skips, stmt);
    return sends(mysql, command, bytes, size, skips, stmt);
}

static void refuse_savepoints(struct session *session, int code)
{
    snprintf(refusal, sizeof(refusal), "SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = %d", code);
    methods = *session->conn.mysql->methods;
    sends = methods.db_command;
    methods.db_command = send_refusal;
    session->conn.mysql->methods = &methods;
}

/* A savepoint is missed only when a message fails. */
TEST(many_sets_need_no_savepoint_until_one_fails)
{
    size_t failed;
    session_open(&first, 0);
    set_many_up(&first);
    refuse_savepoints(&first, OUT_OF_PLACE);
    must(&first, "BEGIN");
    CU_ASSERT_EQUAL(run_many(&first, INSERT, 2, MANY, &failed), ADB_OK);
    CU_ASSERT_EQUAL(adb_result_affected(&first.result), MANY);
    CU_ASSERT_EQUAL(number(&first, "SELECT count(*) FROM many"), MANY);
    must(&first, "DELETE FROM many");
    values[11500][0] = adb_int(11499);
    CU_ASSERT_NOT_EQUAL(run_many(&first, INSERT, 2, MANY, &failed), ADB_OK);
    CU_ASSERT_EQUAL(first.error.native_code, OUT_OF_PLACE);
    CU_ASSERT(failed > 0 && failed <= 11500);
    CU_ASSERT_EQUAL(DRIVER->transaction_state(&first.conn), ADB__TXN_OPEN);
    must(&first, "ROLLBACK");
}

/* A KILL may come so early that it hits the savepoint. What was sent behind it runs, and no more. */
TEST(many_sets_end_after_the_message_whose_savepoint_was_killed)
{
    size_t failed = 0;
    session_open(&first, 0);
    set_many_up(&first);
    refuse_savepoints(&first, INTERRUPTED);
    must(&first, "BEGIN");
    CU_ASSERT_EQUAL(run_many(&first, INSERT, 2, FEWER, &failed), ADB_OK);
    must(&first, "DELETE FROM many");
    CU_ASSERT_EQUAL(run_many(&first, INSERT, 2, MANY, &failed), ADB_E_CANCELLED);
    CU_ASSERT(failed >= FEWER && failed < MANY);
    CU_ASSERT_EQUAL(number(&first, "SELECT count(*) FROM many"), (int64_t)failed);
    must(&first, "ROLLBACK");
}

#endif

/* Figures are the sum of all sets, and so are the rows of RETURNING. QRY-14 */
TEST(many_sets_are_counted_together)
{
    size_t failed;
    session_open(&first, 0);
    set_many_up(&first);
    must(&first, "BEGIN");
    CU_ASSERT_EQUAL(run_many(&first, INSERT, 2, MANY, &failed), ADB_OK);
    CU_ASSERT_EQUAL(adb_result_affected(&first.result), MANY);
    CU_ASSERT_EQUAL(number(&first, "SELECT count(*) FROM many WHERE b IS NULL"), MANY / 3);
    CU_ASSERT_EQUAL(run_many(&first, "UPDATE many SET b = 'x' WHERE a = ?", 1, MANY, &failed), ADB_OK);
    CU_ASSERT_EQUAL(adb_result_affected(&first.result), MANY);
    CU_ASSERT_EQUAL(run_many(&first, "UPDATE many SET b = 'x' WHERE a = ?", 1, MANY, &failed), ADB_OK);
    CU_ASSERT_EQUAL(adb_result_affected(&first.result), MANY);
    CU_ASSERT_EQUAL(run_many(&first, "DELETE FROM many WHERE a = ? RETURNING a", 1, MANY, &failed), ADB_OK);
    CU_ASSERT_EQUAL(adb_result_affected(&first.result), MANY);
    CU_ASSERT_EQUAL(DRIVER->transaction_state(&first.conn), ADB__TXN_OPEN);
    must(&first, "ROLLBACK");
}

/* Sets whose values are of different types go together with their like only. */
TEST(sets_of_different_types_keep_their_order)
{
    size_t failed = 0;
    session_open(&first, 0);
    set_many_up(&first);
    values[100][1] = adb_int(100);
    values[101][1] = adb_blob("\0x", 2);
    values[102][0] = adb_text("102");
    values[2000][1] = adb_double(strtod("nan", NULL));
    must(&first, "BEGIN");
    CU_ASSERT_EQUAL(run_many(&first, INSERT, 2, MANY, &failed), ADB_E_DATA);
    CU_ASSERT_EQUAL(failed, 2000);
    CU_ASSERT_EQUAL(number(&first, "SELECT count(*) FROM many"), 2000);
    CU_ASSERT_EQUAL(number(&first, "SELECT count(*) FROM many WHERE a = 101 AND HEX(b) = '0078'"), 1);
    CU_ASSERT_EQUAL(number(&first, "SELECT count(*) FROM many WHERE a = 100 AND b = '100'"), 1);
    must(&first, "ROLLBACK");
}

static const struct harness_case cases[] = {
    CASE(many_sets_stop_at_the_one_that_fails),
    CASE(many_sets_do_the_same_over_a_compressed_connection),
#if defined(HAVE_DECL_STMT_ATTR_ARRAY_SIZE) && HAVE_DECL_STMT_ATTR_ARRAY_SIZE
    CASE(many_sets_need_no_savepoint_until_one_fails),
    CASE(many_sets_end_after_the_message_whose_savepoint_was_killed),
#endif
    CASE(many_sets_are_counted_together),
    CASE(sets_of_different_types_keep_their_order),
};

int main(int argc, char **argv)
{
    const char *url = own_variable("ADB_TEST_MYSQL_URL");
    int failed = 1;
    if (url == NULL)
        return 77;
    harness_after_each = tear_down;
    if (own_make(&own, url))
        failed = harness_main("mysql_many", cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
    own_drop(&own);
    return failed;
}
