/* SPDX-License-Identifier: BSD-3-Clause */
/* Handing over: from the thread that has brought a job to its end, or has anything else to tell, to the queue of who
 * shall know. How it goes on there: core/completion.h. */
#ifndef ADB_CORE_POST_H
#define ADB_CORE_POST_H

#include "core/completion.h"

/* Hand an event over: from any thread, without a lock. For ADB_QUEUE_DIRECT it is delivered here. */
void adb__queue_post(adb_queue *queue, struct adb__event *event);

/* A thread that hands over one outcome after the other keeps the queue meanwhile, rather than once for each, which
 * would have the count of references go from one processor to the other and back. Some of the outcomes may be no more
 * than whispers: then who dozes is to be roused soon, and before the thread does something else; a moment later it
 * looks by itself. */
struct adb__poster {
    adb_queue *queue;   /* kept; NULL: none */
    bool whispers;      /* there are some for which nobody was roused */
    unsigned n;         /* of them in a row */
    int64_t since;      /* the thread's own */
};

/* Nobody dozes over whispers any more. */
void adb__poster_rouse(struct adb__poster *poster);
/* The same, and the queue is let go: before the thread rests. */
void adb__poster_part(struct adb__poster *poster);
/* Before it runs anything whose outcome goes to that queue: another is let go. */
static inline void adb__poster_turn(struct adb__poster *poster, const adb_queue *queue)
{
    if (poster->queue != queue)
        adb__poster_part(poster);
}

/* Events that are to be handed over together, with one signal: soon, and before the thread waits for anything. */
struct adb__outbox {
    adb_queue *queue;          /* theirs; kept by their contexts */
    struct adb__mail *newest;  /* NULL: empty */
    struct adb__mail *oldest;
};

/* Hand over what waits in it. */
void adb__outbox_flush(struct adb__outbox *outbox);
/* The same in a whisper. */
void adb__outbox_whisper(struct adb__outbox *outbox, struct adb__poster *poster);

/* Hand over the outcome of a job that is DONE: for whoever brought it there. At once, or, with an outbox, when that is
 * flushed. */
void adb__job_deliver(struct adb__job *job, struct adb_result *outcome, struct adb__outbox *outbox);
/* The same, at once, by a thread that goes on so; whispers before it are heard then. Not for ADB_QUEUE_DIRECT. */
void adb__job_post(struct adb__job *job, struct adb_result *outcome, struct adb__poster *poster);
/* The same in a whisper. */
void adb__job_whisper(struct adb__job *job, struct adb_result *outcome, struct adb__poster *poster);

#endif
