/* SPDX-License-Identifier: BSD-3-Clause */
/* Loops without a library, as far as they are alike. */
#include "tests/loops/plain.h"

#include <stdlib.h>

void *plain_new(void)
{
    struct plain *loop = calloc(1, sizeof(*loop));
    LOOP_CHECK(loop != NULL);
    loop->fd = -1;
    return loop;
}

/* A queue that stays behind shall not name this loop any more. */
void plain_free(void *data)
{
    struct plain *loop = data;
    for (size_t i = 0; i < PLAIN_MOST; i++)
        adb_queue_detach(loop->watches[i].queue);
    free(loop);
}

static void watch_detach(void *data)
{
    struct watch *watch = data;
    if (watch->loop->forget_fn != NULL)
        watch->loop->forget_fn(watch);
    watch->queue = NULL;
}

adb_status plain_attach(struct plain *loop, adb_queue *queue, size_t slice, struct watch **watch_out)
{
    size_t i = 0;
    if (loop == NULL)
        return ADB_E_INVAL;
    while (i < PLAIN_MOST && loop->watches[i].queue != NULL)
        i++;
    if (i == PLAIN_MOST)
        return ADB_E_FULL;
    struct watch *watch = &loop->watches[i];
    const adb_status status = adb_queue_attach(queue, watch_detach, watch);
    if (status == ADB_OK) {
        watch->loop = loop;
        watch->queue = queue;
        watch->slice = slice == 0 ? ADB_QUEUE_SLICE : slice;
        watch->fd = adb_queue_fd(queue);
    }
    *watch_out = watch;
    return status;
}

void plain_tick(struct plain *loop)
{
    if (loop->tick != NULL)
        loop->tick(loop->data);
}

void plain_set_tick(void *data, void (*tick)(void *), void *user_data)
{
    struct plain *loop = data;
    loop->tick = tick;
    loop->data = user_data;
}

int plain_timeout_ms(const struct plain *loop)
{
    return loop->tick != NULL ? 0 : -1;
}
