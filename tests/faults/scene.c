/* SPDX-License-Identifier: BSD-3-Clause */
/* Scenes: one server for each engine and program, one database for each test. */
#include "tests/faults/scene.h"

#include <stdio.h>
#include <string.h>

#define N_LANES 8
#define N_JOBS  200

const struct engine postgresql = {
    .kind = "postgresql",
    .settings = (const char *const[]){"synchronous_commit=on", "max_connections=60", NULL},
    .sessions = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'adb_test'",
    .running = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'adb_test' AND state = 'active' "
               "AND query LIKE '%slow%'",
    .end_sessions = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'adb_test'",
    .slow = "SELECT 1 AS slow FROM pg_sleep(60)",
    .pause = "SELECT 1 FROM pg_sleep(0.1)",
    .large = "SELECT repeat('x', 1000000) FROM generate_series(1, CAST(:n AS integer))",
};

const struct engine mysql = {
    .kind = "mysql",
    .settings =
        (const char *const[]){"innodb-flush-log-at-trx-commit=2", "innodb-doublewrite=1", "max-connections=60", NULL},
    .sessions = "SELECT count(*) FROM information_schema.processlist WHERE user = 'adb_test'",
    .running = "SELECT count(*) FROM information_schema.processlist WHERE user = 'adb_test' AND info LIKE '%slow%'",
    .end_sessions = "KILL CONNECTION USER adb_test",
    .slow = "SELECT SLEEP(60) AS slow",
    .pause = "SELECT SLEEP(0.1) + 1",
    .large = "SELECT REPEAT('x', 1000000) FROM seq_1_to_1000 WHERE seq <= :n",
};

/* Servers
 * ---------------------------------------------------------------------------------------------------------- */

static struct server servers[2], proxies[2];
static const char *program;

bool engine_available(const struct engine *engine)
{
    return server_available(engine->kind);
}

struct server *engine_server(const struct engine *engine)
{
    struct server *server = &servers[engine == &mysql];
    char name[48];
    snprintf(name, sizeof(name), "%s_%s", program, engine->kind);
    if (server->name[0] == '\0')
        server_start(server, engine->kind, name, engine->settings);
    return server;
}

struct server *engine_proxy(const struct engine *engine)
{
    struct server *proxy = &proxies[engine == &mysql];
    char name[48];
    snprintf(name, sizeof(name), "%s_chaos_%s", program, engine->kind);
    if (proxy->name[0] == '\0')
        server_start_before(proxy, "chaos", name, engine_server(engine));
    proxy_tell(proxy, "clear");
    return proxy;
}

int faults_main(const char *suite, const struct harness_case *cases, size_t n_cases, void (*last)(void), int argc,
                char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    program = suite;
    if (!engine_available(&postgresql) && !engine_available(&mysql))
        return server_none("PostgreSQL or MariaDB");
    if (!engine_available(&postgresql) || !engine_available(&mysql))
        server_none(engine_available(&mysql) ? "PostgreSQL" : "MariaDB");
    const int failed = harness_main(suite, cases, n_cases, argc, argv);
    if (last != NULL)
        last();
    server_drop(&proxies[0]);
    server_drop(&proxies[1]);
    server_drop(&servers[0]);
    server_drop(&servers[1]);
    return failed;
}

/* Scenes
 * ---------------------------------------------------------------------------------------------------------- */

/* Faults are what the log would be full of. */
static void no_log(adb_log_level level, const char *line, void *user_data)
{
    (void)level;
    (void)line;
    (void)user_data;
}

void scene_open(struct scene *scene, const struct engine *engine, const char *url, const adb_options *options)
{
    adb_error error;
    adb_options own = {.size = sizeof(own)};
    if (options != NULL)
        own = *options;
    if (own.log == NULL)
        own.log = no_log;
    *scene = (struct scene){.engine = engine, .server = engine_server(engine)};
    if (url == NULL)
        url = scene->server->url;
    const adb_status status = adb_database_open(url, &own, &scene->db, &error);
    if (status != ADB_OK)
        printf("# %s: %s\n", url, error.message);
    REQUIRE(status == ADB_OK);
    scene->queue = adb_queue_new();
    scene->ctx = adb_context_new(scene->db, scene->queue, 0);
    REQUIRE(scene->ctx != NULL);
}

void scene_open_table(struct scene *scene, const struct engine *engine, const char *url, const adb_options *options)
{
    scene_open(scene, engine, url, options);
    scene_must(scene, "DROP TABLE IF EXISTS t");
    scene_must(scene, "CREATE TABLE t (n BIGINT PRIMARY KEY, x BIGINT)");
}

void scene_must(struct scene *scene, const char *sql)
{
    const adb_error error = error_of(scene->ctx, adb_execute(scene->ctx, sql, NULL, NULL, NULL));
    if (error.status != ADB_OK)
        printf("# %s: %s: %s\n", sql, adb_status_name(error.status), error.message);
    REQUIRE(error.status == ADB_OK);
}

adb_stats scene_stats(const struct scene *scene)
{
    adb_stats stats = {.size = sizeof(stats)};
    CU_ASSERT_EQUAL(adb_database_stats(scene->db, &stats), ADB_OK);
    return stats;
}

void scene_show(struct tally *tally, adb_status expected)
{
    size_t shown = 0;
    for (size_t i = 0; i < TALLY_SEEN && shown < 3; i++) {
        const struct seen seen = tally_seen(tally, i);
        if (seen.status == expected)
            continue;
        printf("# outcome %zu of %zu: %s: %s\n", i, tally_n(tally), adb_status_name(seen.status), seen.message);
        shown++;
    }
}

void scene_end_sessions(void *data)
{
    const struct scene *scene = data;
    server_sql(scene->server, scene->engine->end_sessions);
}

void scene_kill_server(void *data)
{
    const struct scene *scene = data;
    server_kill(scene->server);
    server_again(scene->server, NULL);
}

void scene_restart_server(void *data)
{
    const struct scene *scene = data;
    server_stop(scene->server);
    server_again(scene->server, NULL);
}

struct counted {
    struct scene *scene;
    const char *sql;
    int64_t count, found;
};

static bool counts_so_many(void *data)
{
    struct counted *counted = data;
    counted->found = server_number(counted->scene->server, counted->sql);
    return counted->found == counted->count;
}

void scene_await(struct scene *scene, const char *sql, int64_t count)
{
    struct counted counted = {.scene = scene, .sql = sql, .count = count};
    await(counts_so_many, &counted);
}

/* A session may take a moment to appear or to go, and so may one that brings a cancel. */
static bool sessions_agree(void *data)
{
    struct scene *scene = data;
    return server_number(scene->server, scene->engine->sessions) == (int64_t)scene_stats(scene).connections;
}

void scene_is_at_work(struct scene *scene)
{
    struct tally tally = TALLY_INIT;
    adb_context *lanes[N_LANES];
    for (size_t i = 0; i < N_LANES; i++)
        lanes[i] = adb_context_new(scene->db, scene->queue, 0);
    for (size_t i = 0; i < N_JOBS; i++)
        adb_fetch_all(lanes[i % N_LANES], "SELECT 1", NULL, tally_done, &tally);
    for (size_t i = 0; i < N_LANES; i++)
        run_all(lanes[i]);
    CU_ASSERT_EQUAL(tally_of(&tally, ADB_OK), N_JOBS);
    if (tally_of(&tally, ADB_OK) < N_JOBS)
        scene_show(&tally, ADB_OK);
    for (size_t i = 0; i < N_LANES; i++)
        adb_context_free(lanes[i]);
    CU_ASSERT_EQUAL(scene_stats(scene).jobs_running + scene_stats(scene).jobs_waiting, 0);
}

void scene_is_healthy(struct scene *scene)
{
    scene_is_at_work(scene);
    await(sessions_agree, scene);
}

void scene_close_with_others(struct scene *scene)
{
    CU_ASSERT_EQUAL(adb_database_close(scene->db, PATIENCE_MS), ADB_OK);
    adb_context_free(scene->ctx);
    adb_queue_free(scene->queue);
    adb_database_free(scene->db);
}

void scene_close(struct scene *scene)
{
    scene_close_with_others(scene);
    scene_await(scene, scene->engine->sessions, 0);
}

void scene_heal(struct scene *scene, const struct server *proxy)
{
    proxy_tell(proxy, "clear");
    scene_is_healthy(scene);
    scene_close(scene);
}
