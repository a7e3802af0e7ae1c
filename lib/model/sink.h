/* SPDX-License-Identifier: BSD-3-Clause */
/* Where a driver puts what a statement yields: fills a result row by row, keeps limits, and hands full batches over.
 * The core sets it up; a driver only calls the functions below, from one thread. */
#ifndef ADB_MODEL_SINK_H
#define ADB_MODEL_SINK_H

#include "model/result.h"
#include "model/value.h"

#include <assert.h>
#include <string.h>

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
    struct adb__cell *row;      /* under construction; NULL between rows */
    struct adb__cell *room;     /* for the next row, all NULL */
    struct adb__cell *room_end; /* within the limits */
    size_t n_columns;           /* of a row that there is room for */
};

/* Not a failure: the driver stops fetching, drains or resets, and returns ADB_OK. */
#define ADB__SINK_ENOUGH ((adb_status)1)

/* Announce a result set, before its first row; descriptors are copied. Of several (MySQL procedures) the first with
 * columns wins: for a later one the answer is ADB__SINK_ENOUGH, and its rows are not wanted. Without columns nothing
 * happens. ADB_E_NOMEM. */
adb_status adb__sink_columns(struct adb__sink *sink, const struct adb__column *columns, size_t n_columns,
                             adb_error *error);
/* Start a row: all columns NULL. ADB_E_NOMEM, ADB_E_TOO_BIG, or ADB__SINK_ENOUGH (max_rows reached). */
static inline adb_status adb__sink_row_begin(struct adb__sink *sink, adb_error *error);
/* Set a value of the row. */
static inline void adb__sink_bool(const struct adb__sink *sink, size_t column, bool value);
static inline void adb__sink_int(const struct adb__sink *sink, size_t column, int64_t value);
static inline void adb__sink_double(const struct adb__sink *sink, size_t column, double value);
/* DATE, TIME, TIMESTAMP as their integers. */
static inline void adb__sink_moment(const struct adb__sink *sink, size_t column, adb_type type, int64_t value);
/* TEXT, BLOB, DECIMAL, JSON (any size below ADB__VALUE_MAX_BYTES, else ADB_E_TOO_BIG) or UUID (16 bytes); copied, with
 * a NUL after it. */
static inline adb_status adb__sink_bytes(struct adb__sink *sink, size_t column, adb_type type, const void *bytes,
                                         size_t size, adb_error *error);
/* Like adb__sink_bytes() but hands out the memory to fill (size bytes; the NUL is in place): no second copy. */
adb_status adb__sink_reserve(struct adb__sink *sink, size_t column, adb_type type, size_t size, void **bytes_out,
                             adb_error *error);
/* Finish the row; hands a full batch over. As flush_fn; ADB__SINK_ENOUGH also with the last of max_rows, so that a
 * database that computes rows one by one need not look for the next. That last batch is left to the core. */
static inline adb_status adb__sink_row_end(struct adb__sink *sink, adb_error *error);

/* What is done for each row and value is inline
 * ---------------------------------------------------------------------- */

/* Room for more rows, within the limits; as adb__sink_row_begin(). */
adb_status adb__sink_make_room(struct adb__sink *sink, adb_error *error);
/* As adb__sink_bytes(), for any value: one that is too big, or that the memory at hand has no room for. */
adb_status adb__sink_bytes_anew(struct adb__sink *sink, size_t column, adb_type type, const void *bytes, size_t size,
                                adb_error *error);
/* The row was perhaps the last one of the batch or of all that are wanted; as adb__sink_row_end(). */
adb_status adb__sink_look(struct adb__sink *sink, adb_error *error);

static inline adb_status adb__sink_row_begin(struct adb__sink *sink, adb_error *error)
{
    if (sink->room == sink->room_end || sink->row != NULL) {
        const adb_status status = adb__sink_make_room(sink, error);
        if (status != ADB_OK)
            return status;
    }
    sink->row = sink->room;
    return ADB_OK;
}

/* The cell to fill. */
static inline struct adb__cell *adb__sink_cell(const struct adb__sink *sink, size_t column)
{
    assert(column < sink->n_columns);
    return &sink->row[column];
}

static inline void adb__sink_bool(const struct adb__sink *sink, size_t column, bool value)
{
    *adb__sink_cell(sink, column) = (struct adb__cell){.type = ADB_TYPE_BOOL, .as.boolean = value};
}

static inline void adb__sink_int(const struct adb__sink *sink, size_t column, int64_t value)
{
    *adb__sink_cell(sink, column) = (struct adb__cell){.type = ADB_TYPE_INT, .as.integer = value};
}

static inline void adb__sink_double(const struct adb__sink *sink, size_t column, double value)
{
    *adb__sink_cell(sink, column) = (struct adb__cell){.type = ADB_TYPE_DOUBLE, .as.real = value};
}

static inline void adb__sink_moment(const struct adb__sink *sink, size_t column, adb_type type, int64_t value)
{
    assert(type == ADB_TYPE_DATE || type == ADB_TYPE_TIME || type == ADB_TYPE_TIMESTAMP);
    *adb__sink_cell(sink, column) = (struct adb__cell){.type = (uint8_t)type, .as.integer = value};
}

/* Bytes are in the arena: let the cell point at them. */
static inline void adb__sink_set_bytes(struct adb__sink *sink, size_t column, adb_type type, const char *bytes,
                                       size_t size)
{
    struct adb__cell *cell = adb__sink_cell(sink, column);
    *cell = (struct adb__cell){.type = (uint8_t)type, .size = (uint32_t)size, .as.bytes = bytes};
    sink->n_bytes += size;
}

static inline adb_status adb__sink_bytes(struct adb__sink *sink, size_t column, adb_type type, const void *bytes,
                                         size_t size, adb_error *error)
{
    assert(type != ADB_TYPE_UUID || size == 16);
    char *copy = size < ADB__VALUE_MAX_BYTES ? adb__arena_room(&sink->result->arena, size) : NULL;
    if (copy == NULL)
        return adb__sink_bytes_anew(sink, column, type, bytes, size, error);
    if (size > 0)
        memcpy(copy, bytes, size);
    copy[size] = '\0';
    adb__sink_set_bytes(sink, column, type, copy, size);
    return ADB_OK;
}

static inline adb_status adb__sink_row_end(struct adb__sink *sink, adb_error *error)
{
    assert(sink->row != NULL);
    sink->row = NULL;
    sink->room += sink->n_columns;
    sink->result->n_rows++;
    sink->n_rows++;
    sink->n_bytes += sink->n_columns * sizeof(struct adb__cell);
    const bool more = sink->room != sink->room_end && (sink->batch_bytes == 0 || sink->n_bytes < sink->batch_bytes);
    return more ? ADB_OK : adb__sink_look(sink, error);
}

#endif
