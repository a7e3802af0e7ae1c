/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of drivers: lookup by URL, errors that tell unknown from not built in, drivers that tests add. */
#include "drivers/registry.h"

#include "config.h"
#include "model/url.h"
#include "tests/lib/harness.h"

#include <string.h>

static adb_status find(const char *text, const struct adb__driver **driver, adb_error *error)
{
    adb_url *url = NULL;
    REQUIRE(adb_url_parse(text, &url, NULL) == ADB_OK);
    const adb_status status = adb__registry_find(url, driver, error);
    adb_url_free(url);
    return status;
}

static bool is_refused(const char *text, const char *words)
{
    const struct adb__driver *driver = NULL;
    adb_error error = {.status = ADB_OK};
    const adb_status status = find(text, &driver, &error);
    return status == ADB_E_DRIVER && driver == NULL && strstr(error.message, words) != NULL;
}

/* Every spelling that stands for SQLite finds it. CFL-16 URL-28 URL-29 REG-17 */
TEST(aliases_find_their_driver)
{
#ifdef ADB_HAVE_SQLITE
    static const char *const urls[] = {"sqlite:///x", "sqlite+aiosqlite:///x", "aiosqlite:///x", "sqllite:///x"};
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        const struct adb__driver *driver = NULL;
        CU_ASSERT_EQUAL(find(urls[i], &driver, NULL), ADB_OK);
        CU_ASSERT(driver != NULL && strcmp(driver->scheme, "sqlite") == 0);
    }
#else
    CU_ASSERT(is_refused("sqlite:///x", "the sqlite driver is not built in"));
#endif
}

/* A typing mistake reads differently from a missing build option. CFL-17 URL-31 */
TEST(unknown_is_told_from_not_built_in)
{
    CU_ASSERT(is_refused("oracle://h/x", "unknown scheme \"oracle\""));
#ifndef ADB_HAVE_MYSQL
    CU_ASSERT(is_refused("mariadb://h/x", "the mysql driver is not built in"));
#endif
}

/* There is no falling back to another driver of the dialect. URL-30 */
TEST(an_unknown_driver_of_a_dialect_is_refused)
{
    CU_ASSERT(is_refused("sqlite+nosuch:///x", "unknown scheme \"sqlite+nosuch\""));
    CU_ASSERT(is_refused("sqlite+asyncpg:///x", "unknown scheme \"sqlite+asyncpg\""));
}

static adb_status fake_configure(const adb_url *url, const adb_options *options, struct adb__layout *layout_out,
                                 adb_error *error)
{
    (void)url;
    (void)options;
    (void)layout_out;
    (void)error;
    return ADB_OK;
}

static adb_status fake_open(void *conn, const struct adb__open *open, adb_error *error)
{
    (void)conn;
    (void)open;
    (void)error;
    return ADB_OK;
}

static void fake_close(void *conn)
{
    (void)conn;
}

static adb_status fake_execute(void *conn, const struct adb__statement *statement, struct adb__sink *sink,
                               adb_error *error)
{
    (void)conn;
    (void)statement;
    (void)sink;
    (void)error;
    return ADB_OK;
}

static adb_status fake_execute_many(void *conn, const struct adb__statement *statement, const adb_value *const *sets,
                                    size_t n_sets, struct adb__sink *sink, size_t *failed_out, adb_error *error)
{
    (void)conn;
    (void)statement;
    (void)sets;
    (void)n_sets;
    (void)sink;
    (void)failed_out;
    (void)error;
    return ADB_OK;
}

static adb_status fake_check(void *conn, enum adb__check_how how, adb_error *error)
{
    (void)conn;
    (void)how;
    (void)error;
    return ADB_OK;
}

static void fake_cancel(void *conn, enum adb__cancel_how how)
{
    (void)conn;
    (void)how;
}

static enum adb__txn_state fake_transaction_state(void *conn)
{
    (void)conn;
    return ADB__TXN_NONE;
}

static adb_status fake_begin_text(const adb_transaction_options *options, struct adb__buf *text, adb_error *error)
{
    (void)options;
    (void)text;
    (void)error;
    return ADB_OK;
}

static void *fake_native(void *conn)
{
    return conn;
}

static const char *const no_options[] = {NULL};

static const struct adb__driver fake = {
    .scheme = "fake",
    .conn_size = 1,
    .dialect = {.empty_list = "NULL", .begin_text = fake_begin_text},
    .options = no_options,
    .configure = fake_configure,
    .open = fake_open,
    .close = fake_close,
    .execute = fake_execute,
    .execute_many = fake_execute_many,
    .check = fake_check,
    .cancel = fake_cancel,
    .transaction_state = fake_transaction_state,
    .native = fake_native,
};

static size_t n_drivers(void)
{
    size_t n = 0;
    while (adb_driver_name(n) != NULL)
        n++;
    return n;
}

/* A test's own driver is found by its scheme, listed last, and added once. DRV-01 */
TEST(an_added_driver_is_found_and_listed)
{
    const struct adb__driver *driver = NULL;
    const size_t before = n_drivers();
    CU_ASSERT(is_refused("fake://h/x", "unknown scheme \"fake\""));
    adb__registry_add(&fake);
    adb__registry_add(&fake);
    CU_ASSERT_EQUAL(n_drivers(), before + 1);
    CU_ASSERT_STRING_EQUAL(adb_driver_name(before), "fake");
    CU_ASSERT_EQUAL(find("fake://h/x", &driver, NULL), ADB_OK);
    CU_ASSERT_PTR_EQUAL(driver, &fake);
    CU_ASSERT(is_refused("fake+other://h/x", "\"fake+other\""));
    CU_ASSERT_PTR_NULL(adb_driver_name(before + 1));
    CU_ASSERT_PTR_NULL(adb_driver_name((size_t)-1));
}

SUITE(registry, CASE(aliases_find_their_driver), CASE(unknown_is_told_from_not_built_in),
      CASE(an_unknown_driver_of_a_dialect_is_refused), CASE(an_added_driver_is_found_and_listed))
