/* SPDX-License-Identifier: BSD-3-Clause */
/* asyncdb/adapters/ev.h in loops of libev. */
#include "tests/loops/loops.h"

#include <asyncdb/adapters/ev.h>

#include <stdlib.h>

struct loop {
    struct ev_loop *ev;
    ev_timer timer;
    void (*tick)(void *data);
    void *data;
};

static void *loop_new(void)
{
    struct loop *loop = calloc(1, sizeof(*loop));
    LOOP_CHECK(loop != NULL);
    loop->ev = ev_loop_new(EVFLAG_AUTO);
    LOOP_CHECK(loop->ev != NULL);
    return loop;
}

static void loop_free(void *data)
{
    struct loop *loop = data;
    ev_loop_destroy(loop->ev);
    free(loop);
}

static adb_status loop_attach(void *loop, adb_queue *queue, size_t slice)
{
    return adb_ev_attach(loop == NULL ? NULL : ((struct loop *)loop)->ev, queue, slice);
}

static void loop_turn(void *data)
{
    struct loop *loop = data;
    ev_run(loop->ev, EVRUN_ONCE);
}

static void on_timer(struct ev_loop *ev, ev_timer *timer, int events)
{
    const struct loop *loop = timer->data;
    (void)events;
    ev_timer_set(timer, 0., 0.);
    ev_timer_start(ev, timer);
    loop->tick(loop->data);
}

static void loop_tick(void *data, void (*tick)(void *), void *user_data)
{
    struct loop *loop = data;
    loop->tick = tick;
    loop->data = user_data;
    ev_timer_init(&loop->timer, on_timer, 0., 0.);
    loop->timer.data = loop;
    ev_timer_start(loop->ev, &loop->timer);
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
    return loop_main("loop_ev", &kind, NULL, 0, argc, argv);
}
