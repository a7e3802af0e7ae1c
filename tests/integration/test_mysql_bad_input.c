/* SPDX-License-Identifier: BSD-3-Clause */
/* What goes in wrong at MariaDB comes out as a status, and leaves a connection that is as good as before. */
#include "tests/lib/claim.h"
#include "tests/lib/harness.h"
#include "tests/lib/own.h"
#include "tests/lib/server.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *tcp; /* the server over TCP, as adb_test */
static const char *tls; /* over TLS, verified */

/* Getting there ---------------------------------------------------------------------------------------------------- */

/* Nobody listens there; nobody is called so. */
TEST(a_server_that_is_not_there_is_told)
{
    CU_ASSERT(connect_fails(claim_url_at(tcp, "127.0.0.1", 1), ADB_E_CONNECTION, "127.0.0.1"));
    CU_ASSERT(connect_fails(claim_url_at(tcp, "no-such-host.invalid", 0), ADB_E_CONNECTION, "no-such-host.invalid"));
    CU_ASSERT(
        connect_fails("mysql://someone@localhost/some?unix_socket=/no/such/file", ADB_E_CONNECTION, "/no/such/file"));
}

/* Who takes the call and says nothing is given up in time. */
TEST(a_server_that_says_nothing_is_given_up)
{
    int fd = -1;
    const int port = claim_silent_port(&fd);
    adb_error error = {0};
    claim_open(claim_url_at(tcp, NULL, port), ADB_OPTIONS(.connect_timeout_ms = 100));
    const adb_status status = adb_database_connect(claim_db, 10000, &error);
    CU_ASSERT(status == ADB_E_TIMEOUT || status == ADB_E_CONNECTION);
    CU_ASSERT(run_fails("SELECT 1", NULL, status, NULL));
    claim_close();
    close(fd);
}

/* The server's own refusals: password, and user. */
TEST(credentials_that_are_wrong_are_told)
{
    CU_ASSERT(connect_fails(claim_url(tcp, NULL, "wrong-secret", NULL), ADB_E_AUTH, "adb_test"));
    CU_ASSERT_EQUAL(last_error()->native_code, 1045);
    CU_ASSERT_STRING_EQUAL(last_error()->sqlstate, "28000");
    CU_ASSERT(connect_fails(claim_url(tcp, "ed25519_user", "wrong-secret", NULL), ADB_E_AUTH, "ed25519_user"));
    CU_ASSERT(connect_fails(claim_url(tcp, "no_such_user", "wrong-secret", NULL), ADB_E_AUTH, "no_such_user"));
}

/* A database that is not there; one that the user may not enter. */
TEST(a_database_that_is_not_there_is_told)
{
    CU_ASSERT(
        connect_fails(claim_url(tcp, NULL, NULL, "adb_no_such_database"), ADB_E_UNDEFINED, "adb_no_such_database"));
    CU_ASSERT_EQUAL(last_error()->native_code, 1049);
    CU_ASSERT(connect_fails(claim_url(tcp, NULL, NULL, "mysql"), ADB_E_AUTH, "mysql"));
    CU_ASSERT_EQUAL(last_error()->native_code, 1044);
}

/* TLS is asked for and not to be had; and the server wants it from who has none. */
TEST(tls_that_cannot_be_had_is_told)
{
    struct server plain;
    server_start(&plain, "mysql", "bad_input_mysql", (const char *[]){"skip-ssl", NULL});
    CU_ASSERT(connect_fails(claim_url_option(plain.tcp_url, "ssl", "require"), ADB_E_CONNECTION, "TLS"));
    CU_ASSERT(connect_fails(claim_url_option(plain.tcp_url, "ssl", "verify-full"), ADB_E_CONNECTION, NULL));
    claim_open(claim_url_option(plain.tcp_url, "ssl", "prefer"), NULL);
    CU_ASSERT(still_connected());
    claim_close();
    server_drop(&plain);
    CU_ASSERT(connect_fails(claim_url_option(claim_url(tcp, "tls_user", NULL, NULL), "ssl", "disable"), ADB_E_AUTH,
                            "tls_user"));
}

/* Certificates: of an authority that is another, or in no file. */
TEST(a_server_that_cannot_be_trusted_is_told)
{
    CU_ASSERT(connect_fails(claim_url_option(tls, "ssl_ca", "/no/such/file"), ADB_E_CONNECTION, NULL));
    CU_ASSERT(connect_fails(claim_url_option(tls, "ssl_ca", "/dev/null"), ADB_E_CONNECTION, NULL));
}

/* Words that are none are refused before anything is sent. OPT-07 OPT-08 CFL-20 */
TEST(options_that_are_none_are_refused_at_open)
{
    CU_ASSERT(open_fails(claim_url_option(tcp, "ssl", "perhaps"), ADB_E_OPTION, "ssl"));
    CU_ASSERT(open_fails(claim_url_option(tcp, "no_such_option", "1"), ADB_E_OPTION, "no_such_option"));
    CU_ASSERT(open_fails(claim_url_option(tcp, "max_size", "-1"), ADB_E_OPTION, "max_size"));
}

/* A user of one connection at most has the second one refused. */
TEST(too_many_connections_are_told)
{
    const char *single = claim_url(tcp, "single_user", NULL, NULL);
    adb_database *first = NULL;
    REQUIRE(adb_database_open(single, ADB_OPTIONS(.max_size = 1), &first, NULL) == ADB_OK);
    REQUIRE(adb_database_connect(first, 10000, NULL) == ADB_OK);
    CU_ASSERT(connect_fails(single, ADB_E_CONNECTION, "single_user"));
    CU_ASSERT_EQUAL(last_error()->native_code, 1226);
    adb_database_close(first, 10000);
    adb_database_free(first);
}

/* Values ----------------------------------------------------------------------------------------------------------- */

/* Bytes that are no UTF-8, on their way into a column. */
TEST(text_that_is_no_utf8_is_refused)
{
    claim_open(tcp, NULL);
    CU_ASSERT(runs("CREATE TEMPORARY TABLE texts (t VARCHAR(20))", NULL));
    CU_ASSERT(run_fails("INSERT INTO texts VALUES (:x)", ADB_PARAMS({"x", adb_text("a\xff\xfe")}), ADB_E_DATA, NULL));
    CU_ASSERT(runs("INSERT INTO texts VALUES (:x)", ADB_PARAMS({"x", adb_text("a")})));
    CU_ASSERT(still_connected());
    claim_close();
}

/* MySQL's text holds a NUL like any other byte. */
TEST(text_with_a_nul_is_kept_whole)
{
    claim_open(tcp, NULL);
    CU_ASSERT(gives("SELECT LENGTH(:x)", ADB_PARAMS({"x", adb_text_n("a\0b", 3)}), 3));
    claim_close();
}

/* What the server cannot take for the type of its column: its own words, its own number. */
TEST(a_value_of_the_wrong_type_is_refused)
{
    claim_open(tcp, NULL);
    CU_ASSERT(runs("CREATE TEMPORARY TABLE typed (d DATE, i INTEGER, s TINYINT, u VARCHAR(3))", NULL));
    CU_ASSERT(run_fails("INSERT INTO typed (d) VALUES (:x)", ADB_PARAMS({"x", adb_text("soon")}), ADB_E_DATA, "soon"));
    CU_ASSERT(run_fails("INSERT INTO typed (i) VALUES (:x)", ADB_PARAMS({"x", adb_text("many")}), ADB_E_DATA, "many"));
    CU_ASSERT(run_fails("INSERT INTO typed (s) VALUES (:x)", ADB_PARAMS({"x", adb_int(400)}), ADB_E_DATA, NULL));
    CU_ASSERT(run_fails("INSERT INTO typed (u) VALUES (:x)", ADB_PARAMS({"x", adb_text("long")}), ADB_E_DATA, NULL));
    CU_ASSERT(gives("SELECT count(*) FROM typed", NULL, 0));
    CU_ASSERT(still_connected());
    claim_close();
}

static bool counts(size_t n_items, bool refused)
{
    static adb_value items[65536];
    static const char sql[] = "SELECT count(*) FROM (SELECT 1 AS i UNION ALL SELECT 2) AS t WHERE i IN (:ids)";
    for (size_t i = 0; i < n_items; i++)
        items[i] = adb_int((int64_t)i);
    const adb_params *params = ADB_PARAMS({"ids", adb_list(items, n_items)});
    return refused ? run_refused(sql, params, ADB_E_PARAMETER, "65535") : gives(sql, params, 2);
}

/* The protocol counts parameters in sixteen bits: as many as that work, and one more is refused before it is sent. */
TEST(more_parameters_than_the_protocol_has_are_refused)
{
    claim_open(tcp, NULL);
    CU_ASSERT(counts(65535, false));
    CU_ASSERT(counts(65536, true));
    CU_ASSERT(still_connected());
    claim_close();
}

/* A value above max_allowed_packet is told as too big, and the next statement works. */
TEST(a_packet_over_the_limit_is_told)
{
    const size_t size = 17 * 1024 * 1024; /* the server takes 16 MiB */
    char *large = calloc(1, size);
    REQUIRE(large != NULL);
    claim_open(tcp, NULL);
    CU_ASSERT(run_fails("SELECT LENGTH(:x)", ADB_PARAMS({"x", adb_blob(large, size)}), ADB_E_TOO_BIG, NULL));
    CU_ASSERT(gives("SELECT LENGTH(:x)", ADB_PARAMS({"x", adb_blob(large, 1024 * 1024)}), 1024 * 1024));
    claim_close();
    free(large);
}

/* What a user may not do is told so. */
TEST(what_is_not_allowed_is_told)
{
    claim_open(tcp, NULL);
    CU_ASSERT(run_fails("SELECT * FROM mysql.global_priv", NULL, ADB_E_PERMISSION, "global_priv"));
    CU_ASSERT(run_fails("CREATE USER nobody_at_all", NULL, ADB_E_PERMISSION, NULL));
    CU_ASSERT(still_connected());
    claim_close();
}

/* A file of the client is nobody's to be asked for. */
TEST(a_file_of_the_client_is_not_given)
{
    claim_open(tcp, NULL);
    CU_ASSERT(runs("CREATE TEMPORARY TABLE loaded (t TEXT)", NULL));
    CU_ASSERT_FALSE(runs("LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE loaded", NULL));
    CU_ASSERT(gives("SELECT count(*) FROM loaded", NULL, 0));
    CU_ASSERT(still_connected());
    claim_close();
}

static const struct harness_case cases[] = {
    CASE(a_server_that_is_not_there_is_told),
    CASE(a_server_that_says_nothing_is_given_up),
    CASE(credentials_that_are_wrong_are_told),
    CASE(a_database_that_is_not_there_is_told),
    CASE(tls_that_cannot_be_had_is_told),
    CASE(a_server_that_cannot_be_trusted_is_told),
    CASE(options_that_are_none_are_refused_at_open),
    CASE(too_many_connections_are_told),
    CASE(text_that_is_no_utf8_is_refused),
    CASE(text_with_a_nul_is_kept_whole),
    CASE(a_value_of_the_wrong_type_is_refused),
    CASE(more_parameters_than_the_protocol_has_are_refused),
    CASE(a_packet_over_the_limit_is_told),
    CASE(what_is_not_allowed_is_told),
    CASE(a_file_of_the_client_is_not_given),
};

int main(int argc, char **argv)
{
    tcp = own_variable("ADB_TEST_MYSQL_TCP_URL");
    tls = own_variable("ADB_TEST_MYSQL_TLS_URL");
    if (tcp == NULL || tls == NULL || !server_available("mysql"))
        return 77;
    return harness_main("mysql_bad_input", cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
