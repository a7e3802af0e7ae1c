/* SPDX-License-Identifier: BSD-3-Clause */
/* What a scenario of a loop begins and ends with. */
#include "tests/loops/loops.h"

#include "tests/lib/rig.h"

#include <stdlib.h>

static const struct loop_kind *kind;

void loop_use(const struct loop_kind *used)
{
    kind = used;
}

struct loop_scene loop_open(size_t slice)
{
    struct loop_scene scene = {.rig = calloc(1, sizeof(struct rig))};
    REQUIRE(scene.rig != NULL);
    rig_open(scene.rig, &kind_fake, NULL);
    scene.db = scene.rig->db;
    scene.queue = scene.rig->queue;
    scene.ctx = scene.rig->ctx;
    scene.loop = kind->new_fn();
    REQUIRE(scene.loop != NULL);
    REQUIRE(kind->attach_fn(scene.loop, scene.queue, slice) == ADB_OK);
    return scene;
}

void loop_close(struct loop_scene *scene)
{
    adb_queue_detach(scene->queue);
    if (scene->loop != NULL)
        kind->free_fn(scene->loop);
    scene->rig->ctx = scene->ctx;
    scene->rig->queue = scene->queue;
    rig_close(scene->rig);
    free(scene->rig);
}

struct waiting {
    const struct rig *rig;
    size_t n;
};

static bool so_many_wait(void *data)
{
    const struct waiting *waiting = data;
    return rig_stats(waiting->rig).jobs_undelivered >= waiting->n;
}

void loop_await(struct loop_scene *scene, size_t n)
{
    await(so_many_wait, &(struct waiting){scene->rig, n});
}

void loop_flood(struct loop_scene *scene, size_t n, adb_done_cb done, void *user_data)
{
    for (size_t i = 0; i < n; i++)
        REQUIRE(rig_quick(scene->rig, done, user_data) != 0);
    loop_await(scene, n);
}

void loop_check(bool holds, const char *what, const char *file, unsigned line)
{
    CU_assertImplementation(holds, line, what, file, "", CU_FALSE);
}
