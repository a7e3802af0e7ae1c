/* SPDX-License-Identifier: BSD-3-Clause */
/* Jobs: execute, fetch, iterate, transactions, cancel, wait. Every submission returns at once. */
#ifndef ASYNCDB_JOB_H
#define ASYNCDB_JOB_H

#include <asyncdb/session.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Takes the outcome of a job.
 *
 * Which thread: the one that called adb_queue_dispatch() or adb_wait(); the worker for ADB_QUEUE_DIRECT. How often:
 * once per accepted job. Locks: none held. May call: anything, every free included. Lifetime: result ends with the call
 * unless adb_result_ref() keeps it.
 */
typedef void (*adb_done_cb)(adb_result *result, void *user_data);

/** What adb_iterate() does after a batch, and adb_copy_out() after a chunk. */
typedef enum adb_flow {
    ADB_CONTINUE = 0, /**< Go on. */
    ADB_STOP = 1,     /**< End early; the job is ADB_OK. */
    ADB_PAUSE = 2     /**< Deliver no more until adb_resume(). */
} adb_flow;

/**
 * Takes rows of adb_iterate(), one batch at a time.
 *
 * Which thread: as adb_done_cb. How often: once per batch, in order, never after adb_done_cb. Locks: none held. May
 * call: anything. Lifetime: batch ends with the call unless adb_result_ref() keeps it.
 */
typedef adb_flow (*adb_batch_cb)(adb_result *batch, void *user_data);

/** What adb_copy_in_cb answers instead of a number of bytes. */
enum {
    ADB_COPY_PAUSE = -1, /**< Nothing yet: ask again after adb_resume(). */
    ADB_COPY_ABORT = -2  /**< Give up: the job fails with ADB_E_CANCELLED, and nothing of it stays. */
};

/**
 * Gives the next bytes of a stream to adb_copy_in(), cut anywhere.
 *
 * Which thread: as adb_done_cb. How often: until it answers 0, the end of the stream, or the job ends; never after
 * adb_done_cb. Locks: none held. May call: anything. Lifetime: chunk ends with the call. Writes up to size bytes (at
 * least 32 KiB) and returns how many, or ADB_COPY_PAUSE, or ADB_COPY_ABORT; anything else fails the job with ADB_E_INVAL.
 */
typedef ptrdiff_t (*adb_copy_in_cb)(void *chunk, size_t size, void *user_data);

/**
 * Takes the next bytes of a stream from adb_copy_out(), whole records of about 64 KiB.
 *
 * Which thread: as adb_done_cb. How often: once per chunk, in order, never after adb_done_cb. Locks: none held. May call:
 * anything. Lifetime: chunk ends with the call.
 */
typedef adb_flow (*adb_copy_out_cb)(const void *chunk, size_t size, void *user_data);

/** How a stream is written; see asyncdb/copy.h. */
typedef struct adb_copy_options adb_copy_options;

/** What a request asks for. */
typedef enum adb_request_kind {
    ADB_REQUEST_EXECUTE = 1,    /**< As adb_execute(). */
    ADB_REQUEST_EXECUTE_MANY,   /**< As adb_execute_many(). */
    ADB_REQUEST_EXECUTE_SCRIPT, /**< As adb_execute_script(). */
    ADB_REQUEST_FETCH_ALL,      /**< As adb_fetch_all(). */
    ADB_REQUEST_FETCH_ONE,      /**< As adb_fetch_one(). */
    ADB_REQUEST_FETCH_VAL,      /**< As adb_fetch_val(), or another column of the row. */
    ADB_REQUEST_FETCH_MANY,     /**< As adb_fetch_many(). */
    ADB_REQUEST_ITERATE,        /**< As adb_iterate(). */
    ADB_REQUEST_BEGIN,          /**< As adb_begin(). */
    ADB_REQUEST_COMMIT,         /**< As adb_commit(). */
    ADB_REQUEST_ROLLBACK,       /**< As adb_rollback(). */
    ADB_REQUEST_ACQUIRE,        /**< As adb_acquire(). */
    ADB_REQUEST_RELEASE,        /**< As adb_release(). */
    ADB_REQUEST_RUN,            /**< As adb_run(). */
    ADB_REQUEST_TRANSACT,       /**< As adb_transact(). */
    ADB_REQUEST_CONNECT,        /**< As adb_connect(). */
    ADB_REQUEST_COPY_IN,        /**< As adb_copy_in(), with options. */
    ADB_REQUEST_COPY_OUT        /**< As adb_copy_out(), with options. */
} adb_request_kind;

/** Flags of a request. */
enum {
    ADB_REQUEST_FORMAT = 1u << 0,    /**< `%s` is a placeholder, and `%%` a percent sign. */
    ADB_REQUEST_NOT_ATOMIC = 1u << 1 /**< execute_many: sets before the failing one stay. */
};

/** The general form of all submissions. Build it with ADB_REQUEST(); a zero field means its default. */
typedef struct adb_request {
    size_t size;                /**< sizeof this struct; set by ADB_REQUEST(). */
    adb_request_kind kind;      /**< What to do. */
    unsigned flags;             /**< ADB_REQUEST_… */
    const char *sql;            /**< The statement; copy_in: the target; copy_out: the source. */
    size_t sql_size;            /**< Bytes of sql; 0: up to its NUL. */
    const adb_params *params;   /**< The values of its placeholders; NULL when there are none. */
    const adb_params *sets;     /**< execute_many. */
    size_t n_sets;              /**< How many. */
    size_t limit;               /**< fetch_many: most rows; 0 is ADB_E_INVAL. */
    size_t column;              /**< fetch_val: which column of the first row. */
    const char *column_name;    /**< fetch_val: the same by name; NULL: by number. */
    size_t batch_rows;          /**< iterate; default: the database's option. */
    size_t batch_bytes;         /**< Likewise. */
    const adb_transaction_options *transaction; /**< begin, transact. */
    adb_work_fn work;           /**< run, transact. */
    adb_batch_cb batch;         /**< iterate; NULL: pull the batches. */
    adb_done_cb done;           /**< NULL: pull the outcome, or let dispatch release it. */
    void *user_data;            /**< Handed to all callbacks. */
    int timeout_ms;             /**< From submission to the end; 0: the context's; negative: none. */
    const adb_copy_options *copy; /**< copy_in, copy_out; NULL: the defaults. */
    adb_copy_in_cb produce;     /**< copy_in. */
    adb_copy_out_cb consume;    /**< copy_out. */
} adb_request;

/** A request in place: ADB_REQUEST(.kind = ADB_REQUEST_FETCH_ALL, .sql = "SELECT 1", .timeout_ms = 500). */
#define ADB_REQUEST(...) ADB__IN_PLACE(adb_request, __VA_ARGS__)

/**
 * @name Submissions
 *
 * A submission returns the job's id when the job was accepted: it will then complete exactly once, also on cancel,
 * deadline, close and free. It returns 0 when the job was refused: nothing was taken, nothing calls back, and
 * adb_context_error() says why: ADB_E_BUSY (the queue is full), ADB_E_CLOSED, ADB_E_FORKED, ADB_E_INVAL, ADB_E_NOMEM,
 * and for statements ADB_E_PARAMETER, ADB_E_SYNTAX, ADB_E_MULTI, ADB_E_TOO_BIG.
 *
 * A statement's text holds one statement in UTF-8 with `:name`, `?`, `?1` or `$1` placeholders, never two styles.
 *
 * A job that fails says why in adb_result_error(). Inside a transaction it fails its level (unless the options say
 * ADB_ON_ERROR_CONTINUE): later jobs of the level are not run, and commit rolls back and says so.
 *
 * @{
 */

/**
 * Run one statement for its effect: the outcome has its counts, and the first row if there is one (RETURNING).
 *
 * @param ctx        A context.
 * @param sql        One statement with placeholders.
 * @param params     Values; NULL when there are none.
 * @param done       Called once with the outcome; NULL to pull it, or to leave it to dispatch.
 * @param user_data  Handed to the callbacks untouched.
 *
 * @return The job's id, or 0 when refused.
 *
 * Ownership: copies what it is given; @p user_data must live until the outcome is delivered.
 * Blocking:  never.
 * Threads:   the handle's own, also from inside a callback.
 * Since:     0.1
 */
ADB_API adb_job adb_execute(adb_context *ctx, const char *sql, const adb_params *params, adb_done_cb done,
                            void *user_data);

/**
 * Run one statement once per set of values, atomically.
 *
 * All sets are checked before the first is sent. The sets form one transaction, or one savepoint inside a transaction.
 * The outcome's affected count is the sum.
 *
 * @param ctx        A context.
 * @param sql        One statement with placeholders.
 * @param sets       The sets, all of the same shape.
 * @param n_sets     How many; 0 does nothing and is ADB_OK.
 * @param done       Called once with the outcome; NULL to pull it, or to leave it to dispatch.
 * @param user_data  Handed to the callbacks untouched.
 *
 * @return The job's id, or 0 when refused.
 *
 * Ownership: copies what it is given; @p user_data must live until the outcome is delivered.
 * Blocking:  never.
 * Threads:   the handle's own, also from inside a callback.
 * Since:     0.1
 */
ADB_API adb_job adb_execute_many(adb_context *ctx, const char *sql, const adb_params *sets, size_t n_sets,
                                 adb_done_cb done, void *user_data);

/**
 * Run several statements split by semicolons, up to the first that fails.
 *
 * No placeholders. Not atomic by itself: begin a transaction around it, or write one into it.
 *
 * @param ctx        A context.
 * @param sql        The statements.
 * @param done       Called once with the outcome; NULL to pull it, or to leave it to dispatch.
 * @param user_data  Handed to the callbacks untouched.
 *
 * @return The job's id, or 0 when refused.
 *
 * Ownership: copies what it is given; @p user_data must live until the outcome is delivered.
 * Blocking:  never.
 * Threads:   the handle's own, also from inside a callback.
 * Since:     0.1
 */
ADB_API adb_job adb_execute_script(adb_context *ctx, const char *sql, adb_done_cb done, void *user_data);

/**
 * Run one statement and fetch all its rows.
 *
 * @param ctx        A context.
 * @param sql        One statement with placeholders.
 * @param params     Values; NULL when there are none.
 * @param done       Called once with the outcome; NULL to pull it, or to leave it to dispatch.
 * @param user_data  Handed to the callbacks untouched.
 *
 * @return The job's id, or 0 when refused.
 *
 * Ownership: copies what it is given; @p user_data must live until the outcome is delivered.
 * Blocking:  never.
 * Threads:   the handle's own, also from inside a callback.
 * Since:     0.1
 */
ADB_API adb_job adb_fetch_all(adb_context *ctx, const char *sql, const adb_params *params, adb_done_cb done,
                              void *user_data);

/**
 * Run one statement and fetch its first row.
 *
 * No row is ADB_OK with adb_result_rows() 0.
 *
 * @param ctx        A context.
 * @param sql        One statement with placeholders.
 * @param params     Values; NULL when there are none.
 * @param done       Called once with the outcome; NULL to pull it, or to leave it to dispatch.
 * @param user_data  Handed to the callbacks untouched.
 *
 * @return The job's id, or 0 when refused.
 *
 * Ownership: copies what it is given; @p user_data must live until the outcome is delivered.
 * Blocking:  never.
 * Threads:   the handle's own, also from inside a callback.
 * Since:     0.1
 */
ADB_API adb_job adb_fetch_one(adb_context *ctx, const char *sql, const adb_params *params, adb_done_cb done,
                              void *user_data);

/**
 * Run one statement and fetch the first column of its first row; read it with adb_result_value().
 *
 * adb_result_rows() tells no row from NULL. adb_submit() takes another column.
 *
 * @param ctx        A context.
 * @param sql        One statement with placeholders.
 * @param params     Values; NULL when there are none.
 * @param done       Called once with the outcome; NULL to pull it, or to leave it to dispatch.
 * @param user_data  Handed to the callbacks untouched.
 *
 * @return The job's id, or 0 when refused.
 *
 * Ownership: copies what it is given; @p user_data must live until the outcome is delivered.
 * Blocking:  never.
 * Threads:   the handle's own, also from inside a callback.
 * Since:     0.1
 */
ADB_API adb_job adb_fetch_val(adb_context *ctx, const char *sql, const adb_params *params, adb_done_cb done,
                              void *user_data);

/**
 * Run one statement and fetch its first rows, up to a limit.
 *
 * @param ctx        A context.
 * @param sql        One statement with placeholders.
 * @param params     Values; NULL when there are none.
 * @param limit      Most rows; 0 is refused with ADB_E_INVAL.
 * @param done       Called once with the outcome; NULL to pull it, or to leave it to dispatch.
 * @param user_data  Handed to the callbacks untouched.
 *
 * @return The job's id, or 0 when refused.
 *
 * Ownership: copies what it is given; @p user_data must live until the outcome is delivered.
 * Blocking:  never.
 * Threads:   the handle's own, also from inside a callback.
 * Since:     0.1
 */
ADB_API adb_job adb_fetch_many(adb_context *ctx, const char *sql, const adb_params *params, size_t limit,
                               adb_done_cb done, void *user_data);

/**
 * Run one statement and take its rows batch by batch, in bounded memory.
 *
 * At most two batches are under way; the worker waits until the first was taken. Other jobs of the context run after
 * the last batch. Waiting for one of them inside @p batch is ADB_E_DEADLOCK.
 *
 * @param ctx        A context.
 * @param sql        One statement with placeholders.
 * @param params     Values; NULL when there are none.
 * @param batch      Called for each batch; NULL to pull the batches with adb_queue_next().
 * @param done       Called once after the last batch, with an outcome without rows.
 * @param user_data  Handed to the callbacks untouched.
 *
 * @return The job's id, or 0 when refused.
 *
 * Ownership: copies what it is given; @p user_data must live until the outcome is delivered.
 * Blocking:  never.
 * Threads:   the handle's own, also from inside a callback.
 * Since:     0.1
 */
ADB_API adb_job adb_iterate(adb_context *ctx, const char *sql, const adb_params *params, adb_batch_cb batch,
                            adb_done_cb done, void *user_data);

/**
 * Submit any request.
 *
 * @param ctx      A context.
 * @param request  With size set, as ADB_REQUEST() does.
 *
 * @return The job's id, or 0 when refused.
 *
 * Ownership: copies what it is given; its user_data must live until the outcome is delivered.
 * Blocking:  never.
 * Threads:   the handle's own, also from inside a callback.
 * Since:     0.1
 */
ADB_API adb_job adb_submit(adb_context *ctx, const adb_request *request);

/**
 * Connect now: the outcome tells whether the database can be reached.
 *
 * @param ctx        A context.
 * @param done       Called once with the outcome; NULL to pull it, or to leave it to dispatch.
 * @param user_data  Handed to the callbacks untouched.
 *
 * @return The job's id, or 0 when refused.
 *
 * Ownership: copies what it is given; @p user_data must live until the outcome is delivered.
 * Blocking:  never.
 * Threads:   the handle's own, also from inside a callback.
 * Since:     0.1
 */
ADB_API adb_job adb_connect(adb_context *ctx, adb_done_cb done, void *user_data);

/**
 * Open a transaction level: a transaction, or a savepoint inside one.
 *
 * An accepted begin opens a level whatever its outcome: after a failure the level is failed. Each takes exactly one
 * commit or rollback to unwind.
 *
 * @param ctx        A context.
 * @param options    NULL for the defaults.
 * @param done       Called once with the outcome; NULL to pull it, or to leave it to dispatch.
 * @param user_data  Handed to the callbacks untouched.
 *
 * @return The job's id, or 0 when refused.
 *
 * Ownership: copies what it is given; @p user_data must live until the outcome is delivered.
 * Blocking:  never.
 * Threads:   the handle's own, also from inside a callback.
 * Since:     0.1
 */
ADB_API adb_job adb_begin(adb_context *ctx, const adb_transaction_options *options, adb_done_cb done, void *user_data);

/**
 * Close the innermost level and keep its work.
 *
 * The level is closed whatever the outcome. When it had failed it is rolled back, and the outcome is
 * ADB_E_TRANSACTION_FAILED with the first failure's message; without an open level ADB_E_NO_TRANSACTION. When the answer
 * of the database was lost it is ADB_E_OUTCOME_UNKNOWN: see adb_resolve().
 *
 * @param ctx        A context.
 * @param done       Called once with the outcome; NULL to pull it, or to leave it to dispatch.
 * @param user_data  Handed to the callbacks untouched.
 *
 * @return The job's id, or 0 when refused.
 *
 * Ownership: copies what it is given; @p user_data must live until the outcome is delivered.
 * Blocking:  never.
 * Threads:   the handle's own, also from inside a callback.
 * Since:     0.1
 */
ADB_API adb_job adb_commit(adb_context *ctx, adb_done_cb done, void *user_data);

/**
 * Close the innermost level and undo its work.
 *
 * The level is closed whatever the outcome, also when this job is cancelled. A failed level rolled back is ADB_OK;
 * a lost one is ADB_E_TRANSACTION_LOST; without an open level ADB_E_NO_TRANSACTION.
 *
 * @param ctx        A context.
 * @param done       Called once with the outcome; NULL to pull it, or to leave it to dispatch.
 * @param user_data  Handed to the callbacks untouched.
 *
 * @return The job's id, or 0 when refused.
 *
 * Ownership: copies what it is given; @p user_data must live until the outcome is delivered.
 * Blocking:  never.
 * Threads:   the handle's own, also from inside a callback.
 * Since:     0.1
 */
ADB_API adb_job adb_rollback(adb_context *ctx, adb_done_cb done, void *user_data);

/**
 * Ask what became of a transaction whose commit ended as ADB_E_OUTCOME_UNKNOWN.
 *
 * The outcome is one row with one text: "committed"; "aborted"; "in progress": ask again in a moment. Without a text
 * (adb_row_is_null()) the server cannot tell for sure: it is too long ago, it has crashed since, or it is a standby.
 * adb_transact() with the option traced asks by itself.
 *
 * @param ctx             A context without an open transaction, on the same server.
 * @param transaction_id  What adb_result_transaction_id() gave.
 * @param done            Called once with the outcome; NULL to pull it, or to leave it to dispatch.
 * @param user_data       Handed to the callbacks untouched.
 *
 * @return The job's id, or 0 when refused; ADB_E_UNSUPPORTED for a database that cannot tell.
 *
 * Ownership: copies what it is given; @p user_data must live until the outcome is delivered.
 * Blocking:  never.
 * Threads:   the handle's own, also from inside a callback.
 * Since:     0.1
 */
ADB_API adb_job adb_resolve(adb_context *ctx, const char *transaction_id, adb_done_cb done, void *user_data);

/**
 * Keep one connection for this context from now on: for temporary tables, locks, settings. In a read-only transaction on
 * SQLite it is one that cannot write, afterwards either.
 *
 * Counts: as many adb_release() as adb_acquire(). When the connection dies, later jobs fail with
 * ADB_E_TRANSACTION_LOST until it is released.
 *
 * @param ctx        A context.
 * @param done       Called once with the outcome; NULL to pull it, or to leave it to dispatch.
 * @param user_data  Handed to the callbacks untouched.
 *
 * @return The job's id, or 0 when refused.
 *
 * Ownership: copies what it is given; @p user_data must live until the outcome is delivered.
 * Blocking:  never.
 * Threads:   the handle's own, also from inside a callback.
 * Since:     0.1
 */
ADB_API adb_job adb_acquire(adb_context *ctx, adb_done_cb done, void *user_data);

/**
 * Give an acquired connection back.
 *
 * The last release ends the hold whatever its outcome. Without an acquire it is ADB_E_STATE.
 *
 * @param ctx        A context.
 * @param done       Called once with the outcome; NULL to pull it, or to leave it to dispatch.
 * @param user_data  Handed to the callbacks untouched.
 *
 * @return The job's id, or 0 when refused.
 *
 * Ownership: copies what it is given; @p user_data must live until the outcome is delivered.
 * Blocking:  never.
 * Threads:   the handle's own, also from inside a callback.
 * Since:     0.1
 */
ADB_API adb_job adb_release(adb_context *ctx, adb_done_cb done, void *user_data);

/**
 * Run a function on the worker: many statements for one hop.
 *
 * @param ctx        A context.
 * @param work       The function; its status becomes the job's.
 * @param done       Called once with the outcome; NULL to pull it, or to leave it to dispatch.
 * @param user_data  Handed to the callbacks untouched.
 *
 * @return The job's id, or 0 when refused.
 *
 * Ownership: copies what it is given; @p user_data must live until the outcome is delivered.
 * Blocking:  never.
 * Threads:   the handle's own, also from inside a callback.
 * Since:     0.1
 */
ADB_API adb_job adb_run(adb_context *ctx, adb_work_fn work, adb_done_cb done, void *user_data);

/**
 * Begin, run a function, commit; roll back when it fails.
 *
 * With options->retries the whole is tried again after a failure that a retry may cure (lock, serialization), and after the
 * loss of the connection when no commit had been sent: the function must bear to run several times. Inside a transaction
 * it is one savepoint and one attempt.
 *
 * A commit whose answer was lost is never repeated blindly: ADB_E_OUTCOME_UNKNOWN. With options->traced (PostgreSQL) the
 * job connects again and asks what became of it, as long as a lane may wait for a connection (wait_timeout_ms): then it is
 * ADB_OK with what the function has returned; or, when the commit did not take effect, the next attempt, and without one
 * ADB_E_TRANSACTION_LOST. Only when the server cannot tell is it ADB_E_OUTCOME_UNKNOWN, with the id for adb_resolve().
 *
 * @param ctx        A context.
 * @param options    NULL for the defaults.
 * @param work       The function; anything but ADB_OK rolls back.
 * @param done       Called once with the outcome; NULL to pull it, or to leave it to dispatch.
 * @param user_data  Handed to the callbacks untouched.
 *
 * @return The job's id, or 0 when refused.
 *
 * Ownership: copies what it is given; @p user_data must live until the outcome is delivered.
 * Blocking:  never.
 * Threads:   the handle's own, also from inside a callback.
 * Since:     0.1
 */
ADB_API adb_job adb_transact(adb_context *ctx, const adb_transaction_options *options, adb_work_fn work,
                             adb_done_cb done, void *user_data);

/** @} */

/**
 * @name Jobs under way
 * @{
 */

/**
 * Go on with an iterate or a copy whose callback has paused it.
 *
 * @param ctx  A context.
 * @param job  Its id.
 *
 * @return ADB_OK, also when it was not paused; ADB_E_NOT_FOUND when the job is over or never was; ADB_E_INVAL.
 *
 * Ownership: nothing changes hands.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API adb_status adb_resume(adb_context *ctx, adb_job job);

/**
 * Ask for a job to end.
 *
 * A waiting job ends as ADB_E_CANCELLED at once. A running one is interrupted, and ends as ADB_E_CANCELLED or with its
 * real outcome if that was quicker. Either way its outcome is delivered as always.
 *
 * @param ctx  A context.
 * @param job  An id.
 *
 * @return ADB_OK when the job was asked; ADB_E_NOT_FOUND when it is over, never was, or is another database's; ADB_E_INVAL.
 *
 * Ownership: nothing changes hands.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API adb_status adb_cancel(adb_context *ctx, adb_job job);

/**
 * Wait for a job and take its outcome. For scripts and tests.
 *
 * The job's callback, if any, runs here before this returns. Outcomes of other jobs stay in the queue. Batches of an
 * iterate in the same context, and notifications of adb_listen(), are delivered meanwhile.
 *
 * @param ctx         A context.
 * @param job         An id that this handle's submission has returned; 0 gives the refusal's error.
 * @param timeout_ms  Milliseconds; negative waits for ever.
 *
 * @return The outcome, never NULL. A result with the status ADB_E_TIMEOUT when the wait ran out (the job goes on),
 *         ADB_E_NOT_FOUND when the outcome was delivered already or the id never was, ADB_E_DEADLOCK on a worker or when the
 *         caller itself blocks the lane, ADB_E_STATE for ADB_QUEUE_DIRECT or when another thread uses the queue.
 *
 * Ownership: the caller releases the result.
 * Blocking:  up to timeout_ms.
 * Threads:   the handle's own.
 * Since:     0.1
 */
ADB_API adb_result *adb_wait(adb_context *ctx, adb_job job, int timeout_ms);

/** @} */

#ifdef __cplusplus
}
#endif

#endif
