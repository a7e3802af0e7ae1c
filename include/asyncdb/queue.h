/* SPDX-License-Identifier: BSD-3-Clause */
/* Completion queues: where outcomes wait for the thread that wants them. */
#ifndef ASYNCDB_QUEUE_H
#define ASYNCDB_QUEUE_H

#include <asyncdb/result.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * A completion queue.
 *
 * It belongs to one thread at a time: the one that dispatches, pulls or waits. Many contexts, also of several
 * databases, may share one. Its descriptor goes into any select, poll or epoll loop, level- or edge-triggered.
 */
typedef struct adb_queue adb_queue;

/**
 * The queue behind ADB_QUEUE_DIRECT: its address says that callbacks are to run on the worker, and is what a foreign-function
 * interface, which has no macros, takes instead.
 *
 * Only for adb_context_new(): to any other call it is no queue.
 *
 * Ownership: the library's; never freed.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API extern adb_queue adb_queue_direct;

/**
 * Instead of a queue: callbacks run on the worker, right after the job. For programs without a loop.
 * Such a callback must not wait (adb_wait() is ADB_E_DEADLOCK) and holds up its worker while it runs.
 */
#define ADB_QUEUE_DIRECT (&adb_queue_direct)

/** Most callbacks in one turn of a loop, where an adapter of asyncdb/adapters/ is told 0. */
#define ADB_QUEUE_SLICE 64

/**
 * Make a completion queue.
 *
 * @return The queue, with one reference that adb_queue_free() gives back.
 * @return NULL when there is no memory or no descriptor left (errno tells).
 *
 * Ownership: the caller owns the queue.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API adb_queue *adb_queue_new(void);

/**
 * Get the descriptor to poll for reading.
 *
 * Readable means that something may wait: call adb_queue_dispatch() or adb_queue_next() until they find nothing, never
 * read the descriptor yourself. There is one signal per change from empty to non-empty, so counts mean nothing.
 *
 * Inside a callback it does not speak of what the dispatch around it has already taken from the workers. A callback
 * that runs a loop of its own, and wants those outcomes there, calls adb_queue_wake() first.
 *
 * @param queue  A queue; not ADB_QUEUE_DIRECT.
 * @return The descriptor, or -1 for NULL and ADB_QUEUE_DIRECT.
 *
 * Ownership: the descriptor stays the queue's; do not close it.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API int adb_queue_fd(const adb_queue *queue);

/**
 * Run the callbacks of outcomes that wait, here.
 *
 * Outcomes whose job has no callback are released, and an error among them goes to the log. A callback may call
 * anything, this function and every free included. Notifications of adb_listen() count as outcomes here.
 *
 * @param queue  A queue.
 * @param max    Most outcomes to deliver; 0 for all that wait now. Those that callbacks cause meanwhile are left for
 *               the next call, so that a flood cannot keep the loop here.
 * @return How many were delivered; 0 also when another thread is dispatching this queue.
 *
 * Ownership: a callback's result is borrowed; adb_result_ref() keeps it.
 * Blocking:  never, apart from what callbacks do.
 * Threads:   one at a time per queue.
 * Since:     0.1
 */
ADB_API size_t adb_queue_dispatch(adb_queue *queue, size_t max);

/**
 * Pull one outcome instead of having its callback run.
 *
 * The callback of a pulled job does not run. Batches of adb_iterate() are pulled too: adb_result_more() is true for
 * them, and pulling one counts as ADB_CONTINUE. Notifications that come before it have their callbacks run.
 *
 * @param queue  A queue.
 * @return The oldest outcome, or NULL when none waits.
 *
 * Ownership: the caller releases the result with adb_result_unref().
 * Blocking:  never.
 * Threads:   one at a time per queue.
 * Since:     0.1
 */
ADB_API adb_result *adb_queue_next(adb_queue *queue);

/**
 * Wait until something may wait in the queue. Before the thread sleeps it looks for a moment, where that has paid
 * lately: for 8 microseconds, and for 50 now and then. Where short jobs follow each other, neither side sleeps then.
 * Where many outcomes come within microseconds, it waits for some of them to be delivered together, up to 64, as long as
 * they keep coming: for 40 microseconds at most.
 *
 * @param queue       A queue.
 * @param timeout_ms  Milliseconds; 0 only looks, negative waits for ever.
 * @return ADB_OK when an outcome waits or adb_queue_wake() was called; ADB_E_TIMEOUT; ADB_E_INVAL;
 *         ADB_E_DEADLOCK on a worker thread.
 *
 * Ownership: nothing changes hands.
 * Blocking:  up to timeout_ms.
 * Threads:   one at a time per queue.
 * Since:     0.1
 */
ADB_API adb_status adb_queue_wait(adb_queue *queue, int timeout_ms);

/**
 * Make the descriptor readable and end a wait, once.
 *
 * @param queue  A queue that is not freed meanwhile.
 *
 * Ownership: nothing changes hands.
 * Blocking:  never.
 * Threads:   any, and from a signal handler.
 * Since:     0.1
 */
ADB_API void adb_queue_wake(adb_queue *queue);

/**
 * Takes a queue out of the loop that watches it.
 *
 * Which thread: the one that called adb_queue_detach() or adb_queue_free(). How often: once per adb_queue_attach() that
 * succeeded, at most. Locks: none held. May call: anything but adb_queue_free(). Lifetime: watcher is the callee's.
 */
typedef void (*adb_queue_detach_cb)(void *watcher);

/**
 * Say that a loop watches a queue from now on. For those who write an adapter; asyncdb/adapters/ has some.
 *
 * The loop is to watch adb_queue_fd() for reading and to call adb_queue_dispatch() with a bound, on one thread. That is
 * all: what a bounded dispatch has left keeps the descriptor readable, and is announced anew to who waits for edges.
 *
 * @param queue    A queue that no loop watches.
 * @param detach   Called once: by adb_queue_detach(), or by adb_queue_free() before anything else.
 * @param watcher  Handed to @p detach untouched.
 * @return ADB_OK; ADB_E_STATE when a loop watches it already; ADB_E_INVAL, also for ADB_QUEUE_DIRECT; ADB_E_FORKED.
 *
 * Ownership: @p watcher must live until @p detach was called.
 * Blocking:  never.
 * Threads:   the one that dispatches.
 * Since:     0.1
 */
ADB_API adb_status adb_queue_attach(adb_queue *queue, adb_queue_detach_cb detach, void *watcher);

/**
 * Take a queue out of the loop that watches it, whichever that is.
 *
 * Outcomes that wait stay in the queue, for another loop or adb_queue_dispatch(). In a callback this ends the dispatch
 * around it: no other callback is run by that loop. Without a loop nothing happens.
 *
 * @param queue  A queue or NULL.
 *
 * Ownership: what the adapter holds is released, now or, where the loop wants it so, when it next turns.
 * Blocking:  never.
 * Threads:   that of the loop; also from inside a callback.
 * Since:     0.1
 */
ADB_API void adb_queue_detach(adb_queue *queue);

/**
 * Give up a queue.
 *
 * A loop that watches it is left, as by adb_queue_detach(). Outcomes that wait in it are then delivered, on this
 * thread. Contexts that still use it keep it alive, without its descriptor being of use to anybody: what completes from
 * now on has its callback run on the thread that completes it. Free the contexts first.
 *
 * @param queue  A queue or NULL.
 *
 * Ownership: the caller's reference ends.
 * Blocking:  never, apart from what callbacks do.
 * Threads:   the one that dispatches; also from inside a callback, which then ends the dispatch after it.
 * Since:     0.1
 */
ADB_API void adb_queue_free(adb_queue *queue);

#ifdef __cplusplus
}
#endif

#endif
