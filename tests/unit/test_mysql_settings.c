/* SPDX-License-Identifier: BSD-3-Clause */
/* What a URL and its options say to the MySQL driver: refused or accepted, and where it would connect. No server. */
#include "tests/lib/harness.h"

#include "drivers/mysql/mysql_driver.h"

#include <stdio.h>
#include <string.h>

#define DRIVER (&adb__mysql_driver)

static adb_url *url;
static struct adb__mysql_settings settings;

/* Valid until the next. */
static adb_status read_settings(const char *text, adb_error *error)
{
    adb_url_free(url);
    url = NULL;
    REQUIRE(adb_url_parse(text, &url, error) == ADB_OK);
    return adb__mysql_settings_read(url, ADB_OPTIONS(), &settings, error);
}

static void read_well(const char *text)
{
    adb_error error;
    REQUIRE(read_settings(text, &error) == ADB_OK);
}

static bool refused(const char *text, adb_status status, const char *words)
{
    adb_error error = {.status = ADB_OK};
    const adb_status got = read_settings(text, &error);
    if (got != status || strstr(error.message, words) == NULL)
        printf("# %s: %s: %s\n", text, adb_status_name(got), error.message);
    return got == status && strstr(error.message, words) != NULL;
}

static bool is(const char *text, const char *expected)
{
    return text == expected || (text != NULL && expected != NULL && strcmp(text, expected) == 0);
}

/* Host, port, user, password and database are where every URL has them; what is missing is the library's to know.
 * URL-01 OPT-13 OPT-14 */
TEST(a_url_says_where_to_connect_and_as_whom)
{
    read_well("mysql://me:s%40cret@db.example.org:3307/notes");
    CU_ASSERT(is(settings.host, "db.example.org") && settings.port == 3307 && settings.socket == NULL);
    CU_ASSERT(is(settings.user, "me") && is(settings.password, "s@cret") && is(settings.database, "notes"));
    read_well("mariadb://localhost");
    CU_ASSERT(is(settings.host, "localhost") && settings.port == 0 && settings.user == NULL);
    CU_ASSERT(settings.password == NULL && settings.database == NULL);
}

/* A socket is named by any of the options, or in the place of the host. URL-08 OPT-15 REG-06 */
TEST(a_socket_goes_by_four_names)
{
    static const char *const texts[] = {"mysql://me@/notes?unix_socket=/run/m.sock",
                                        "mysql:///notes?socket=/run/m.sock", "mysql:///notes?unix_sock=/run/m.sock",
                                        "mysql:///notes?host=/run/m.sock"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        read_well(texts[i]);
        CU_ASSERT(is(settings.socket, "/run/m.sock") && settings.host == NULL);
        CU_ASSERT(is(settings.database, "notes"));
    }
}

/* The words for encryption are those of every server, and its files come with them. OPT-08 OPT-09 PAIN-17 */
TEST(encryption_is_in_the_words_of_the_house)
{
    read_well("mysql://h/d");
    CU_ASSERT_EQUAL(settings.tls.mode, ADB__TLS_DEFAULT);
    read_well("mysql://h/d?ssl=verify-full&ssl_ca=/ca.pem&ssl_cert=/c.pem&ssl_key=/k.pem&ssl_crl=/r.pem");
    CU_ASSERT_EQUAL(settings.tls.mode, ADB__TLS_VERIFY_FULL);
    CU_ASSERT(is(settings.tls.ca, "/ca.pem") && is(settings.tls.cert, "/c.pem") && is(settings.tls.key, "/k.pem"));
    CU_ASSERT(is(settings.tls.crl, "/r.pem"));
    CU_ASSERT(refused("mysql://h/d?ssl=maybe", ADB_E_OPTION, "\"ssl\" at offset 12"));
}

/* Checking against no authority would be no check. */
TEST(an_authority_is_needed_to_check_against)
{
    CU_ASSERT(refused("mysql://h/d?ssl=verify-ca", ADB_E_OPTION, "together with ssl_ca"));
    CU_ASSERT(refused("mysql://h/d?sslmode=verify-ca", ADB_E_OPTION, "\"sslmode\" at offset 12"));
    read_well("mysql://h/d?ssl=verify-ca&ssl_ca=/ca.pem");
    CU_ASSERT_EQUAL(settings.tls.mode, ADB__TLS_VERIFY_CA);
}

/* Keys of the driver's own, with their values checked. OPT-05 OPT-32 */
TEST(known_options_are_accepted)
{
    read_well("mysql://h/d?charset=UTF8MB4&init_command=SET+@a%3d1&sql_mode=STRICT_TRANS_TABLES&time_zone=Europe/Rome"
              "&compress=yes&read_timeout=5&write_timeout=6&net_write_timeout=7&local_infile=no&application_name=x"
              "&default_auth=mysql_native_password&plugin_dir=/p&server_public_key=/k&read_default_group=g");
    CU_ASSERT(settings.compress && settings.read_timeout_s == 5 && settings.write_timeout_s == 6);
    CU_ASSERT_EQUAL(settings.net_write_timeout_s, 7);
    CU_ASSERT(is(settings.values[ADB__MYSQL_INIT_COMMAND], "SET @a=1"));
    CU_ASSERT(is(settings.values[ADB__MYSQL_READ_DEFAULT_FILE], NULL));
}

/* A bad value names key, offset and value. OPT-05 OPT-20 */
TEST(bad_option_values_name_key_offset_and_value)
{
    CU_ASSERT(refused("mysql://h/d?read_timeout=soon", ADB_E_OPTION, "read_timeout"));
    CU_ASSERT(refused("mysql://h/d?read_timeout=-1", ADB_E_OPTION, "-1"));
    CU_ASSERT(refused("mysql://h/d?compress=a+bit", ADB_E_OPTION, "compress"));
    CU_ASSERT(
        refused("mysql://h/d?charset=latin1", ADB_E_OPTION, "\"charset\" at offset 12 of the URL must be utf8mb4"));
    CU_ASSERT(refused("mysql://h/d?time_zone=a&time_zone=b", ADB_E_OPTION, "there again at offset 24"));
    CU_ASSERT(refused("mysql://a,b/d", ADB_E_UNSUPPORTED, "one host"));
}

/* A server cannot be allowed to ask for files of this machine. */
TEST(local_files_stay_local)
{
    CU_ASSERT(refused("mysql://h/d?local_infile=true", ADB_E_OPTION, "must be false"));
}

/* Modes that read literals in another way than the tokenizer does would let a placeholder hide in one. */
TEST(modes_that_change_literals_are_refused)
{
    CU_ASSERT(refused("mysql://h/d?sql_mode=ANSI_QUOTES", ADB_E_OPTION, "without ANSI_QUOTES"));
    CU_ASSERT(refused("mysql://h/d?sql_mode=STRICT_ALL_TABLES,no_backslash_escapes", ADB_E_OPTION, "sql_mode"));
    CU_ASSERT(refused("mysql://h/d?sql_mode=ansi", ADB_E_OPTION, "sql_mode"));
    read_well("mysql://h/d?sql_mode=STRICT_ALL_TABLES,NO_ZERO_DATE");
}

/* What is SQLite's is refused here, and a password never repeated. */
TEST(pragmas_are_refused)
{
    const adb_pragma pragma = {"foreign_keys", "on"};
    struct adb__layout layout;
    adb_error error;
    read_well("mysql://me:hunter2@h/d");
    CU_ASSERT_EQUAL(DRIVER->configure(url, ADB_OPTIONS(.pragmas = &pragma, .n_pragmas = 1), &layout, &error),
                    ADB_E_OPTION);
    CU_ASSERT_PTR_NULL(strstr(error.message, "hunter2"));
}

/* A server is shared with others: attempts are spaced, connections are alike, and none has to stay open. POOL-02 */
TEST(the_layout_is_that_of_a_server)
{
    struct adb__layout layout;
    adb_error error;
    read_well("mysql://h/d");
    REQUIRE(DRIVER->configure(url, ADB_OPTIONS(), &layout, &error) == ADB_OK);
    CU_ASSERT(layout.backs_off && !layout.keep_open && !layout.group_commit && !layout.shared_reads);
    CU_ASSERT(layout.max_writers == 0 && layout.max_readers == 0);
    adb_url_free(url);
    url = NULL;
}

static bool begins_with(const adb_transaction_options *options, adb_status expected, const char *words)
{
    struct adb__buf text = ADB__BUF_INIT;
    adb_error error = {.message = ""};
    const adb_status status = DRIVER->dialect.begin_text(options, &text, &error);
    const bool as_expected = status == expected && strcmp(status == ADB_OK ? text.bytes : error.message, words) == 0;
    adb__buf_fini(&text);
    return as_expected;
}

/* Each option of a transaction has its words, or is said not to exist. TX-21 */
TEST(transactions_begin_as_their_options_say)
{
    CU_ASSERT(begins_with(&(adb_transaction_options){.size = 0}, ADB_OK, "BEGIN"));
    CU_ASSERT(begins_with(&(adb_transaction_options){.read_only = true}, ADB_OK, "START TRANSACTION READ ONLY"));
    CU_ASSERT(begins_with(&(adb_transaction_options){.isolation = ADB_ISOLATION_SERIALIZABLE}, ADB_OK,
                          "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; BEGIN"));
    CU_ASSERT(begins_with(&(adb_transaction_options){.deferrable = true}, ADB_E_UNSUPPORTED,
                          "MySQL has no deferrable transactions"));
    CU_ASSERT(begins_with(&(adb_transaction_options){.lock = ADB_LOCK_IMMEDIATE}, ADB_E_UNSUPPORTED,
                          "locks at the begin of a transaction are SQLite's"));
}

/* Zeroed state is closed without having been open. */
TEST(zeroed_state_closes)
{
    static struct adb__mysql conn;
    DRIVER->close(&conn);
    CU_ASSERT_EQUAL(DRIVER->transaction_state(&conn), ADB__TXN_UNKNOWN);
}

SUITE(mysql_settings, CASE(a_url_says_where_to_connect_and_as_whom), CASE(a_socket_goes_by_four_names),
      CASE(encryption_is_in_the_words_of_the_house), CASE(an_authority_is_needed_to_check_against),
      CASE(known_options_are_accepted), CASE(bad_option_values_name_key_offset_and_value), CASE(local_files_stay_local),
      CASE(modes_that_change_literals_are_refused), CASE(pragmas_are_refused), CASE(the_layout_is_that_of_a_server),
      CASE(transactions_begin_as_their_options_say), CASE(zeroed_state_closes))
