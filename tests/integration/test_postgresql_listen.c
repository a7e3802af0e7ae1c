/* SPDX-License-Identifier: BSD-3-Clause */
/* LISTEN and NOTIFY on a PostgreSQL server: what test_listen claims of the fake driver, and what only a server can
 * show. */
#include "tests/lib/heard.h"
#include "tests/lib/harness.h"
#include "tests/lib/own.h"
#include "tests/lib/wait.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#define N_MESSAGES 100000
#define N_BATCH    1000

static struct own own;

/* A database handle with a queue and a context. */
struct scene {
    adb_database *db;
    adb_queue *queue;
    adb_context *ctx;
};

static void log_nothing(adb_log_level level, const char *line, void *user_data)
{
    (void)level;
    (void)line;
    (void)user_data;
}

static void scene_open(struct scene *scene)
{
    REQUIRE(adb_database_open(own.url, ADB_OPTIONS(.max_size = 2, .log = log_nothing), &scene->db, NULL) == ADB_OK);
    scene->queue = adb_queue_new();
    scene->ctx = adb_context_new(scene->db, scene->queue, 0);
}

static void scene_close(struct scene *scene)
{
    adb_context_free(scene->ctx);
    adb_queue_free(scene->queue);
    CU_ASSERT_EQUAL(adb_database_close(scene->db, PATIENCE_MS), ADB_OK);
    adb_database_free(scene->db);
}

static adb_listener *listen_now(struct scene *scene, const char *channel, struct heard *heard)
{
    adb_listener *listener = adb_listen(scene->ctx, channel, heard_note, heard);
    REQUIRE(listener != NULL);
    heard_run(scene->queue, heard, ADB_NOTIFY_LISTENING, 1);
    return listener;
}

static adb_status notify(struct scene *scene, const char *channel, const char *payload)
{
    return status_of(scene->ctx, adb_notify(scene->ctx, channel, payload, NULL, NULL));
}

/* Each of two channels hears its own, by any name, and by another session than the one that sends. */
TEST(channels_hear_their_own)
{
    static const char *const names[2] = {"plain", "Upper \"quoted\"; d\xc3\xa9j\xc3\xa0"};
    struct scene scene;
    struct heard heard[2] = {HEARD_INIT, HEARD_INIT};
    scene_open(&scene);
    for (int i = 0; i < 2; i++)
        listen_now(&scene, names[i], &heard[i]);
    CU_ASSERT_EQUAL(notify(&scene, names[1], "2"), ADB_OK);
    CU_ASSERT_EQUAL(notify(&scene, names[0], NULL), ADB_OK);
    for (int i = 0; i < 2; i++)
        heard_run(scene.queue, &heard[i], ADB_NOTIFY_MESSAGE, 1);
    CU_ASSERT_STRING_EQUAL(heard[0].last, "");
    CU_ASSERT_STRING_EQUAL(heard[1].last, "2");
    CU_ASSERT_STRING_EQUAL(heard[1].channel, names[1]);
    const adb_job job = adb_fetch_val(scene.ctx, "SELECT count(*) FROM pg_stat_activity WHERE pid = :pid",
                                      ADB_PARAMS({"pid", adb_int(heard[1].pid)}), NULL, NULL);
    CU_ASSERT_EQUAL(value_of(scene.ctx, job), 1);
    CU_ASSERT_EQUAL(heard[0].n_kind[ADB_NOTIFY_MESSAGE] + heard[1].n_kind[ADB_NOTIFY_MESSAGE], 2);
    scene_close(&scene);
}

/* A name that the server refuses is its own trouble: the other channel does not notice. */
TEST(bad_name_harms_nobody_else)
{
    struct scene scene;
    struct heard good = HEARD_INIT, bad = HEARD_INIT;
    scene_open(&scene);
    REQUIRE(adb_listen(scene.ctx, "no\xff text", heard_note, &bad) != NULL);
    heard_run(scene.queue, &bad, ADB_NOTIFY_LOST, 1);
    listen_now(&scene, "good", &good);
    CU_ASSERT_EQUAL(bad.error.status, ADB_E_DATA);
    CU_ASSERT_EQUAL(notify(&scene, "good", "1"), ADB_OK);
    heard_run(scene.queue, &good, ADB_NOTIFY_MESSAGE, 1);
    CU_ASSERT_EQUAL(good.n_kind[ADB_NOTIFY_LOST] + good.n_kind[ADB_NOTIFY_GAP], 0);
    CU_ASSERT_EQUAL(bad.n, 1);
    scene_close(&scene);
}

/* The longest payload that the server takes arrives whole; one more byte is its refusal, and no harm. */
TEST(longest_payload_arrives_whole)
{
    static char payload[8001];
    struct scene scene;
    struct heard heard = HEARD_INIT;
    scene_open(&scene);
    listen_now(&scene, "long", &heard);
    memset(payload, 'x', sizeof(payload) - 1);
    CU_ASSERT_NOT_EQUAL(notify(&scene, "long", payload), ADB_OK);
    payload[7999] = '\0';
    CU_ASSERT_EQUAL(notify(&scene, "long", payload), ADB_OK);
    heard_run(scene.queue, &heard, ADB_NOTIFY_MESSAGE, 1);
    CU_ASSERT_STRING_EQUAL(heard.last, payload);
    CU_ASSERT_TRUE(heard.in_order);
    scene_close(&scene);
}

/* In a transaction the server sends it at the commit, and only then. */
TEST(transaction_sends_at_its_commit)
{
    struct scene scene;
    struct heard heard = HEARD_INIT;
    scene_open(&scene);
    listen_now(&scene, "tx", &heard);
    adb_begin(scene.ctx, NULL, NULL, NULL);
    CU_ASSERT_EQUAL(notify(&scene, "tx", "1"), ADB_OK);
    CU_ASSERT_EQUAL(status_of(scene.ctx, adb_rollback(scene.ctx, NULL, NULL)), ADB_OK);
    adb_begin(scene.ctx, NULL, NULL, NULL);
    CU_ASSERT_EQUAL(notify(&scene, "tx", "2"), ADB_OK);
    CU_ASSERT_EQUAL(heard_n(&heard, ADB_NOTIFY_MESSAGE), 0);
    CU_ASSERT_EQUAL(status_of(scene.ctx, adb_commit(scene.ctx, NULL, NULL)), ADB_OK);
    heard_run(scene.queue, &heard, ADB_NOTIFY_MESSAGE, 1);
    CU_ASSERT_EQUAL(heard.last_number, 2);
    scene_close(&scene);
}

#define LISTENERS                                                                                                      \
    "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE 'LISTEN%'"

/* The listener's session is ended by the administrator, three times: the loss and the gap are told, then messages come.
 */
TEST(ended_session_is_a_gap)
{
    struct scene scene;
    struct heard heard = HEARD_INIT;
    scene_open(&scene);
    listen_now(&scene, "news", &heard);
    for (size_t i = 1; i <= 3; i++) {
        CU_ASSERT_EQUAL(status_of(scene.ctx, adb_fetch_all(scene.ctx, "SELECT pg_terminate_backend(pid) " LISTENERS,
                                                           NULL, NULL, NULL)),
                        ADB_OK);
        heard_run(scene.queue, &heard, ADB_NOTIFY_GAP, i);
        CU_ASSERT_EQUAL(notify(&scene, "news", "1"), ADB_OK);
        heard_run(scene.queue, &heard, ADB_NOTIFY_MESSAGE, i);
    }
    CU_ASSERT_EQUAL(heard.n_kind[ADB_NOTIFY_LOST], 3);
    CU_ASSERT_EQUAL(heard.n_kind[ADB_NOTIFY_LISTENING], 1);
    CU_ASSERT_EQUAL(heard.error.status, ADB_E_CONNECTION);
    scene_close(&scene);
}

/* A hundred thousand, in order and none twice, to a loop that sleeps in poll() on the descriptor of the queue. */
TEST(hundred_thousand_arrive_in_order)
{
    struct scene scene;
    struct heard heard = HEARD_INIT;
    size_t sent = 0;
    scene_open(&scene);
    listen_now(&scene, "flood", &heard);
    struct pollfd fd = {.fd = adb_queue_fd(scene.queue), .events = POLLIN};
    while (heard_n(&heard, ADB_NOTIFY_MESSAGE) < N_MESSAGES) {
        if (sent < N_MESSAGES && adb_context_pending(scene.ctx) < 2) {
            adb_fetch_val(scene.ctx,
                          "SELECT count(pg_notify('flood', i::text)::text) FROM generate_series(:a::int, :b::int) AS i",
                          ADB_PARAMS({"a", adb_int((int64_t)sent)}, {"b", adb_int((int64_t)sent + N_BATCH - 1)}), NULL,
                          NULL);
            sent += N_BATCH;
        }
        REQUIRE(poll(&fd, 1, PATIENCE_MS) == 1);
        adb_queue_dispatch(scene.queue, 0);
    }
    CU_ASSERT_TRUE(heard.in_order);
    CU_ASSERT_EQUAL(heard.n_kind[ADB_NOTIFY_MESSAGE], N_MESSAGES);
    CU_ASSERT_EQUAL(heard.n_kind[ADB_NOTIFY_GAP] + heard.n_kind[ADB_NOTIFY_LOST], 0);
    CU_ASSERT_EQUAL(heard.last_number, N_MESSAGES - 1);
    scene_close(&scene);
}

/* A consumer that does not come gets all of it all the same, as the connection waits; and the sender does not. */
TEST(consumer_that_comes_late_has_missed_nothing)
{
    struct scene scene;
    struct heard heard = HEARD_INIT;
    scene_open(&scene);
    adb_context *sender = adb_context_new(scene.db, NULL, 0);
    listen_now(&scene, "late", &heard);
    CU_ASSERT_EQUAL(value_of(sender, adb_fetch_val(sender,
                                                   "SELECT count(pg_notify('late', i::text)::text) FROM "
                                                   "generate_series(0, 19999) AS i",
                                                   NULL, NULL, NULL)),
                    20000);
    heard_run(scene.queue, &heard, ADB_NOTIFY_MESSAGE, 20000);
    CU_ASSERT_TRUE(heard.in_order);
    CU_ASSERT_EQUAL(heard.n_kind[ADB_NOTIFY_GAP], 0);
    adb_context_free(sender);
    scene_close(&scene);
}

/* Listeners that come and go while another hears everything. */
TEST(listeners_come_and_go)
{
    struct scene scene;
    struct heard heard = HEARD_INIT;
    scene_open(&scene);
    listen_now(&scene, "steady", &heard);
    for (long i = 0; i < 50; i++) {
        struct heard other = HEARD_INIT;
        char text[32];
        snprintf(text, sizeof(text), "%ld", i);
        adb_listener *listener = listen_now(&scene, i % 2 == 0 ? "a" : "b", &other);
        CU_ASSERT_EQUAL(notify(&scene, "steady", text), ADB_OK);
        CU_ASSERT_EQUAL(notify(&scene, i % 2 == 0 ? "a" : "b", text), ADB_OK);
        heard_run(scene.queue, &other, ADB_NOTIFY_MESSAGE, 1);
        adb_unlisten(listener);
    }
    heard_run(scene.queue, &heard, ADB_NOTIFY_MESSAGE, 50);
    CU_ASSERT_TRUE(heard.in_order);
    scene_close(&scene);
}

static const struct harness_case cases[] = {
    CASE(channels_hear_their_own),
    CASE(bad_name_harms_nobody_else),
    CASE(longest_payload_arrives_whole),
    CASE(transaction_sends_at_its_commit),
    CASE(ended_session_is_a_gap),
    CASE(hundred_thousand_arrive_in_order),
    CASE(consumer_that_comes_late_has_missed_nothing),
    CASE(listeners_come_and_go),
};

int main(int argc, char **argv)
{
    const char *url = own_variable("ADB_TEST_POSTGRESQL_URL");
    if (url == NULL)
        return 77;
    int failed = 1;
    if (own_make(&own, url))
        failed = harness_main("postgresql_listen", cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
    own_drop(&own);
    return failed;
}
