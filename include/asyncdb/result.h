/* SPDX-License-Identifier: BSD-3-Clause */
/* The immutable, reference-counted outcome of a job: its error, or its rows and counts. */
#ifndef ASYNCDB_RESULT_H
#define ASYNCDB_RESULT_H

#include <asyncdb/value.h>

#ifdef __cplusplus
extern "C" {
#endif

/** An accepted job's id; 0 is never one. */
typedef uint64_t adb_job;

/**
 * The outcome of a job.
 *
 * It owns all that can be read from it and needs no connection, context or database to stay valid. It never changes, so
 * any thread that holds a reference may read it, several at once. In a callback it is borrowed: adb_result_ref() keeps
 * it.
 */
typedef struct adb_result adb_result;

/**
 * One row of a result: a small value to pass by copy, valid as long as the result is.
 *
 * Read it by index, or by name with adb_row_get(). No index is wrong: what does not exist reads as NULL.
 */
typedef struct adb_row {
    const adb_result *result; /**< Where it belongs. */
    size_t index;             /**< Zero-based; may lie beyond the end. */
} adb_row;

/**
 * @name Outcomes
 * @{
 */

/**
 * Tell how the job ended.
 *
 * @param result  The result, or NULL.
 * @return ADB_OK, or why it failed; ADB_E_INVAL for NULL.
 *
 * Ownership: nothing changes hands.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API adb_status adb_result_status(const adb_result *result);

/**
 * Look at the failure in full.
 *
 * @param result  The result, or NULL.
 * @return Never NULL; its status is ADB_OK when there was none, ADB_E_INVAL for NULL.
 *
 * Ownership: borrowed; valid as long as the result.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API const adb_error *adb_result_error(const adb_result *result);

/**
 * Tell which job this is the outcome of.
 *
 * @param result  The result, or NULL.
 * @return Its id; 0 for NULL, and for results that are no outcome of a job.
 *
 * Ownership: nothing changes hands.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API adb_job adb_result_job(const adb_result *result);

/**
 * Hand back what the job was submitted with.
 *
 * @param result  The result, or NULL.
 * @return The pointer, untouched; NULL for NULL.
 *
 * Ownership: the pointer is the caller's own.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API void *adb_result_user_data(const adb_result *result);

/**
 * Tell a batch of rows from the end of its job.
 *
 * @param result  The result, or NULL.
 * @return true for a batch of adb_iterate(): the job goes on, and its outcome is still to come.
 *
 * Ownership: nothing changes hands.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API bool adb_result_more(const adb_result *result);

/**
 * Get what names the transaction whose commit has an unknown outcome, for adb_resolve().
 *
 * @param result  The result, or NULL.
 * @return The id of a traced transaction when the status is ADB_E_OUTCOME_UNKNOWN; NULL otherwise, and where the server
 *         has no such ids.
 *
 * Ownership: borrowed; valid as long as the result.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API const char *adb_result_transaction_id(const adb_result *result);

/** @} */

/**
 * @name Rows and columns
 * @{
 */

/**
 * Count the rows.
 *
 * A SELECT without rows and a statement that is no SELECT differ in adb_result_columns().
 *
 * @param result  The result, or NULL.
 * @return Rows held here; 0 for NULL.
 *
 * Ownership: nothing changes hands.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API size_t adb_result_rows(const adb_result *result);

/**
 * Count the columns.
 *
 * Columns keep the order of the statement, and those of one name are all there.
 *
 * @param result  The result, or NULL.
 * @return Columns of each row; 0 when the statement yields none, when it failed, and for NULL.
 *
 * Ownership: nothing changes hands.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API size_t adb_result_columns(const adb_result *result);

/**
 * Name a column.
 *
 * @param result  The result, or NULL.
 * @param column  Zero-based; any number.
 * @return The name as the database gives it; NULL when there is no such column.
 *
 * Ownership: borrowed; valid as long as the result.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API const char *adb_result_column_name(const adb_result *result, size_t column);

/**
 * Name the table that a column comes from.
 *
 * @param result  The result, or NULL.
 * @param column  Zero-based; any number.
 * @return The name; NULL for expressions, where the client library does not tell, and when there is no such column.
 *
 * Ownership: borrowed; valid as long as the result.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API const char *adb_result_column_table(const adb_result *result, size_t column);

/**
 * Name the type of a column in the database's own words.
 *
 * @param result  The result, or NULL.
 * @param column  Zero-based; any number.
 * @return Such as "VARCHAR(100)"; NULL for expressions of no declared type, and when there is no such column.
 *
 * Ownership: borrowed; valid as long as the result.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API const char *adb_result_column_decltype(const adb_result *result, size_t column);

/**
 * Tell what a column is declared to hold.
 *
 * A hint: what a row really holds is in adb_row_value(), and may differ with SQLite.
 *
 * @param result  The result, or NULL.
 * @param column  Zero-based; any number.
 * @return The type; ADB_TYPE_NULL when unknown, and when there is no such column.
 *
 * Ownership: nothing changes hands.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API adb_type adb_result_column_type(const adb_result *result, size_t column);

/**
 * Find a column by name.
 *
 * Look it up once, not for each row. Of several columns of that name it is the first: adb_result_column_count() tells
 * of duplicates, and adb_result_column_find() tells them apart.
 *
 * @param result  The result, or NULL.
 * @param name    Compared byte by byte: case matters.
 * @return The index; -1 when there is none.
 *
 * Ownership: nothing changes hands.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API int adb_result_column_index(const adb_result *result, const char *name);

/**
 * Find a column by table and name: for joins, where several tables have columns of one name.
 *
 * @param result  The result, or NULL.
 * @param table   As adb_result_column_table() gives it, not its alias; NULL for any.
 * @param name    Compared byte by byte: case matters.
 * @return The index of the first match; -1 when there is none.
 *
 * Ownership: nothing changes hands.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API int adb_result_column_find(const adb_result *result, const char *table, const char *name);

/**
 * Count the columns of one name.
 *
 * @param result  The result, or NULL.
 * @param name    Compared byte by byte: case matters.
 * @return How many; when more than 1, a lookup by name sees only the first.
 *
 * Ownership: nothing changes hands.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API size_t adb_result_column_count(const adb_result *result, const char *name);

/**
 * Count the rows that a statement changed.
 *
 * @param result  The result, or NULL.
 * @return Rows inserted, updated or deleted; -1 when unknown or meaningless.
 *
 * Ownership: nothing changes hands.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API int64_t adb_result_affected(const adb_result *result);

/**
 * Get the key that the database made for an inserted row.
 *
 * @param result  The result, or NULL.
 * @param id_out  The key, untouched when there is none; may be NULL.
 * @return true only when this very job inserted a row with such a key.
 *
 * Ownership: nothing changes hands.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API bool adb_result_last_insert_id(const adb_result *result, int64_t *id_out);

/**
 * Read the first column of the first row, as for adb_fetch_val().
 *
 * A row with NULL in it and no row at all look the same here: adb_result_rows() tells.
 *
 * @param result  The result, or NULL.
 * @return The value; NULL when there is no row.
 *
 * Ownership: borrowed; valid as long as the result.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API adb_value adb_result_value(const adb_result *result);

/**
 * Pick a row.
 *
 * A row beyond the end is no error: every value of it is NULL.
 *
 * @param result  The result, or NULL.
 * @param index   Zero-based; any number.
 * @return The row, to be passed by value.
 *
 * Ownership: borrows @p result: the row is valid as long as the result.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API adb_row adb_result_row(const adb_result *result, size_t index);

/** @} */

/**
 * @name Keeping results
 * @{
 */

/**
 * Keep a result beyond the callback that it was handed to.
 *
 * @param result  The result, or NULL.
 * @return @p result.
 *
 * Ownership: the caller releases it with adb_result_unref().
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API adb_result *adb_result_ref(adb_result *result);

/**
 * Release a result; the last release frees it, and all texts and blobs in it.
 *
 * @param result  The result, or NULL.
 *
 * Ownership: takes one reference back.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API void adb_result_unref(adb_result *result);

/** @} */

/**
 * @name Values of a row
 * @{
 */

/**
 * Read a value as it is.
 *
 * @param row     The row.
 * @param column  Zero-based; any number.
 * @return The value; NULL when there is no such row or column. Text and blobs end in a NUL that size does not count.
 *
 * Ownership: borrowed; valid as long as the result.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API adb_value adb_row_value(adb_row row, size_t column);

/**
 * Read a value by the name of its column.
 *
 * Convenient, not fast: see adb_result_column_index().
 *
 * @param row        The row.
 * @param name       Compared byte by byte; the first of several.
 * @param value_out  The value, untouched on failure.
 * @return ADB_OK; ADB_E_NOT_FOUND when there is no such column; ADB_E_INVAL for a NULL pointer, also in @p row.
 *
 * Ownership: the value is borrowed; valid as long as the result.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API adb_status adb_row_get(adb_row row, const char *name, adb_value *value_out);

/**
 * Read a value by numbers and pointers alone: for the foreign-function interfaces of languages that pass no structs.
 *
 * @param result     The result, or NULL.
 * @param row        Zero-based; any number.
 * @param column     Zero-based; any number.
 * @param value_out  The value, as adb_row_value() gives it; untouched on failure.
 * @return ADB_OK; ADB_E_NOT_FOUND when there is no such row or column; ADB_E_INVAL for a NULL pointer.
 *
 * Ownership: the value is borrowed; valid as long as the result.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API adb_status adb_result_get(const adb_result *result, size_t row, size_t column, adb_value *value_out);

/**
 * Ask whether a value is NULL.
 *
 * @param row     The row.
 * @param column  Zero-based; any number.
 * @return true for NULL, and when there is no such row or column.
 *
 * Ownership: nothing changes hands.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API bool adb_row_is_null(adb_row row, size_t column);

/**
 * Read a truth value, converting as adb_value_to_bool() does.
 *
 * @param row     The row.
 * @param column  Zero-based; any number.
 * @return false when it is false, NULL, not convertible or not there.
 *
 * Ownership: nothing changes hands.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API bool adb_row_bool(adb_row row, size_t column);

/**
 * Read an integer, converting as adb_value_to_int() does.
 *
 * A fraction is cut off. Where 0 must not stand for a failure, convert adb_row_value().
 *
 * @param row     The row.
 * @param column  Zero-based; any number.
 * @return 0 when it is 0, NULL, not convertible, too large or not there.
 *
 * Ownership: nothing changes hands.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API int64_t adb_row_int(adb_row row, size_t column);

/**
 * Read a floating-point number, converting as adb_value_to_double() does.
 *
 * @param row     The row.
 * @param column  Zero-based; any number.
 * @return 0 when it is 0, NULL, not convertible, too large or not there.
 *
 * Ownership: nothing changes hands.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API double adb_row_double(adb_row row, size_t column);

/**
 * Read a value as text.
 *
 * Text, decimals and JSON are as they came, and so are the bytes of a blob: text only if the blob is, and a NUL inside
 * ends it early. Truth values are "true" and "false". Numbers, dates, times and UUIDs are written as
 * adb_value_format() does when first asked for, and kept with the result.
 *
 * @param row     The row.
 * @param column  Zero-based; any number.
 * @return Ended by a NUL, the same pointer each time; NULL for NULL, when there is no such row or column, and when
 *         there is no memory to write a number.
 *
 * Ownership: borrowed; valid as long as the result.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API const char *adb_row_text(adb_row row, size_t column);

/**
 * Read the bytes of a value.
 *
 * Blobs, text, decimals, JSON and UUIDs have bytes; numbers, dates and times have none.
 *
 * @param row       The row.
 * @param column    Zero-based; any number.
 * @param size_out  How many, without the NUL behind them; may be NULL. 0 when NULL is returned.
 * @return The bytes, never NULL for an empty blob; NULL for what has none, and when there is no such row or column.
 *
 * Ownership: borrowed; valid as long as the result.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API const void *adb_row_blob(adb_row row, size_t column, size_t *size_out);

/**
 * Compare two rows by their values, as adb_value_equal() does; names play no part.
 *
 * @param a  A row.
 * @param b  Another, of the same or another result.
 * @return true when they have as many columns, and all are equal. NULL equals NULL here.
 *
 * Ownership: nothing changes hands.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API bool adb_row_equal(adb_row a, adb_row b);

/**
 * Hash the values of a row, for tables in memory.
 *
 * Equal rows hash alike. Not for storage: another release or another machine may hash otherwise.
 *
 * @param row  The row.
 * @return The hash.
 *
 * Ownership: nothing changes hands.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API uint64_t adb_row_hash(adb_row row);

/**
 * Write a row for people, as snprintf() would: `id=1, name=Ann`.
 *
 * All columns in their order, duplicates too; values as adb_value_format() writes them.
 *
 * @param row     The row.
 * @param buffer  Where to write; may be NULL when @p size is 0.
 * @param size    Bytes to write at most, the NUL included.
 * @return The length that the whole text has, without the NUL.
 *
 * Ownership: nothing changes hands.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API size_t adb_row_format(adb_row row, char *buffer, size_t size);

/** @} */

#ifdef __cplusplus
}
#endif

#endif
