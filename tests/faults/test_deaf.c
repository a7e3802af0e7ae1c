/* SPDX-License-Identifier: BSD-3-Clause */
/* Listening through what happens to servers and networks: every loss is told as a gap, and between gaps nothing is
 * missed, doubled or out of order. */
#include "tests/faults/scene.h"
#include "tests/lib/crowd.h"
#include "tests/lib/heard.h"

#include "base/clock.h"
#include "core/context.h"
#include "core/database.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>

static struct server proxy;

static void listen_now(struct scene *scene, struct heard *heard)
{
    REQUIRE(adb_listen(scene->ctx, "news", heard_note, heard) != NULL);
    heard_run(scene->queue, heard, ADB_NOTIFY_LISTENING, 1);
}

/* Send by the server's own tool, and hear. */
static void hears(struct scene *scene, struct heard *heard)
{
    const size_t n = heard_n(heard, ADB_NOTIFY_MESSAGE);
    server_sql(scene->server, "NOTIFY news, '1000000'");
    heard_run(scene->queue, heard, ADB_NOTIFY_MESSAGE, n + 1);
}

/* Killed and started again: the listener comes back by itself, however long it takes. */
ON_POSTGRESQL(killed_server_is_a_gap)
{
    struct scene scene;
    struct heard heard = HEARD_INIT;
    scene_open(&scene, engine, NULL, NULL);
    listen_now(&scene, &heard);
    server_kill(scene.server);
    heard_run(scene.queue, &heard, ADB_NOTIFY_LOST, 1);
    server_again(scene.server, NULL);
    heard_run(scene.queue, &heard, ADB_NOTIFY_GAP, 1);
    hears(&scene, &heard);
    CU_ASSERT_EQUAL(heard.n_kind[ADB_NOTIFY_LISTENING], 1);
    CU_ASSERT_EQUAL(heard.n_kind[ADB_NOTIFY_GAP], 1);
    CU_ASSERT_EQUAL(scene_stats(&scene).listening, 1);
    scene_close_with_others(&scene);
}

/* A connection that is being checked hears as well as another one: each message finds a check under way. */
ON_POSTGRESQL(checks_swallow_no_message)
{
    struct scene scene;
    struct heard heard = HEARD_INIT;
    scene_open(&scene, engine, NULL, NULL);
    scene.db->listening.heartbeat = 0;
    listen_now(&scene, &heard);
    server_sql(scene.server, "DO $$ BEGIN FOR i IN 0..1999 LOOP "
                             "PERFORM pg_notify('news', i::text); COMMIT; END LOOP; END $$");
    heard_run(scene.queue, &heard, ADB_NOTIFY_MESSAGE, 2000);
    CU_ASSERT_TRUE(heard.in_order);
    CU_ASSERT_EQUAL(heard.n_kind[ADB_NOTIFY_GAP] + heard.n_kind[ADB_NOTIFY_LOST], 0);
    scene_close_with_others(&scene);
}

/* A network that says nothing at all is found out by the check of a connection that was silent. */
ON_POSTGRESQL(silent_network_is_a_gap)
{
    struct scene scene;
    struct heard heard = HEARD_INIT;
    server_start_before(&proxy, "chaos", "deaf_chaos", engine_server(engine));
    scene_open(&scene, engine, proxy.url, NULL);
    scene.db->listening.heartbeat = 50 * ADB__NS_PER_MS;
    scene.db->guards.call_ns = 1000 * ADB__NS_PER_MS; /* a check of a busy machine has to come back in that */
    listen_now(&scene, &heard);
    proxy_tell(&proxy, "stall");
    heard_run(scene.queue, &heard, ADB_NOTIFY_LOST, 1);
    proxy_tell(&proxy, "reset");
    proxy_tell(&proxy, "clear");
    heard_run(scene.queue, &heard, ADB_NOTIFY_GAP, 1);
    hears(&scene, &heard);
    scene_close_with_others(&scene);
}

#define N_ROUNDS  5
#define PER_ROUND 2000

/* All sessions are ended again and again under fire. What comes between is in order and comes once; a number that is
 * missing is missing in a gap. */
ON_POSTGRESQL(ended_sessions_under_fire_are_gaps)
{
    struct scene scene;
    struct heard heard = HEARD_INIT;
    char sql[160];
    scene_open(&scene, engine, NULL, NULL);
    listen_now(&scene, &heard);
    for (long i = 0; i < N_ROUNDS; i++) {
        snprintf(sql, sizeof(sql), "SELECT count(pg_notify('news', i::text)::text) FROM generate_series(%ld, %ld) AS i",
                 i * PER_ROUND, (i + 1) * PER_ROUND - 1);
        server_sql(scene.server, sql);
        server_sql(scene.server, engine->end_sessions);
        heard_run(scene.queue, &heard, ADB_NOTIFY_GAP, (size_t)i + 1);
    }
    hears(&scene, &heard);
    printf("# %d notifications, %d ends of the session: %zu heard, %zu gaps\n", N_ROUNDS * PER_ROUND, N_ROUNDS,
           heard.n_kind[ADB_NOTIFY_MESSAGE] - 1, heard.n_kind[ADB_NOTIFY_GAP]);
    CU_ASSERT_TRUE(heard.in_order);
    CU_ASSERT_EQUAL(heard.n_kind[ADB_NOTIFY_GAP], N_ROUNDS);
    scene_close_with_others(&scene);
}

static bool server_waits(void *data)
{
    const struct scene *scene = data;
    return server_number(scene->server, "SELECT (pg_notification_queue_usage() > 0)::int") == 1;
}

/* A consumer that does not come: the server keeps what it cannot take, this side keeps no more than its bound; when it
 * comes nothing is missing. Without patience it has a gap, and the server is rid of its queue. */
ON_POSTGRESQL(slow_consumer_holds_the_server_back_and_then_does_not)
{
    static const char flood[] = "SELECT count(pg_notify('news', i || repeat(' ', 4000))::text) "
                                "FROM generate_series(0, 19999) AS i";
    struct scene scene;
    struct heard patient = HEARD_INIT;
    scene_open(&scene, engine, NULL, NULL);
    scene.db->listening.patience = ADB__NS_PER_MS * PATIENCE_MS;
    listen_now(&scene, &patient);
    server_sql(scene.server, flood);
    await(server_waits, &scene);
    pthread_mutex_lock(&scene.db->listening.lock);
    const adb_listener *listener = ADB__CONTAINER_OF(scene.ctx->listeners.next, adb_listener, context_link);
    CU_ASSERT(listener->undelivered <= scene.db->listening.most_undelivered);
    pthread_mutex_unlock(&scene.db->listening.lock);
    heard_run(scene.queue, &patient, ADB_NOTIFY_MESSAGE, 20000);
    CU_ASSERT_TRUE(patient.in_order);
    CU_ASSERT_EQUAL(patient.n_kind[ADB_NOTIFY_GAP], 0);
    pthread_mutex_lock(&scene.db->listening.lock);
    scene.db->listening.patience = 0;
    pthread_mutex_unlock(&scene.db->listening.lock);
    server_sql(scene.server, flood);
    scene_await(&scene, "SELECT (pg_notification_queue_usage() = 0)::int", 1);
    heard_run(scene.queue, &patient, ADB_NOTIFY_GAP, 1);
    CU_ASSERT_EQUAL(patient.error.status, ADB_E_BUSY);
    hears(&scene, &patient);
    scene_close_with_others(&scene);
}

struct sender {
    struct crowd *crowd;
    adb_database *db;
    atomic_bool over;
};

/* Over a database of its own, as quickly as the server takes it. */
static void *send_all(void *argument)
{
    struct sender *sender = argument;
    adb_context *ctx = adb_context_new(sender->db, NULL, 0);
    char text[32];
    while (!atomic_load(&sender->over)) {
        for (unsigned i = 0; i < CROWD_CHANNELS; i++) {
            snprintf(text, sizeof(text), "%ld", crowd_number(sender->crowd, i));
            status_of(ctx, adb_notify(ctx, crowd_channel(i), text, NULL, NULL));
        }
    }
    adb_context_free(ctx);
    return NULL;
}

/* Channels are left, and listened on again a moment later, with messages under way: who comes anew does not take old
 * ones for new, with a hole behind them. The sessions that listen are ended, too. */
ON_POSTGRESQL(crowd_of_listeners_misses_nothing_between_gaps)
{
    struct scene scene, other;
    struct crowd crowd = {0};
    struct crowd_ear ear;
    struct sender sender = {.crowd = &crowd};
    pthread_t thread;
    scene_open(&scene, engine, NULL, NULL);
    scene_open(&other, engine, NULL, NULL);
    sender.db = other.db;
    REQUIRE(crowd_listen(&crowd, scene.ctx, 0, &ear) != NULL);
    REQUIRE(pthread_create(&thread, NULL, send_all, &sender) == 0);
    crowd_begin(&crowd, scene.db, FEWER(300, 60));
    for (int troubles = 0; troubles < 2; troubles++) {
        crowd_hear(scene.queue, &ear);
        server_sql(scene.server, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%LISTEN%' "
                                 "AND pid <> pg_backend_pid()");
    }
    CU_ASSERT(crowd_end(&crowd, scene.queue) > 0);
    atomic_store(&sender.over, true);
    pthread_join(thread, NULL);
    CU_ASSERT_PTR_NULL(ear.wrong);
    scene_close_with_others(&other);
    scene_close_with_others(&scene);
}

static void drop_proxy(void)
{
    server_drop(&proxy);
}

FAULTS_AND(deaf, drop_proxy, CASE(killed_server_is_a_gap), CASE(checks_swallow_no_message),
           CASE(silent_network_is_a_gap), CASE(ended_sessions_under_fire_are_gaps), CASE(slow_consumer_holds_the_server_back_and_then_does_not),
           CASE(crowd_of_listeners_misses_nothing_between_gaps))
