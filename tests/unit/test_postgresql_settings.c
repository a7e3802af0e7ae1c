/* SPDX-License-Identifier: BSD-3-Clause */
/* What a URL says to the PostgreSQL driver: in libpq's words, or refused. */
#include "base/alloc.h"
#include "drivers/postgresql/postgresql.h"
#include "tests/lib/fault.h"
#include "tests/lib/harness.h"

#include <stdio.h>
#include <string.h>

static adb_url *url;
static struct adb__pg_settings settings;

static adb_status read_settings(const char *text, bool session_reads, adb_error *error)
{
    REQUIRE(adb_url_parse(text, &url, error) == ADB_OK);
    return adb__pg_settings_read(url, session_reads, &settings, error);
}

static void done(void)
{
    adb__pg_settings_fini(&settings);
    adb_url_free(url);
    url = NULL;
}

static void settle(const char *text)
{
    adb_error error;
    const adb_status status = read_settings(text, false, &error);
    if (status != ADB_OK)
        printf("# %s: %s\n", text, error.message);
    REQUIRE(status == ADB_OK);
}

/* What libpq is told under this keyword; "" when nothing. */
static const char *said(const char *keyword)
{
    for (size_t i = 0; i < settings.n_words; i++) {
        if (strcmp(settings.keywords[i], keyword) == 0)
            return settings.values[i];
    }
    return "";
}

static bool host_is(size_t index, const char *name, const char *port)
{
    const struct adb__pg_host *host = &settings.hosts[index];
    return strcmp(host->name != NULL ? host->name : "", name) == 0 &&
           strcmp(host->port != NULL ? host->port : "", port) == 0;
}

static bool refused(const char *text, adb_status expected, const char *words)
{
    adb_error error = {.status = ADB_OK};
    const adb_status status = read_settings(text, false, &error);
    done();
    if (status != expected || strstr(error.message, words) == NULL)
        printf("# %s: %s: %s\n", text, adb_status_name(status), error.message);
    return status == expected && strstr(error.message, words) != NULL;
}

/* Parts of the URL have libpq's names; the encoding is ours. URL-04 */
TEST(parts_become_words)
{
    settle("postgresql://me:p%40ss@example.org:5433/shop?application_name=till%201&ssl=verify-full&ssl_ca=/ca.pem");
    CU_ASSERT_STRING_EQUAL(said("user"), "me");
    CU_ASSERT_STRING_EQUAL(said("password"), "p@ss");
    CU_ASSERT_STRING_EQUAL(said("dbname"), "shop");
    CU_ASSERT_STRING_EQUAL(said("application_name"), "till 1");
    CU_ASSERT_STRING_EQUAL(said("sslmode"), "verify-full");
    CU_ASSERT_STRING_EQUAL(said("sslrootcert"), "/ca.pem");
    CU_ASSERT_STRING_EQUAL(said("client_encoding"), "UTF8");
    CU_ASSERT(settings.n_hosts == 1 && host_is(0, "example.org", "5433"));
    done();
}

/* What the URL leaves open is libpq's to decide, but for silent networks. */
TEST(only_what_is_said_is_passed_on)
{
    settle("postgresql://");
    CU_ASSERT_STRING_EQUAL(said("user"), "");
    CU_ASSERT_STRING_EQUAL(said("dbname"), "");
    CU_ASSERT_STRING_EQUAL(said("sslmode"), "");
    CU_ASSERT_STRING_EQUAL(said("options"), "");
    CU_ASSERT_STRING_EQUAL(said("keepalives_idle"), "60");
    CU_ASSERT_STRING_EQUAL(said("tcp_user_timeout"), "30000");
    CU_ASSERT(settings.n_hosts == 1 && host_is(0, "", ""));
    CU_ASSERT_EQUAL(settings.prepare_threshold, 2);
    CU_ASSERT_PTR_NULL(settings.target);
    done();
}

/* Hosts before the path: each with its port, encoded, in brackets. */
TEST(several_hosts_stand_before_the_path)
{
    settle("postgresql://me@a:1,b,[::1]:3,%2Ftmp%2Fpg:4,c%2Cd:5/x");
    CU_ASSERT_EQUAL(settings.n_hosts, 5);
    CU_ASSERT(host_is(0, "a", "1"));
    CU_ASSERT(host_is(1, "b", ""));
    CU_ASSERT(host_is(2, "::1", "3"));
    CU_ASSERT(host_is(3, "/tmp/pg", "4"));
    CU_ASSERT(host_is(4, "c,d", "5"));
    done();
}

/* Hosts in the option: directories of sockets keep their case, ports stand beside or in a list of their own. URL-06 */
TEST(several_hosts_stand_in_the_option)
{
    settle("postgresql://me@/x?host=/Tmp/a:b,example.org:7,::1&port=1,2,3");
    CU_ASSERT_EQUAL(settings.n_hosts, 3);
    CU_ASSERT(host_is(0, "/Tmp/a:b", "1"));
    CU_ASSERT(host_is(1, "example.org", "7"));
    CU_ASSERT(host_is(2, "::1", "3"));
    done();
    settle("postgresql://me@:5433/x?host=a,b");
    CU_ASSERT(settings.n_hosts == 2 && host_is(0, "a", "5433") && host_is(1, "b", "5433"));
    done();
    settle("postgresql://me@/x?unix_sock=/run/pg&port=15401");
    CU_ASSERT(settings.n_hosts == 1 && host_is(0, "/run/pg", "15401"));
    done();
}

/* Which of the hosts will do, and in which order they are tried. */
TEST(hosts_can_be_chosen)
{
    settle("postgresql://a,b/x?target_session_attrs=prefer-standby&load_balance_hosts=random&prepare_threshold=5");
    CU_ASSERT_STRING_EQUAL(settings.target, "prefer-standby");
    CU_ASSERT_TRUE(settings.shuffle);
    CU_ASSERT_EQUAL(settings.prepare_threshold, 5);
    done();
}

/* Settings of the session go into its options; blanks and backslashes are kept. OPT-29 */
TEST(server_settings_become_options)
{
    adb_error error;
    settle("postgresql://h/x?server.search_path=a,%20b&server.app.x=c%5Cd");
    CU_ASSERT_STRING_EQUAL(said("options"), "-c search_path=a,\\ b -c app.x=c\\\\d");
    done();
    REQUIRE(read_settings("postgresql://h/x?options=-c%20geqo%3Doff&server.jit=off", true, &error) == ADB_OK);
    CU_ASSERT_STRING_EQUAL(said("options"), "-c geqo=off -c jit=off -c default_transaction_read_only=on");
    done();
}

/* Each mistake names its key; nothing is opened for it. */
TEST(bad_values_are_refused)
{
    CU_ASSERT(
        refused("postgresql://h/x?target_session_attrs=best", ADB_E_OPTION, "\"target_session_attrs\" at offset 17"));
    CU_ASSERT(refused("postgresql://h/x?channel_binding=1", ADB_E_OPTION, "disable, prefer or require"));
    CU_ASSERT(refused("postgresql://h/x?keepalives_idle=-1", ADB_E_OPTION, "a number of seconds"));
    CU_ASSERT(refused("postgresql://h/x?tcp_user_timeout=soon", ADB_E_OPTION, "a number of milliseconds"));
    CU_ASSERT(refused("postgresql://h/x?prepare_threshold=0", ADB_E_OPTION, "from 1 to 1000000"));
    CU_ASSERT(refused("postgresql://h/x?ssl=perhaps", ADB_E_OPTION, "verify-full"));
    CU_ASSERT(refused("postgresql://h/x?application_name=", ADB_E_OPTION, "some text"));
    CU_ASSERT(refused("postgresql://h/x?service=a&service=b", ADB_E_OPTION, "there again at offset 27"));
    CU_ASSERT(refused("postgresql://h/x?server.a%20b=1", ADB_E_OPTION, "names no setting"));
    CU_ASSERT(refused("postgresql:///x?host=a,b&port=1,2,3", ADB_E_OPTION, "3 ports for 2 hosts"));
    CU_ASSERT(refused("postgresql:///x?host=a&port=70000", ADB_E_OPTION, "\"port\""));
    CU_ASSERT(refused("postgresql:///x?host=a:b", ADB_E_URL, "port of host \"a\""));
}

/* Every server is one that others use too, and has as many connections as the options say. */
TEST(the_layout_is_that_of_a_server)
{
    struct adb__layout layout = {.max_writers = 9};
    adb_error error;
    const adb_options options = {.size = sizeof(options)};
    REQUIRE(adb_url_parse("postgresql://h/x", &url, &error) == ADB_OK);
    REQUIRE(adb__postgresql_driver.configure(url, &options, &layout, &error) == ADB_OK);
    CU_ASSERT_TRUE(layout.backs_off);
    CU_ASSERT_EQUAL(layout.max_writers, 0);
    CU_ASSERT_EQUAL(layout.max_readers, 0);
    adb_url_free(url);
}

/* Wherever memory ends, it is a status, and nothing is left behind. */
TEST(want_of_memory_is_a_status)
{
    adb_error error;
    REQUIRE(adb_url_parse("postgresql://me@a:1,b:2/x?server.jit=off&options=-c%20geqo%3Doff&port=1,2", &url, &error) ==
            ADB_OK);
    fault_watch();
    const size_t live = fault_live_blocks();
    FAULT_EACH(n)
    {
        fault_arm(n);
        const adb_status status = adb__pg_settings_read(url, true, &settings, &error);
        CU_ASSERT(FAULT_DONE() ? status == ADB_E_NOMEM : status == ADB_OK);
        adb__pg_settings_fini(&settings);
        CU_ASSERT_EQUAL(fault_live_blocks(), live);
    }
    adb_url_free(url);
}

SUITE(postgresql_settings, CASE(parts_become_words), CASE(only_what_is_said_is_passed_on),
      CASE(several_hosts_stand_before_the_path), CASE(several_hosts_stand_in_the_option), CASE(hosts_can_be_chosen),
      CASE(server_settings_become_options), CASE(bad_values_are_refused), CASE(the_layout_is_that_of_a_server),
      CASE(want_of_memory_is_a_status))
