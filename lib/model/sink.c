/* SPDX-License-Identifier: BSD-3-Clause */
/* Puts a driver's rows into a result, keeps the limits of the job, and hands full batches over. */
#include "model/sink.h"

#include "model/error.h"

static adb_status sink_enough(struct adb__sink *sink)
{
    sink->stopped = true;
    return ADB__SINK_ENOUGH;
}

adb_status adb__sink_columns(struct adb__sink *sink, const struct adb__column *columns, size_t n_columns,
                             adb_error *error)
{
    sink->row = NULL;
    if (n_columns == 0)
        return ADB_OK;
    if (sink->result->n_columns > 0)
        return ADB__SINK_ENOUGH;
    sink->room = sink->room_end = NULL;
    const adb_status status = adb__result_set_columns(sink->result, columns, n_columns);
    if (status != ADB_OK)
        return adb__error_set(error, status, "no memory for %zu columns", n_columns);
    return ADB_OK;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

adb_status adb__sink_make_room(struct adb__sink *sink, adb_error *error)
{
    assert(sink->result->n_columns > 0);
    if (sink->max_rows > 0 && sink->n_rows >= sink->max_rows)
        return sink_enough(sink);
    size_t n_rows;
    const adb_status status = adb__result_make_room(sink->result, &sink->room, &n_rows);
    if (status == ADB_E_TOO_BIG)
        return adb__error_set(error, status, "more rows than a result can hold; iterate over them");
    if (status != ADB_OK)
        return adb__error_set(error, status, "no memory for row %zu", sink->n_rows + 1);
    if (sink->max_rows > 0)
        n_rows = least(n_rows, sink->max_rows - sink->n_rows);
    if (sink->batch_rows > 0)
        n_rows = least(n_rows, sink->batch_rows - sink->result->n_rows);
    sink->n_columns = sink->result->n_columns;
    sink->room_end = sink->room + n_rows * sink->n_columns;
    return ADB_OK;
}

static adb_status sink_check_size(adb_type type, size_t size, adb_error *error)
{
    assert(type != ADB_TYPE_UUID || size == 16);
    if (size >= ADB__VALUE_MAX_BYTES)
        return adb__error_set(error, ADB_E_TOO_BIG, "a value of %zu bytes", size);
    return ADB_OK;
}

adb_status adb__sink_bytes_anew(struct adb__sink *sink, size_t column, adb_type type, const void *bytes, size_t size,
                                adb_error *error)
{
    const adb_status status = sink_check_size(type, size, error);
    if (status != ADB_OK)
        return status;
    const char *copy = adb__arena_bytes(&sink->result->arena, bytes, size);
    if (copy == NULL)
        return adb__error_set(error, ADB_E_NOMEM, "no memory for a value of %zu bytes", size);
    adb__sink_set_bytes(sink, column, type, copy, size);
    return ADB_OK;
}

adb_status adb__sink_reserve(struct adb__sink *sink, size_t column, adb_type type, size_t size, void **bytes_out,
                             adb_error *error)
{
    const adb_status status = sink_check_size(type, size, error);
    if (status != ADB_OK)
        return status;
    char *bytes = adb__arena_alloc(&sink->result->arena, size + 1);
    if (bytes == NULL)
        return adb__error_set(error, ADB_E_NOMEM, "no memory for a value of %zu bytes", size);
    bytes[size] = '\0';
    adb__sink_set_bytes(sink, column, type, bytes, size);
    *bytes_out = bytes;
    return ADB_OK;
}

static bool batch_is_full(const struct adb__sink *sink)
{
    return (sink->batch_rows > 0 && sink->result->n_rows >= sink->batch_rows) ||
           (sink->batch_bytes > 0 && sink->n_bytes >= sink->batch_bytes);
}

adb_status adb__sink_look(struct adb__sink *sink, adb_error *error)
{
    if (sink->max_rows > 0 && sink->n_rows >= sink->max_rows)
        return sink_enough(sink);
    if (!batch_is_full(sink))
        return ADB_OK;

    sink->n_bytes = 0;
    sink->room = sink->room_end = NULL;
    const adb_status status = sink->flush_fn(sink, error);
    return status == ADB__SINK_ENOUGH ? sink_enough(sink) : status;
}
