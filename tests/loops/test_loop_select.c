/* SPDX-License-Identifier: BSD-3-Clause */
/* Queues in a loop of select(2). */
#include "tests/loops/plain.h"

#include <sys/select.h>

static adb_status loop_attach(void *loop, adb_queue *queue, size_t slice)
{
    struct watch *watch;
    return plain_attach(loop, queue, slice, &watch);
}

static void loop_turn(void *data)
{
    struct plain *loop = data;
    struct timeval at_once = {0, 0};
    fd_set readable;
    int most = -1;
    FD_ZERO(&readable);
    for (size_t i = 0; i < PLAIN_MOST; i++) {
        if (loop->watches[i].queue != NULL) {
            FD_SET(loop->watches[i].fd, &readable);
            most = loop->watches[i].fd > most ? loop->watches[i].fd : most;
        }
    }
    select(most + 1, &readable, NULL, NULL, plain_timeout_ms(loop) == 0 ? &at_once : NULL);
    for (size_t i = 0; i < PLAIN_MOST; i++) {
        if (loop->watches[i].queue != NULL && FD_ISSET(loop->watches[i].fd, &readable))
            adb_queue_dispatch(loop->watches[i].queue, loop->watches[i].slice);
    }
    plain_tick(loop);
}

int main(int argc, char **argv)
{
    static const struct loop_kind kind = {
        .new_fn = plain_new,
        .free_fn = plain_free,
        .attach_fn = loop_attach,
        .turn_fn = loop_turn,
        .tick_fn = plain_set_tick,
    };
    return loop_main("loop_select", &kind, NULL, 0, argc, argv);
}
