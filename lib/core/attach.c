/* SPDX-License-Identifier: BSD-3-Clause */
/* The loop that watches a queue: known to it, so that either may go first. */
#include "core/completion.h"
#include "core/process.h"

/* A child that inherited the queue is the only thread that it has, and may find the lock taken for ever. */
static bool gate_enter(adb_queue *queue)
{
    return queue->generation == adb__process_generation() && pthread_mutex_lock(&queue->gate) == 0;
}

adb_status adb_queue_attach(adb_queue *queue, adb_queue_detach_cb detach, void *watcher)
{
    if (queue == NULL || adb__queue_is_direct(queue) || detach == NULL)
        return ADB_E_INVAL;
    if (!gate_enter(queue))
        return ADB_E_FORKED;
    const bool vacant = queue->detach == NULL && !adb__queue_is_orphaned(queue);
    if (vacant) {
        queue->detach = detach;
        queue->watcher = watcher;
    }
    pthread_mutex_unlock(&queue->gate);
    return vacant ? ADB_OK : ADB_E_STATE;
}

void adb_queue_detach(adb_queue *queue)
{
    if (queue == NULL || adb__queue_is_direct(queue))
        return;
    const bool entered = gate_enter(queue);
    const adb_queue_detach_cb detach = queue->detach;
    void *watcher = queue->watcher;
    queue->detach = NULL;
    if (detach != NULL && queue->depth > 0 && pthread_equal(queue->consumer, pthread_self()))
        queue->cut = true;
    if (entered)
        pthread_mutex_unlock(&queue->gate);
    if (detach != NULL)
        detach(watcher); /* with no lock held: loops have locks of their own */
}
