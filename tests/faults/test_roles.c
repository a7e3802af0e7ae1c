/* SPDX-License-Identifier: BSD-3-Clause */
/* Servers in the wrong role: read-only for a while, a standby, a primary that dies while its standby takes over. */
#include "tests/faults/load.h"

#include <stdio.h>
#include <string.h>

static void read_only(const struct server *server, const struct engine *engine, bool on)
{
    if (engine == &mysql) {
        server_sql(server, on ? "SET GLOBAL read_only = 1" : "SET GLOBAL read_only = 0");
        return;
    }
    server_sql(server, on ? "ALTER SYSTEM SET default_transaction_read_only = on"
                          : "ALTER SYSTEM RESET default_transaction_read_only");
    server_sql(server, "SELECT pg_reload_conf()");
}

static bool is_wrong_role(const adb_error *error)
{
    const bool right = error->status == ADB_E_READ_ONLY && (error->flags & ADB_ERROR_WRONG_ROLE) != 0;
    if (!right)
        printf("# %s, flags %x: %s\n", adb_status_name(error->status), error->flags, error->message);
    return right;
}

static adb_job write_one(struct scene *scene, int64_t n)
{
    return adb_execute(scene->ctx, "INSERT INTO t (n) VALUES (:n)", ADB_PARAMS({"n", adb_int(n)}), NULL, NULL);
}

struct hopeful {
    struct scene *scene;
    int64_t n;
    adb_error error;
};

/* A server takes a moment to take on a role; that is no retry of what should work at once. */
static bool writes(void *data)
{
    struct hopeful *hopeful = data;
    hopeful->error = error_of(hopeful->scene->ctx, write_one(hopeful->scene, hopeful->n));
    return hopeful->error.status == ADB_OK;
}

static bool refuses_to_write(void *data)
{
    struct hopeful *hopeful = data;
    hopeful->error = error_of(hopeful->scene->ctx, write_one(hopeful->scene, hopeful->n++));
    return hopeful->error.status != ADB_OK;
}

/* A write to a server that only reads says so, gives up the connection, and gets through when the server writes again,
 * without the database being opened anew. */
ON_BOTH(writes_get_through_after_the_server_was_read_only)
{
    struct scene scene;
    scene_open_table(&scene, engine, NULL, ADB_OPTIONS(.max_size = 2));
    struct hopeful hopeful = {.scene = &scene, .n = 1};
    read_only(scene.server, engine, true);
    await(refuses_to_write, &hopeful);
    CU_ASSERT(is_wrong_role(&hopeful.error));
    CU_ASSERT_EQUAL(status_of(scene.ctx, adb_fetch_all(scene.ctx, "SELECT count(*) FROM t", NULL, NULL, NULL)), ADB_OK);
    read_only(scene.server, engine, false);
    await(writes, &hopeful);
    scene_is_healthy(&scene);
    scene_close(&scene);
}

/* Its transaction is over, and the context knows. */
ON_BOTH(wrong_role_inside_a_transaction_ends_it)
{
    struct scene scene;
    scene_open_table(&scene, engine, NULL, ADB_OPTIONS(.max_size = 1));
    struct hopeful hopeful = {.scene = &scene, .n = 1};
    read_only(scene.server, engine, true);
    await(refuses_to_write, &hopeful);
    adb_begin(scene.ctx, NULL, NULL, NULL);
    const adb_error error = error_of(scene.ctx, write_one(&scene, 100));
    CU_ASSERT(is_wrong_role(&error));
    const adb_status commit = status_of(scene.ctx, adb_commit(scene.ctx, NULL, NULL));
    CU_ASSERT(commit == ADB_E_TRANSACTION_FAILED || commit == ADB_E_TRANSACTION_LOST);
    CU_ASSERT_EQUAL(adb_context_depth(scene.ctx), 0);
    read_only(scene.server, engine, false);
    await(writes, &hopeful);
    scene_is_healthy(&scene);
    scene_close(&scene);
}

/* A database that was opened on a standby writes as soon as that is a primary. */
ON_POSTGRESQL(promoted_standby_takes_writes_without_reopening)
{
    struct server standby;
    struct scene scene, primary;
    scene_open_table(&primary, engine, NULL, NULL);
    server_standby(&standby, "roles_standby", primary.server);
    scene_open(&scene, engine, standby.url, ADB_OPTIONS(.max_size = 2));
    scene.server = &standby;
    const adb_error error = error_of(scene.ctx, write_one(&scene, 1));
    CU_ASSERT(is_wrong_role(&error));
    server_promote(&standby);
    struct hopeful hopeful = {.scene = &scene, .n = 2};
    await(writes, &hopeful);
    scene_is_healthy(&scene);
    scene_close(&scene);
    scene_close(&primary);
    server_drop(&standby);
}

/* The URL of two hosts, of which the one that writes is wanted. */
static const char *url_of_both(const struct server *primary, const struct server *standby)
{
    static char url[512];
    snprintf(url, sizeof(url),
             "postgresql://adb_test:s3%%3Acret@127.0.0.1:%d,127.0.0.1:%d/adb_test?target_session_attrs=read-write",
             primary->port, standby->port);
    return url;
}

static void fail_over(void *data)
{
    struct server **servers = data;
    server_kill(servers[0]);
    server_promote(servers[1]);
}

/* The primary dies under load and the standby is promoted: the load goes on there, and what was acknowledged is there,
 * for the standby had it before (synchronous replication). REG-19 */
ON_POSTGRESQL(failover_under_load_loses_nothing_that_was_acknowledged)
{
    struct server primary, standby;
    struct scene scene;
    struct load load;
    server_start(&primary, "postgresql", "roles_primary", engine->settings);
    server_standby(&standby, "roles_follower", &primary);
    scene_open_table(&scene, engine, url_of_both(&primary, &standby), ADB_OPTIONS(.max_size = 4));
    server_sql(&primary, "ALTER SYSTEM SET synchronous_standby_names = '*'");
    server_sql(&primary, "SELECT pg_reload_conf()");
    scene.server = &primary;
    scene_await(&scene, "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'", 1);
    load_open(&load, &scene, 400000);
    load_run(&load, 200, FEWER(1000, 300));
    load_during(&load, 200, fail_over, (struct server *[]){&primary, &standby});
    scene.server = &standby;
    load_run(&load, 200, load.n_done + FEWER(1000, 300));
    load_drain(&load);
    load_settle(&load, "failover under load");
    CU_ASSERT(scene_stats(&scene).closed_lost > 0); /* it has come; whether under a job is a matter of moments */
    load_close(&load);
    scene_is_healthy(&scene);
    scene_close(&scene);
    server_drop(&standby);
    server_drop(&primary);
}

FAULTS(roles, BOTH_CASES(writes_get_through_after_the_server_was_read_only),
       BOTH_CASES(wrong_role_inside_a_transaction_ends_it), CASE(promoted_standby_takes_writes_without_reopening),
       CASE(failover_under_load_loses_nothing_that_was_acknowledged))
