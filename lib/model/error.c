/* SPDX-License-Identifier: BSD-3-Clause */
/* Names status codes and fills adb_error. */
#include "model/error.h"

#include "base/line.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Every status with its text. The switches below have no default, so that the compiler reports a missing one. */
#define STATUSES(X)                                                                                                    \
    X(ADB_OK, "no error")                                                                                              \
    X(ADB_E_INVAL, "invalid argument")                                                                                 \
    X(ADB_E_NOMEM, "out of memory")                                                                                    \
    X(ADB_E_STATE, "not possible in the present state")                                                                \
    X(ADB_E_BUSY, "the queue of the database is full")                                                                 \
    X(ADB_E_CLOSED, "the database is closed")                                                                          \
    X(ADB_E_FORKED, "the handle belongs to the parent process")                                                        \
    X(ADB_E_DEADLOCK, "the wait could never end")                                                                      \
    X(ADB_E_NOT_FOUND, "not found")                                                                                    \
    X(ADB_E_UNSUPPORTED, "not supported by this database or build")                                                    \
    X(ADB_E_INTERNAL, "internal error of the library")                                                                 \
    X(ADB_E_URL, "the URL cannot be read")                                                                             \
    X(ADB_E_OPTION, "unknown option or bad value of one")                                                              \
    X(ADB_E_DRIVER, "no such driver in this build")                                                                    \
    X(ADB_E_PARAMETER, "parameters and placeholders do not fit")                                                       \
    X(ADB_E_MULTI, "several statements where one is expected")                                                         \
    X(ADB_E_TYPE, "no conversion to the type asked for")                                                               \
    X(ADB_E_RANGE, "out of range")                                                                                     \
    X(ADB_E_TIMEOUT, "the deadline passed")                                                                            \
    X(ADB_E_CANCELLED, "cancelled")                                                                                    \
    X(ADB_E_CONNECTION, "no connection to the database")                                                               \
    X(ADB_E_AUTH, "the server refused the credentials")                                                                \
    X(ADB_E_NO_TRANSACTION, "no transaction is open")                                                                  \
    X(ADB_E_TRANSACTION_FAILED, "an earlier statement of the transaction failed")                                      \
    X(ADB_E_TRANSACTION_LOST, "the transaction was lost with its connection")                                          \
    X(ADB_E_SERIALIZATION, "the transaction conflicts with another one")                                               \
    X(ADB_E_LOCKED, "another transaction holds the lock")                                                              \
    X(ADB_E_OUTCOME_UNKNOWN, "the commit may have taken effect or not")                                                \
    X(ADB_E_SYNTAX, "syntax error")                                                                                    \
    X(ADB_E_UNDEFINED, "no such table, column or other object")                                                        \
    X(ADB_E_EXISTS, "the object exists already")                                                                       \
    X(ADB_E_UNIQUE, "a unique key has the value already")                                                              \
    X(ADB_E_FOREIGN_KEY, "a foreign key would be broken")                                                              \
    X(ADB_E_NOT_NULL, "a column refuses null")                                                                         \
    X(ADB_E_CHECK, "a check constraint refused the row")                                                               \
    X(ADB_E_CONSTRAINT, "a constraint refused the row")                                                                \
    X(ADB_E_DATA, "the database cannot take the value")                                                                \
    X(ADB_E_READ_ONLY, "a write to what may only be read")                                                             \
    X(ADB_E_PERMISSION, "permission denied")                                                                           \
    X(ADB_E_TOO_BIG, "too big")                                                                                        \
    X(ADB_E_SQL, "the database refused the statement")                                                                 \
    X(ADB_E_FULL, "disk or database full")                                                                             \
    X(ADB_E_CORRUPT, "not a database, or a damaged one")                                                               \
    X(ADB_E_IO, "the operating system failed to read or write")

#define NAME_CASE(code, text)                                                                                          \
    case code:                                                                                                         \
        return #code;
#define TEXT_CASE(code, text)                                                                                          \
    case code:                                                                                                         \
        return text;

const char *adb_status_name(adb_status status)
{
    switch (status) {
        STATUSES(NAME_CASE)
    }
    return "ADB_E_UNKNOWN";
}

const char *adb_status_text(adb_status status)
{
    switch (status) {
        STATUSES(TEXT_CASE)
    }
    return "unknown status";
}

adb_status adb__error_set(adb_error *error, adb_status status, const char *format, ...)
{
    if (error == NULL)
        return status;

    adb_error fresh = {.status = status}; /* not *error: an argument may be its old message */
    va_list args;
    va_start(args, format);
    const int length = vsnprintf(fresh.message, sizeof(fresh.message), format, args);
    va_end(args);
    if (length < 0)
        snprintf(fresh.message, sizeof(fresh.message), "%s", adb_status_text(status));
    else if ((size_t)length >= sizeof(fresh.message))
        adb__line_ellipsis(fresh.message, sizeof(fresh.message));
    adb__line_clean(fresh.message);
    *error = fresh;
    return status;
}

adb_status adb__error_native(adb_error *error, adb_status status, unsigned flags, int native_code, const char *sqlstate,
                             const char *text)
{
    if (error == NULL)
        return status;

    char state[sizeof(error->sqlstate)] = "";
    if (sqlstate != NULL)
        snprintf(state, sizeof(state), "%.5s", sqlstate);
    if (text == NULL || text[0] == '\0')
        text = adb_status_text(status);
    adb__error_set(error, status, "%s", text);
    error->flags = flags;
    error->native_code = native_code;
    memcpy(error->sqlstate, state, sizeof(state));
    return status;
}
