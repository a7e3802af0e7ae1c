/* SPDX-License-Identifier: BSD-3-Clause */
/* asyncdb/adapters/uv.h in loops of libuv. */
#include "tests/loops/loops.h"

#include <asyncdb/adapters/uv.h>

#include <stdlib.h>

struct ticking {
    uv_prepare_t prepare;
    uv_timer_t timer;
    void (*tick)(void *data);
    void *data;
};

static void *loop_new(void)
{
    uv_loop_t *loop = malloc(sizeof(*loop));
    LOOP_CHECK(loop != NULL && uv_loop_init(loop) == 0);
    loop->data = NULL;
    return loop;
}

static void close_handle(uv_handle_t *handle, void *data)
{
    (void)data;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

/* In the way of libuv: close all handles, see them closed. */
static void loop_free(void *data)
{
    uv_loop_t *loop = data;
    uv_walk(loop, close_handle, NULL);
    uv_run(loop, UV_RUN_DEFAULT);
    free(loop->data);
    LOOP_CHECK(uv_loop_close(loop) == 0);
    free(loop);
}

static adb_status loop_attach(void *loop, adb_queue *queue, size_t slice)
{
    return adb_uv_attach(loop, queue, slice);
}

static void loop_turn(void *loop)
{
    uv_run(loop, UV_RUN_ONCE);
}

static void on_timer(uv_timer_t *timer)
{
    const struct ticking *ticking = timer->data;
    ticking->tick(ticking->data);
}

/* A timer of no time that is started in itself would never let go of the turn. */
static void on_prepare(uv_prepare_t *prepare)
{
    struct ticking *ticking = prepare->data;
    uv_timer_start(&ticking->timer, on_timer, 0, 0);
}

static void loop_tick(void *data, void (*tick)(void *), void *user_data)
{
    uv_loop_t *loop = data;
    struct ticking *ticking = malloc(sizeof(*ticking));
    loop->data = ticking;
    ticking->tick = tick;
    ticking->data = user_data;
    uv_prepare_init(loop, &ticking->prepare);
    uv_timer_init(loop, &ticking->timer);
    ticking->prepare.data = ticking->timer.data = ticking;
    uv_prepare_start(&ticking->prepare, on_prepare);
}

/* Others have closed its handle, and the loop has not yet come to it. */
static void a_handle_may_be_closed_in_the_same_turn(void)
{
    struct loop_scene scene = loop_open(0);
    uv_walk(scene.loop, close_handle, NULL);
    adb_queue_detach(scene.queue);
    uv_run(scene.loop, UV_RUN_DEFAULT);
    loop_close(&scene);
}

/* As long as the queue is attached the loop is in use, and says so. */
static void an_attached_loop_is_busy(void)
{
    struct loop_scene scene = loop_open(0);
    LOOP_CHECK(uv_loop_alive(scene.loop));
    LOOP_CHECK(uv_loop_close(scene.loop) == UV_EBUSY);
    adb_queue_detach(scene.queue);
    uv_run(scene.loop, UV_RUN_DEFAULT);
    LOOP_CHECK(!uv_loop_alive(scene.loop));
    loop_close(&scene);
}

int main(int argc, char **argv)
{
    static const struct loop_kind kind = {
        .new_fn = loop_new,
        .free_fn = loop_free,
        .attach_fn = loop_attach,
        .turn_fn = loop_turn,
        .tick_fn = loop_tick,
    };
    static const struct loop_case more[] = {
        {"a_handle_may_be_closed_in_the_same_turn", a_handle_may_be_closed_in_the_same_turn},
        {"an_attached_loop_is_busy", an_attached_loop_is_busy},
    };
    return loop_main("loop_uv", &kind, more, sizeof(more) / sizeof(more[0]), argc, argv);
}
