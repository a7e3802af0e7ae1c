/* SPDX-License-Identifier: BSD-3-Clause */
/* kill -9 of a server under load, and its restart: promises 1, 6 and 11 where it hurts. */
#include "tests/faults/load.h"

#define IN_FLIGHT 300

/* Every job has one outcome; what was acknowledged is there, and nothing else but what was said to be unknown.
 * REG-19 PAIN-05 */
ON_BOTH(kill_under_load_loses_nothing_that_was_acknowledged)
{
    struct scene scene;
    struct load load;
    scene_open_table(&scene, engine, NULL, ADB_OPTIONS(.max_size = 4));
    load_open(&load, &scene, 400000);
    load_run(&load, IN_FLIGHT, FEWER(1500, 300));
    load_during(&load, IN_FLIGHT, scene_kill_server, &scene);
    load_run(&load, IN_FLIGHT, load.n_done + FEWER(1500, 300));
    load_drain(&load);
    const struct account account = load_settle(&load, "kill -9 under load");
    CU_ASSERT(scene_stats(&scene).closed_lost > 0); /* it has come; whether under a job is a matter of moments */
    CU_ASSERT(account.ok > 0);
    CU_ASSERT_EQUAL(account.timeout, 0);
    load_close(&load);
    scene_is_healthy(&scene);
    scene_close(&scene);
}

/* Again and again, so that the moments differ. */
ON_BOTH(three_kills_under_load_lose_nothing)
{
    struct scene scene;
    struct load load;
    scene_open_table(&scene, engine, NULL, ADB_OPTIONS(.max_size = 4));
    load_open(&load, &scene, 400000);
    for (int i = 0; i < FEWER(3, 1); i++) {
        load_run(&load, IN_FLIGHT, load.n_done + FEWER(400, 200) + (size_t)i * 37);
        load_during(&load, IN_FLIGHT, scene_kill_server, &scene);
    }
    load_run(&load, IN_FLIGHT, load.n_done + 400);
    load_drain(&load);
    load_settle(&load, "three kills under load");
    load_close(&load);
    scene_is_healthy(&scene);
    scene_close(&scene);
}

/* An orderly restart is a loss like any other, but nothing is torn in the middle. */
ON_BOTH(restart_under_load_heals)
{
    struct scene scene;
    struct load load;
    scene_open_table(&scene, engine, NULL, ADB_OPTIONS(.max_size = 4));
    load_open(&load, &scene, 400000);
    load_run(&load, IN_FLIGHT, 400);
    load_during(&load, IN_FLIGHT, scene_restart_server, &scene);
    load_run(&load, IN_FLIGHT, load.n_done + 400);
    load_drain(&load);
    load_settle(&load, "restart under load");
    load_close(&load);
    scene_is_healthy(&scene);
    scene_close(&scene);
}

FAULTS(crash, BOTH_CASES(kill_under_load_loses_nothing_that_was_acknowledged),
       BOTH_CASES(three_kills_under_load_lose_nothing), BOTH_CASES(restart_under_load_heals))
