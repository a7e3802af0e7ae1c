/* SPDX-License-Identifier: BSD-3-Clause */
/* Notifications where the database has them. How listeners come and go is tested in tests/integration/test_listen.c. */
#include "tests/conformance/driver_suite.h"

#include <string.h>

/* What a listener has been told. */
struct ear {
    size_t n[ADB_NOTIFY_LOST + 1]; /* by kind */
    char last[64];                 /* payload */
    bool in_order;                 /* nothing came before ADB_NOTIFY_LISTENING */
};

static void hear(const adb_notification *notification, void *user_data)
{
    struct ear *ear = user_data;
    if (notification->kind != ADB_NOTIFY_LISTENING && ear->n[ADB_NOTIFY_LISTENING] == 0)
        ear->in_order = false;
    ear->n[notification->kind]++;
    if (notification->kind == ADB_NOTIFY_MESSAGE && notification->payload_size < sizeof(ear->last))
        strcpy(ear->last, notification->payload);
}

static void until(adb_context *by, struct ear *ear, adb_notification_kind kind, size_t n)
{
    while (ear->n[kind] < n) {
        REQUIRE(adb_queue_wait(adb_context_queue(by), 20000) == ADB_OK);
        adb_queue_dispatch(adb_context_queue(by), 0);
    }
}

/* Who listens hears what is said from then on, by whomever, in its order. RAW-04 PAIN-25 */
TEST(a_notification_is_heard)
{
    struct ear ear = {.in_order = true};
    suite_open(NULL);
    adb_listener *listener = adb_listen(ctx, "Suite", hear, &ear);
    REQUIRE(listener != NULL);
    until(ctx, &ear, ADB_NOTIFY_LISTENING, 1);
    adb_context *other = lane();
    CU_ASSERT_EQUAL(ended_in(other, adb_notify(other, "suite", "another channel", NULL, NULL)), ADB_OK);
    CU_ASSERT_EQUAL(ended_in(other, adb_notify(other, "Suite", "first", NULL, NULL)), ADB_OK);
    must_in(other, "NOTIFY \"Suite\", 'it''s the second'");
    until(ctx, &ear, ADB_NOTIFY_MESSAGE, 2);
    CU_ASSERT_STRING_EQUAL(ear.last, "it's the second");
    CU_ASSERT(ear.in_order && ear.n[ADB_NOTIFY_GAP] + ear.n[ADB_NOTIFY_LOST] == 0);
    adb_unlisten(listener);
    suite_close();
}

/* What is said in a transaction is heard after its commit, and never after a rollback. */
TEST(a_notification_waits_for_its_commit)
{
    struct ear ear = {.in_order = true};
    suite_open(NULL);
    adb_listener *listener = adb_listen(ctx, "suite", hear, &ear);
    until(ctx, &ear, ADB_NOTIFY_LISTENING, 1);
    adb_begin(ctx, NULL, NULL, NULL);
    adb_notify(ctx, "suite", "unsaid", NULL, NULL);
    CU_ASSERT(ended_well(adb_rollback(ctx, NULL, NULL)));
    adb_begin(ctx, NULL, NULL, NULL);
    adb_notify(ctx, "suite", "said", NULL, NULL);
    CU_ASSERT(ended_well(adb_commit(ctx, NULL, NULL)));
    until(ctx, &ear, ADB_NOTIFY_MESSAGE, 1);
    CU_ASSERT_STRING_EQUAL(ear.last, "said");
    adb_unlisten(listener);
    suite_close();
}

/* When its connection is ended the listener is told, and told again when it listens anew. */
TEST(a_listener_outlives_its_connection)
{
    struct ear ear = {.in_order = true};
    suite_open(NULL);
    adb_listener *listener = adb_listen(ctx, "suite", hear, &ear);
    until(ctx, &ear, ADB_NOTIFY_LISTENING, 1);
    must("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
         "WHERE datname = current_database() AND query LIKE 'LISTEN%'");
    until(ctx, &ear, ADB_NOTIFY_GAP, 1);
    CU_ASSERT_EQUAL(ear.n[ADB_NOTIFY_LOST], 1);
    CU_ASSERT(ended_well(adb_notify(ctx, "suite", "here again", NULL, NULL)));
    until(ctx, &ear, ADB_NOTIFY_MESSAGE, 1);
    CU_ASSERT_STRING_EQUAL(ear.last, "here again");
    adb_unlisten(listener);
    suite_close();
}

/* A database without notifications refuses at once. */
TEST(without_notifications_nobody_listens)
{
    struct ear ear = {.in_order = true};
    suite_open(NULL);
    if (!(suite->can & SUITE_LISTEN) && strcmp(suite->dialect->driver, "postgresql") != 0) {
        CU_ASSERT_PTR_NULL(adb_listen(ctx, "suite", hear, &ear));
        CU_ASSERT_EQUAL(adb_context_error(ctx)->status, ADB_E_UNSUPPORTED);
        CU_ASSERT_EQUAL(adb_notify(ctx, "suite", NULL, NULL, NULL), 0);
        CU_ASSERT_EQUAL(adb_context_error(ctx)->status, ADB_E_UNSUPPORTED);
    }
    suite_close();
}

GROUP(listen, NEEDS(SUITE_LISTEN, a_notification_is_heard), NEEDS(SUITE_LISTEN, a_notification_waits_for_its_commit),
      NEEDS(SUITE_LISTEN, a_listener_outlives_its_connection), SQL(without_notifications_nobody_listens));
