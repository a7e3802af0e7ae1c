/* SPDX-License-Identifier: BSD-3-Clause */
/* Queues in an edge-triggered loop of epoll(7): what a bounded dispatch has left is a new edge. */
#include "tests/loops/plain.h"

#include <sys/epoll.h>
#include <unistd.h>

static void loop_forget(struct watch *watch)
{
    epoll_ctl(watch->loop->fd, EPOLL_CTL_DEL, watch->fd, NULL);
}

static void *loop_new(void)
{
    struct plain *loop = plain_new();
    loop->fd = epoll_create1(EPOLL_CLOEXEC);
    loop->forget_fn = loop_forget;
    return loop;
}

static void loop_free(void *data)
{
    const int fd = ((struct plain *)data)->fd;
    plain_free(data);
    close(fd);
}

static adb_status loop_attach(void *data, adb_queue *queue, size_t slice)
{
    struct plain *loop = data;
    struct watch *watch;
    const adb_status status = plain_attach(loop, queue, slice, &watch);
    if (status != ADB_OK)
        return status;
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.ptr = watch};
    return epoll_ctl(loop->fd, EPOLL_CTL_ADD, watch->fd, &event) == 0 ? ADB_OK : ADB_E_IO;
}

/* One event at a time: a callback may detach any queue. */
static void loop_turn(void *data)
{
    struct plain *loop = data;
    struct epoll_event event;
    if (epoll_wait(loop->fd, &event, 1, plain_timeout_ms(loop)) == 1) {
        const struct watch *watch = event.data.ptr;
        adb_queue_dispatch(watch->queue, watch->slice);
    }
    plain_tick(loop);
}

int main(int argc, char **argv)
{
    static const struct loop_kind kind = {
        .new_fn = loop_new,
        .free_fn = loop_free,
        .attach_fn = loop_attach,
        .turn_fn = loop_turn,
        .tick_fn = plain_set_tick,
    };
    return loop_main("loop_epoll_edge", &kind, NULL, 0, argc, argv);
}
