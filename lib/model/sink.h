/* SPDX-License-Identifier: BSD-3-Clause */
/* Where a driver puts what a statement yields: fills a result row by row, keeps limits, and hands full batches over.
 * The core sets it up; a driver only calls the functions below, from one thread. */
#ifndef ADB_MODEL_SINK_H
#define ADB_MODEL_SINK_H

#include <asyncdb/result.h>

struct adb__cell; /* model/result.h */
struct adb__column;

struct adb__sink {
    struct adb_result *result; /* being filled; changes when a batch is handed over */
    size_t max_rows;           /* rows to keep, 0: all */
    size_t batch_rows;         /* hand over after so many rows, 0: never */
    size_t batch_bytes;        /* or after so many bytes, 0: never */
    size_t n_rows;             /* rows kept, all batches together */
    size_t n_bytes;            /* in the rows of this batch */
    bool stopped;              /* a row was answered with ADB__SINK_ENOUGH: there may have been more */
    /* Hand over sink->result and put a new empty one there with its columns (adb__result_share_columns). May block
     * (backpressure). ADB_OK to go on, ADB__SINK_ENOUGH to end early and well, an error to end with it. */
    adb_status (*flush_fn)(struct adb__sink *sink, adb_error *error);
    void *owner;
    struct adb__cell *row; /* under construction; NULL between rows */
};

/* Not a failure: the driver stops fetching, drains or resets, and returns ADB_OK. */
#define ADB__SINK_ENOUGH ((adb_status)1)

/* Announce a result set, before its first row; descriptors are copied. Of several (MySQL procedures) the first with
 * columns wins: for a later one the answer is ADB__SINK_ENOUGH, and its rows are not wanted. Without columns nothing
 * happens. ADB_E_NOMEM. */
adb_status adb__sink_columns(struct adb__sink *sink, const struct adb__column *columns, size_t n_columns,
                             adb_error *error);
/* Start a row: all columns NULL. ADB_E_NOMEM, ADB_E_TOO_BIG, or ADB__SINK_ENOUGH (max_rows reached). */
adb_status adb__sink_row_begin(struct adb__sink *sink, adb_error *error);
void adb__sink_bool(struct adb__sink *sink, size_t column, bool value);
void adb__sink_int(struct adb__sink *sink, size_t column, int64_t value);
void adb__sink_double(struct adb__sink *sink, size_t column, double value);
/* DATE, TIME, TIMESTAMP as their integers. */
void adb__sink_moment(struct adb__sink *sink, size_t column, adb_type type, int64_t value);
/* TEXT, BLOB, DECIMAL, JSON (any size below ADB__VALUE_MAX_BYTES, else ADB_E_TOO_BIG) or UUID (16 bytes); copied, with
 * a NUL after it. */
adb_status adb__sink_bytes(struct adb__sink *sink, size_t column, adb_type type, const void *bytes, size_t size,
                           adb_error *error);
/* Like adb__sink_bytes() but hands out the memory to fill (size bytes; the NUL is in place): no second copy. */
adb_status adb__sink_reserve(struct adb__sink *sink, size_t column, adb_type type, size_t size, void **bytes_out,
                             adb_error *error);
/* Finish the row; hands a full batch over. As flush_fn; ADB__SINK_ENOUGH also with the last of max_rows, so that a
 * database that computes rows one by one need not look for the next. That last batch is left to the core. */
adb_status adb__sink_row_end(struct adb__sink *sink, adb_error *error);

#endif
