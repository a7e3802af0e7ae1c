/* SPDX-License-Identifier: BSD-3-Clause */
/* The log: what is written at which level, one line each, and what is never written. */
#include "tests/conformance/driver_suite.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* All lines, from any thread. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char lines[65536];
static size_t size;
static bool has_breaks;

static void take_line(adb_log_level level, const char *line, void *user_data)
{
    (void)user_data;
    pthread_mutex_lock(&lock);
    has_breaks = has_breaks || strpbrk(line, "\r\n") != NULL;
    size += (size_t)snprintf(lines + size, sizeof(lines) - size, "%d %s\n", (int)level, line);
    size = size < sizeof(lines) ? size : sizeof(lines) - 1;
    pthread_mutex_unlock(&lock);
}

static bool has_line(const char *words)
{
    pthread_mutex_lock(&lock);
    const bool found = strstr(lines, words) != NULL;
    pthread_mutex_unlock(&lock);
    return found;
}

/* Each of the lines is one. */
static bool has_whole_lines(void)
{
    pthread_mutex_lock(&lock);
    const bool whole = !has_breaks;
    pthread_mutex_unlock(&lock);
    return whole;
}

static bool has_nothing(void)
{
    pthread_mutex_lock(&lock);
    const bool nothing = size == 0;
    pthread_mutex_unlock(&lock);
    return nothing;
}

/* The database of before may still be open, and tell of its end. */
static void listen(adb_log_level level, bool values)
{
    pthread_mutex_lock(&lock);
    size = 0;
    lines[0] = '\0';
    has_breaks = false;
    pthread_mutex_unlock(&lock);
    suite_open(ADB_OPTIONS(.log = take_line, .log_level = level, .log_values = values));
}

/* Connect and disconnect are told, with the URL. LOG-01 LOG-05 LOG-06 LOG-07 REG-51 */
TEST(connect_and_close_are_logged)
{
    char words[600];
    listen(ADB_LOG_INFO, false);
    CU_ASSERT_EQUAL(adb_database_connect(db, 10000, NULL), ADB_OK);
    CU_ASSERT_EQUAL(adb_database_close(db, 5000), ADB_OK);
    const char *url = adb_url_redacted(adb_database_url(db));
    snprintf(words, sizeof(words), "%d connected to %s\n", (int)ADB_LOG_INFO, url);
    CU_ASSERT(has_line(words));
    snprintf(words, sizeof(words), "%d disconnected from %s\n", (int)ADB_LOG_INFO, url);
    CU_ASSERT(has_line(words));
    suite_close();
}

/* Each statement is one line, whatever its text looks like. LOG-02 REG-51 */
TEST(each_statement_is_one_line)
{
    listen(ADB_LOG_DEBUG, false);
    CU_ASSERT_EQUAL(number("SELECT 41\n  + 1\r\n  AS answer"), 42);
    CU_ASSERT(has_line("SELECT 41"));
    CU_ASSERT(has_line("AS answer"));
    CU_ASSERT(has_whole_lines());
    suite_close();
}

/* Values are written on request only, and then cut. LOG-02 LOG-03 LOG-08 */
TEST(values_are_logged_on_request_only)
{
    char text[200];
    memset(text, 'v', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    for (int i = 0; i < 2; i++) {
        listen(ADB_LOG_DEBUG, i == 1);
        answer("SELECT :a, :b", ADB_PARAMS({"a", adb_text("private")}, {"b", adb_text(text)}));
        CU_ASSERT_EQUAL(has_line("private"), i == 1);
        CU_ASSERT_FALSE(has_line(text));
    }
    suite_close();
}

/* Transactions are written like statements. LOG-08 TX-38 */
TEST(transactions_are_logged_like_statements)
{
    listen(ADB_LOG_DEBUG, false);
    adb_begin(ctx, NULL, NULL, NULL);
    adb_begin(ctx, NULL, NULL, NULL);
    adb_commit(ctx, NULL, NULL);
    CU_ASSERT(ended_well(adb_commit(ctx, NULL, NULL)));
    CU_ASSERT(has_line("BEGIN"));
    CU_ASSERT(has_line("SAVEPOINT"));
    CU_ASSERT(has_line("RELEASE"));
    CU_ASSERT(has_line("COMMIT"));
    suite_close();
}

/* An error that nobody looks at goes to the log. */
TEST(an_error_that_nobody_looks_at_is_logged)
{
    listen(ADB_LOG_ERROR, false);
    adb_execute(ctx, suite->dialect->wrong, NULL, NULL, NULL);
    deliver(ctx);
    CU_ASSERT(has_line("nowhere"));
    suite_close();
}

/* What is below the level is not written. */
TEST(levels_are_kept)
{
    listen(ADB_LOG_WARN, false);
    CU_ASSERT(ended_well(adb_fetch_one(ctx, suite->dialect->one, NULL, NULL, NULL)));
    CU_ASSERT_EQUAL(adb_database_close(db, 5000), ADB_OK);
    CU_ASSERT(has_nothing());
    suite_close();
}

static adb_status refuse_by_name(adb_session *session, void *user_data)
{
    (void)user_data;
    return adb_session_fail(session, ADB_E_AUTH, "played by the test");
}

/* A password in the URL is in no line and in no error text, whatever fails. LOG-09 REG-56 */
TEST(passwords_are_never_written)
{
    adb_error error = {0};
    adb_database *other = NULL;
    listen(ADB_LOG_DEBUG, true);
    adb_options options = {
        .size = sizeof(options), .log = take_line, .log_level = ADB_LOG_DEBUG, .on_connect = refuse_by_name};
    const adb_status status = adb_database_open(suite_url_with("password=hunter2"), &options, &other, &error);
    CU_ASSERT_PTR_NULL(strstr(error.message, "hunter2"));
    if (status == ADB_OK)
        CU_ASSERT_NOT_EQUAL(adb_database_connect(other, 5000, &error), ADB_OK);
    CU_ASSERT_PTR_NULL(strstr(error.message, "hunter2"));
    CU_ASSERT_FALSE(has_line("hunter2"));
    adb_database_free(other);
    suite_close();
}

GROUP(log, SQL(connect_and_close_are_logged), SQL(each_statement_is_one_line), SQL(values_are_logged_on_request_only),
      SQL(transactions_are_logged_like_statements), SQL(an_error_that_nobody_looks_at_is_logged), SQL(levels_are_kept),
      SQL(passwords_are_never_written));
