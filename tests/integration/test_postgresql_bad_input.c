/* SPDX-License-Identifier: BSD-3-Clause */
/* What goes in wrong at PostgreSQL comes out as a status, and leaves a connection that is as good as before. */
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
    CU_ASSERT(connect_fails(claim_url_at(tcp, "127.0.0.1", 1), ADB_E_CONNECTION, "refused"));
    CU_ASSERT(connect_fails(claim_url_at(tcp, "no-such-host.invalid", 0), ADB_E_CONNECTION, "no-such-host.invalid"));
    CU_ASSERT(
        connect_fails("postgresql://someone@:5432/some?host=/no/such/folder", ADB_E_CONNECTION, "/no/such/folder"));
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

/* The server's own refusals: password, user, database, and a host that may not. */
TEST(credentials_that_are_wrong_are_told)
{
    CU_ASSERT(connect_fails(claim_url(tcp, NULL, "wrong-secret", NULL), ADB_E_AUTH, "adb_test"));
    CU_ASSERT_STRING_EQUAL(last_error()->sqlstate, "28P01");
    CU_ASSERT(connect_fails(claim_url(tcp, "password_user", "wrong-secret", NULL), ADB_E_AUTH, "password_user"));
    CU_ASSERT(connect_fails(claim_url(tcp, "md5_user", "wrong-secret", NULL), ADB_E_AUTH, "md5_user"));
    CU_ASSERT(connect_fails(claim_url(tcp, "no_such_user", "wrong-secret", NULL), ADB_E_AUTH, "no_such_user"));
    CU_ASSERT(connect_fails(claim_url(tcp, "reject_user", NULL, NULL), ADB_E_AUTH, "reject_user"));
}

/* A database that is not there; one that the user may not enter. */
TEST(a_database_that_is_not_there_is_told)
{
    CU_ASSERT(connect_fails(claim_url(tcp, NULL, NULL, "no_such_database"), ADB_E_UNDEFINED, "no_such_database"));
    CU_ASSERT_STRING_EQUAL(last_error()->sqlstate, "3D000");
}

/* TLS is asked for and not to be had, had without being asked for, or not to be trusted. */
TEST(tls_that_cannot_be_had_is_told)
{
    struct server plain;
    server_start(&plain, "postgresql", "bad_input_postgresql", (const char *[]){"ssl=off", NULL});
    CU_ASSERT(connect_fails(claim_url_option(plain.tcp_url, "ssl", "require"), ADB_E_CONNECTION, "SSL"));
    CU_ASSERT(connect_fails(claim_url_option(plain.tcp_url, "ssl", "verify-full"), ADB_E_CONNECTION, NULL));
    claim_open(claim_url_option(plain.tcp_url, "ssl", "prefer"), NULL);
    CU_ASSERT(still_connected());
    claim_close();
    server_drop(&plain);
}

/* Certificates: of a server of another name, of an authority that is another, or in no file. */
TEST(a_server_that_cannot_be_trusted_is_told)
{
    adb_url *url = NULL;
    REQUIRE(adb_url_parse(tls, &url, NULL) == ADB_OK);
    const char *key = adb_url_option(url, "ssl_ca") != NULL ? "ssl_ca" : "sslrootcert";
    CU_ASSERT(connect_fails(claim_url_option(tls, key, "/no/such/file"), ADB_E_CONNECTION, "/no/such/file"));
    CU_ASSERT(connect_fails(claim_url_option(tls, key, "/dev/null"), ADB_E_CONNECTION, NULL));
    adb_url_free(url);
}

/* Words that are none are refused before anything is sent. OPT-07 OPT-08 CFL-20 */
TEST(options_that_are_none_are_refused_at_open)
{
    CU_ASSERT(open_fails(claim_url_option(tcp, "ssl", "perhaps"), ADB_E_OPTION, "ssl"));
    CU_ASSERT(open_fails(claim_url_option(tcp, "no_such_option", "1"), ADB_E_OPTION, "no_such_option"));
    CU_ASSERT(
        open_fails(claim_url_option(tcp, "target_session_attrs", "nearest"), ADB_E_OPTION, "target_session_attrs"));
    CU_ASSERT(open_fails(claim_url_option(tcp, "max_size", "-1"), ADB_E_OPTION, "max_size"));
}

/* A user of one connection at most has the second one refused, and gets it when the first is gone. */
TEST(too_many_connections_are_told)
{
    const char *single = claim_url(tcp, "single_user", NULL, NULL);
    adb_database *first = NULL;
    REQUIRE(adb_database_open(single, ADB_OPTIONS(.max_size = 1), &first, NULL) == ADB_OK);
    REQUIRE(adb_database_connect(first, 10000, NULL) == ADB_OK);
    CU_ASSERT(connect_fails(single, ADB_E_CONNECTION, "too many connections"));
    CU_ASSERT_STRING_EQUAL(last_error()->sqlstate, "53300");
    adb_database_close(first, 10000);
    adb_database_free(first);
}

/* Values ----------------------------------------------------------------------------------------------------------- */

/* Bytes that are no UTF-8, in a value and in the text itself. */
TEST(text_that_is_no_utf8_is_refused)
{
    claim_open(tcp, NULL);
    CU_ASSERT(run_fails("SELECT CAST(:x AS text)", ADB_PARAMS({"x", adb_text("a\xff\xfe")}), ADB_E_DATA, "0xff"));
    CU_ASSERT_STRING_EQUAL(last_error()->sqlstate, "22021");
    CU_ASSERT(run_fails("SELECT 'a\xff'", NULL, ADB_E_DATA, "0xff"));
    CU_ASSERT(still_connected());
    claim_close();
}

/* PostgreSQL's text holds no NUL: it is refused, not cut. */
TEST(text_with_a_nul_is_refused_and_not_cut)
{
    claim_open(tcp, NULL);
    CU_ASSERT(run_fails("SELECT CAST(:x AS text)", ADB_PARAMS({"x", adb_text_n("a\0b", 3)}), ADB_E_DATA, NULL));
    CU_ASSERT(gives("SELECT octet_length(CAST(:x AS bytea))", ADB_PARAMS({"x", adb_blob("a\0b", 3)}), 3));
    CU_ASSERT(still_connected());
    claim_close();
}

/* What the server cannot take for the type that it wants: its own words, its own SQLSTATE. */
TEST(a_value_of_the_wrong_type_is_refused)
{
    claim_open(tcp, NULL);
    CU_ASSERT(run_fails("SELECT CAST(:x AS date)", ADB_PARAMS({"x", adb_text("soon")}), ADB_E_DATA, "soon"));
    CU_ASSERT(run_fails("SELECT CAST(:x AS integer)", ADB_PARAMS({"x", adb_text("many")}), ADB_E_DATA, "many"));
    CU_ASSERT(run_fails("SELECT CAST(:x AS smallint)", ADB_PARAMS({"x", adb_int(40000)}), ADB_E_DATA, NULL));
    CU_ASSERT(run_fails("SELECT CAST(:x AS uuid)", ADB_PARAMS({"x", adb_blob("\1\2", 2)}), ADB_E_PARAMETER, NULL));
    CU_ASSERT(run_fails("SELECT CAST(:x AS json)", ADB_PARAMS({"x", adb_text("{")}), ADB_E_DATA, "json"));
    CU_ASSERT(run_fails("SELECT CAST(:x AS bool)", ADB_PARAMS({"x", adb_double(0.5)}), ADB_E_DATA, NULL));
    CU_ASSERT(run_fails("SELECT 1 / CAST(:x AS integer)", ADB_PARAMS({"x", adb_int(0)}), ADB_E_DATA, "zero"));
    CU_ASSERT(still_connected());
    claim_close();
}

/* A type that the server cannot find out. */
TEST(a_parameter_without_a_type_is_told)
{
    claim_open(tcp, NULL);
    CU_ASSERT(run_fails("SELECT :a IS NULL", ADB_PARAMS({"a", adb_int(1)}), ADB_E_PARAMETER, "data type"));
    CU_ASSERT_STRING_EQUAL(last_error()->sqlstate, "42P18");
    CU_ASSERT(run_fails("SELECT :a + :b", ADB_PARAMS({"a", adb_int(1)}, {"b", adb_int(2)}), ADB_E_SQL, "operator"));
    CU_ASSERT(still_connected());
    claim_close();
}

static bool counts(size_t n_items, bool refused)
{
    static adb_value items[65536];
    static const char sql[] = "SELECT count(*) FROM generate_series(1, 3) AS i WHERE i IN (:ids)";
    for (size_t i = 0; i < n_items; i++)
        items[i] = adb_int((int64_t)i);
    const adb_params *params = ADB_PARAMS({"ids", adb_list(items, n_items)});
    return refused ? run_refused(sql, params, ADB_E_PARAMETER, "65535") : gives(sql, params, 3);
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

/* More than a value can hold. */
TEST(a_value_over_the_limit_is_told)
{
    claim_open(tcp, NULL);
    CU_ASSERT(run_fails("SELECT repeat('x', 1100000000)", NULL, ADB_E_TOO_BIG, NULL));
    CU_ASSERT_STRING_EQUAL(last_error()->sqlstate, "54000");
    CU_ASSERT(run_fails("SELECT CAST(:x AS varchar(3)) FROM (SELECT 1) AS t WHERE length(CAST(:x AS text)) > 4",
                        ADB_PARAMS({"x", adb_text("abcd")}), ADB_OK, NULL));
    CU_ASSERT(still_connected());
    claim_close();
}

/* What a user may not do is told so. */
TEST(what_is_not_allowed_is_told)
{
    claim_open(tcp, NULL);
    CU_ASSERT(run_fails("SELECT * FROM pg_authid", NULL, ADB_E_PERMISSION, "pg_authid"));
    CU_ASSERT(run_fails("CREATE ROLE nobody_at_all", NULL, ADB_E_PERMISSION, NULL));
    CU_ASSERT(still_connected());
    claim_close();
}

/* COPY wants a stream, and a call of its own: as a statement it is refused, and the connection is not stuck in it. */
TEST(a_copy_as_a_statement_is_refused)
{
    claim_open(tcp, NULL);
    CU_ASSERT(runs("CREATE TEMPORARY TABLE copied (n INTEGER)", NULL));
    CU_ASSERT_FALSE(runs("COPY copied FROM STDIN", NULL));
    CU_ASSERT(runs("SELECT 1", NULL));
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
    CASE(text_with_a_nul_is_refused_and_not_cut),
    CASE(a_value_of_the_wrong_type_is_refused),
    CASE(a_parameter_without_a_type_is_told),
    CASE(more_parameters_than_the_protocol_has_are_refused),
    CASE(a_value_over_the_limit_is_told),
    CASE(what_is_not_allowed_is_told),
    CASE(a_copy_as_a_statement_is_refused),
};

int main(int argc, char **argv)
{
    tcp = own_variable("ADB_TEST_POSTGRESQL_TCP_URL");
    tls = own_variable("ADB_TEST_POSTGRESQL_TLS_URL");
    if (tcp == NULL || tls == NULL || !server_available("postgresql"))
        return 77;
    return harness_main("postgresql_bad_input", cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
