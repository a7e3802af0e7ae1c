/* SPDX-License-Identifier: BSD-3-Clause */
/* Work that runs on a worker: many statements for one hop, on a blocking face. */
#ifndef ASYNCDB_SESSION_H
#define ASYNCDB_SESSION_H

#include <asyncdb/context.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * A function that runs on the worker.
 *
 * Which thread: the worker. How often: once; under adb_transact() once per attempt. Locks: none held. May call: the
 * adb_session_… functions, and submissions to any context; waiting there is ADB_E_DEADLOCK. Lifetime: session ends with
 * the call; user_data must live until the job's outcome is delivered. Anything but ADB_OK fails the job.
 */
typedef adb_status (*adb_work_fn)(adb_session *session, void *user_data);

/**
 * Takes rows one batch at a time; see adb_session_iterate(). Return false to end early.
 *
 * Which thread: the worker. How often: once per batch. Locks: none held. May call: what an adb_work_fn may, but no
 * statement on this session. Lifetime: batch ends with the call.
 */
typedef bool (*adb_rows_cb)(adb_result *batch, void *user_data);

/**
 * Run one statement.
 *
 * @param session  The session.
 * @param sql      One statement with placeholders.
 * @param params   Values; NULL when there are none.
 * @return The outcome, never NULL: the counts, and the first row if there is one (RETURNING).
 *
 * Ownership: the caller releases the result.
 * Blocking:  until the database has answered, the job's deadline passed or it was cancelled.
 * Threads:   only inside the function that was given the session.
 * Since:     0.1
 */
ADB_API adb_result *adb_session_execute(adb_session *session, const char *sql, const adb_params *params);

/**
 * Run one statement with several sets of values, atomically.
 *
 * @param session  The session.
 * @param sql      One statement with placeholders.
 * @param sets     The sets; each is checked before the first is sent.
 * @param n_sets   How many; 0 does nothing and is ADB_OK.
 * @return The outcome, never NULL; affected is the sum.
 *
 * Ownership: the caller releases the result.
 * Blocking:  as adb_session_execute().
 * Threads:   only inside the function that was given the session.
 * Since:     0.1
 */
ADB_API adb_result *adb_session_execute_many(adb_session *session, const char *sql, const adb_params *sets,
                                             size_t n_sets);

/**
 * Run several statements split by semicolons, up to the first that fails.
 *
 * @param session  The session.
 * @param sql      The statements; no placeholders.
 * @return The outcome of the last one that ran, never NULL.
 *
 * Ownership: the caller releases the result.
 * Blocking:  as adb_session_execute().
 * Threads:   only inside the function that was given the session.
 * Since:     0.1
 */
ADB_API adb_result *adb_session_execute_script(adb_session *session, const char *sql);

/**
 * Run one statement and fetch all its rows.
 *
 * @param session  The session.
 * @param sql      One statement with placeholders.
 * @param params   Values; NULL when there are none.
 * @return The outcome, never NULL.
 *
 * Ownership: the caller releases the result.
 * Blocking:  as adb_session_execute().
 * Threads:   only inside the function that was given the session.
 * Since:     0.1
 */
ADB_API adb_result *adb_session_fetch_all(adb_session *session, const char *sql, const adb_params *params);

/**
 * Run one statement and fetch its first row.
 *
 * @param session  The session.
 * @param sql      One statement with placeholders.
 * @param params   Values; NULL when there are none.
 * @return The outcome, never NULL; no row is ADB_OK with adb_result_rows() 0.
 *
 * Ownership: the caller releases the result.
 * Blocking:  as adb_session_execute().
 * Threads:   only inside the function that was given the session.
 * Since:     0.1
 */
ADB_API adb_result *adb_session_fetch_one(adb_session *session, const char *sql, const adb_params *params);

/**
 * Run one statement and fetch the first column of its first row; read it with adb_result_value().
 *
 * @param session  The session.
 * @param sql      One statement with placeholders.
 * @param params   Values; NULL when there are none.
 * @return The outcome, never NULL; adb_result_rows() tells no row from NULL.
 *
 * Ownership: the caller releases the result.
 * Blocking:  as adb_session_execute().
 * Threads:   only inside the function that was given the session.
 * Since:     0.1
 */
ADB_API adb_result *adb_session_fetch_val(adb_session *session, const char *sql, const adb_params *params);

/**
 * Run one statement and take its rows batch by batch, in bounded memory.
 *
 * @param session    The session.
 * @param sql        One statement with placeholders.
 * @param params     Values; NULL when there are none.
 * @param rows       Called for each batch.
 * @param user_data  Handed to @p rows untouched.
 * @return The outcome, never NULL, without rows. Ending early is ADB_OK.
 *
 * Ownership: the caller releases the result; a batch is borrowed.
 * Blocking:  as adb_session_execute().
 * Threads:   only inside the function that was given the session.
 * Since:     0.1
 */
ADB_API adb_result *adb_session_iterate(adb_session *session, const char *sql, const adb_params *params,
                                        adb_rows_cb rows, void *user_data);

/**
 * Begin a transaction, or a savepoint inside one.
 *
 * Levels left open when the function returns are rolled back.
 *
 * @param session  The session.
 * @param options  NULL for the defaults.
 * @return ADB_OK, or why not; adb_session_error() has the detail.
 *
 * Ownership: nothing changes hands.
 * Blocking:  as adb_session_execute().
 * Threads:   only inside the function that was given the session.
 * Since:     0.1
 */
ADB_API adb_status adb_session_begin(adb_session *session, const adb_transaction_options *options);

/**
 * Commit the innermost level that this function has begun.
 *
 * @param session  The session.
 * @return ADB_OK; ADB_E_NO_TRANSACTION; ADB_E_OUTCOME_UNKNOWN when the answer was lost; or the database's refusal, and
 *         then the level is rolled back.
 *
 * Ownership: nothing changes hands.
 * Blocking:  as adb_session_execute().
 * Threads:   only inside the function that was given the session.
 * Since:     0.1
 */
ADB_API adb_status adb_session_commit(adb_session *session);

/**
 * Roll back the innermost level that this function has begun.
 *
 * @param session  The session.
 * @return ADB_OK or ADB_E_NO_TRANSACTION; ADB_E_TRANSACTION_LOST when the connection died.
 *
 * Ownership: nothing changes hands.
 * Blocking:  as adb_session_execute().
 * Threads:   only inside the function that was given the session.
 * Since:     0.1
 */
ADB_API adb_status adb_session_rollback(adb_session *session);

/**
 * Count the open transaction levels, those of the context included.
 *
 * @param session  The session.
 * @return How many; 0 when none is open.
 *
 * Ownership: nothing changes hands.
 * Blocking:  never.
 * Threads:   only inside the function that was given the session.
 * Since:     0.1
 */
ADB_API size_t adb_session_depth(const adb_session *session);

/**
 * Tell whether the job was cancelled or its deadline has passed: long work should return soon.
 *
 * Statements refuse by themselves then.
 *
 * @param session  The session.
 * @return true once it is so.
 *
 * Ownership: nothing changes hands.
 * Blocking:  never.
 * Threads:   only inside the function that was given the session.
 * Since:     0.1
 */
ADB_API bool adb_session_stopped(const adb_session *session);

/**
 * Get the detail of the session's last failure.
 *
 * @param session  The session.
 * @return Never NULL.
 *
 * Ownership: borrowed; valid until the next statement.
 * Blocking:  never.
 * Threads:   only inside the function that was given the session.
 * Since:     0.1
 */
ADB_API const adb_error *adb_session_error(const adb_session *session);

/**
 * Fail the job with a message of one's own: return what this returns.
 *
 * @param session  The session.
 * @param status   Not ADB_OK.
 * @param message  One line.
 * @return @p status.
 *
 * Ownership: copies the message.
 * Blocking:  never.
 * Threads:   only inside the function that was given the session.
 * Since:     0.1
 */
ADB_API adb_status adb_session_fail(adb_session *session, adb_status status, const char *message);

/**
 * Hand the rows and counts of a result to the job's own outcome, so that its callback sees them.
 *
 * @param session  The session.
 * @param result   An outcome of one of the functions above; the last call counts.
 *
 * Ownership: takes the caller's reference.
 * Blocking:  never.
 * Threads:   only inside the function that was given the session.
 * Since:     0.1
 */
ADB_API void adb_session_return(adb_session *session, adb_result *result);

/**
 * Get the client library's own handle (sqlite3 *, PGconn *, MYSQL *), for what asyncdb does not wrap.
 *
 * Leave it as it was found: no open transaction, no unread result. What is left open is rolled back.
 *
 * @param session  The session.
 * @return The handle; NULL for NULL.
 *
 * Ownership: borrowed.
 * Blocking:  never.
 * Threads:   only inside the function that was given the session.
 * Since:     0.1
 */
ADB_API void *adb_session_native(adb_session *session);

#ifdef __cplusplus
}
#endif

#endif
