/* SPDX-License-Identifier: BSD-3-Clause */
/* Behaviours that only PostgreSQL can have: what its URLs say, its isolation, its JSON, its passwords. */
#include "tests/lib/claim.h"
#include "tests/lib/harness.h"
#include "tests/lib/own.h"
#include "tests/lib/wait.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *url; /* over the Unix socket */
static const char *tcp;
static const char *admin; /* may make roles */

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

/* Keys of the library's own are none of libpq's, and do not reach it. URL-33 OPT-03 */
TEST(options_of_the_library_do_not_reach_libpq)
{
    claim_open(claim_url_option(claim_url_option(url, "max_size", "3"), "batch_rows", "7"), NULL);
    CU_ASSERT(still_connected());
    claim_close();
}

/* Settings of the session, its name, and the server's own options. OPT-29 */
TEST(settings_in_the_url_reach_the_session)
{
    claim_open(claim_url_option(claim_url_option(claim_url_option(url, "server.work_mem", "77kB"), "application_name",
                                                 "rows of the suite"),
                                "server.search_path", "pg_catalog,public"),
               NULL);
    CU_ASSERT(says("SHOW work_mem", "77kB"));
    CU_ASSERT(says("SHOW application_name", "rows of the suite"));
    CU_ASSERT(says("SHOW search_path", "pg_catalog,public"));
    CU_ASSERT(says("SHOW client_encoding", "UTF8"));
    claim_close();
}

/* A folder as host is a Unix socket: there is no address. OPT-15 */
TEST(a_folder_as_host_is_a_unix_socket)
{
    claim_open(url, NULL);
    CU_ASSERT(gives("SELECT CASE WHEN inet_client_addr() IS NULL THEN 1 ELSE 0 END", NULL, 1));
    claim_open(tcp, NULL);
    CU_ASSERT(gives("SELECT CASE WHEN inet_client_addr() IS NULL THEN 1 ELSE 0 END", NULL, 0));
    claim_close();
}

/* Without a user the process's own name is tried; without a port, 5432. OPT-13 OPT-14 */
TEST(what_the_url_leaves_out_has_libpqs_default)
{
    char text[256], folder[] = "/tmp/adb-rows-XXXXXX";
    const struct passwd *me = getpwuid(geteuid());
    adb_url *parsed = NULL;
    REQUIRE(me != NULL && mkdtemp(folder) != NULL && adb_url_parse(url, &parsed, NULL) == ADB_OK);
    snprintf(text, sizeof(text), "postgresql:///none?host=%s", folder);
    CU_ASSERT(connect_fails(text, ADB_E_CONNECTION, ".s.PGSQL.5432"));
    snprintf(text, sizeof(text), "postgresql://@:%d/%s?host=%s", adb_url_port(parsed), adb_url_database(parsed),
             adb_url_host(parsed));
    claim_open(text, NULL);
    if (!runs("SELECT current_user", NULL))
        CU_ASSERT_PTR_NOT_NULL(strstr(last_error()->message, me->pw_name));
    claim_close();
    adb_url_free(parsed);
    rmdir(folder);
}

/* A password from a file, as libpq reads it. OPT-29 */
TEST(a_password_may_come_from_a_file)
{
    char path[] = "/tmp/adb-rows-XXXXXX";
    adb_url *parsed = NULL;
    const int fd = mkstemp(path);
    REQUIRE(fd >= 0 && adb_url_parse(tcp, &parsed, NULL) == ADB_OK);
    FILE *file = fdopen(fd, "w");
    fputs("*:*:*:*:s3\\:cret\n", file);
    fclose(file);
    adb_url_set_password(parsed, NULL);
    claim_open(claim_url_option(adb_url_text(parsed), "passfile", path), NULL);
    CU_ASSERT(still_connected());
    claim_close();
    unlink(path);
    adb_url_free(parsed);
}

/* A password of every byte that divides a URL arrives as it is. REG-28 CFL-02 */
TEST(odd_passwords_arrive_as_they_are)
{
    static const char odd[] = "a@b:/?#[%]&=+ c'\"";
    char role[48], sql[128];
    snprintf(role, sizeof(role), "adb_odd_%ld", (long)getpid());
    claim_open(admin, NULL);
    snprintf(sql, sizeof(sql), "CREATE ROLE %s LOGIN PASSWORD 'a@b:/?#[%%]&=+ c''\"'", role);
    REQUIRE(runs(sql, NULL));
    claim_open(claim_url(tcp, role, odd, "postgres"), NULL);
    CU_ASSERT(still_connected());
    CU_ASSERT(connect_fails(claim_url(tcp, role, "a@b", "postgres"), ADB_E_AUTH, role));
    claim_open(admin, NULL);
    snprintf(sql, sizeof(sql), "DROP ROLE %s", role);
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

static bool begins(const adb_transaction_options *options)
{
    return status_of(claim_ctx, adb_begin(claim_ctx, options, NULL, NULL)) == ADB_OK;
}

/* Each level, read-only and deferrable are what the server's session has. TX-20 TX-21 TX-22 */
TEST(a_transaction_is_what_was_asked_for)
{
    static const char *const levels[] = {"read committed", "read uncommitted", "read committed", "repeatable read",
                                         "serializable"};
    claim_open(url, NULL);
    for (int i = ADB_ISOLATION_DEFAULT; i <= ADB_ISOLATION_SERIALIZABLE; i++) {
        CU_ASSERT(begins(ADB_TRANSACTION(.isolation = (adb_isolation)i)));
        CU_ASSERT(says("SHOW transaction_isolation", levels[i]));
        CU_ASSERT(says("SHOW transaction_read_only", "off"));
        adb_rollback(claim_ctx, NULL, NULL);
    }
    CU_ASSERT(begins(ADB_TRANSACTION(.isolation = ADB_ISOLATION_SERIALIZABLE, .read_only = true, .deferrable = true)));
    CU_ASSERT(says("SHOW transaction_read_only", "on"));
    CU_ASSERT(says("SHOW transaction_deferrable", "on"));
    adb_rollback(claim_ctx, NULL, NULL);
    CU_ASSERT(says("SELECT 1", "1"));
    claim_close();
}

/* JSON and JSONB are JSON both, told so and read once, also when they are written by hand. OPT-25 TYP-09 PAIN-15 REG-55
 */
TEST(json_and_jsonb_are_alike)
{
    claim_open(url, NULL);
    adb_result *both = adb_wait(claim_ctx,
                                adb_fetch_one(claim_ctx, "SELECT CAST(:a AS json), CAST(:a AS jsonb), '\"1\"'::jsonb",
                                              ADB_PARAMS({"a", adb_json("{\"b\": [1, null]}")}), NULL, NULL),
                                PATIENCE_MS);
    for (size_t i = 0; i < 3; i++)
        CU_ASSERT_EQUAL(adb_row_value(adb_result_row(both, 0), i).type, ADB_TYPE_JSON);
    CU_ASSERT_STRING_EQUAL(adb_row_text(adb_result_row(both, 0), 0), "{\"b\": [1, null]}");
    CU_ASSERT_STRING_EQUAL(adb_row_text(adb_result_row(both, 0), 1), "{\"b\": [1, null]}");
    CU_ASSERT_STRING_EQUAL(adb_row_text(adb_result_row(both, 0), 2), "\"1\"");
    adb_result_unref(both);
    claim_close();
}

/* A cast glued to a name binds the name. PAR-26 */
TEST(a_cast_glued_to_a_name_binds_it)
{
    claim_open(url, NULL);
    CU_ASSERT(gives("SELECT :x::int + :perms::jsonb::text::int",
                    ADB_PARAMS({"x", adb_text("40")}, {"perms", adb_text("2")}), 42));
    claim_close();
}

/* A list is an array too, where the server has one: the text of it. PAR-11 */
TEST(an_array_can_be_given_as_text)
{
    claim_open(url, NULL);
    CU_ASSERT(gives("SELECT count(*) FROM generate_series(1, 9) AS i WHERE i = ANY (:ids)",
                    ADB_PARAMS({"ids", adb_text("{2,3,5,77}")}), 3));
    claim_close();
}

static const struct harness_case cases[] = {
    CASE(options_of_the_library_do_not_reach_libpq),
    CASE(settings_in_the_url_reach_the_session),
    CASE(a_folder_as_host_is_a_unix_socket),
    CASE(what_the_url_leaves_out_has_libpqs_default),
    CASE(a_password_may_come_from_a_file),
    CASE(odd_passwords_arrive_as_they_are),
    CASE(the_password_can_be_asked_for),
    CASE(a_transaction_is_what_was_asked_for),
    CASE(json_and_jsonb_are_alike),
    CASE(a_cast_glued_to_a_name_binds_it),
    CASE(an_array_can_be_given_as_text),
};

int main(int argc, char **argv)
{
    url = own_variable("ADB_TEST_POSTGRESQL_URL");
    tcp = own_variable("ADB_TEST_POSTGRESQL_TCP_URL");
    admin = own_variable("ADB_TEST_POSTGRESQL_ADMIN_URL");
    if (url == NULL || tcp == NULL || admin == NULL)
        return 77;
    return harness_main("postgresql_rows", cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
