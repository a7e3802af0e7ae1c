/* SPDX-License-Identifier: BSD-3-Clause */
/* Bulk loading and unloading: whole tables as CSV, on every database at the speed of its fastest way. */
#ifndef ASYNCDB_COPY_H
#define ASYNCDB_COPY_H

#include <asyncdb/job.h>

#ifdef __cplusplus
extern "C" {
#endif

/** How a stream is written. Build it with ADB_COPY_OPTIONS(); a zero field means its default. */
struct adb_copy_options {
    size_t size;           /**< sizeof this struct; set by ADB_COPY_OPTIONS(). */
    bool header;           /**< The first record names the columns: skipped when read, written when written. */
    char delimiter;        /**< Between fields: one ASCII byte, but no quote and no line end. Default a comma. */
    const char *null_text; /**< Stands for NULL when not in quotes; without delimiter, quote and line end. Default "". */
};

/** Options in place: ADB_COPY_OPTIONS(.header = true, .delimiter = ';'). */
#define ADB_COPY_OPTIONS(...) ADB__IN_PLACE(adb_copy_options, __VA_ARGS__)

/**
 * @name Streams of CSV
 *
 * The stream is CSV as PostgreSQL's COPY ... (FORMAT csv) defines it, the same on every database: UTF-8; a comma between
 * fields; fields in double quotes may hold anything, with "" for a quote; records end with LF or CRLF, the last one may
 * go without; an empty field without quotes is NULL, one in quotes is an empty text. Binary columns are `\x` and
 * hexadecimal digits, truth values t and f (true, false, 1 and 0 are read too), dates and times ISO 8601. What one
 * database gives, another takes.
 *
 * PostgreSQL gets the stream as it is, by its COPY. SQLite and MySQL get inserts in runs of rows, inside one transaction
 * (a savepoint inside a transaction): their rows are converted by the types that the columns declare, and what does not
 * look like its type is left to the database to judge. Either way a load is all or nothing, and a failure names the
 * record, counted from 1 without the header (on PostgreSQL the line, as its server counts them, and only when the stream
 * has ended). Columns that the database generates cannot be loaded: a target that has such must name the others.
 *
 * Targets and sources are SQL text, as trusted as sql is elsewhere: quote names that need it, take none from strangers.
 *
 * @{
 */

/**
 * Load a stream of CSV into a table: all of it, or nothing.
 *
 * The outcome's affected count is the number of rows. A failure of any kind (a bad record, a constraint, a cancel, the
 * deadline, @p produce giving up) leaves nothing behind. Other jobs of the context run after it; waiting for one of them
 * inside @p produce is ADB_E_DEADLOCK. Two chunks are under way at most: memory is bounded whatever the size of the
 * stream. With other options than the defaults: adb_submit() with ADB_REQUEST_COPY_IN.
 *
 * @param ctx        A context that may write.
 * @param target     A table, with the columns that the fields are for unless they are all, in their order:
 *                   "notes (text, completed)".
 * @param produce    Gives the stream, piece by piece.
 * @param done       Called once with the outcome; NULL to pull it, or to leave it to dispatch.
 * @param user_data  Handed to the callbacks untouched.
 *
 * @return The job's id, or 0 when refused; then adb_context_error() says why: ADB_E_BUSY, ADB_E_CLOSED, ADB_E_FORKED,
 *         ADB_E_INVAL, ADB_E_NOMEM.
 *
 * Ownership: copies what it is given; @p user_data must live until the outcome is delivered.
 * Blocking:  never.
 * Threads:   the handle's own, also from inside a callback.
 * Since:     0.1
 */
ADB_API adb_job adb_copy_in(adb_context *ctx, const char *target, adb_copy_in_cb produce, adb_done_cb done,
                            void *user_data);

/**
 * Unload a table or the rows of a query as a stream of CSV.
 *
 * The outcome's affected count is the number of rows, -1 when @p consume has ended it early. Two chunks are under way at
 * most; the worker waits until the first was taken. With other options than the defaults: adb_submit() with
 * ADB_REQUEST_COPY_OUT.
 *
 * @param ctx        A context.
 * @param source     A table, with the columns that are wanted unless they are all: "notes (text, completed)"; or a query
 *                   without parameters that begins with SELECT, WITH, VALUES or TABLE.
 * @param consume    Takes the stream, piece by piece.
 * @param done       Called once after the last piece, with an outcome without rows.
 * @param user_data  Handed to the callbacks untouched.
 *
 * @return The job's id, or 0 when refused; then adb_context_error() says why: ADB_E_BUSY, ADB_E_CLOSED, ADB_E_FORKED,
 *         ADB_E_INVAL, ADB_E_NOMEM.
 *
 * Ownership: copies what it is given; @p user_data must live until the outcome is delivered.
 * Blocking:  never.
 * Threads:   the handle's own, also from inside a callback.
 * Since:     0.1
 */
ADB_API adb_job adb_copy_out(adb_context *ctx, const char *source, adb_copy_out_cb consume, adb_done_cb done,
                             void *user_data);

/**
 * Load a stream of CSV into a table, in a function on the worker.
 *
 * As adb_copy_in(), but produce is called on the worker's own thread, and may not answer ADB_COPY_PAUSE (ADB_E_INVAL).
 *
 * @param session    The session.
 * @param target     A table, with or without columns.
 * @param options    NULL for the defaults.
 * @param produce    Gives the stream, piece by piece. May not use the session.
 * @param user_data  Handed to produce untouched.
 * @return The outcome, never NULL; affected is the number of rows.
 *
 * Ownership: the caller releases the result.
 * Blocking:  as adb_session_execute().
 * Threads:   only inside the function that was given the session.
 * Since:     0.1
 */
ADB_API adb_result *adb_session_copy_in(adb_session *session, const char *target, const adb_copy_options *options,
                                        adb_copy_in_cb produce, void *user_data);

/**
 * Unload a table or the rows of a query as a stream of CSV, in a function on the worker.
 *
 * As adb_copy_out(), but consume is called on the worker's own thread, and may not answer ADB_PAUSE (ADB_E_INVAL).
 *
 * @param session    The session.
 * @param source     A table, with or without columns, or a query.
 * @param options    NULL for the defaults.
 * @param consume    Takes the stream, piece by piece. May not use the session.
 * @param user_data  Handed to consume untouched.
 * @return The outcome, never NULL; affected is the number of rows, -1 when consume has ended it early.
 *
 * Ownership: the caller releases the result.
 * Blocking:  as adb_session_execute().
 * Threads:   only inside the function that was given the session.
 * Since:     0.1
 */
ADB_API adb_result *adb_session_copy_out(adb_session *session, const char *source, const adb_copy_options *options,
                                         adb_copy_out_cb consume, void *user_data);

/** @} */

#ifdef __cplusplus
}
#endif

#endif
