/* SPDX-License-Identifier: BSD-3-Clause */
/* The user's scalar functions: from SQLite's arguments to values and back. */
#include "drivers/sqlite/sqlite.h"

#include "base/alloc.h"
#include "drivers/function.h"
#include "model/convert.h"
#include "model/error.h"

#include <string.h>

/* SQLite's own limit: SQLITE_MAX_FUNCTION_ARG. Later versions may be built with a higher one, for -1. */
#define MAX_ARGUMENTS  127
#define MAX_NAME_BYTES 255

/* A function as defined on one connection. */
struct adb__sqlite_bound {
    struct adb__sqlite *conn;
    const adb_function *function;
};

struct sqlite_call {
    struct adb_function_call call; /* first: what the user has */
    sqlite3_context *context;
    bool failed; /* no return undoes it */
};

static void return_moment(sqlite3_context *context, const adb_value *value)
{
    char text[ADB__VALUE_TEXT_SIZE];
    const size_t size = adb__value_text(value, text);
    sqlite3_result_text(context, text, (int)size, SQLITE_TRANSIENT);
}

static void call_fail(struct adb_function_call *base, const char *message)
{
    struct sqlite_call *call = (struct sqlite_call *)base;
    struct adb__sqlite_bound *bound = sqlite3_user_data(call->context);
    sqlite3_result_error(call->context, message, -1);
    bound->conn->function_failed = true;
    call->failed = true;
}

static void call_return(struct adb_function_call *base, const adb_value *value)
{
    const struct sqlite_call *call = (const struct sqlite_call *)base;
    if (call->failed)
        return;
    switch (value->type) {
    case ADB_TYPE_NULL:
        sqlite3_result_null(call->context);
        return;
    case ADB_TYPE_BOOL:
        sqlite3_result_int(call->context, value->as.boolean);
        return;
    case ADB_TYPE_INT:
        sqlite3_result_int64(call->context, value->as.integer);
        return;
    case ADB_TYPE_DOUBLE:
        sqlite3_result_double(call->context, value->as.real);
        return;
    case ADB_TYPE_TEXT:
    case ADB_TYPE_DECIMAL:
    case ADB_TYPE_JSON:
        sqlite3_result_text64(call->context, value->size > 0 ? value->as.text : "", value->size, SQLITE_TRANSIENT,
                              SQLITE_UTF8);
        return;
    case ADB_TYPE_BLOB:
        sqlite3_result_blob64(call->context, value->size > 0 ? value->as.blob : "", value->size, SQLITE_TRANSIENT);
        return;
    case ADB_TYPE_DATE:
    case ADB_TYPE_TIME:
    case ADB_TYPE_TIMESTAMP:
    case ADB_TYPE_UUID:
        return_moment(call->context, value);
        return;
    case ADB_TYPE_LIST:
        break;
    }
    call_fail(base, "a function cannot return a list");
}

static adb_value argument_value(sqlite3_value *argument)
{
    switch (sqlite3_value_type(argument)) {
    case SQLITE_INTEGER:
        return adb_int(sqlite3_value_int64(argument));
    case SQLITE_FLOAT:
        return adb_double(sqlite3_value_double(argument));
    case SQLITE_TEXT: {
        const char *text = (const char *)sqlite3_value_text(argument);
        return adb_text_n(text, (size_t)sqlite3_value_bytes(argument));
    }
    case SQLITE_BLOB: {
        const void *bytes = sqlite3_value_blob(argument);
        return adb_blob(bytes != NULL ? bytes : "", (size_t)sqlite3_value_bytes(argument));
    }
    default:
        return adb_null();
    }
}

static void call_function(sqlite3_context *context, int n_arguments, sqlite3_value **arguments)
{
    const struct adb__sqlite_bound *bound = sqlite3_user_data(context);
    struct sqlite_call call = {.call = {.return_fn = call_return, .fail_fn = call_fail}, .context = context};
    adb_value values[MAX_ARGUMENTS];
    if (n_arguments > MAX_ARGUMENTS) {
        call_fail(&call.call, "more than 127 arguments for a function");
        return;
    }
    for (int i = 0; i < n_arguments; i++)
        values[i] = argument_value(arguments[i]);
    bound->function->function(&call.call, values, (size_t)n_arguments, bound->function->user_data);
}

adb_status adb__sqlite_functions_check(const adb_options *options, adb_error *error)
{
    for (size_t i = 0; i < options->n_functions; i++) {
        const adb_function *function = &options->functions[i];
        const size_t size = function->name != NULL ? strlen(function->name) : 0;
        if (size == 0 || size > MAX_NAME_BYTES || function->function == NULL)
            return adb__error_set(error, ADB_E_OPTION, "function %zu has no usable name, or no callback", i);
        if (function->n_arguments < -1 || function->n_arguments > MAX_ARGUMENTS)
            return adb__error_set(error, ADB_E_OPTION, "function \"%.60s\" takes -1 to %d arguments, not %d",
                                  function->name, MAX_ARGUMENTS, function->n_arguments);
    }
    return ADB_OK;
}

adb_status adb__sqlite_functions_define(struct adb__sqlite *conn, adb_error *error)
{
    const adb_options *options = conn->open->options;
    if (options->n_functions == 0)
        return ADB_OK;
    conn->functions = adb__alloc_array(options->n_functions, sizeof(*conn->functions));
    if (conn->functions == NULL)
        return adb__error_set(error, ADB_E_NOMEM, "no memory for %zu functions", options->n_functions);
    for (size_t i = 0; i < options->n_functions; i++) {
        const adb_function *function = &options->functions[i];
        const int flags = SQLITE_UTF8 | (function->deterministic ? SQLITE_DETERMINISTIC : 0);
        conn->functions[i] = (struct adb__sqlite_bound){.conn = conn, .function = function};
        const int code = sqlite3_create_function_v2(conn->db, function->name, function->n_arguments, flags,
                                                    &conn->functions[i], call_function, NULL, NULL, NULL);
        if (code != SQLITE_OK)
            return adb__sqlite_error(conn, code, error);
    }
    return ADB_OK;
}
