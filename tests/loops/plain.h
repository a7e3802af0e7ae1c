/* SPDX-License-Identifier: BSD-3-Clause */
/* Loops without a library: what select, poll, epoll and io_uring have in common when they watch queues.
 *
 * The pattern is in the program of each. Here is what a program has anyway: a list of what it watches, and timers. */
#ifndef ADB_TESTS_PLAIN_H
#define ADB_TESTS_PLAIN_H

#include "tests/loops/loops.h"

#define PLAIN_MOST 8

struct plain {
    int fd;                 /* of epoll */
    void *ring;             /* of io_uring */
    struct watch {
        struct plain *loop;
        adb_queue *queue;   /* NULL: vacant */
        size_t slice;
        int fd;
        unsigned generation; /* of its place, for io_uring */
    } watches[PLAIN_MOST];
    void (*forget_fn)(struct watch *watch); /* takes it out of the kernel's list; NULL: there is none */
    void (*tick)(void *data);
    void *data;
};

void *plain_new(void);
void plain_free(void *loop);
/* A place for the queue, which is left when the queue is detached, whoever does that. */
adb_status plain_attach(struct plain *loop, adb_queue *queue, size_t slice, struct watch **watch_out);
/* What each turn ends with: timers. */
void plain_tick(struct plain *loop);
void plain_set_tick(void *loop, void (*tick)(void *data), void *data);
/* How long a turn may wait, in milliseconds: not at all when a timer is due. */
int plain_timeout_ms(const struct plain *loop);

#endif
