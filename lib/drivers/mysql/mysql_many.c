/* SPDX-License-Identifier: BSD-3-Clause */
/* One statement with many sets of values, set by set. */
#include "drivers/mysql/mysql_many.h"

#include "model/error.h"
#include "model/sink.h"

/* Sets between two looks at stop_fn. */
#define SETS_BETWEEN_LOOKS 16

static adb_status check_stop(const struct adb__mysql *conn, adb_error *error)
{
    if (conn->open->stop_fn == NULL || !conn->open->stop_fn(conn->open->stop_data))
        return ADB_OK;
    return adb__error_native(error, ADB_E_CANCELLED, 0, 0, "70100", "stopped between two sets of values");
}

adb_status adb__mysql_many_one_by_one(struct adb__mysql_many *many, size_t end, adb_error *error)
{
    struct adb__mysql *conn = many->conn;
    const struct adb__statement *statement = many->statement;
    adb_status status = ADB_OK;
    while (many->n_done < end && status == ADB_OK) {
        if (many->n_done % SETS_BETWEEN_LOOKS == 0)
            status = check_stop(conn, error);
        if (status == ADB_OK && many->prepared->stmt != NULL)
            status = adb__mysql_bind(conn, many->prepared, many->sets[many->n_done], statement->n_values, error);
        if (status == ADB_OK)
            status = adb__mysql_run_for_figures(conn, many->prepared, statement, many->result, error);
        many->n_done += status == ADB_OK;
    }
    return status;
}

adb_status adb__mysql_execute_many(void *state, const struct adb__statement *statement, const adb_value *const *sets,
                                   size_t n_sets, struct adb__sink *sink, size_t *failed_out, adb_error *error)
{
    struct adb__mysql *conn = state;
    struct adb__mysql_many many = {
        .conn = conn, .statement = statement, .sets = sets, .n_sets = n_sets, .result = sink->result};
    adb_status status = adb__mysql_session_ready(conn, statement, adb__mysql_verb_of(statement->sql), error);
    if (status == ADB_OK)
        status = adb__mysql_prepare(conn, statement, &many.prepared, error);
    if (status != ADB_OK) {
        *failed_out = 0;
        return status;
    }
    if (adb__mysql_bulk_possible(&many))
        status = adb__mysql_bulk(&many, error);
    else
        status = adb__mysql_many_one_by_one(&many, n_sets, error);
    if (status != ADB_OK) {
        *failed_out = many.n_done;
        /* It may be that the server no longer knows it: then the next one must not find it. */
        adb__mysql_forget(conn, many.prepared);
        return status;
    }
    adb__mysql_release(conn, many.prepared);
    return ADB_OK;
}
