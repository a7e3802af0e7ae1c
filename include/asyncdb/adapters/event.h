/* SPDX-License-Identifier: BSD-3-Clause */
/* asyncdb in a loop of libevent. The program links libevent_core, or libevent. */
#ifndef ASYNCDB_ADAPTERS_EVENT_H
#define ASYNCDB_ADAPTERS_EVENT_H

#include <asyncdb/queue.h>

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>

#ifdef __cplusplus
extern "C" {
#endif

struct adb__libevent {
    adb_queue *queue;
    size_t slice;
    struct event io;
};

static inline void adb__libevent_ready(evutil_socket_t fd, short events, void *data)
{
    struct adb__libevent *watch = (struct adb__libevent *)data;
    (void)fd;
    (void)events;
    adb_queue_dispatch(watch->queue, watch->slice); /* a callback may have detached it: nothing after this */
}

static inline void adb__libevent_detach(void *data)
{
    struct adb__libevent *watch = (struct adb__libevent *)data;
    /* event_base_free() takes every event out and leaves it to its owner, who must not name the base any more. */
    if ((watch->io.ev_evcallback.evcb_flags & EVLIST_INSERTED) != 0)
        event_del(&watch->io);
    free(watch);
}

/**
 * Have a loop of libevent deliver what arrives in a queue, until adb_queue_detach() or adb_queue_free().
 *
 * As long as the queue is attached the loop has an event: event_base_dispatch() goes on.
 *
 * @param base   A loop.
 * @param queue  A queue that no loop watches.
 * @param slice  Most callbacks in one turn; 0 for ADB_QUEUE_SLICE.
 *
 * @return ADB_OK; ADB_E_STATE when a loop watches the queue already; ADB_E_INVAL; ADB_E_FORKED; ADB_E_NOMEM;
 *         ADB_E_IO when the loop refuses.
 *
 * Ownership: both stay the caller's, and either may go first.
 * Blocking:  never.
 * Threads:   that of the loop, or any before it runs; callbacks run on that of the loop.
 * Since:     0.1
 */
static inline adb_status adb_event_attach(struct event_base *base, adb_queue *queue, size_t slice)
{
    struct adb__libevent *watch = base == NULL ? NULL : (struct adb__libevent *)calloc(1, sizeof(*watch));
    if (watch == NULL)
        return base == NULL ? ADB_E_INVAL : ADB_E_NOMEM;
    watch->queue = queue;
    watch->slice = slice == 0 ? ADB_QUEUE_SLICE : slice;
    const adb_status status = adb_queue_attach(queue, adb__libevent_detach, watch);
    if (status != ADB_OK) {
        free(watch);
        return status;
    }
    if (event_assign(&watch->io, base, adb_queue_fd(queue), EV_READ | EV_PERSIST, adb__libevent_ready, watch) != 0 ||
        event_add(&watch->io, NULL) != 0) {
        adb_queue_detach(queue);
        return ADB_E_IO;
    }
    return ADB_OK;
}

#ifdef __cplusplus
}
#endif

#endif
