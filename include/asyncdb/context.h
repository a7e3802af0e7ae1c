/* SPDX-License-Identifier: BSD-3-Clause */
/* Contexts: ordered lanes of jobs, each with a transaction stack. */
#ifndef ASYNCDB_CONTEXT_H
#define ASYNCDB_CONTEXT_H

#include <asyncdb/database.h>
#include <asyncdb/queue.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * An ordered lane: its jobs run one at a time, in the order in which they were accepted. Jobs of different contexts
 * run in parallel. Cheap: make one per request, window or task.
 */
typedef struct adb_context adb_context;

/** Flags of adb_context_new(). */
enum {
    ADB_CONTEXT_PARALLEL = 1u << 0,  /**< Outside a transaction each job is a lane of its own, in no order. */
    ADB_CONTEXT_READ_ONLY = 1u << 1, /**< Writes are refused with ADB_E_READ_ONLY; stays on readers. */
    ADB_CONTEXT_REPLICA = 1u << 2    /**< Works on one of adb_options.replicas, chosen at random; implies read-only. */
};

/**
 * Make a context.
 *
 * @param db     A database; it need not be connected.
 * @param queue  Where outcomes go; NULL for a queue of its own; ADB_QUEUE_DIRECT for callbacks on the worker.
 * @param flags  ADB_CONTEXT_… or 0.
 *
 * @return The context, or NULL: no memory, no descriptor for its own queue, unknown flag, no replica configured, or
 *         the handle was made before a fork. errno tells: ENOMEM, EMFILE, EINVAL, ENOENT, ECHILD.
 *
 * Ownership: the caller owns the context; it keeps queue and database alive.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API adb_context *adb_context_new(adb_database *db, adb_queue *queue, unsigned flags);

/**
 * Make a second handle of the same lane, for another thread or another queue.
 *
 * Order, transaction and connection are shared; error, timeout, pending count and queue are the new handle's own.
 *
 * @param ctx    A context.
 * @param queue  As for adb_context_new().
 * @return The handle, or NULL (errno tells).
 *
 * Ownership: the caller owns the handle; the lane ends with the last one.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API adb_context *adb_context_share(adb_context *ctx, adb_queue *queue);

/**
 * Get this thread's own context of a database, made at the first call, with a queue of its own.
 *
 * It is freed when the thread ends, which rolls back what is open.
 *
 * @param db  A database.
 * @return The context, or NULL (errno tells).
 *
 * Ownership: borrowed; do not free it.
 * Blocking:  never.
 * Threads:   any; each gets another one.
 * Since:     0.1
 */
ADB_API adb_context *adb_thread_context(adb_database *db);

/**
 * Get the queue where this handle's outcomes go.
 *
 * @param ctx  A context.
 * @return The queue, ADB_QUEUE_DIRECT when that was given; NULL for NULL.
 *
 * Ownership: borrowed; valid as long as the context.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API adb_queue *adb_context_queue(adb_context *ctx);

/**
 * Get the database of a context.
 *
 * @param ctx  A context.
 * @return The database; NULL for NULL.
 *
 * Ownership: borrowed; valid as long as the context.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API adb_database *adb_context_database(adb_context *ctx);

/**
 * Tell why the last submission through this handle was refused.
 *
 * @param ctx  A context.
 * @return The error; its status is ADB_OK when the last submission was accepted. Never NULL.
 *
 * Ownership: borrowed; valid until the next submission.
 * Blocking:  never.
 * Threads:   the handle's own.
 * Since:     0.1
 */
ADB_API const adb_error *adb_context_error(const adb_context *ctx);

/**
 * Count the transaction levels that are open, as far as the lane has run.
 *
 * @param ctx  A context.
 * @return How many; 0 when none is open, and for NULL.
 *
 * Ownership: nothing changes hands.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API size_t adb_context_depth(const adb_context *ctx);

/**
 * Count the jobs of this handle that were accepted and not yet delivered.
 *
 * @param ctx  A context.
 * @return How many; 0 for NULL.
 *
 * Ownership: nothing changes hands.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API size_t adb_context_pending(const adb_context *ctx);

/**
 * Set the deadline of jobs submitted from now on.
 *
 * @param ctx         A context.
 * @param timeout_ms  Milliseconds from submission to the end of the job; 0 for the database's default, negative for
 *                    none.
 *
 * Ownership: nothing changes hands.
 * Blocking:  never.
 * Threads:   the handle's own.
 * Since:     0.1
 */
ADB_API void adb_context_set_timeout(adb_context *ctx, int timeout_ms);

/**
 * Give up a handle. The last one of a lane cancels its jobs, rolls back and releases what it holds.
 *
 * Jobs that wait end as ADB_E_CANCELLED, a running one is asked to stop; their outcomes arrive in the queue as always.
 * When the queue is the context's own, those that are there are delivered here, and that of a job that still runs on
 * the worker. Its listeners end, as by adb_unlisten().
 *
 * @param ctx  A context or NULL.
 *
 * Ownership: the caller's handle ends.
 * Blocking:  never; but for a callback of a listener that runs on another thread, as adb_unlisten() does.
 * Threads:   the handle's own; also from inside a callback.
 * Since:     0.1
 */
ADB_API void adb_context_free(adb_context *ctx);

#ifdef __cplusplus
}
#endif

#endif
