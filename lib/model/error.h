/* SPDX-License-Identifier: BSD-3-Clause */
/* Fills adb_error. Every setter returns the status, so that an error exit is one line. error may be NULL. */
#ifndef ADB_MODEL_ERROR_H
#define ADB_MODEL_ERROR_H

#include <asyncdb/error.h>

#include <stddef.h>

/* Status and message; flags, native code and SQLSTATE are cleared. Control bytes become spaces, an overlong message
 * ends in "...". Arguments may point into *error. */
adb_status adb__error_set(adb_error *error, adb_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same from the client library: with its number, SQLSTATE ("" or NULL when none) and flags. text is no format; when
 * it is NULL or "", the status is described instead. */
adb_status adb__error_native(adb_error *error, adb_status status, unsigned flags, int native_code, const char *sqlstate,
                             const char *text);
/* No error: of the rest only what anybody reads is written. */
static inline void adb__error_clear(adb_error *error)
{
    if (error == NULL)
        return;
    error->status = ADB_OK;
    error->flags = 0;
    error->native_code = 0;
    error->sqlstate[0] = error->message[0] = '\0';
}

#endif
