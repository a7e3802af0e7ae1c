/* SPDX-License-Identifier: BSD-3-Clause */
/* asyncdb/adapters/sd_event.h in loops of systemd. */
#include "tests/loops/loops.h"

#include <asyncdb/adapters/sd_event.h>

#include <stdlib.h>
#include <time.h>

struct loop {
    sd_event *event;
    sd_event_source *timer;
    void (*tick)(void *data);
    void *data;
};

static void *loop_new(void)
{
    struct loop *loop = calloc(1, sizeof(*loop));
    LOOP_CHECK(loop != NULL);
    LOOP_CHECK(sd_event_new(&loop->event) >= 0);
    return loop;
}

static void loop_free(void *data)
{
    struct loop *loop = data;
    if (loop->timer != NULL)
        sd_event_source_set_enabled(loop->timer, SD_EVENT_OFF);
    sd_event_source_unref(loop->timer);
    sd_event_unref(loop->event);
    free(loop);
}

static adb_status loop_attach(void *loop, adb_queue *queue, size_t slice)
{
    return adb_sd_event_attach(loop == NULL ? NULL : ((struct loop *)loop)->event, queue, slice);
}

static void loop_turn(void *data)
{
    struct loop *loop = data;
    LOOP_CHECK(sd_event_run(loop->event, UINT64_MAX) >= 0);
}

/* Due since long ago. */
static int on_timer(sd_event_source *timer, uint64_t due, void *data)
{
    const struct loop *loop = data;
    (void)due;
    sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
    loop->tick(loop->data);
    return 0;
}

static void loop_tick(void *data, void (*tick)(void *), void *user_data)
{
    struct loop *loop = data;
    loop->tick = tick;
    loop->data = user_data;
    LOOP_CHECK(sd_event_add_time(loop->event, &loop->timer, CLOCK_MONOTONIC, 1, 1, on_timer, loop) >= 0);
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
    return loop_main("loop_sd_event", &kind, NULL, 0, argc, argv);
}
