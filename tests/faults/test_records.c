/* SPDX-License-Identifier: BSD-3-Clause */
/* Encryption in records that are larger than the client library's room, as poolers and proxies make them: what it has
 * left of a record does not show at the socket, and is read nevertheless. */
#include "tests/faults/scene.h"
#include "tests/lib/heard.h"

#include <stdio.h>

#define N_ROUNDS   300
#define N_CONTEXTS 16
#define RESULT     "SELECT repeat('x', :size) FROM generate_series(1, 20)"

static struct server pooler;

/* Sixteen kilobytes are the largest record that there is; PostgreSQL itself makes them half as large. */
static void open_through(struct scene *scene, const struct engine *engine)
{
    if (pooler.name[0] == '\0')
        server_start(&pooler, "pgbouncer", "records_pooler",
                     (const char *[]){engine_server(engine)->name, "pool_mode=session", "pkt_buf=65536",
                                      "client_tls_sslmode=require", NULL});
    scene_open(scene, engine, pooler.url, NULL);
}

/* Results of all sizes, the ends of which come in records of all sizes. */
ON_POSTGRESQL(results_are_read_to_their_end)
{
    struct scene scene;
    open_through(&scene, engine);
    for (int64_t i = 0; i < N_ROUNDS; i++) {
        const adb_job job = adb_fetch_all(scene.ctx, RESULT, ADB_PARAMS({"size", adb_int(7900 - 23 * i)}), NULL, NULL);
        CU_ASSERT_EQUAL(status_of(scene.ctx, job), ADB_OK);
    }
    scene_close_with_others(&scene);
}

/* The same with many under way on each connection. */
ON_POSTGRESQL(pipelined_results_are_read_to_their_end)
{
    struct scene scene;
    struct tally tally = TALLY_INIT;
    adb_context *contexts[N_CONTEXTS];
    open_through(&scene, engine);
    for (size_t i = 0; i < N_CONTEXTS; i++)
        contexts[i] = adb_context_new(scene.db, scene.queue, 0);
    for (int64_t i = 0; i < 4 * N_ROUNDS; i++) {
        adb_context *ctx = contexts[i % N_CONTEXTS];
        adb_fetch_all(ctx, RESULT, ADB_PARAMS({"size", adb_int(7900 - 6 * i)}), tally_done, &tally);
    }
    for (size_t i = 0; i < N_CONTEXTS; i++)
        run_all(contexts[i]);
    CU_ASSERT_EQUAL(tally_of(&tally, ADB_OK), 4 * N_ROUNDS);
    for (size_t i = 0; i < N_CONTEXTS; i++)
        adb_context_free(contexts[i]);
    scene_close_with_others(&scene);
}

static adb_flow note_bytes(const void *chunk, size_t size, void *user_data)
{
    size_t *n_bytes = user_data;
    (void)chunk;
    *n_bytes += size;
    return ADB_CONTINUE;
}

ON_POSTGRESQL(copies_are_read_to_their_end)
{
    struct scene scene;
    open_through(&scene, engine);
    for (size_t i = 0; i < N_ROUNDS; i++) {
        size_t n_bytes = 0;
        char sql[128];
        snprintf(sql, sizeof(sql), "SELECT repeat('x', %zu) FROM generate_series(1, 20)", 7900 - 23 * i);
        CU_ASSERT_EQUAL(status_of(scene.ctx, adb_copy_out(scene.ctx, sql, note_bytes, NULL, &n_bytes)), ADB_OK);
        CU_ASSERT_EQUAL(n_bytes, 20 * (7900 - 23 * i + 1));
    }
    scene_close_with_others(&scene);
}

ON_POSTGRESQL(notifications_are_heard_to_the_last)
{
    struct scene scene;
    struct heard heard = HEARD_INIT;
    open_through(&scene, engine);
    REQUIRE(adb_listen(scene.ctx, "news", heard_note, &heard) != NULL);
    heard_run(scene.queue, &heard, ADB_NOTIFY_LISTENING, 1);
    for (size_t i = 0; i < N_ROUNDS; i++) {
        char sql[160];
        snprintf(sql, sizeof(sql),
                 "SELECT count(pg_notify('news', rpad(i::text, %zu))::text) FROM generate_series(%zu, %zu) AS i",
                 7900 - 23 * i, 20 * i, 20 * i + 19);
        CU_ASSERT_EQUAL(status_of(scene.ctx, adb_execute(scene.ctx, sql, NULL, NULL, NULL)), ADB_OK);
        heard_run(scene.queue, &heard, ADB_NOTIFY_MESSAGE, 20 * i + 20);
    }
    CU_ASSERT_TRUE(heard.in_order);
    CU_ASSERT_EQUAL(heard.n_kind[ADB_NOTIFY_GAP], 0);
    scene_close_with_others(&scene);
}

static void drop_pooler(void)
{
    server_drop(&pooler);
}

FAULTS_AND(records, drop_pooler, CASE(results_are_read_to_their_end), CASE(pipelined_results_are_read_to_their_end),
           CASE(copies_are_read_to_their_end), CASE(notifications_are_heard_to_the_last))
