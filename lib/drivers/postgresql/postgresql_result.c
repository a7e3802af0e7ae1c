/* SPDX-License-Identifier: BSD-3-Clause */
/* What the server yields: rows into the sink, and the figures at the end of a statement. */
#include "drivers/postgresql/postgresql.h"

#include <stdlib.h>
#include <string.h>

static adb_status row_give(const struct adb__pg_shape *shape, const PGresult *result, int row, bool binary,
                           struct adb__sink *sink, adb_error *error)
{
    adb_status status = adb__sink_row_begin(sink, error);
    for (size_t i = 0; i < shape->n_columns && status == ADB_OK; i++) {
        const struct adb__pg_type *type = shape->types[i];
        const int size = PQgetlength(result, row, (int)i);
        if (size == 0 && PQgetisnull(result, row, (int)i))
            continue;
        const adb__pg_decode_fn decode = binary ? type->binary : type->text;
        status = decode(sink, i, PQgetvalue(result, row, (int)i), (size_t)size, error);
    }
    return status == ADB_OK ? adb__sink_row_end(sink, error) : status;
}

adb_status adb__pg_rows_give(const struct adb__pg_shape *shape, const PGresult *result, struct adb__sink *sink,
                             adb_error *error)
{
    const int n_rows = PQntuples(result);
    adb_status status = ADB_OK;
    if (shape->n_columns == 0)
        return ADB_OK;                             /* SELECT without columns has rows, but nothing in them */
    const bool binary = PQfformat(result, 0) == 1; /* all columns alike */
    for (int row = 0; row < n_rows && status == ADB_OK; row++)
        status = row_give(shape, result, row, binary, sink, error);
    return status;
}

/* The number that a tag tells is of rows changed: not for SELECT, FETCH and MOVE, but for what SELECT INTO and its kin
 * have put into a table. */
static bool counts(const PGresult *result, const char *tag)
{
    static const char *const words[] = {"INSERT ", "UPDATE ", "DELETE ", "MERGE ", "COPY "};
    if (strncmp(tag, "SELECT ", 7) == 0)
        return PQresultStatus(result) == PGRES_COMMAND_OK;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strncmp(tag, words[i], strlen(words[i])) == 0)
            return true;
    }
    return false;
}

void adb__pg_count(const PGresult *result, struct adb_result *total)
{
    PGresult *same = (PGresult *)(uintptr_t)result; /* libpq has no const here, and changes nothing */
    const char *tag = PQcmdStatus(same);
    if (tag == NULL || !counts(result, tag))
        return;
    const char *rows = PQcmdTuples(same);
    if (rows[0] != '\0')
        total->affected = strtoll(rows, NULL, 10) + (total->affected > 0 ? total->affected : 0);
}
