/* SPDX-License-Identifier: BSD-3-Clause */
/* Behaviours that only MariaDB and MySQL can have: what their URLs say, autocommit, isolation, several results. */
#include "tests/lib/claim.h"
#include "tests/lib/harness.h"
#include "tests/lib/own.h"
#include "tests/lib/wait.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *url; /* over the Unix socket */
static const char *tcp;
static const char *admin; /* may make users */

/* The first value of the first row, as text. */
static bool says(const char *sql, const char *text)
{
    adb_result *result = adb_wait(claim_ctx, adb_fetch_val(claim_ctx, sql, NULL, NULL, NULL), PATIENCE_MS);
    const char *got = adb_row_text(adb_result_row(result, 0), 0);
    const bool good = got != NULL && strcmp(got, text) == 0;
    if (!good)
        printf("# %s: %s\n", sql, got != NULL ? got : adb_result_error(result)->message);
    adb_result_unref(result);
    return good;
}

/* Every statement is committed by itself, unless a transaction says otherwise; a lane that switches it off does so for
 * itself. CFL-15 OPT-16 OPT-17 REG-49 */
TEST(autocommit_is_on)
{
    claim_open(url, NULL);
    CU_ASSERT(gives("SELECT @@autocommit", NULL, 1));
    CU_ASSERT_EQUAL(status_of(claim_ctx, adb_acquire(claim_ctx, NULL, NULL)), ADB_OK);
    runs("SET autocommit = 0", NULL);
    CU_ASSERT_EQUAL(status_of(claim_ctx, adb_release(claim_ctx, NULL, NULL)), ADB_OK);
    CU_ASSERT(gives("SELECT @@autocommit", NULL, 1));
    claim_close();
}

/* All of Unicode, both ways. OPT-27 */
TEST(the_connection_speaks_utf8mb4)
{
    claim_open(url, NULL);
    CU_ASSERT(says("SELECT @@character_set_client", "utf8mb4"));
    CU_ASSERT(says("SELECT @@character_set_connection", "utf8mb4"));
    CU_ASSERT(says("SELECT @@character_set_results", "utf8mb4"));
    CU_ASSERT(gives("SELECT CHAR_LENGTH(:x)", ADB_PARAMS({"x", adb_text("\xf0\x9f\x8c\x8d")}), 1));
    claim_close();
}

/* Modes, time zone, a first command and a name. OPT-32 OPT-04 */
TEST(settings_in_the_url_reach_the_session)
{
    claim_open(claim_url_option(
                   claim_url_option(claim_url_option(url, "sql_mode", "STRICT_ALL_TABLES"), "time_zone", "+03:00"),
                   "init_command", "SET @first = 42"),
               NULL);
    CU_ASSERT(gives("SELECT @@sql_mode LIKE '%STRICT_ALL_TABLES%'", NULL, 1));
    CU_ASSERT(says("SELECT @@time_zone", "+03:00"));
    CU_ASSERT(gives("SELECT @first", NULL, 42));
    claim_close();
}

/* A file as socket is where the server is: it sees no host. OPT-15 REG-06 */
TEST(a_socket_leads_to_the_server)
{
    claim_open(url, NULL);
    CU_ASSERT(
        gives("SELECT HOST = 'localhost' FROM information_schema.processlist WHERE ID = CONNECTION_ID()", NULL, 1));
    claim_open(tcp, NULL);
    CU_ASSERT(
        gives("SELECT HOST LIKE '127.0.0.1%' FROM information_schema.processlist WHERE ID = CONNECTION_ID()", NULL, 1));
    claim_close();
}

/* Without a user the process's own name is tried. OPT-13 */
TEST(without_a_user_the_process_has_a_name)
{
    char text[256];
    const struct passwd *me = getpwuid(geteuid());
    adb_url *parsed = NULL;
    REQUIRE(me != NULL && adb_url_parse(tcp, &parsed, NULL) == ADB_OK);
    snprintf(text, sizeof(text), "mysql://127.0.0.1:%d/%s", adb_url_port(parsed), adb_url_database(parsed));
    claim_open(text, NULL);
    if (!runs("SELECT 1", NULL))
        CU_ASSERT_PTR_NOT_NULL(strstr(last_error()->message, me->pw_name));
    claim_close();
    adb_url_free(parsed);
}

/* A password of every byte that divides a URL arrives as it is. REG-28 CFL-02 */
TEST(odd_passwords_arrive_as_they_are)
{
    static const char odd[] = "a@b:/?#[%]&=+ c'\"";
    char user[48], sql[128];
    snprintf(user, sizeof(user), "adb_odd_%ld", (long)getpid());
    claim_open(admin, NULL);
    snprintf(sql, sizeof(sql), "CREATE USER %s IDENTIFIED BY 'a@b:/?#[%%]&=+ c''\"'", user);
    REQUIRE(runs(sql, NULL));
    claim_open(claim_url(tcp, user, odd, "information_schema"), NULL);
    CU_ASSERT(still_connected());
    CU_ASSERT(connect_fails(claim_url(tcp, user, "a@b", "information_schema"), ADB_E_AUTH, user));
    claim_open(admin, NULL);
    snprintf(sql, sizeof(sql), "DROP USER %s", user);
    CU_ASSERT(runs(sql, NULL));
    claim_close();
}

static unsigned n_asked;

static adb_status give_password(adb_url *attempt, adb_error *error, void *user_data)
{
    (void)error;
    n_asked++;
    return adb_url_set_password(attempt, user_data);
}

/* The password can be asked for, once for each connection that is made. OPT-11 REG-33 */
TEST(the_password_can_be_asked_for)
{
    n_asked = 0;
    claim_open(claim_url(tcp, NULL, "not it", NULL),
               ADB_OPTIONS(.before_connect = give_password, .before_connect_data = (void *)(uintptr_t) "s3:cret"));
    CU_ASSERT(still_connected());
    CU_ASSERT(still_connected());
    CU_ASSERT_EQUAL(n_asked, 1);
    claim_close();
}

static adb_context *beside; /* on a connection of its own */

static bool runs_beside(const char *sql, adb_status status)
{
    return status_of(beside, adb_execute(beside, sql, NULL, NULL, NULL)) == status;
}

/* In a transaction of that level: whether it sees a row that was not committed, one that was, and whether its reading
 * is in the way of another's locks. */
static void look(adb_isolation level, bool *dirty_out, bool *later_out, bool *locks_out)
{
    runs("DELETE FROM adb_rows_levels", NULL);
    runs("INSERT INTO adb_rows_levels VALUES (1)", NULL);
    adb_begin(claim_ctx, ADB_TRANSACTION(.isolation = level), NULL, NULL);
    runs("SELECT count(*) FROM adb_rows_levels", NULL);
    *locks_out = runs_beside("SELECT * FROM adb_rows_levels FOR UPDATE NOWAIT", ADB_E_LOCKED);
    *dirty_out = *later_out = false;
    if (!*locks_out) {
        adb_begin(beside, NULL, NULL, NULL);
        CU_ASSERT(runs_beside("INSERT INTO adb_rows_levels VALUES (2)", ADB_OK));
        *dirty_out = gives("SELECT count(*) FROM adb_rows_levels", NULL, 2);
        CU_ASSERT_EQUAL(status_of(beside, adb_commit(beside, NULL, NULL)), ADB_OK);
        *later_out = gives("SELECT count(*) FROM adb_rows_levels", NULL, 2);
    }
    CU_ASSERT_EQUAL(status_of(claim_ctx, adb_rollback(claim_ctx, NULL, NULL)), ADB_OK);
}

/* Each level does what its name says. TX-20 TX-21 TX-22 TX-23 */
TEST(a_transaction_is_what_was_asked_for)
{
    adb_database *other = NULL;
    bool dirty, later, locks;
    claim_open(url, NULL);
    REQUIRE(adb_database_open(url, NULL, &other, NULL) == ADB_OK);
    beside = adb_context_new(other, NULL, 0);
    CU_ASSERT(runs("CREATE TABLE IF NOT EXISTS adb_rows_levels (n INTEGER)", NULL));
    look(ADB_ISOLATION_READ_UNCOMMITTED, &dirty, &later, &locks);
    CU_ASSERT(dirty && later && !locks);
    look(ADB_ISOLATION_READ_COMMITTED, &dirty, &later, &locks);
    CU_ASSERT(!dirty && later && !locks);
    look(ADB_ISOLATION_REPEATABLE_READ, &dirty, &later, &locks);
    CU_ASSERT(!dirty && !later && !locks);
    look(ADB_ISOLATION_SERIALIZABLE, &dirty, &later, &locks);
    CU_ASSERT(locks);
    CU_ASSERT(runs("DROP TABLE adb_rows_levels", NULL));
    adb_context_free(beside);
    adb_database_free(other);
    claim_close();
}

/* A procedure that yields several results: the first is given, all are read, and the next statement works. */
TEST(a_procedure_may_yield_several_results)
{
    claim_open(url, NULL);
    CU_ASSERT(runs("DROP PROCEDURE IF EXISTS adb_rows_two", NULL));
    CU_ASSERT(runs("CREATE PROCEDURE adb_rows_two() BEGIN SELECT 1; SELECT 2; END", NULL));
    CU_ASSERT(gives("CALL adb_rows_two()", NULL, 1));
    CU_ASSERT(still_connected());
    CU_ASSERT(runs("DROP PROCEDURE adb_rows_two", NULL));
    claim_close();
}

/* All 64 bits of an unsigned number arrive, one way or another. TYP-20 */
TEST(unsigned_numbers_of_64_bits_arrive)
{
    claim_open(url, NULL);
    CU_ASSERT(says("SELECT CAST(18446744073709551615 AS UNSIGNED)", "18446744073709551615"));
    CU_ASSERT(gives("SELECT CAST(9223372036854775807 AS UNSIGNED)", NULL, INT64_MAX));
    claim_close();
}

#define N_SETS 5000

/* Sets of keys from 1 on, and of a text, a UUID or nothing; the one at that place has a key that is there already. */
static adb_job insert_sets(size_t bad, unsigned flags)
{
    static adb_param values[N_SETS][2];
    static adb_params sets[N_SETS];
    const uint8_t uuid[16] = {1};
    for (size_t i = 0; i < N_SETS; i++) {
        values[i][0] = (adb_param){NULL, adb_int(i == bad ? 0 : (int64_t)i + 1)};
        values[i][1] = (adb_param){NULL, i % 7 == 0 ? adb_null() : i < 3000 ? adb_text("a text") : adb_uuid(uuid)};
        sets[i] = (adb_params){values[i], 2};
    }
    return adb_submit(claim_ctx,
                      ADB_REQUEST(.kind = ADB_REQUEST_EXECUTE_MANY, .flags = flags,
                                  .sql = "INSERT INTO many_sets VALUES (?, ?)", .sets = sets, .n_sets = N_SETS));
}

/* Thousands of sets go in few messages, and the server tells only that one has failed: the set that did is found,
 * wherever it is. It takes the others with it, or, if the caller says so, only those behind it. QRY-19 CFL-10 */
TEST(the_one_bad_set_of_thousands_is_found)
{
    static const size_t places[] = {0, 1, 127, 128, 2047, 2048, 2999, 3000, N_SETS - 1};
    claim_open(url, NULL);
    runs("DROP TABLE IF EXISTS many_sets", NULL);
    runs("CREATE TABLE many_sets (id BIGINT PRIMARY KEY, what VARCHAR(40))", NULL);
    runs("INSERT INTO many_sets VALUES (0, 'here first')", NULL);
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        CU_ASSERT_EQUAL(status_of(claim_ctx, insert_sets(places[i], 0)), ADB_E_UNIQUE);
        CU_ASSERT(gives("SELECT COUNT(*) FROM many_sets", NULL, 1));
        adb_begin(claim_ctx, ADB_TRANSACTION(.on_error = ADB_ON_ERROR_CONTINUE), NULL, NULL);
        CU_ASSERT_EQUAL(status_of(claim_ctx, insert_sets(places[i], ADB_REQUEST_NOT_ATOMIC)), ADB_E_UNIQUE);
        CU_ASSERT(gives("SELECT COUNT(*) FROM many_sets", NULL, 1 + (int64_t)places[i]));
        CU_ASSERT_EQUAL(status_of(claim_ctx, adb_rollback(claim_ctx, NULL, NULL)), ADB_OK);
    }
    CU_ASSERT_EQUAL(status_of(claim_ctx, insert_sets(N_SETS, 0)), ADB_OK);
    CU_ASSERT(gives("SELECT COUNT(*) FROM many_sets WHERE what = 'a text'", NULL, 2571));
    CU_ASSERT(gives("SELECT COUNT(*) FROM many_sets WHERE what LIKE '01000000-%'", NULL, 1714));
    CU_ASSERT(gives("SELECT COUNT(*) FROM many_sets WHERE what IS NULL", NULL, 715));
    runs("DROP TABLE many_sets", NULL);
    claim_close();
}

static const struct harness_case cases[] = {
    CASE(autocommit_is_on),
    CASE(the_connection_speaks_utf8mb4),
    CASE(settings_in_the_url_reach_the_session),
    CASE(a_socket_leads_to_the_server),
    CASE(without_a_user_the_process_has_a_name),
    CASE(odd_passwords_arrive_as_they_are),
    CASE(the_password_can_be_asked_for),
    CASE(a_transaction_is_what_was_asked_for),
    CASE(a_procedure_may_yield_several_results),
    CASE(unsigned_numbers_of_64_bits_arrive),
    CASE(the_one_bad_set_of_thousands_is_found),
};

int main(int argc, char **argv)
{
    url = own_variable("ADB_TEST_MYSQL_URL");
    tcp = own_variable("ADB_TEST_MYSQL_TCP_URL");
    admin = own_variable("ADB_TEST_MYSQL_ADMIN_URL");
    if (url == NULL || tcp == NULL || admin == NULL)
        return 77;
    return harness_main("mysql_rows", cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
