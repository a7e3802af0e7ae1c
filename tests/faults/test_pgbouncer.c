/* SPDX-License-Identifier: BSD-3-Clause */
/* PgBouncer in transaction mode between database and server: what a connection is changes with each transaction. */
#include "tests/faults/load.h"

#include <stdio.h>

static struct server bouncer;

/* Open through the pooler; the table is there. */
static void open_through(struct scene *scene, const struct engine *engine)
{
    struct scene direct;
    if (bouncer.name[0] == '\0')
        server_start_before(&bouncer, "pgbouncer", "pgbouncer_pooler", engine_server(engine));
    scene_open_table(&direct, engine, NULL, NULL);
    scene_close_with_others(&direct);
    scene_open(scene, engine, bouncer.url, ADB_OPTIONS(.max_size = 8));
}

/* Statements with parameters by the thousand, of one text and of many. PAIN-18 */
ON_POSTGRESQL(statements_work_behind_a_pooler)
{
    struct scene scene;
    struct load load;
    open_through(&scene, engine);
    load_open(&load, &scene, 20000);
    load_run(&load, 300, FEWER(4000, 500));
    load_drain(&load);
    const struct account account = load_settle(&load, "behind pgbouncer");
    CU_ASSERT_EQUAL(account.ok, account.jobs);
    load_close(&load);
    scene_is_at_work(&scene);
    scene_close_with_others(&scene);
}

/* Sessions behind the pooler are ended by the administrator, again and again. PAIN-18 */
ON_POSTGRESQL(sessions_ended_behind_a_pooler_lose_nothing_that_was_acknowledged)
{
    struct scene scene;
    struct load load;
    open_through(&scene, engine);
    load_open(&load, &scene, 400000);
    for (int i = 0; i < FEWER(12, 5); i++) {
        load_run(&load, 200, load.n_done + 50 + (size_t)i);
        load_during(&load, 200, scene_end_sessions, &scene);
    }
    load_run(&load, 200, load.n_done + 200);
    load_drain(&load);
    load_settle(&load, "sessions ended behind pgbouncer");
    load_close(&load);
    scene_is_at_work(&scene);
    scene_close_with_others(&scene);
}

static void kill_bouncer(void *data)
{
    (void)data;
    server_kill(&bouncer);
    server_again(&bouncer, NULL);
}

/* The pooler itself is killed, and comes back. PAIN-18 */
ON_POSTGRESQL(killed_pooler_loses_nothing_that_was_acknowledged)
{
    struct scene scene;
    struct load load;
    open_through(&scene, engine);
    load_open(&load, &scene, 400000);
    load_run(&load, 200, FEWER(500, 200));
    load_during(&load, 200, kill_bouncer, NULL);
    load_run(&load, 200, load.n_done + FEWER(500, 200));
    load_drain(&load);
    load_settle(&load, "pgbouncer killed under load");
    load_close(&load);
    scene_is_at_work(&scene);
    scene_close_with_others(&scene);
}

static void drop_bouncer(void)
{
    server_drop(&bouncer);
}

FAULTS_AND(pgbouncer, drop_bouncer, CASE(statements_work_behind_a_pooler),
           CASE(sessions_ended_behind_a_pooler_lose_nothing_that_was_acknowledged),
           CASE(killed_pooler_loses_nothing_that_was_acknowledged))
