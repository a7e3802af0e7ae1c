/* SPDX-License-Identifier: BSD-3-Clause */
/* Queues in a loop of io_uring(7): the poll is asked for again after each slice, so what is left is reported again. */
#include "tests/loops/plain.h"

#include <liburing.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define NOBODY UINT64_C(0)

/* Names the watch, and not the one that had its place before: a poll that was removed still completes. */
static uint64_t name_of(const struct watch *watch)
{
    return (uint64_t)watch->generation << 8 | (uint64_t)(watch - watch->loop->watches + 1);
}

static struct io_uring_sqe *next_entry(struct plain *loop)
{
    struct io_uring_sqe *entry = io_uring_get_sqe(loop->ring);
    if (entry == NULL) {
        io_uring_submit(loop->ring);
        entry = io_uring_get_sqe(loop->ring);
    }
    return entry;
}

static void ask(struct watch *watch)
{
    struct io_uring_sqe *entry = next_entry(watch->loop);
    io_uring_prep_poll_add(entry, watch->fd, POLLIN);
    io_uring_sqe_set_data64(entry, name_of(watch));
}

/* The descriptor may be closed next: the kernel is told at once. */
static void loop_forget(struct watch *watch)
{
    struct io_uring_sqe *entry = next_entry(watch->loop);
    io_uring_prep_poll_remove(entry, name_of(watch));
    io_uring_sqe_set_data64(entry, NOBODY);
    io_uring_submit(watch->loop->ring);
    watch->generation++;
}

static void *loop_new(void)
{
    struct plain *loop = plain_new();
    loop->ring = calloc(1, sizeof(struct io_uring));
    LOOP_CHECK(loop->ring != NULL && io_uring_queue_init(64, loop->ring, 0) == 0);
    loop->forget_fn = loop_forget;
    return loop;
}

static void loop_free(void *data)
{
    struct io_uring *ring = ((struct plain *)data)->ring;
    plain_free(data);
    io_uring_queue_exit(ring);
    free(ring);
}

static adb_status loop_attach(void *loop, adb_queue *queue, size_t slice)
{
    struct watch *watch;
    const adb_status status = plain_attach(loop, queue, slice, &watch);
    if (status == ADB_OK)
        ask(watch);
    return status;
}

static void loop_turn(void *data)
{
    struct plain *loop = data;
    struct io_uring_cqe *completion;
    io_uring_submit_and_wait(loop->ring, plain_timeout_ms(loop) == 0 ? 0 : 1);
    if (io_uring_peek_cqe(loop->ring, &completion) == 0) {
        const uint64_t name = io_uring_cqe_get_data64(completion);
        io_uring_cqe_seen(loop->ring, completion);
        struct watch *watch = name == NOBODY ? NULL : &loop->watches[(name & 0xff) - 1];
        if (watch != NULL && name_of(watch) == name) {
            adb_queue_dispatch(watch->queue, watch->slice);
            if (name_of(watch) == name)
                ask(watch);
        }
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
    struct io_uring ring;
    if (io_uring_queue_init(2, &ring, 0) != 0) {
        printf("loop_uring: skipped: this kernel has no io_uring for us\n");
        return 77;
    }
    io_uring_queue_exit(&ring);
    return loop_main("loop_uring", &kind, NULL, 0, argc, argv);
}
