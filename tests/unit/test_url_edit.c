/* SPDX-License-Identifier: BSD-3-Clause */
/* Rewriting URLs: what changes, what stays byte for byte, and what is refused. */
#include "model/url.h"

#include "tests/lib/fault.h"
#include "tests/lib/harness.h"
#include "tests/lib/url_claims.h"

/* The examples of encode/databases (URL-12, URL-16, URL-19, URL-20, URL-34, REG-40). */
TEST(parts_are_replaced)
{
    adb_url *url = url_of("postgresql://localhost/mydatabase");
    CU_ASSERT_TRUE(
        becomes(url, adb_url_set_database(url, "test_mydatabase"), "postgresql://localhost/test_mydatabase"));
    url = url_of("postgresql://localhost/mydatabase");
    CU_ASSERT_TRUE(becomes(url, adb_url_set_driver(url, "asyncpg"), "postgresql+asyncpg://localhost/mydatabase"));
    url = url_of("postgresql+asyncpg://localhost/mydatabase");
    CU_ASSERT_TRUE(becomes(url, adb_url_set_driver(url, NULL), "postgresql://localhost/mydatabase"));
    url = url_of("postgresql+asyncpg://localhost/d");
    CU_ASSERT_TRUE(becomes(url, adb_url_set_dialect(url, "postgres"), "postgres+asyncpg://localhost/d"));
    url = url_of("sqlite:///mydatabase");
    CU_ASSERT_TRUE(becomes(url, adb_url_set_database(url, "test_mydatabase"), "sqlite:///test_mydatabase"));
    url = url_of("sqlite:////absolute/path");
    CU_ASSERT_TRUE(becomes(url, adb_url_set_driver(url, "aiosqlite"), "sqlite+aiosqlite:////absolute/path"));
    url = url_of("sqlite://");
    CU_ASSERT_TRUE(becomes(url, adb_url_set_database(url, "/a/b"), "sqlite:////a/b"));
    url = url_of("sqlite:///x?mode=ro");
    CU_ASSERT_TRUE(becomes(url, adb_url_set_database(url, NULL), "sqlite://?mode=ro"));
}

/* What is set is encoded, so that no value breaks out of its part (URL-17). */
TEST(values_are_encoded)
{
    const char *odd = "a@b/c:d?e#f%g h&i=j+\xc3\xa9\n[";
    adb_url *url = url_of("mysql://h:1/d");
    CU_ASSERT_EQUAL(adb_url_set_user(url, odd), ADB_OK);
    CU_ASSERT_EQUAL(adb_url_set_password(url, odd), ADB_OK);
    CU_ASSERT_EQUAL(adb_url_set_database(url, odd), ADB_OK);
    CU_ASSERT_EQUAL(adb_url_set_option(url, odd, odd), ADB_OK);
    CU_ASSERT_STRING_EQUAL(adb_url_user(url), odd);
    CU_ASSERT_STRING_EQUAL(adb_url_password(url), odd);
    CU_ASSERT_STRING_EQUAL(adb_url_database(url), odd);
    CU_ASSERT_STRING_EQUAL(adb_url_option(url, odd), odd);
    CU_ASSERT_STRING_EQUAL(adb_url_host(url), "h");
    CU_ASSERT_EQUAL(adb_url_port(url), 1);
    adb_url_free(url);
}

/* Parts that are not set keep every byte, needless escapes and empty options included (URL-18). */
TEST(other_parts_stay_as_written)
{
    const char *text = "MySQL://%75ser:p%41ss@HOST:/%64b?&&a=%31&b";
    adb_url *url = url_of(text);
    CU_ASSERT_TRUE(becomes(url, adb_url_set_port(url, 7), "MySQL://%75ser:p%41ss@HOST:7/%64b?&&a=%31&b"));
    url = url_of(text);
    CU_ASSERT_TRUE(becomes(url, adb_url_set_host(url, "x"), "MySQL://%75ser:p%41ss@x:/%64b?&&a=%31&b"));
    url = url_of(text);
    CU_ASSERT_TRUE(becomes(url, adb_url_set_user(url, "me"), "MySQL://me:p%41ss@HOST:/%64b?&&a=%31&b"));
    url = url_of(text);
    CU_ASSERT_TRUE(becomes(url, adb_url_set_database(url, "x"), "MySQL://%75ser:p%41ss@HOST:/x?&&a=%31&b"));
    url = url_of(text);
    CU_ASSERT_TRUE(becomes(url, adb_url_set_option(url, "b", "2"), "MySQL://%75ser:p%41ss@HOST:/%64b?&&a=%31&b=2"));
    url = url_of(text);
    CU_ASSERT_TRUE(becomes(url, adb_url_set_dialect(url, "mariadb"), "mariadb://%75ser:p%41ss@HOST:/%64b?&&a=%31&b"));
}

/* User and password come and go; without a user there is no password. */
TEST(credentials_are_added_and_removed)
{
    adb_url *url = url_of("mysql://h/d");
    CU_ASSERT_TRUE(becomes(url, adb_url_set_user(url, "u"), "mysql://u@h/d"));
    url = url_of("mysql://h/d");
    CU_ASSERT_TRUE(becomes(url, adb_url_set_password(url, "p"), "mysql://:p@h/d"));
    url = url_of("mysql://u@h/d");
    CU_ASSERT_TRUE(becomes(url, adb_url_set_password(url, "p"), "mysql://u:p@h/d"));
    url = url_of("mysql://u:p@h/d");
    CU_ASSERT_TRUE(becomes(url, adb_url_set_password(url, NULL), "mysql://u@h/d"));
    url = url_of("mysql://u:p@h/d");
    CU_ASSERT_TRUE(becomes(url, adb_url_set_password(url, ""), "mysql://u:@h/d"));
    url = url_of("mysql://u:p@h/d");
    CU_ASSERT_TRUE(becomes(url, adb_url_set_user(url, NULL), "mysql://h/d"));
    url = url_of("mysql://u:p@h/d");
    CU_ASSERT_TRUE(becomes(url, adb_url_set_user(url, ""), "mysql://:p@h/d"));
}

/* A port needs no host, brackets stay, and a socket in the options stays there (URL-21). */
TEST(port_is_set_on_any_host)
{
    adb_url *url = url_of("postgres:///d");
    CU_ASSERT_TRUE(becomes(url, adb_url_set_port(url, 1), "postgres://:1/d"));
    url = url_of("postgres://u:p@[::1]/d");
    CU_ASSERT_TRUE(becomes(url, adb_url_set_port(url, 1), "postgres://u:p@[::1]:1/d"));
    url = url_of("postgres://u:p@/d?host=/run/pg");
    CU_ASSERT_TRUE(becomes(url, adb_url_set_port(url, 1), "postgres://u:p@:1/d?host=/run/pg"));
    url = url_of("postgres://h:5/d");
    CU_ASSERT_TRUE(becomes(url, adb_url_set_port(url, -1), "postgres://h/d"));
    url = url_of("postgres://h:/d");
    CU_ASSERT_TRUE(becomes(url, adb_url_set_port(url, 0), "postgres://h:0/d"));
}

/* Hosts of all forms are written so that they read back, and the port stays (URL-21). */
TEST(host_is_set_in_its_forms)
{
    static const struct {
        const char *host, *text;
    } rows[] = {
        {"db", "mysql://u@db:5/d"},
        {"::1", "mysql://u@[::1]:5/d"},
        {"fe80::1%eth0", "mysql://u@[fe80::1%25eth0]:5/d"},
        {"/Run/pg", "mysql://u@%2FRun%2Fpg:5/d"},
        {"a:1,b", "mysql://u@a:1,b/d"},
        {NULL, "mysql://u@:5/d"},
        {"", "mysql://u@:5/d"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        adb_url *url = url_of("mysql://u@[::2]:5/d");
        CU_ASSERT_EQUAL(adb_url_set_host(url, rows[i].host), ADB_OK);
        const char *wanted = rows[i].host != NULL && rows[i].host[0] == '\0' ? NULL : rows[i].host;
        CU_ASSERT_TRUE(shown_same(rows[i].text, adb_url_host(url), wanted));
        CU_ASSERT_TRUE(becomes(url, ADB_OK, rows[i].text));
    }
}

/* A list of hosts is replaced as a whole and has no one port to set. */
TEST(list_of_hosts_is_replaced)
{
    adb_url *url = url_of("postgres://a:1,b:2/d");
    CU_ASSERT_EQUAL(adb_url_set_port(url, 3), ADB_E_STATE);
    CU_ASSERT_TRUE(becomes(url, adb_url_set_host(url, "c"), "postgres://c/d"));
}

/* What cannot stand in its part is refused, and the URL is as it was. */
TEST(impossible_values_are_refused)
{
    const char *text = "mysql+asyncmy://u:p@h:1/d?a=1";
    adb_url *url = url_of(text);
    CU_ASSERT_EQUAL(adb_url_set_dialect(url, NULL), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_url_set_dialect(url, ""), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_url_set_dialect(url, "a+b"), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_url_set_dialect(url, "x://evil/"), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_url_set_dialect(url, "sqlite"),
                    ADB_OK); /* asyncmy is no driver of it: not yet a host too many */
    CU_ASSERT_EQUAL(adb_url_set_dialect(url, "mysql"), ADB_OK);
    CU_ASSERT_EQUAL(adb_url_set_driver(url, "x://evil/"), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_url_set_driver(url, "a b"), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_url_set_host(url, "h:1"), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_url_set_host(url, "a,b/evil"), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_url_set_host(url, "x@a,b"), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_url_set_port(url, 65536), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_url_set_port(url, -2), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_url_set_option(url, NULL, "x"), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_url_set_option(url, "", "x"), ADB_E_INVAL);
    CU_ASSERT_TRUE(becomes(url, ADB_OK, text));
}

/* SQLite takes no host and no port by a setter either, and a relative file is none where all are absolute. */
TEST(sqlite_refuses_what_it_has_not)
{
    adb_url *url = url_of("sqlite:///x?sqlite_path=absolute");
    CU_ASSERT_EQUAL(adb_url_set_host(url, "h"), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_url_set_port(url, 1), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_url_set_option(url, "sqlite_path", "odd"), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_url_set_database(url, "rel"), ADB_E_INVAL);
    CU_ASSERT_STRING_EQUAL(adb_url_text(url), "sqlite:///x?sqlite_path=absolute");
    CU_ASSERT_TRUE(becomes(url, adb_url_set_database(url, "/y"), "sqlite:////y?sqlite_path=absolute"));
}

/* Options are changed in place, added at the end, and removed with one '&'. */
TEST(options_are_set_and_removed)
{
    static const struct {
        const char *query, *key, *value, *wanted;
    } rows[] = {
        {"", "a", "1", "?a=1"},
        {"?", "a", "1", "?a=1"},
        {"?b=2", "a", "1", "?b=2&a=1"},
        {"?b=2&", "a", "1", "?b=2&a=1"},
        {"?a=0&b=2", "a", "1 /x", "?a=1%20/x&b=2"},
        {"?a&b", "a", "", "?a=&b"},
        {"?a=1&b=2&a=3&c", "a", "4", "?b=2&a=4&c"},
        {"?%61=1", "a", "2", "?a=2"},
        {"?a=1", "a", NULL, ""},
        {"?a=1&b=2", "a", NULL, "?b=2"},
        {"?b=2&a=1", "a", NULL, "?b=2"},
        {"?b=2&a=1&c", "a", NULL, "?b=2&c"},
        {"?a&a=2&b&a=3", "a", NULL, "?b"},
        {"?a&a=2&a=3", "a", NULL, ""},
        {"?a=1&", "a", NULL, ""},
        {"?b", "a", NULL, "?b"},
        {"?", "a", NULL, "?"},
        {"", "a", NULL, ""},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[80];
        char wanted[80];
        snprintf(text, sizeof(text), "mysql://h/d%s", rows[i].query);
        snprintf(wanted, sizeof(wanted), "mysql://h/d%s", rows[i].wanted);
        adb_url *url = url_of(text);
        CU_ASSERT_TRUE(becomes(url, adb_url_set_option(url, rows[i].key, rows[i].value), wanted));
    }
}

/* A value may come from the URL that is being changed. */
TEST(value_may_be_borrowed_from_the_url)
{
    adb_url *url = url_of("mysql://u:p@h/d?x=1");
    CU_ASSERT_EQUAL(adb_url_set_database(url, adb_url_text(url)), ADB_OK);
    CU_ASSERT_STRING_EQUAL(adb_url_database(url), "mysql://u:p@h/d?x=1");
    CU_ASSERT_EQUAL(adb_url_set_user(url, adb_url_password(url)), ADB_OK);
    CU_ASSERT_EQUAL(adb_url_set_option(url, adb_url_option_key(url, 0), adb_url_user(url)), ADB_OK);
    CU_ASSERT_STRING_EQUAL(adb_url_option(url, "x"), "p");
    adb_url_free(url);
}

/* A copy is changed without the original (URL-01, URL-16). */
TEST(copy_is_independent)
{
    adb_url *url = url_of("mysql://h/d");
    adb_url *copy = adb_url_dup(url);
    REQUIRE(copy != NULL);
    CU_ASSERT_TRUE(adb_url_equal(url, copy));
    CU_ASSERT_EQUAL(adb_url_set_database(copy, "e"), ADB_OK);
    CU_ASSERT_STRING_EQUAL(adb_url_text(url), "mysql://h/d");
    CU_ASSERT_FALSE(adb_url_equal(url, copy));
    adb_url_free(url);
    CU_ASSERT_STRING_EQUAL(adb_url_database(copy), "e");
    adb_url_free(copy);
}

/* Equality is textual (URL-25). */
TEST(equality_is_textual)
{
    adb_url *a = url_of("mysql://h/d");
    adb_url *b = url_of("mysql://h/%64");
    CU_ASSERT_FALSE(adb_url_equal(a, b));
    CU_ASSERT_FALSE(adb_url_equal(a, NULL));
    CU_ASSERT_TRUE(adb_url_equal(a, a));
    CU_ASSERT_TRUE(adb_url_equal(NULL, NULL));
    adb_url_free(a);
    adb_url_free(b);
}

/* A password that is set is masked from then on. */
TEST(password_is_masked_after_a_change)
{
    adb_url *url = url_of("mysql://u@h/d");
    CU_ASSERT_EQUAL(adb_url_set_password(url, "secret/word"), ADB_OK);
    CU_ASSERT_STRING_EQUAL(adb_url_redacted(url), "mysql://u:********@h/d");
    adb_url_free(url);
}

static adb_status set_nth(adb_url *url, int which)
{
    switch (which) {
    case 0:
        return adb_url_set_dialect(url, "mysql");
    case 1:
        return adb_url_set_driver(url, "pool");
    case 2:
        return adb_url_set_user(url, "m\xc3\xa9");
    case 3:
        return adb_url_set_password(url, "a@b");
    case 4:
        return adb_url_set_host(url, "::2");
    case 5:
        return adb_url_set_port(url, 9);
    case 6:
        return adb_url_set_database(url, "a b");
    case 7:
        return adb_url_set_option(url, "new key", "new value");
    default:
        return adb_url_set_option(url, "password", NULL);
    }
}

/* Each setter leaves the URL as it was when memory runs out. */
TEST(setters_survive_every_failed_allocation)
{
    fault_watch();
    for (int which = 0; which <= 8; which++) {
        FAULT_EACH(n)
        {
            adb_url *url = url_of(big_url());
            fault_arm(n);
            const adb_status status = set_nth(url, which);
            const bool refused = FAULT_DONE() == 1;
            CU_ASSERT_EQUAL(status, refused ? ADB_E_NOMEM : ADB_OK);
            CU_ASSERT_EQUAL(same(adb_url_text(url), big_url()), refused);
            adb_url_free(url);
            CU_ASSERT_EQUAL(fault_live_blocks(), 0);
        }
    }
}

SUITE(url_edit, CASE(parts_are_replaced), CASE(values_are_encoded), CASE(other_parts_stay_as_written),
      CASE(credentials_are_added_and_removed), CASE(port_is_set_on_any_host), CASE(host_is_set_in_its_forms),
      CASE(list_of_hosts_is_replaced), CASE(impossible_values_are_refused), CASE(sqlite_refuses_what_it_has_not),
      CASE(options_are_set_and_removed), CASE(value_may_be_borrowed_from_the_url), CASE(copy_is_independent),
      CASE(equality_is_textual), CASE(password_is_masked_after_a_change), CASE(setters_survive_every_failed_allocation))
