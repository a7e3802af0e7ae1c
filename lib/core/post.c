/* SPDX-License-Identifier: BSD-3-Clause */
/* Push, and wake whoever waits for it: at once, for several together, or when there is more. */
#include "core/post.h"

#include "core/context.h"
#include "core/database.h"
#include "core/job.h"

/* The push has found that word: what is to be done then, by one who keeps the queue. */
static void queue_pushed(adb_queue *queue, const struct adb__mail *found, bool dozes)
{
    if (found == ADB__MAILBOX_IDLE)
        adb__notify_signal(&queue->notify);
    else if (found == ADB__MAILBOX_ORPHANED)
        adb__queue_drain_orphan(queue);
    else if (dozes)
        adb__notify_rouse(&queue->notify);
}

/* A chain of events, the newest first. Who finds others there has nothing more to do, and no business with the queue:
 * once delivered, by another thread, the events may drop its last context. But who dozes may do so over others'
 * whispers. */
static void queue_post_chain(adb_queue *queue, struct adb__mail *newest, struct adb__mail *oldest)
{
    const bool dozes = adb__notify_is_dozing(&queue->notify);
    bool kept = false;
    struct adb__mail *head = adb__mailbox_head(&queue->inbox);
    do {
        if (!kept && (dozes || !adb__mail_is_some(head))) {
            adb__queue_ref(queue);
            kept = true;
        }
    } while (!adb__mailbox_try_push(&queue->inbox, &head, newest, oldest));
    if (!kept)
        return;
    queue_pushed(queue, head, dozes);
    adb__queue_unref(queue);
}

void adb__queue_post(adb_queue *queue, struct adb__event *event)
{
    if (adb__queue_is_direct(queue)) {
        adb__list_init(&event->link);
        adb__event_deliver(event);
        return;
    }
    adb__trail_note(&queue->trail, event);
    queue_post_chain(queue, &event->mail, &event->mail);
}

void adb__outbox_flush(struct adb__outbox *outbox)
{
    struct adb__mail *newest = outbox->newest;
    outbox->newest = NULL;
    if (newest != NULL)
        queue_post_chain(outbox->queue, newest, outbox->oldest);
}

static void outbox_add(struct adb__outbox *outbox, adb_queue *queue, struct adb__event *event)
{
    if (outbox->newest != NULL && outbox->queue != queue)
        adb__outbox_flush(outbox);
    event->mail.next = outbox->newest;
    if (outbox->newest == NULL)
        outbox->oldest = &event->mail;
    outbox->newest = &event->mail;
    outbox->queue = queue;
    adb__trail_note(&queue->trail, event);
}

void adb__poster_rouse(struct adb__poster *poster)
{
    if (!poster->whispers)
        return;
    poster->whispers = false;
    adb__notify_rouse(&poster->queue->notify);
}

void adb__poster_part(struct adb__poster *poster)
{
    adb_queue *queue = poster->queue;
    if (queue == NULL)
        return;
    adb__poster_rouse(poster);
    poster->queue = NULL;
    adb__queue_unref(queue);
}

static void poster_keep(struct adb__poster *poster, adb_queue *queue)
{
    if (poster->queue == queue)
        return;
    adb__poster_part(poster);
    adb__queue_ref(queue);
    poster->queue = queue;
}

/* A chain of events, the newest first. */
static void whisper_chain(struct adb__poster *poster, adb_queue *queue, struct adb__mail *newest,
                          struct adb__mail *oldest)
{
    poster_keep(poster, queue);
    poster->whispers = true;
    poster->n++;
    struct adb__mail *head = adb__mailbox_head(&queue->inbox);
    while (!adb__mailbox_try_push(&queue->inbox, &head, newest, oldest))
        continue;
    if (!atomic_load_explicit(&queue->whispered, memory_order_relaxed))
        atomic_store_explicit(&queue->whispered, true, memory_order_relaxed);
    if (head == ADB__MAILBOX_IDLE)
        adb__notify_whisper(&queue->notify);
    else if (head == ADB__MAILBOX_ORPHANED)
        adb__queue_drain_orphan(queue);
}

void adb__outbox_whisper(struct adb__outbox *outbox, struct adb__poster *poster)
{
    struct adb__mail *newest = outbox->newest;
    outbox->newest = NULL;
    if (newest != NULL)
        whisper_chain(poster, outbox->queue, newest, outbox->oldest);
}

static void outcome_prepare(struct adb__job *job, struct adb_result *outcome)
{
    if (outcome != &job->result)
        outcome->user_data = job->user_data;
    job->event.result = outcome;
    if (outcome->error.status != ADB_OK)
        adb__database_count_failure(job->ctx->db, outcome->error.status);
}

void adb__job_post(struct adb__job *job, struct adb_result *outcome, struct adb__poster *poster)
{
    adb_queue *queue = job->queue;
    outcome_prepare(job, outcome);
    poster_keep(poster, queue);
    const bool dozes = adb__notify_is_dozing(&queue->notify);
    adb__trail_note(&queue->trail, &job->event);
    struct adb__mail *head = adb__mailbox_head(&queue->inbox);
    while (!adb__mailbox_try_push(&queue->inbox, &head, &job->event.mail, &job->event.mail))
        continue;
    queue_pushed(queue, head, dozes);
    adb__poster_rouse(poster); /* after it, so that it is not too late for the one that is woken */
}

void adb__job_whisper(struct adb__job *job, struct adb_result *outcome, struct adb__poster *poster)
{
    outcome_prepare(job, outcome);
    adb__trail_note(&job->queue->trail, &job->event);
    whisper_chain(poster, job->queue, &job->event.mail, &job->event.mail);
}

void adb__job_deliver(struct adb__job *job, struct adb_result *outcome, struct adb__outbox *outbox)
{
    outcome_prepare(job, outcome);
    if (outbox != NULL && !adb__queue_is_direct(job->queue)) {
        outbox_add(outbox, job->queue, &job->event);
        return;
    }
    if (outbox != NULL)
        adb__outbox_flush(outbox); /* its callback runs here: nobody shall wait for it */
    adb__queue_post(job->queue, &job->event);
}
