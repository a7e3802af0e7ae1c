/* SPDX-License-Identifier: BSD-3-Clause */
/* URLs: what is read, what is refused and where, and what redaction hides. */
#include "model/url.h"

#include "tests/lib/fault.h"
#include "tests/lib/harness.h"
#include "tests/lib/url_claims.h"

/* Reading ---------------------------------------------------------------------------------------------------------- */

/* All parts of one URL that has them all (URL-03, URL-04, URL-09, URL-10, URL-11). */
TEST(url_with_all_parts_is_read)
{
    adb_url *url = url_of("postgresql+asyncpg://me:pw@db.example:5433/shop?ssl=true&max_size=20");
    CU_ASSERT_STRING_EQUAL(adb_url_dialect(url), "postgresql");
    CU_ASSERT_STRING_EQUAL(adb_url_driver(url), "asyncpg");
    CU_ASSERT_STRING_EQUAL(adb_url_user(url), "me");
    CU_ASSERT_STRING_EQUAL(adb_url_password(url), "pw");
    CU_ASSERT_STRING_EQUAL(adb_url_userinfo(url), "me:pw");
    CU_ASSERT_STRING_EQUAL(adb_url_host(url), "db.example");
    CU_ASSERT_EQUAL(adb_url_port(url), 5433);
    CU_ASSERT_STRING_EQUAL(adb_url_netloc(url), "me:pw@db.example:5433");
    CU_ASSERT_STRING_EQUAL(adb_url_database(url), "shop");
    CU_ASSERT_EQUAL(adb_url_options(url), 2);
    CU_ASSERT_STRING_EQUAL(adb_url_option(url, "max_size"), "20");
    adb_url_free(url);
}

/* The shortest URL has a dialect and nothing else (URL-03, URL-10, URL-11, URL-12). */
TEST(absent_parts_are_null_or_empty)
{
    adb_url *url = url_of("sqlite://");
    CU_ASSERT_STRING_EQUAL(adb_url_driver(url), "");
    CU_ASSERT_PTR_NULL(adb_url_user(url));
    CU_ASSERT_PTR_NULL(adb_url_password(url));
    CU_ASSERT_PTR_NULL(adb_url_userinfo(url));
    CU_ASSERT_PTR_NULL(adb_url_host(url));
    CU_ASSERT_EQUAL(adb_url_port(url), -1);
    CU_ASSERT_STRING_EQUAL(adb_url_netloc(url), "");
    CU_ASSERT_STRING_EQUAL(adb_url_database(url), "");
    CU_ASSERT_EQUAL(adb_url_options(url), 0);
    CU_ASSERT_PTR_NULL(adb_url_option(url, "x"));
    adb_url_free(url);
}

/* The driver is all after the first '+', and the scheme is read in lower case (URL-03, CFL-16). */
TEST(scheme_divides_at_the_first_plus)
{
    CU_ASSERT_TRUE(reads("a+b+c://", adb_url_dialect, "a"));
    CU_ASSERT_TRUE(reads("a+b+c://", adb_url_driver, "b+c"));
    CU_ASSERT_TRUE(reads("PostgreSQL+AsyncPG://h/d", adb_url_dialect, "postgresql"));
    CU_ASSERT_TRUE(reads("PostgreSQL+AsyncPG://h/d", adb_url_driver, "asyncpg"));
}

/* User and password are decoded, and a plus is a plus (URL-04, CFL-02, REG-28). */
TEST(credentials_are_decoded)
{
    const char *text = "mysql://us%65r+x%40:%40%3a%2F%3f%23%5B%25%20+@h/d";
    CU_ASSERT_TRUE(reads(text, adb_url_user, "user+x@"));
    CU_ASSERT_TRUE(reads(text, adb_url_password, "@:/?#[% +"));
    CU_ASSERT_TRUE(reads("dialect://username:%5Bpassword@localhost/mydatabase", adb_url_password, "[password"));
}

/* Absent and empty are not the same (URL-04). */
TEST(empty_credentials_are_present)
{
    CU_ASSERT_TRUE(reads("mysql://@h/d", adb_url_user, ""));
    CU_ASSERT_TRUE(reads("mysql://@h/d", adb_url_password, NULL));
    CU_ASSERT_TRUE(reads("mysql://u:@h/d", adb_url_password, ""));
    CU_ASSERT_TRUE(reads("mysql://:p@h/d", adb_url_user, ""));
    CU_ASSERT_TRUE(reads("mysql://:p@h/d", adb_url_password, "p"));
}

/* A stray '@' or ':' in a password is forgiven: the last '@' and the first ':' divide (URL-04). */
TEST(last_at_sign_ends_the_password)
{
    CU_ASSERT_TRUE(reads("mysql://u:p@s:s@h:1/d", adb_url_user, "u"));
    CU_ASSERT_TRUE(reads("mysql://u:p@s:s@h:1/d", adb_url_password, "p@s:s"));
    CU_ASSERT_TRUE(reads("mysql://u:p@s:s@h:1/d", adb_url_host, "h"));
}

/* Userinfo is raw, and needs a user (URL-05). */
TEST(userinfo_is_raw)
{
    CU_ASSERT_TRUE(reads("dialect://username:%5Bpassword@localhost/d", adb_url_userinfo, "username:%5Bpassword"));
    CU_ASSERT_TRUE(reads("mysql://u@h/d", adb_url_userinfo, "u"));
    CU_ASSERT_TRUE(reads("mysql://:p@h/d", adb_url_userinfo, NULL));
    CU_ASSERT_TRUE(reads("mysql://@h/d", adb_url_userinfo, NULL));
}

/* Names are in lower case, addresses without brackets, sockets keep their case (URL-06). */
TEST(host_is_read_in_its_forms)
{
    CU_ASSERT_TRUE(reads("mysql://DB.Example/d", adb_url_host, "db.example"));
    CU_ASSERT_TRUE(reads("mysql://[2001:DB8::1]:3306/d", adb_url_host, "2001:db8::1"));
    CU_ASSERT_TRUE(reads("mysql://[fe80::1%25eth0]/d", adb_url_host, "fe80::1%eth0"));
    CU_ASSERT_TRUE(reads("postgres://%2FVar%2Frun/d", adb_url_host, "/Var/run"));
    CU_ASSERT_TRUE(reads("mysql://u@/d", adb_url_host, NULL));
}

/* The options host and then unix_sock stand in for a missing host; unix_socket does not (URL-06, URL-08, REG-15). */
TEST(host_falls_back_to_the_options)
{
    const char *by_host = "postgresql://username:password@/mydatabase?host=/var/run/postgresql/.s.PGSQL.5432";
    CU_ASSERT_TRUE(reads(by_host, adb_url_host, "/var/run/postgresql/.s.PGSQL.5432"));
    CU_ASSERT_TRUE(reads("postgresql://u@/d?unix_sock=/Run/pg", adb_url_host, "/Run/pg"));
    CU_ASSERT_TRUE(reads("postgresql://u@/d?unix_sock=/b&host=/a", adb_url_host, "/a"));
    CU_ASSERT_TRUE(reads("postgresql://u@/d?unix_sock=/b&host=", adb_url_host, "/b"));
    CU_ASSERT_TRUE(reads("mysql://u@/d?unix_socket=/tmp/mysqld.sock", adb_url_host, NULL));
}

/* A host before the path wins over one in the options (URL-07). */
TEST(host_before_the_path_wins)
{
    CU_ASSERT_TRUE(reads("postgresql://h/d?host=other", adb_url_host, "h"));
}

/* Ports go from 0 to 65535, and a colon alone is no port (URL-09). */
TEST(port_is_read)
{
    static const struct {
        const char *text;
        int port;
    } rows[] = {{"mysql://h:0/d", 0},    {"mysql://h:65535/d", 65535}, {"mysql://h:/d", -1},
                {"mysql://h/d", -1},     {"mysql://:3306/d", 3306},    {"mysql://[::1]:03306", 3306},
                {"mysql://u:1@h/d", -1}, {"mysql://[::1]:", -1}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        adb_url *url = url_of(rows[i].text);
        CU_ASSERT_EQUAL(adb_url_port(url), rows[i].port);
        adb_url_free(url);
    }
}

/* Several hosts are one text for the driver to divide, and have no one port. */
TEST(several_hosts_are_given_as_a_list)
{
    adb_url *url = url_of("postgres://u@Host1:5432,[::1]:5433,host3/d");
    CU_ASSERT_STRING_EQUAL(adb_url_host(url), "host1:5432,[::1]:5433,host3");
    CU_ASSERT_EQUAL(adb_url_port(url), -1);
    CU_ASSERT_STRING_EQUAL(adb_url_netloc(url), "u@Host1:5432,[::1]:5433,host3");
    CU_ASSERT_STRING_EQUAL(adb_url_database(url), "d");
    adb_url_free(url);
}

/* One leading slash goes, and no other (URL-11, URL-12, URL-27, CFL-01, CFL-02, REG-41). */
TEST(database_is_the_path_less_one_slash)
{
    CU_ASSERT_TRUE(reads("mysql://h", adb_url_database, ""));
    CU_ASSERT_TRUE(reads("mysql://h/", adb_url_database, ""));
    CU_ASSERT_TRUE(reads("mysql://h/a/b/", adb_url_database, "a/b/"));
    CU_ASSERT_TRUE(reads("mysql://h/my%20d%2Fb+c", adb_url_database, "my d/b+c"));
    CU_ASSERT_TRUE(reads("sqlite:///rel.db", adb_url_database, "rel.db"));
    CU_ASSERT_TRUE(reads("sqlite:////abs/x.db", adb_url_database, "/abs/x.db"));
    CU_ASSERT_TRUE(reads("sqlite://?mode=ro", adb_url_database, ""));
    CU_ASSERT_TRUE(reads("sqlite:///:memory:", adb_url_database, ":memory:"));
}

/* On request three slashes are an absolute path, as aio-databases has it (CFL-01). */
TEST(sqlite_path_option_makes_three_slashes_absolute)
{
    CU_ASSERT_TRUE(reads("sqlite:///x.db?sqlite_path=absolute", adb_url_database, "/x.db"));
    CU_ASSERT_TRUE(reads("sqlite:////x.db?sqlite_path=absolute", adb_url_database, "/x.db"));
    CU_ASSERT_TRUE(reads("sqlite:///x.db?sqlite_path=relative", adb_url_database, "x.db"));
    CU_ASSERT_TRUE(reads("sqlite:///:memory:?sqlite_path=absolute", adb_url_database, ":memory:"));
    CU_ASSERT_TRUE(reads("sqlite://?sqlite_path=absolute", adb_url_database, ""));
    CU_ASSERT_TRUE(reads("mysql://h/x?sqlite_path=odd", adb_url_database, "x"));
    CU_ASSERT_TRUE(refused_at("sqlite:///x?sqlite_path=odd", ADB_E_OPTION, 12));
}

/* Blank values stay, a plus is a space, escapes are decoded in keys too, and the last duplicate counts (URL-15). */
TEST(options_are_decoded_and_kept_in_order)
{
    adb_url *url = url_of("mysql://h/d?a=1+2%2B&&b=&c&a%20b=x=y&a=3&");
    static const char *const pairs[][2] = {{"a", "1 2+"}, {"b", ""}, {"c", ""}, {"a b", "x=y"}, {"a", "3"}};
    REQUIRE(adb_url_options(url) == COUNT(pairs));
    for (size_t i = 0; i < COUNT(pairs); i++) {
        CU_ASSERT_STRING_EQUAL(adb_url_option_key(url, i), pairs[i][0]);
        CU_ASSERT_STRING_EQUAL(adb_url_option_value(url, i), pairs[i][1]);
    }
    CU_ASSERT_STRING_EQUAL(adb_url_option(url, "a"), "3");
    CU_ASSERT_PTR_NULL(adb_url_option(url, "A"));
    CU_ASSERT_PTR_NULL(adb_url_option(url, NULL));
    CU_ASSERT_PTR_NULL(adb_url_option_key(url, 5));
    CU_ASSERT_PTR_NULL(adb_url_option_value(url, 5));
    adb_url_free(url);
}

/* Reading gives the exact source text (URL-24, URL-32). */
TEST(text_is_the_source)
{
    static const char *const texts[] = {"sqlite://", "MySQL://U:%70w@H:/?&&a", "a+b://@:1?", "postgres://a,b:1,/x//y"};
    for (size_t i = 0; i < COUNT(texts); i++)
        CU_ASSERT_TRUE(reads(texts[i], adb_url_text, texts[i]));
}

/* Refusals --------------------------------------------------------------------------------------------------------- */

/* Each mistake is found at parse, at its place (URL-02, URL-09, URL-13). */
TEST(mistakes_are_named_with_their_offset)
{
    static const struct {
        const char *text;
        size_t offset;
    } rows[] = {
        {"", 0},
        {"://h/d", 0},
        {"1sql://h", 0},
        {" sqlite://", 0},
        {"sqlite", 6},
        {"sqlite:/x", 6},
        {"my_sql://h", 2},
        {"sqlite+:///x", 6},
        {"mysql://h:x/d", 10},
        {"mysql://h:65536/d", 10},
        {"mysql://h:-1/d", 10},
        {"mysql://h:99999999999999999999/d", 10},
        {"mysql://::1/d", 9},
        {"mysql://a:1,b:x/d", 14},
        {"mysql://[::1/d", 8},
        {"mysql://[]/d", 9},
        {"mysql://[host]/d", 9},
        {"mysql://[::1]x/d", 13},
        {"mysql://ho st/d", 10},
        {"mysql://h]/d", 9},
        {"mysql://h/%", 10},
        {"mysql://h/%4", 10},
        {"mysql://u:%zz@h/d", 10},
        {"mysql://%4g@h/d", 8},
        {"mysql://h/d%00", 11},
        {"mysql://h/d?a=%0", 14},
        {"mysql://h/d?=1", 12},
        {"mysql://h/d?a=1&=", 16},
        {"mysql://h/d#x", 11},
        {"mysql://h/d\n", 11},
        {"mysql://h\x7f/d", 9},
        {"sqlite://db.sqlite", 9},
        {"sqlite://:memory:", 9},
        {"sqlite://h:1/x", 9},
        {"aiosqlite://u@h/x", 14},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        CU_ASSERT_TRUE(refused_at(rows[i].text, ADB_E_URL, rows[i].offset));
}

/* A password with a stray delimiter is refused, and no message repeats any of it (REG-28, REG-56). */
TEST(refusal_quotes_no_password)
{
    static const char *const texts[] = {
        "mysql://me:Secret/Word@h/d", "mysql://me:12/SecretWord@h/d", "mysql://me:/SecretWord@h/d",
        "mysql://me:12?SecretWord@h", "mysql://me:Secret#Word@h/d",   "mysql://me:Secret%Word@h/d",
        "mysql://me:Secret?Word@h/d", "mysql://me:Secret\nWord@h/d",  "mysql://me:SecretWord@h:x/d",
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        adb_url *url = NULL;
        adb_error error;
        CU_ASSERT_EQUAL(adb_url_parse(texts[i], &url, &error), ADB_E_URL);
        CU_ASSERT_PTR_NULL(url);
        CU_ASSERT_PTR_NULL(strstr(error.message, "Secret"));
        CU_ASSERT_PTR_NULL(strstr(error.message, "Word"));
    }
}

/* What looks like a lost password but cannot be one is read. */
TEST(at_sign_in_the_path_is_fine_where_no_password_can_be)
{
    CU_ASSERT_TRUE(reads("mysql://h/a@b", adb_url_database, "a@b"));
    CU_ASSERT_TRUE(reads("mysql://u:p@h:1/a@b", adb_url_database, "a@b"));
    CU_ASSERT_TRUE(reads("sqlite:///a:1/b@c", adb_url_database, "a:1/b@c"));
    CU_ASSERT_TRUE(reads("mysql://[::1]:1/a@b", adb_url_database, "a@b"));
    CU_ASSERT_TRUE(reads("mysql://h:1/d?mail=a@b", adb_url_database, "d"));
}

/* NULL is an argument error, and an error need not be asked for (URL-01). */
TEST(null_arguments_are_refused)
{
    adb_url *url = NULL;
    CU_ASSERT_EQUAL(adb_url_parse(NULL, &url, NULL), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_url_parse("sqlite://", NULL, NULL), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_url_parse("no", &url, NULL), ADB_E_URL);
    CU_ASSERT_EQUAL(adb_url_set_user(NULL, "x"), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_url_set_password(NULL, "x"), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_url_set_dialect(NULL, "x"), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_url_set_driver(NULL, "x"), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_url_set_host(NULL, "x"), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_url_set_port(NULL, 1), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_url_set_database(NULL, "x"), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_url_set_option(NULL, "x", "y"), ADB_E_INVAL);
    CU_ASSERT_PTR_NULL(adb_url_dup(NULL));
    adb_url_free(NULL);
}

/* Redaction -------------------------------------------------------------------------------------------------------- */

/* Only the password's bytes change, always to eight asterisks (URL-22, URL-23, URL-26, CFL-18, REG-06). */
TEST(password_alone_is_masked)
{
    static const char *const rows[][2] = {
        {"mysql://u:secret@h:1/d?a=1", "mysql://u:********@h:1/d?a=1"},
        {"mysql://u:a-much-longer-secret@h/d", "mysql://u:********@h/d"},
        {"mysql://u:s%40@/d?unix_socket=/x", "mysql://u:********@/d?unix_socket=/x"},
        {"mysql://u:p@[::1]:1/d", "mysql://u:********@[::1]:1/d"},
        {"mysql://p:p@p/p", "mysql://p:********@p/p"},
        {"mysql://:p@h/d", "mysql://:********@h/d"},
        {"mysql://u:p@a:1,b:2/d", "mysql://u:********@a:1,b:2/d"},
        {"mysql://u:@h/d", "mysql://u:@h/d"},
        {"mysql://u@h/d", "mysql://u@h/d"},
        {"sqlite:///x", "sqlite:///x"},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        CU_ASSERT_TRUE(reads(rows[i][0], adb_url_redacted, rows[i][1]));
}

/* A password in the options is masked too, whatever the client library calls it (REG-56). */
TEST(password_options_are_masked)
{
    static const char *const rows[][2] = {
        {"postgres://h/d?password=x&b=2", "postgres://h/d?password=********&b=2"},
        {"postgres://u:p@h/d?a=1&passwor%64=x+y", "postgres://u:********@h/d?a=1&passwor%64=********"},
        {"postgres://h/d?SSLPassword=x&password=y", "postgres://h/d?SSLPassword=********&password=********"},
        {"postgres://h/d?passwd=x", "postgres://h/d?passwd=********"},
        {"postgres://h/d?password=&password", "postgres://h/d?password=&password"},
        {"postgres://h/d?passfile=x", "postgres://h/d?passfile=x"},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        CU_ASSERT_TRUE(reads(rows[i][0], adb_url_redacted, rows[i][1]));
}

/* Memory ----------------------------------------------------------------------------------------------------------- */

/* Parsing and copying fail as a whole wherever memory runs out, and leak nothing. */
TEST(parse_survives_every_failed_allocation)
{
    FAULT_EACH(n)
    {
        fault_arm(n);
        adb_url *url = NULL;
        adb_error error = {.status = ADB_OK};
        const adb_status status = adb_url_parse(big_url(), &url, &error);
        adb_url *copy = adb_url_dup(url);
        const bool refused = FAULT_DONE() == 1;
        CU_ASSERT_TRUE(status == (url != NULL ? ADB_OK : ADB_E_NOMEM) && status == error.status);
        CU_ASSERT_EQUAL(refused, copy == NULL);
        adb_url_free(copy);
        adb_url_free(url);
        CU_ASSERT_EQUAL(fault_live_blocks(), 0);
    }
}

SUITE(url, CASE(url_with_all_parts_is_read), CASE(absent_parts_are_null_or_empty),
      CASE(scheme_divides_at_the_first_plus), CASE(credentials_are_decoded), CASE(empty_credentials_are_present),
      CASE(last_at_sign_ends_the_password), CASE(userinfo_is_raw), CASE(host_is_read_in_its_forms),
      CASE(host_falls_back_to_the_options), CASE(host_before_the_path_wins), CASE(port_is_read),
      CASE(several_hosts_are_given_as_a_list), CASE(database_is_the_path_less_one_slash),
      CASE(sqlite_path_option_makes_three_slashes_absolute), CASE(options_are_decoded_and_kept_in_order),
      CASE(text_is_the_source), CASE(mistakes_are_named_with_their_offset), CASE(refusal_quotes_no_password),
      CASE(at_sign_in_the_path_is_fine_where_no_password_can_be), CASE(null_arguments_are_refused),
      CASE(password_alone_is_masked), CASE(password_options_are_masked), CASE(parse_survives_every_failed_allocation))
