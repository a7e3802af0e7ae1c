/* SPDX-License-Identifier: BSD-3-Clause */
/* From a stream of CSV to runs of rows for the driver's execute_many(). */
#include "core/load.h"

#include "base/alloc.h"
#include "core/database.h"
#include "model/error.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A run is inserted when it has so many rows, values, or bytes of fields. */
#define RUN_ROWS   1000
#define RUN_VALUES 16384
#define RUN_BYTES  ((size_t)262144)

struct load {
    struct adb__worker *worker;
    struct adb__lane *lane;
    struct adb__csv csv;
    struct adb__statement insert;
    struct adb__buf text;       /* of insert */
    adb_type *types;            /* of the columns */
    size_t n_columns;
    size_t most_rows;           /* of a run */
    adb_value *values;          /* of a run, row by row */
    const adb_value **sets;     /* each row of them */
    size_t n_rows;              /* of the run, in csv */
    uint64_t first;             /* the record number of the first of them */
    int64_t total;
};

/* What the target's columns are called and declared as. */
static adb_status load_describe(struct load *load, const struct adb__copy *copy, adb_error *error)
{
    struct adb_result described;
    adb__result_init(&described, NULL, 0, NULL);
    struct adb__sink sink = {.result = &described, .max_rows = 1};
    adb_status status = adb__session_run(load->worker, load->lane, &copy->statement, &sink, error);
    load->n_columns = described.n_columns;
    if (status == ADB_OK && load->n_columns == 0)
        status = adb__error_set(error, ADB_E_UNDEFINED, "the target has no columns");
    if (status == ADB_OK) {
        load->types = adb__alloc_array(load->n_columns, sizeof(*load->types));
        if (load->types == NULL)
            status = adb__error_set(error, ADB_E_NOMEM, "no memory for the types of %zu columns", load->n_columns);
    }
    for (size_t i = 0; status == ADB_OK && i < load->n_columns; i++)
        load->types[i] = described.columns[i].type;
    adb__result_fini(&described);
    return status;
}

static void append_placeholder(struct adb__buf *text, enum adb__placeholder form, size_t number)
{
    if (form == ADB__PLACEHOLDER_QUESTION)
        adb__buf_putc(text, '?');
    else
        adb__buf_printf(text, "%c%zu", form == ADB__PLACEHOLDER_DOLLAR ? '$' : '?', number);
}

static adb_status load_prepare(struct load *load, const struct adb__copy *copy, adb_error *error)
{
    adb__buf_printf(&load->text, "INSERT INTO %s", copy->table);
    if (copy->columns != NULL)
        adb__buf_printf(&load->text, " (%s)", copy->columns);
    adb__buf_puts(&load->text, " VALUES (");
    for (size_t i = 1; i <= load->n_columns; i++) {
        adb__buf_puts(&load->text, i > 1 ? ", " : "");
        append_placeholder(&load->text, load->worker->db->driver->dialect.placeholder, i);
    }
    adb__buf_putc(&load->text, ')');
    load->most_rows = RUN_VALUES / load->n_columns + 1;
    if (load->most_rows > RUN_ROWS)
        load->most_rows = RUN_ROWS;
    load->values = adb__alloc_array(load->most_rows * load->n_columns, sizeof(*load->values));
    load->sets = adb__alloc_array(load->most_rows, sizeof(*load->sets));
    if (load->text.failed || load->values == NULL || load->sets == NULL)
        return adb__error_set(error, ADB_E_NOMEM, "no memory for a run of rows");
    for (size_t i = 0; i < load->most_rows; i++)
        load->sets[i] = load->values + i * load->n_columns;
    load->insert =
        (struct adb__statement){.sql = load->text.bytes, .sql_size = load->text.size, .n_values = load->n_columns};
    return ADB_OK;
}

/* The values of the run, now that its bytes move no more. */
static adb_status run_convert(struct load *load, adb_error *error)
{
    for (size_t i = 0; i < load->n_rows * load->n_columns; i++) {
        if (!adb__csv_typed(&load->csv, i, load->types[i % load->n_columns], &load->values[i]))
            return adb__error_set(error, ADB_E_DATA, "record %" PRIu64 ": column %zu: no hexadecimal digits behind \\x",
                                  load->first + i / load->n_columns, i % load->n_columns + 1);
    }
    return ADB_OK;
}

/* What the database says of a row, and which it is; what it says of anything else stands for itself. */
static adb_status run_failed(const struct load *load, size_t failed, const adb_error *detail, adb_error *error)
{
    char words[ADB_ERROR_MESSAGE_SIZE];
    if (detail->status > ADB_E_SYNTAX || detail->status < ADB_E_SQL) {
        *error = *detail;
        return error->status;
    }
    snprintf(words, sizeof(words), "record %" PRIu64 ": %.*s", load->first + failed, (int)sizeof(words) - 32,
             detail->message);
    return adb__error_native(error, detail->status, detail->flags, detail->native_code, detail->sqlstate, words);
}

static adb_status run_insert(struct load *load, adb_error *error)
{
    struct adb_result counts;
    adb_error detail = {0};
    size_t failed = 0;
    if (load->n_rows == 0)
        return ADB_OK;
    adb_status status = run_convert(load, error);
    if (status != ADB_OK)
        return status;
    adb__result_init(&counts, NULL, 0, NULL);
    status = adb__session_run_sets(load->worker, load->lane, &load->insert, load->sets, load->n_rows, &counts, &failed,
                                   &detail);
    adb__result_fini(&counts);
    if (status == ADB__NEED_WRITER)
        return adb__error_set(error, ADB_E_READ_ONLY, "this connection only reads");
    if (status != ADB_OK) {
        detail.status = status;
        return run_failed(load, failed, &detail, error);
    }
    load->total += (int64_t)load->n_rows;
    load->n_rows = 0;
    adb__csv_clear(&load->csv);
    return ADB_OK;
}

/* A record is complete: it joins the run, and fills it perhaps. */
static adb_status load_record(struct load *load, adb_error *error)
{
    const struct adb__csv *csv = &load->csv;
    size_t n_fields = csv->n_fields - csv->first_field;
    if (n_fields != load->n_columns) {
        adb_status status = adb__error_set(
            error, ADB_E_DATA, "record %" PRIu64 ": %s: %zu fields for %zu columns", csv->record,
            n_fields < load->n_columns ? "missing data" : "extra data after the last column", n_fields, load->n_columns);
        memcpy(error->sqlstate, "22P04", sizeof(error->sqlstate));
        return status;
    }
    if (load->n_rows == 0)
        load->first = csv->record;
    load->n_rows++;
    if (load->n_rows < load->most_rows && csv->bytes.size < RUN_BYTES)
        return ADB_OK;
    return run_insert(load, error);
}

static adb_status load_chunk(struct load *load, const char *bytes, size_t size, adb_error *error)
{
    adb_status status = ADB_OK;
    while (size > 0 && status == ADB_OK) {
        size_t used;
        status = adb__csv_read(&load->csv, bytes, size, &used, error);
        bytes += used;
        size -= used;
        if (status == ADB_OK && load->csv.complete)
            status = load_record(load, error);
    }
    return status;
}

static adb_status load_stream(struct load *load, struct adb__source *source, adb_error *error)
{
    for (;;) {
        const void *bytes;
        size_t size;
        adb_status status = source->read_fn(source, &bytes, &size, error);
        if (status == ADB_OK && size > 0)
            status = load_chunk(load, bytes, size, error);
        if (status != ADB_OK)
            return status;
        if (size == 0)
            break;
    }
    adb_status status = adb__csv_end(&load->csv, error);
    if (status == ADB_OK && load->csv.complete)
        status = load_record(load, error);
    return status == ADB_OK ? run_insert(load, error) : status;
}

/* All rows as one unit, once the target is known. */
static adb_status load_unit(struct load *load, struct adb__source *source, adb_error *error)
{
    bool nested = false;
    adb_status status = adb__session_open_unit(load->worker, load->lane, &nested, error);
    if (status != ADB_OK)
        return status;
    status = load_stream(load, source, error);
    return adb__session_close_unit(load->worker, nested, status, error);
}

adb_status adb__load_run(struct adb__worker *worker, struct adb__lane *lane, const struct adb__copy *copy,
                         struct adb__source *source, struct adb_result *result, adb_error *error)
{
    struct load load = {.worker = worker, .lane = lane};
    adb__csv_init(&load.csv, &copy->format);
    adb_status status = load_describe(&load, copy, error);
    if (status == ADB_OK)
        status = load_prepare(&load, copy, error);
    if (status == ADB_OK)
        status = load_unit(&load, source, error);
    if (status == ADB_OK)
        result->affected = load.total;
    adb__csv_fini(&load.csv);
    adb__buf_fini(&load.text);
    adb__free(load.types);
    adb__free(load.values);
    adb__free(load.sets);
    return status;
}
