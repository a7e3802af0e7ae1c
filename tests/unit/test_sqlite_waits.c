/* SPDX-License-Identifier: BSD-3-Clause */
/* Waiting and stopping in the SQLite driver: locks, deadlines, and cancelling from inside and outside. */
#include "tests/unit/sqlite_fixture.h"

#include <pthread.h>
#include <sched.h>

/* Another connection holds the write lock: tried again and again, then given up with advice. ERR-02 PAIN-22 */
TEST(a_lock_is_waited_for_until_the_timeout)
{
    struct session a = {0}, b = {0};
    folder_make();
    file_open(&a);
    session_open(&b, "sqlite:///%s/t.db?busy_timeout=30", ADB__ROLE_WRITER);
    must(&a, "BEGIN IMMEDIATE");
    CU_ASSERT_EQUAL(run(&b, "CREATE TABLE t (x)"), ADB_E_LOCKED);
    CU_ASSERT(b.looks > 3);
    CU_ASSERT(failed_as(&b, ADB_E_LOCKED, "55P03", "locked"));
    CU_ASSERT_EQUAL(b.error.flags, ADB_ERROR_RETRY_STATEMENT | ADB_ERROR_RETRY_TRANSACTION);
    must(&a, "COMMIT");
    must(&b, "CREATE TABLE t (x)");
    session_close(&b);
    session_close(&a);
    folder_remove();
}

/* With busy_timeout=0 nobody waits. */
TEST(a_busy_timeout_of_zero_does_not_wait)
{
    struct session a = {0}, b = {0};
    folder_make();
    file_open(&a);
    session_open(&b, "sqlite:///%s/t.db?busy_timeout=0", ADB__ROLE_WRITER);
    must(&a, "BEGIN IMMEDIATE");
    CU_ASSERT_EQUAL(run(&b, "CREATE TABLE t (x)"), ADB_E_LOCKED);
    CU_ASSERT(b.looks <= 1);
    session_close(&b);
    session_close(&a);
    folder_remove();
}

/* Cancel and deadline end a wait: the handler asks each time. */
TEST(a_wait_for_a_lock_ends_when_told_to_stop)
{
    struct session a = {0}, b = {0};
    folder_make();
    file_open(&a);
    session_open(&b, "sqlite:///%s/t.db?busy_timeout=600000", ADB__ROLE_WRITER);
    must(&a, "BEGIN IMMEDIATE");
    b.stop_after = 3;
    CU_ASSERT_EQUAL(run(&b, "CREATE TABLE t (x)"), ADB_E_CANCELLED);
    CU_ASSERT(failed_as(&b, ADB_E_CANCELLED, "57014", "interrupted"));
    CU_ASSERT_EQUAL(b.looks, 3);
    b.stop_after = 0;
    must(&a, "COMMIT");
    must(&b, "CREATE TABLE t (x)");
    session_close(&b);
    session_close(&a);
    folder_remove();
}

/* A connection that waits while it is being opened has the deadline of the attempt. */
TEST(opening_waits_no_longer_than_its_deadline)
{
    struct session a = {0}, b = {0};
    folder_make();
    session_open(&a, "sqlite:///%s/t.db?journal_mode=delete", ADB__ROLE_WRITER);
    must(&a, "CREATE TABLE t (x)");
    must(&a, "BEGIN EXCLUSIVE");
    session_try(&b, "sqlite://", ADB__ROLE_WRITER);
    session_close(&b);
    b.url = url_of("sqlite:///%s/t.db?busy_timeout=600000");
    b.open.url = b.url;
    b.open.deadline = adb__clock_now() + 20 * ADB__NS_PER_MS;
    struct adb__sqlite conn = {0};
    CU_ASSERT_EQUAL(DRIVER->open(&conn, &b.open, &b.error), ADB_E_LOCKED);
    DRIVER->close(&conn);
    adb_url_free(b.url);
    session_close(&a);
    folder_remove();
}

/* In a shared cache a lock on a table is waited for like any other, and given up on like any other. */
TEST(a_lock_in_a_shared_cache_is_waited_for)
{
    struct session a = {0}, b = {0};
    session_open(&a, "sqlite://?cache=shared", ADB__ROLE_WRITER);
    session_open(&b, "sqlite://?cache=shared&busy_timeout=20", ADB__ROLE_WRITER);
    must(&a, "CREATE TABLE t (x)");
    must(&a, "BEGIN IMMEDIATE");
    must(&a, "INSERT INTO t VALUES (1)");
    CU_ASSERT_EQUAL(run(&b, "SELECT * FROM t"), ADB_E_LOCKED);
    CU_ASSERT(b.looks > 2);
    must(&a, "COMMIT");
    CU_ASSERT_EQUAL(answer_int(&b, "SELECT x FROM t"), 1);
    session_close(&b);
    session_close(&a);
}

#define ENDLESS "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"

/* A statement that never waits is stopped too: SQLite's steps are counted. */
TEST(a_running_statement_asks_whether_to_stop)
{
    struct session s = {0};
    memory_open(&s);
    s.stop_after = 4;
    CU_ASSERT_EQUAL(run(&s, ENDLESS), ADB_E_CANCELLED);
    CU_ASSERT(failed_as(&s, ADB_E_CANCELLED, "57014", "interrupted"));
    CU_ASSERT_EQUAL(s.looks, 4);
    s.stop_after = 0;
    CU_ASSERT_EQUAL(answer_int(&s, "SELECT 7"), 7);
    session_close(&s);
}

struct canceller {
    struct session *session;
    pthread_mutex_t lock;
    bool done;
};

static bool is_done(struct canceller *canceller)
{
    pthread_mutex_lock(&canceller->lock);
    const bool done = canceller->done;
    pthread_mutex_unlock(&canceller->lock);
    return done;
}

/* Requests may come early, late and often. */
static void *cancel_until_done(void *data)
{
    struct canceller *canceller = data;
    while (!is_done(canceller)) {
        DRIVER->cancel(canceller->session->conn, ADB__CANCEL_ASK);
        sched_yield();
    }
    DRIVER->cancel(canceller->session->conn, ADB__CANCEL_SEVER);
    return NULL;
}

/* From another thread, while the statement runs; afterwards the connection works. */
TEST(cancel_from_another_thread_interrupts)
{
    struct session s = {0};
    struct canceller canceller = {.session = &s, .lock = PTHREAD_MUTEX_INITIALIZER};
    pthread_t thread;
    memory_open(&s);
    REQUIRE(pthread_create(&thread, NULL, cancel_until_done, &canceller) == 0);
    CU_ASSERT_EQUAL(run(&s, ENDLESS), ADB_E_CANCELLED);
    pthread_mutex_lock(&canceller.lock);
    canceller.done = true;
    pthread_mutex_unlock(&canceller.lock);
    pthread_join(thread, NULL);
    CU_ASSERT_EQUAL(answer_int(&s, "SELECT 7"), 7);
    session_close(&s);
}

/* Nothing runs, nothing is open yet, nothing is open any more: no harm. */
TEST(a_stray_cancel_is_harmless)
{
    struct session s = {0};
    struct adb__sqlite conn = {0};
    DRIVER->cancel(&conn, ADB__CANCEL_ASK);
    memory_open(&s);
    DRIVER->cancel(s.conn, ADB__CANCEL_ASK);
    CU_ASSERT_EQUAL(answer_int(&s, "SELECT 7"), 7);
    DRIVER->close(s.conn);
    DRIVER->cancel(s.conn, ADB__CANCEL_ASK);
    session_close(&s);
}

SUITE(sqlite_waits, CASE(a_lock_is_waited_for_until_the_timeout), CASE(a_busy_timeout_of_zero_does_not_wait),
      CASE(a_wait_for_a_lock_ends_when_told_to_stop), CASE(opening_waits_no_longer_than_its_deadline),
      CASE(a_lock_in_a_shared_cache_is_waited_for), CASE(a_running_statement_asks_whether_to_stop),
      CASE(cancel_from_another_thread_interrupts), CASE(a_stray_cancel_is_harmless))
