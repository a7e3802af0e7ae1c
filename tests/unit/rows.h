/* SPDX-License-Identifier: BSD-3-Clause */
/* Puts rows of values through a sink: for tests that need a result to look at. */
#ifndef ADB_TESTS_UNIT_ROWS_H
#define ADB_TESTS_UNIT_ROWS_H

#include "model/sink.h"

/* Put one value of any type; NULL is what a row begins with. */
static inline adb_status rows_put_value(struct adb__sink *sink, size_t column, const adb_value *value, adb_error *error)
{
    switch (value->type) {
    case ADB_TYPE_NULL:
        return ADB_OK;
    case ADB_TYPE_BOOL:
        adb__sink_bool(sink, column, value->as.boolean);
        return ADB_OK;
    case ADB_TYPE_INT:
        adb__sink_int(sink, column, value->as.integer);
        return ADB_OK;
    case ADB_TYPE_DOUBLE:
        adb__sink_double(sink, column, value->as.real);
        return ADB_OK;
    case ADB_TYPE_DATE:
    case ADB_TYPE_TIME:
    case ADB_TYPE_TIMESTAMP:
        adb__sink_moment(sink, column, value->type, value->as.integer);
        return ADB_OK;
    case ADB_TYPE_UUID:
        return adb__sink_bytes(sink, column, value->type, value->as.uuid, sizeof(value->as.uuid), error);
    default:
        return adb__sink_bytes(sink, column, value->type, value->as.blob, value->size, error);
    }
}

/* Put one row. */
static inline adb_status rows_put(struct adb__sink *sink, const adb_value *values, size_t n_values, adb_error *error)
{
    adb_status status = adb__sink_row_begin(sink, error);
    for (size_t i = 0; i < n_values && status == ADB_OK; i++)
        status = rows_put_value(sink, i, &values[i], error);
    return status == ADB_OK ? adb__sink_row_end(sink, error) : status;
}

#endif
