/* SPDX-License-Identifier: BSD-3-Clause */
/* Queues in a loop of poll(2). */
#include "tests/loops/plain.h"

#include <poll.h>

static adb_status loop_attach(void *loop, adb_queue *queue, size_t slice)
{
    struct watch *watch;
    return plain_attach(loop, queue, slice, &watch);
}

static void loop_turn(void *data)
{
    struct plain *loop = data;
    struct pollfd fds[PLAIN_MOST];
    for (size_t i = 0; i < PLAIN_MOST; i++)
        fds[i] = (struct pollfd){.fd = loop->watches[i].queue == NULL ? -1 : loop->watches[i].fd, .events = POLLIN};
    poll(fds, PLAIN_MOST, plain_timeout_ms(loop));
    for (size_t i = 0; i < PLAIN_MOST; i++) {
        if (fds[i].revents != 0)
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
    return loop_main("loop_poll", &kind, NULL, 0, argc, argv);
}
