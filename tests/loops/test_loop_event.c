/* SPDX-License-Identifier: BSD-3-Clause */
/* asyncdb/adapters/event.h in loops of libevent. */
#include "tests/loops/loops.h"

#include <asyncdb/adapters/event.h>

#include <stdlib.h>

struct loop {
    struct event_base *base;
    struct event *timer;
    void (*tick)(void *data);
    void *data;
};

static const struct timeval at_once = {0, 0};

static void *loop_new(void)
{
    struct loop *loop = calloc(1, sizeof(*loop));
    LOOP_CHECK(loop != NULL);
    loop->base = event_base_new();
    LOOP_CHECK(loop->base != NULL);
    return loop;
}

static void loop_free(void *data)
{
    struct loop *loop = data;
    if (loop->timer != NULL)
        event_free(loop->timer);
    event_base_free(loop->base);
    free(loop);
}

static adb_status loop_attach(void *loop, adb_queue *queue, size_t slice)
{
    return adb_event_attach(loop == NULL ? NULL : ((struct loop *)loop)->base, queue, slice);
}

static void loop_turn(void *data)
{
    struct loop *loop = data;
    event_base_loop(loop->base, EVLOOP_ONCE);
}

static void on_timer(evutil_socket_t fd, short events, void *data)
{
    struct loop *loop = data;
    (void)fd;
    (void)events;
    event_add(loop->timer, &at_once);
    loop->tick(loop->data);
}

static void loop_tick(void *data, void (*tick)(void *), void *user_data)
{
    struct loop *loop = data;
    loop->tick = tick;
    loop->data = user_data;
    loop->timer = evtimer_new(loop->base, on_timer, loop);
    event_add(loop->timer, &at_once);
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
    return loop_main("loop_event", &kind, NULL, 0, argc, argv);
}
