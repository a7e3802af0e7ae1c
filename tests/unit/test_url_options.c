/* SPDX-License-Identifier: BSD-3-Clause */
/* Which database a scheme means, and options read as numbers and booleans. */
#include "model/url.h"

#include "tests/lib/harness.h"
#include "tests/lib/url_claims.h"

static const char *scheme_of(const char *scheme_text)
{
    char text[60];
    snprintf(text, sizeof(text), "%s://", scheme_text);
    adb_url *url = url_of(text);
    const char *scheme = adb__url_scheme(url);
    adb_url_free(url);
    return scheme;
}

/* Every name of both seeds, alone and with a pool (URL-28, URL-29, CFL-16, CFL-06). */
TEST(aliases_name_their_database)
{
    static const char *const rows[][2] = {
        {"sqlite", "sqlite"},       {"sqllite", "sqlite"},        {"aiosqlite", "sqlite"},
        {"postgres", "postgresql"}, {"postgresql", "postgresql"}, {"postgressql", "postgresql"},
        {"asyncpg", "postgresql"},  {"aiopg", "postgresql"},      {"mysql", "mysql"},
        {"mariadb", "mysql"},       {"aiomysql", "mysql"},        {"asyncmy", "mysql"},
        {"trio-mysql", "mysql"},    {"SQLite", "sqlite"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char with_pool[40];
        snprintf(with_pool, sizeof(with_pool), "%s+pool", rows[i][0]);
        CU_ASSERT_TRUE(shown_same(rows[i][0], scheme_of(rows[i][0]), rows[i][1]));
        CU_ASSERT_TRUE(shown_same(with_pool, scheme_of(with_pool), rows[i][1]));
    }
}

/* A driver may be named where it belongs (URL-29, URL-30, REG-17). */
TEST(drivers_belong_to_their_dialect)
{
    static const char *const rows[][2] = {
        {"postgresql+asyncpg", "postgresql"}, {"postgresql+aiopg", "postgresql"},  {"postgres+aiopg", "postgresql"},
        {"mysql+aiomysql", "mysql"},          {"mysql+asyncmy", "mysql"},          {"mariadb+trio-mysql", "mysql"},
        {"sqlite+aiosqlite", "sqlite"},       {"sqlite+aiosqlite+pool", "sqlite"},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        CU_ASSERT_TRUE(shown_same(rows[i][0], scheme_of(rows[i][0]), rows[i][1]));
}

/* What is unknown is never replaced by a default (URL-30, URL-31, CFL-17). */
TEST(unknown_names_have_no_database)
{
    static const char *const names[] = {
        "fake",          "oracle",    "postgresql+psycopg9", "mysql+asyncpg",       "sqlite+aiopg",
        "asyncpg+aiopg", "fake+pool", "fake+aiopg",          "sqlite+pool2",        "sqlite+pool+pool",
        "sqlit",         "sqlite3",   "postgresql+postgres", "aiosqlite+aiosqlite",
    };
    for (size_t i = 0; i < COUNT(names); i++)
        CU_ASSERT_TRUE(shown_same(names[i], scheme_of(names[i]), NULL));
}

/* Whole numbers in range are read; an absent key changes nothing (OPT-05, OPT-21). */
TEST(int_option_is_read)
{
    adb_url *url = url_of("mysql://h/d?a=20&b=-7&min=-9223372036854775808&max=9223372036854775807");
    int64_t value = 1;
    CU_ASSERT_EQUAL(adb__url_option_int(url, "a", 1, 20, &value, NULL), ADB_OK);
    CU_ASSERT_EQUAL(value, 20);
    CU_ASSERT_EQUAL(adb__url_option_int(url, "b", -7, 0, &value, NULL), ADB_OK);
    CU_ASSERT_EQUAL(value, -7);
    CU_ASSERT_EQUAL(adb__url_option_int(url, "none", 0, 9, &value, NULL), ADB_OK);
    CU_ASSERT_EQUAL(value, -7);
    CU_ASSERT_EQUAL(adb__url_option_int(url, "min", INT64_MIN, 0, &value, NULL), ADB_OK);
    CU_ASSERT_EQUAL(value, INT64_MIN);
    CU_ASSERT_EQUAL(adb__url_option_int(url, "max", 0, INT64_MAX, &value, NULL), ADB_OK);
    CU_ASSERT_EQUAL(value, INT64_MAX);
    adb_url_free(url);
}

/* Anything else is an error and leaves the value (OPT-05, OPT-20, OPT-21). */
TEST(bad_int_option_is_refused)
{
    static const char *const values[] = {
        "", "-", "x", "1x", "+1", "%201", "1.0", "0x1", "101", "-1", "9223372036854775808"};
    for (size_t i = 0; i < COUNT(values); i++) {
        char text[60];
        int64_t value = 42;
        snprintf(text, sizeof(text), "mysql://h/d?a=%s", values[i]);
        adb_url *url = url_of(text);
        CU_ASSERT_EQUAL(adb__url_option_int(url, "a", 0, 100, &value, NULL), ADB_E_OPTION);
        CU_ASSERT_EQUAL(value, 42);
        adb_url_free(url);
    }
}

/* The message names key, offset, what is allowed, and the value. */
TEST(option_error_names_key_offset_and_value)
{
    adb_error error;
    int64_t value;
    adb_url *url = url_of("mysql://h/d?x=1&max_size=many");
    CU_ASSERT_EQUAL(adb__url_option_offset(url, 1), 16);
    CU_ASSERT_EQUAL(adb__url_option_int(url, "max_size", 1, 256, &value, &error), ADB_E_OPTION);
    CU_ASSERT_EQUAL(error.status, ADB_E_OPTION);
    CU_ASSERT_STRING_EQUAL(error.message,
                           "option \"max_size\" at offset 16 of the URL must be a number from 1 to 256, not \"many\"");
    adb_url_free(url);
}

/* A typed key given twice is a question, not an answer (URL-15). */
TEST(duplicate_typed_option_is_refused)
{
    adb_error error;
    int64_t number = 0;
    bool flag = true;
    adb_url *url = url_of("mysql://h/d?a=1&b=on&a=2&b=off");
    CU_ASSERT_EQUAL(adb__url_option_int(url, "a", 0, 9, &number, &error), ADB_E_OPTION);
    CU_ASSERT_STRING_EQUAL(error.message, "option \"a\" is there again at offset 21 of the URL");
    CU_ASSERT_EQUAL(adb__url_option_bool(url, "b", &flag, &error), ADB_E_OPTION);
    CU_ASSERT_STRING_EQUAL(error.message, "option \"b\" is there again at offset 25 of the URL");
    CU_ASSERT_TRUE(number == 0 && flag);
    CU_ASSERT_STRING_EQUAL(adb_url_option(url, "a"), "2");
    adb_url_free(url);
}

/* True and false have several words, in any case (REG-01). */
TEST(bool_option_is_read)
{
    static const char *const words[][2] = {
        {"true", "false"}, {"True", "FALSE"}, {"yes", "no"}, {"on", "off"}, {"1", "0"}};
    for (size_t i = 0; i < COUNT(words); i++) {
        char text[60];
        bool yes = false;
        bool no = true;
        snprintf(text, sizeof(text), "mysql://h/d?y=%s&n=%s", words[i][0], words[i][1]);
        adb_url *url = url_of(text);
        CU_ASSERT_EQUAL(adb__url_option_bool(url, "y", &yes, NULL), ADB_OK);
        CU_ASSERT_EQUAL(adb__url_option_bool(url, "n", &no, NULL), ADB_OK);
        CU_ASSERT_EQUAL(adb__url_option_bool(url, "none", &no, NULL), ADB_OK);
        CU_ASSERT_TRUE(yes && !no);
        adb_url_free(url);
    }
}

/* Other words are neither, and a key without a value is not true (OPT-20). */
TEST(bad_bool_option_is_refused)
{
    static const char *const values[] = {"", "=", "=2", "=tru", "=truee", "=y"};
    for (size_t i = 0; i < COUNT(values); i++) {
        char text[60];
        bool value = true;
        snprintf(text, sizeof(text), "mysql://h/d?a%s", values[i]);
        adb_url *url = url_of(text);
        CU_ASSERT_EQUAL(adb__url_option_bool(url, "a", &value, NULL), ADB_E_OPTION);
        CU_ASSERT_TRUE(value);
        adb_url_free(url);
    }
}

SUITE(url_options, CASE(aliases_name_their_database), CASE(drivers_belong_to_their_dialect),
      CASE(unknown_names_have_no_database), CASE(int_option_is_read), CASE(bad_int_option_is_refused),
      CASE(option_error_names_key_offset_and_value), CASE(duplicate_typed_option_is_refused), CASE(bool_option_is_read),
      CASE(bad_bool_option_is_refused))
