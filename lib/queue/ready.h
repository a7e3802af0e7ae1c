/* SPDX-License-Identifier: BSD-3-Clause */
/* The ready queue: lanes that have work, in the order in which they became ready. Truly lock-free, many producers, many
 * consumers, bounded: SCQ, the scalable circular queue (R. Nikolaev, "A Scalable, Portable, and Memory-Efficient
 * Lock-Free FIFO Queue", DISC 2019). A thread stopped anywhere in a push or pop stops nobody else.
 *
 * It carries indices below the capacity, each at most once at a time, so it can never be full. */
#ifndef ADB_QUEUE_READY_H
#define ADB_QUEUE_READY_H

#include "base/cacheline.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Threads that may be inside adb__ready_pop() at a time: with more, a pop might call a queue empty that is not. */
#define ADB__READY_THREADS 512

/* Whose line is whose: those who pop write to theirs all the time, and so do those who push. */
struct adb__ready {
    _Alignas(ADB__CACHE_LINE) _Atomic uint64_t head; /* the ticket of the next pop */
    _Atomic uint64_t seen;      /* tail, as one of those who pop has seen it: no later than now */
    _Alignas(ADB__CACHE_LINE) _Atomic uint64_t tail; /* the ticket of the next push */
    /* pops that may still fail before the queue is known to be empty; hardly ever written */
    _Alignas(ADB__CACHE_LINE) _Atomic int64_t threshold;
    /* set once */
    _Atomic uint64_t *entries;
    uint64_t bottom;            /* the index that stands for nothing; its ones are also the mask of the index bits */
    int64_t full_threshold;     /* what each push sets it to */
    unsigned order;             /* the ring has 2^order entries */
};

/* False: no memory. */
bool adb__ready_init(struct adb__ready *ready, size_t capacity);
void adb__ready_fini(struct adb__ready *ready);
/* What the caller wrote before is visible to whoever pops the index. */
void adb__ready_push(struct adb__ready *ready, uint32_t index);
/* False: empty. A push that returned before this call began is never missed. */
bool adb__ready_pop(struct adb__ready *ready, uint32_t *index_out);
/* A glance that takes nothing: a push that returned before is seen, unless a pop has begun to take its index. May be
 * true for an index that is still being pushed. For those who pop: they look at the pushers' line no more often than
 * they must. */
bool adb__ready_waiting(struct adb__ready *ready);
/* Is there something for the next pop, as it seems? For who looks again and again, and shall not be in the way of those
 * who push; when it is false, there may be something all the same. */
bool adb__ready_glance(const struct adb__ready *ready);
/* How many wait, about: of those that were pushed since a glance found few, none is counted. */
size_t adb__ready_known(struct adb__ready *ready);
/* Tickets. All that was pushed before adb__ready_tail() was read has been popped, or is in the hands of a pop that has
 * begun, once adb__ready_head() has reached it. When nobody pushes and the queue is empty, head has reached tail. */
uint64_t adb__ready_tail(const struct adb__ready *ready);
uint64_t adb__ready_head(const struct adb__ready *ready);

#endif
