/* SPDX-License-Identifier: BSD-3-Clause */
/* asyncdb in a loop of libuv. The program links libuv. */
#ifndef ASYNCDB_ADAPTERS_UV_H
#define ASYNCDB_ADAPTERS_UV_H

#include <asyncdb/queue.h>

#include <stdlib.h>
#include <uv.h>

#ifdef __cplusplus
extern "C" {
#endif

/* libuv wants a handle to be there until it has closed it, whoever asked for that. */
struct adb__uv {
    adb_queue *queue;
    size_t slice;
    uv_poll_t poll;
    uv_idle_t after; /* closed behind a poll that others have closed */
};

static inline void adb__uv_ready(uv_poll_t *poll, int status, int events)
{
    struct adb__uv *watch = (struct adb__uv *)poll->data;
    (void)status;
    (void)events;
    adb_queue_dispatch(watch->queue, watch->slice); /* a callback may have detached it: nothing after this */
}

static inline void adb__uv_closed(uv_handle_t *handle)
{
    free(handle->data);
}

/* A handle has its reference until it is closed for good. */
static inline void adb__uv_close_after(uv_handle_t *after)
{
    struct adb__uv *watch = (struct adb__uv *)after->data;
    uv_idle_init(watch->poll.loop, &watch->after);
    uv_close(after, uv_has_ref((uv_handle_t *)&watch->poll) ? adb__uv_close_after : adb__uv_closed);
}

static inline void adb__uv_detach(void *data)
{
    struct adb__uv *watch = (struct adb__uv *)data;
    uv_handle_t *poll = (uv_handle_t *)&watch->poll;
    watch->after.data = watch;
    if (poll->type == UV_UNKNOWN_HANDLE)
        free(watch); /* was never in the loop */
    else if (!uv_is_closing(poll))
        uv_close(poll, adb__uv_closed);
    else if (uv_has_ref(poll))
        adb__uv_close_after((uv_handle_t *)&watch->after); /* others have closed it, in this turn */
    else
        free(watch); /* others have closed it, and perhaps the loop */
}

/**
 * Have a loop of libuv deliver what arrives in a queue, until adb_queue_detach() or adb_queue_free().
 *
 * As long as the queue is attached the loop has an active handle: it goes on, and uv_loop_close() is UV_EBUSY. After
 * adb_queue_detach() it takes one more turn, as with any handle that is closed. Instead, a program may close all
 * handles that uv_walk() finds, this one included.
 *
 * @param loop   A loop.
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
static inline adb_status adb_uv_attach(uv_loop_t *loop, adb_queue *queue, size_t slice)
{
    struct adb__uv *watch = loop == NULL ? NULL : (struct adb__uv *)calloc(1, sizeof(*watch));
    if (watch == NULL)
        return loop == NULL ? ADB_E_INVAL : ADB_E_NOMEM;
    watch->queue = queue;
    watch->slice = slice == 0 ? ADB_QUEUE_SLICE : slice;
    const adb_status status = adb_queue_attach(queue, adb__uv_detach, watch);
    if (status != ADB_OK) {
        free(watch);
        return status;
    }
    if (uv_poll_init(loop, &watch->poll, adb_queue_fd(queue)) != 0) {
        watch->poll.type = UV_UNKNOWN_HANDLE;
        adb_queue_detach(queue);
        return ADB_E_IO;
    }
    watch->poll.data = watch;
    uv_poll_start(&watch->poll, UV_READABLE, adb__uv_ready);
    return ADB_OK;
}

#ifdef __cplusplus
}
#endif

#endif
