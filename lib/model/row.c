/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads rows of results. Any index is fine: what does not exist is NULL. */
#include "model/result.h"

#include "model/render.h"
#include "model/value.h"

#include <string.h>

#define HASH_SEED UINT64_C(0x61646272)

/* NULL for any row or column that does not exist. */
static inline const struct adb__cell *row_cell(adb_row row, size_t column)
{
    if (row.result == NULL || row.index >= row.result->n_rows || column >= row.result->n_columns)
        return NULL;
    return &adb__result_cells(row.result, row.index)[column];
}

/* Each kind is written where the caller wants it: one value that all fill would be copied as a whole, right behind the
 * write of a half of it, which costs more than all the rest (a failed store forwarding). */
static adb_value cell_value(const struct adb__cell *cell)
{
    const adb_type type = (adb_type)cell->type;
    adb_value uuid = {.type = type};
    switch (type) {
    case ADB_TYPE_BOOL:
        return (adb_value){.type = type, .as.boolean = cell->as.boolean};
    case ADB_TYPE_DOUBLE:
        return (adb_value){.type = type, .as.real = cell->as.real};
    case ADB_TYPE_UUID:
        memcpy(uuid.as.uuid, cell->as.bytes, sizeof(uuid.as.uuid));
        return uuid;
    case ADB_TYPE_TEXT:
    case ADB_TYPE_BLOB:
    case ADB_TYPE_DECIMAL:
    case ADB_TYPE_JSON:
        return (adb_value){.type = type, .size = cell->size, .as.blob = cell->as.bytes};
    default:
        return (adb_value){.type = type, .as.integer = cell->as.integer};
    }
}

/* Do the cell's bytes serve as they are? */
static inline bool cell_has_bytes(const struct adb__cell *cell)
{
    const unsigned kinds = 1u << ADB_TYPE_TEXT | 1u << ADB_TYPE_BLOB | 1u << ADB_TYPE_DECIMAL | 1u << ADB_TYPE_JSON;
    return (kinds >> cell->type & 1) != 0;
}

adb_value adb_row_value(adb_row row, size_t column)
{
    const struct adb__cell *cell = row_cell(row, column);
    return cell == NULL ? adb_null() : cell_value(cell);
}

adb_status adb_row_get(adb_row row, const char *name, adb_value *value_out)
{
    if (row.result == NULL || name == NULL || value_out == NULL)
        return ADB_E_INVAL;
    const int column = adb_result_column_index(row.result, name);
    if (column < 0)
        return ADB_E_NOT_FOUND;
    *value_out = adb_row_value(row, (size_t)column);
    return ADB_OK;
}

adb_status adb_result_get(const adb_result *result, size_t row, size_t column, adb_value *value_out)
{
    if (result == NULL || value_out == NULL)
        return ADB_E_INVAL;
    const struct adb__cell *cell = row_cell(adb_result_row(result, row), column);
    if (cell == NULL)
        return ADB_E_NOT_FOUND;
    *value_out = cell_value(cell);
    return ADB_OK;
}

bool adb_row_is_null(adb_row row, size_t column)
{
    const struct adb__cell *cell = row_cell(row, column);
    return cell == NULL || cell->type == ADB_TYPE_NULL;
}

/* A cell that is of the type asked for needs no conversion: the usual case, and a quarter of the time. What converts is
 * apart, so that the usual case needs no frame on the stack. */
static inline bool cell_is(const struct adb__cell *cell, adb_type type)
{
    return cell != NULL && cell->type == type;
}

static bool cell_to_bool(const struct adb__cell *cell)
{
    const adb_value value = cell == NULL ? adb_null() : cell_value(cell);
    bool truth = false;
    return adb_value_to_bool(&value, &truth) == ADB_OK && truth;
}

static int64_t cell_to_int(const struct adb__cell *cell)
{
    const adb_value value = cell == NULL ? adb_null() : cell_value(cell);
    int64_t integer = 0;
    return adb_value_to_int(&value, &integer) == ADB_OK ? integer : 0;
}

static double cell_to_double(const struct adb__cell *cell)
{
    const adb_value value = cell == NULL ? adb_null() : cell_value(cell);
    double real = 0;
    return adb_value_to_double(&value, &real) == ADB_OK ? real : 0;
}

bool adb_row_bool(adb_row row, size_t column)
{
    const struct adb__cell *cell = row_cell(row, column);
    return cell_is(cell, ADB_TYPE_BOOL) ? cell->as.boolean : cell_to_bool(cell);
}

int64_t adb_row_int(adb_row row, size_t column)
{
    const struct adb__cell *cell = row_cell(row, column);
    return cell_is(cell, ADB_TYPE_INT) ? cell->as.integer : cell_to_int(cell);
}

double adb_row_double(adb_row row, size_t column)
{
    const struct adb__cell *cell = row_cell(row, column);
    return cell_is(cell, ADB_TYPE_DOUBLE) ? cell->as.real : cell_to_double(cell);
}

/* Texts on demand are the one thing that is added to a finished result: nobody can tell, so to users it is const. */
static struct adb_result *result_to_render(adb_row row)
{
    return (struct adb_result *)(uintptr_t)row.result;
}

/* Of a cell without a text of its own. */
static const char *cell_to_text(const struct adb__cell *cell, adb_row row, size_t column)
{
    if (cell == NULL || cell->type == ADB_TYPE_NULL)
        return NULL;
    if (cell->type == ADB_TYPE_BOOL)
        return cell->as.boolean ? "true" : "false";
    const adb_value value = cell_value(cell);
    return adb__render_text(result_to_render(row), row.index, column, &value);
}

const char *adb_row_text(adb_row row, size_t column)
{
    const struct adb__cell *cell = row_cell(row, column);
    return cell != NULL && cell_has_bytes(cell) ? cell->as.bytes : cell_to_text(cell, row, column);
}

const void *adb_row_blob(adb_row row, size_t column, size_t *size_out)
{
    const struct adb__cell *cell = row_cell(row, column);
    const bool has_bytes = cell != NULL && (cell_has_bytes(cell) || cell->type == ADB_TYPE_UUID);
    if (size_out != NULL)
        *size_out = has_bytes ? cell->size : 0;
    return has_bytes ? cell->as.bytes : NULL;
}

bool adb_row_equal(adb_row a, adb_row b)
{
    const size_t n_columns = adb_result_columns(a.result);
    if (n_columns != adb_result_columns(b.result))
        return false;
    for (size_t i = 0; i < n_columns; i++) {
        const adb_value value = adb_row_value(a, i);
        const adb_value other = adb_row_value(b, i);
        if (!adb_value_equal(&value, &other))
            return false;
    }
    return true;
}

uint64_t adb_row_hash(adb_row row)
{
    uint64_t hash = HASH_SEED;
    for (size_t i = 0; i < adb_result_columns(row.result); i++) {
        const adb_value value = adb_row_value(row, i);
        hash = adb__value_hash(hash, &value);
    }
    return hash;
}

/* What adb_value_format() does, from an offset of the buffer on; returns the offset behind. */
static size_t append_value(const adb_value *value, char *buffer, size_t size, size_t offset)
{
    const bool room = buffer != NULL && offset < size;
    return offset + adb_value_format(value, room ? buffer + offset : NULL, room ? size - offset : 0);
}

static size_t append_text(const char *text, char *buffer, size_t size, size_t offset)
{
    const adb_value value = adb_text(text);
    return append_value(&value, buffer, size, offset);
}

size_t adb_row_format(adb_row row, char *buffer, size_t size)
{
    size_t length = append_text("", buffer, size, 0);
    for (size_t i = 0; i < adb_result_columns(row.result); i++) {
        const adb_value value = adb_row_value(row, i);
        length = append_text(i == 0 ? "" : ", ", buffer, size, length);
        length = append_text(adb_result_column_name(row.result, i), buffer, size, length);
        length = append_text("=", buffer, size, length);
        length = append_value(&value, buffer, size, length);
    }
    return length;
}
