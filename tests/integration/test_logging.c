/* SPDX-License-Identifier: BSD-3-Clause */
/* The log, line by line, and promise 16: a password appears in no line, no error and no trace. */
#include "tests/lib/rig.h"

#include <stdio.h>
#include <string.h>

#define SECRET "s3cr-t"
#define URL    "fake://user:" SECRET "@host/name?max_size=1"

/* What was logged, on whichever thread. */
struct book {
    pthread_mutex_t lock;
    size_t n_lines;
    size_t n_level[5];
    bool broken; /* a line break, or nothing */
    char text[65536];
};

#define BOOK_INIT                                                                                                      \
    {                                                                                                                  \
        .lock = PTHREAD_MUTEX_INITIALIZER                                                                              \
    }

static void note(adb_log_level level, const char *line, void *user_data)
{
    struct book *book = user_data;
    pthread_mutex_lock(&book->lock);
    book->n_lines++;
    book->n_level[level]++;
    book->broken = book->broken || line[0] == '\0' || strpbrk(line, "\r\n") != NULL;
    const size_t used = strlen(book->text);
    snprintf(book->text + used, sizeof(book->text) - used, "%s\n", line);
    pthread_mutex_unlock(&book->lock);
}

static bool says(struct book *book, const char *words)
{
    pthread_mutex_lock(&book->lock);
    const bool found = strstr(book->text, words) != NULL;
    if (!found)
        printf("no \"%s\" in:\n%s", words, book->text);
    pthread_mutex_unlock(&book->lock);
    return found;
}

static bool keeps_silent(struct book *book, const char *words)
{
    pthread_mutex_lock(&book->lock);
    const bool found = strstr(book->text, words) != NULL;
    if (found)
        printf("\"%s\" is in:\n%s", words, book->text);
    pthread_mutex_unlock(&book->lock);
    return !found;
}

static void open_noted(struct rig *rig, struct book *book, adb_log_level level, bool values)
{
    *book = (struct book)BOOK_INIT;
    rig_open_fake(rig, URL, ADB_OPTIONS(.log = note, .log_data = book, .log_level = level, .log_values = values));
}

static struct book book;

/* Connect and disconnect are worth a line, with the URL masked. (LOG-01, LOG-07, LIFE-03) */
TEST(connect_and_disconnect_are_logged)
{
    struct rig rig;
    open_noted(&rig, &book, ADB_LOG_INFO, false);
    CU_ASSERT_EQUAL(adb_database_connect(rig.db, PATIENCE_MS, NULL), ADB_OK);
    CU_ASSERT_EQUAL(adb_database_close(rig.db, PATIENCE_MS), ADB_OK);
    CU_ASSERT(says(&book, "connected to fake://user:***"));
    CU_ASSERT(says(&book, "disconnected from fake://user:***"));
    CU_ASSERT_EQUAL(book.n_level[ADB_LOG_INFO], 2);
    CU_ASSERT(keeps_silent(&book, SECRET));
    rig_drop(&rig);
}

/* By default only what went wrong is. */
TEST(normal_work_is_not_logged)
{
    struct rig rig;
    open_noted(&rig, &book, (adb_log_level)0, false);
    CU_ASSERT_EQUAL(status_of(rig.ctx, rig_insert(&rig, 1, NULL, NULL)), ADB_OK);
    rig_close(&rig);
    CU_ASSERT_EQUAL(book.n_lines, 0);
}

/* Statements at the level for that, transactions too, each in one line, without values. (LOG-02, LOG-03, LOG-08,
 * REG-51) */
TEST(statements_are_logged_without_values)
{
    struct rig rig;
    open_noted(&rig, &book, ADB_LOG_DEBUG, false);
    adb_begin(rig.ctx, NULL, NULL, NULL);
    adb_execute(rig.ctx, "insert\n:n", ADB_PARAMS({"n", adb_int(987654)}), NULL, NULL);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_commit(rig.ctx, NULL, NULL)), ADB_OK);
    CU_ASSERT(says(&book, "BEGIN\n"));
    CU_ASSERT(says(&book, "insert ?1"));
    CU_ASSERT(says(&book, "COMMIT\n"));
    CU_ASSERT(keeps_silent(&book, "987654"));
    rig_close(&rig);
    CU_ASSERT_FALSE(book.broken);
}

/* Values only on demand, and cut. (LOG-03) */
TEST(values_are_logged_on_demand)
{
    struct rig rig;
    static const char letters[] = "0123456789012345678901234567890123456789012345678901234567890123456789----tail";
    open_noted(&rig, &book, ADB_LOG_DEBUG, true);
    CU_ASSERT_EQUAL(
        status_of(rig.ctx, adb_fetch_all(rig.ctx, "values :a :b",
                                         ADB_PARAMS({"a", adb_int(987654)}, {"b", adb_text(letters)}), NULL, NULL)),
        ADB_OK);
    CU_ASSERT(says(&book, "987654"));
    CU_ASSERT(says(&book, "01234567890123456789"));
    CU_ASSERT(keeps_silent(&book, "tail"));
    rig_close(&rig);
    CU_ASSERT_FALSE(book.broken);
}

/* A failure that no callback takes goes to the log; one that somebody has seen does not. */
TEST(unseen_failure_is_logged)
{
    struct rig rig;
    struct tally tally = TALLY_INIT;
    open_noted(&rig, &book, ADB_LOG_ERROR, false);
    adb_execute(rig.ctx, "fail unique", NULL, tally_done, &tally);
    run_all(rig.ctx);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_execute(rig.ctx, "fail unique", NULL, NULL, NULL)), ADB_E_UNIQUE);
    CU_ASSERT_EQUAL(book.n_lines, 0);
    adb_execute(rig.ctx, "fail full", NULL, NULL, NULL);
    run_all(rig.ctx);
    CU_ASSERT_EQUAL(book.n_level[ADB_LOG_ERROR], 1);
    CU_ASSERT(says(&book, "ADB_E_FULL"));
    CU_ASSERT(says(&book, "failed on demand"));
    rig_close(&rig);
}

/* What somebody should know: lost connections, transactions that nobody owned. */
TEST(troubles_are_logged)
{
    struct rig rig;
    open_noted(&rig, &book, ADB_LOG_WARN, false);
    fake_open_fails(1, ADB_E_CONNECTION);
    CU_ASSERT_EQUAL(adb_database_connect(rig.db, PATIENCE_MS, NULL), ADB_E_CONNECTION);
    CU_ASSERT(says(&book, "connect to fake://user:"));
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_execute(rig.ctx, "dirty", NULL, NULL, NULL)), ADB_OK);
    run_all(rig.ctx);
    rig_close(&rig);
    CU_ASSERT(says(&book, "rolled back"));
    CU_ASSERT_FALSE(book.broken);
}

static bool is_clean(const char *text)
{
    if (strstr(text, SECRET) != NULL)
        printf("the password is in: %s\n", text);
    return strstr(text, SECRET) == NULL;
}

/* The server's refusal repeats the URL, password and all: the error that the program sees does not, nor does any
 * line. The URL is the one place that has it. (LOG-09, REG-56, URL-22, URL-24) */
TEST(password_is_nowhere)
{
    struct rig rig;
    adb_error error;
    struct tally tally = TALLY_INIT;
    open_noted(&rig, &book, ADB_LOG_DEBUG, true);
    fake_open_fails(2, ADB_E_AUTH);
    CU_ASSERT_EQUAL(adb_database_connect(rig.db, PATIENCE_MS, &error), ADB_E_AUTH);
    CU_ASSERT(is_clean(error.message));
    rig_quick(&rig, tally_done, &tally);
    run_all(rig.ctx);
    CU_ASSERT_EQUAL(tally_seen(&tally, 0).status, ADB_E_AUTH);
    CU_ASSERT(is_clean(tally_seen(&tally, 0).message));
    CU_ASSERT_EQUAL(status_of(rig.ctx, rig_quick(&rig, NULL, NULL)), ADB_OK);
    rig_close(&rig);
    CU_ASSERT(keeps_silent(&book, SECRET));
    CU_ASSERT(book.n_lines > 2);
}

/* A password that comes by option is as secret, and so is that of a replica. */
TEST(password_by_option_is_nowhere)
{
    struct rig rig;
    adb_error error;
    const char *const replicas[] = {"fake://other:" SECRET "2@replica/name"};
    book = (struct book)BOOK_INIT;
    rig_open_fake(&rig, "fake://user@host/name?max_size=1",
                  ADB_OPTIONS(.password = SECRET, .log = note, .log_data = &book, .log_level = ADB_LOG_DEBUG,
                              .replicas = replicas, .n_replicas = 1));
    fake_open_fails(2, ADB_E_AUTH);
    CU_ASSERT_EQUAL(adb_database_connect(rig.db, PATIENCE_MS, &error), ADB_E_AUTH);
    CU_ASSERT(is_clean(error.message));
    adb_context *replica = adb_context_new(rig.db, rig.queue, ADB_CONTEXT_REPLICA);
    error = error_of(replica, adb_fetch_all(replica, "value 1", NULL, NULL, NULL));
    CU_ASSERT_EQUAL(error.status, ADB_E_AUTH);
    CU_ASSERT(is_clean(error.message));
    CU_ASSERT(keeps_silent(&book, SECRET));
    adb_context_free(replica);
    rig_close(&rig);
}

/* Refusals of open do not repeat it either. */
TEST(password_is_in_no_refusal)
{
    static const char *const urls[] = {
        "fake://user:" SECRET "@host:99999/name",      "fake://user:" SECRET "@host/name?no_such=1",
        "fake://user:" SECRET "@host/name?max_size=x", "nosuch://user:" SECRET "@host/name",
        "fake://user:" SECRET "%zz@host/name",         "fake://host/name?password=" SECRET "&no_such=1",
        "sqlite://user:" SECRET "@host/name",          "fake+x://user:" SECRET "@host/name",
    };
    fake_reset();
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        adb_database *db = NULL;
        adb_error error = {.status = ADB_OK};
        CU_ASSERT_NOT_EQUAL(adb_database_open(urls[i], NULL, &db, &error), ADB_OK);
        CU_ASSERT(is_clean(error.message) && error.message[0] != '\0');
        adb_database_free(db);
    }
}

SUITE(logging, CASE(connect_and_disconnect_are_logged), CASE(normal_work_is_not_logged),
      CASE(statements_are_logged_without_values), CASE(values_are_logged_on_demand), CASE(unseen_failure_is_logged),
      CASE(troubles_are_logged), CASE(password_is_nowhere), CASE(password_by_option_is_nowhere),
      CASE(password_is_in_no_refusal))
