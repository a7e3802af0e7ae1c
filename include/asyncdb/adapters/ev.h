/* SPDX-License-Identifier: BSD-3-Clause */
/* asyncdb in a loop of libev. The program links libev. */
#ifndef ASYNCDB_ADAPTERS_EV_H
#define ASYNCDB_ADAPTERS_EV_H

#include <asyncdb/queue.h>

#include <ev.h>
#include <stdlib.h>

#ifdef __cplusplus
extern "C" {
#endif

struct adb__ev {
    adb_queue *queue;
    size_t slice;
    struct ev_loop *loop;
    ev_io io;
    ev_cleanup end; /* of the loop */
};

static inline void adb__ev_ready(struct ev_loop *loop, ev_io *io, int events)
{
    struct adb__ev *watch = (struct adb__ev *)io->data;
    (void)loop;
    (void)events;
    adb_queue_dispatch(watch->queue, watch->slice); /* a callback may have detached it: nothing after this */
}

static inline void adb__ev_ends(struct ev_loop *loop, ev_cleanup *end, int events)
{
    struct adb__ev *watch = (struct adb__ev *)end->data;
    (void)loop;
    (void)events;
    adb_queue_detach(watch->queue);
}

static inline void adb__ev_detach(void *data)
{
    struct adb__ev *watch = (struct adb__ev *)data;
    ev_io_stop(watch->loop, &watch->io);
    ev_cleanup_stop(watch->loop, &watch->end);
    free(watch);
}

/**
 * Have a loop of libev deliver what arrives in a queue, until adb_queue_detach(), adb_queue_free() or
 * ev_loop_destroy().
 *
 * As long as the queue is attached the loop has an active watcher: ev_run() goes on.
 *
 * @param loop   A loop.
 * @param queue  A queue that no loop watches.
 * @param slice  Most callbacks in one turn; 0 for ADB_QUEUE_SLICE.
 *
 * @return ADB_OK; ADB_E_STATE when a loop watches the queue already; ADB_E_INVAL; ADB_E_FORKED; ADB_E_NOMEM.
 *
 * Ownership: both stay the caller's, and either may go first.
 * Blocking:  never.
 * Threads:   that of the loop, or any before it runs; callbacks run on that of the loop.
 * Since:     0.1
 */
static inline adb_status adb_ev_attach(struct ev_loop *loop, adb_queue *queue, size_t slice)
{
    struct adb__ev *watch = loop == NULL ? NULL : (struct adb__ev *)calloc(1, sizeof(*watch));
    if (watch == NULL)
        return loop == NULL ? ADB_E_INVAL : ADB_E_NOMEM;
    watch->queue = queue;
    watch->slice = slice == 0 ? ADB_QUEUE_SLICE : slice;
    watch->loop = loop;
    const adb_status status = adb_queue_attach(queue, adb__ev_detach, watch);
    if (status != ADB_OK) {
        free(watch);
        return status;
    }
    ev_io_init(&watch->io, adb__ev_ready, adb_queue_fd(queue), EV_READ);
    ev_cleanup_init(&watch->end, adb__ev_ends);
    watch->io.data = watch->end.data = watch;
    ev_io_start(loop, &watch->io);
    ev_cleanup_start(loop, &watch->end);
    return ADB_OK;
}

#ifdef __cplusplus
}
#endif

#endif
