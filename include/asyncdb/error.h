/* SPDX-License-Identifier: BSD-3-Clause */
/* Outcome and failure: the status codes, and the caller-owned detail of one failure. */
#ifndef ASYNCDB_ERROR_H
#define ASYNCDB_ERROR_H

#include <asyncdb/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * What came of a call or of a job.
 *
 * A closed set: ADB_OK is 0, failures are negative, numbers are never given
 * to another meaning. New codes may be added at the end of a class.
 */
typedef enum adb_status {
    ADB_OK = 0,

    /* How the library was called */
    ADB_E_INVAL = -1,       /**< An argument is NULL, out of range, or not one of the allowed. */
    ADB_E_NOMEM = -2,       /**< No memory; every object is as it was. */
    ADB_E_STATE = -3,       /**< Not possible in the present state of the object. */
    ADB_E_BUSY = -4,        /**< The queue of the database is full; try again when jobs have finished. */
    ADB_E_CLOSED = -5,      /**< The database is closing or closed. */
    ADB_E_FORKED = -6,      /**< The handle was made by a parent process; make a new one. */
    ADB_E_DEADLOCK = -7,    /**< The wait could never end: the caller itself blocks what it waits for. */
    ADB_E_NOT_FOUND = -8,   /**< No such job, column or replica. */
    ADB_E_UNSUPPORTED = -9, /**< This database, or this build, cannot do it. */
    ADB_E_INTERNAL = -10,   /**< The library contradicts itself: a defect, please report it. */

    /* What was asked for */
    ADB_E_URL = -20,       /**< The URL cannot be read; the message names the offset. */
    ADB_E_OPTION = -21,    /**< An option is unknown or has a bad value; the message names it. */
    ADB_E_DRIVER = -22,    /**< No driver of that name, or not built in. */
    ADB_E_PARAMETER = -23, /**< Parameters and placeholders do not fit; the message names the one. */
    ADB_E_MULTI = -24,     /**< Several statements in one text; use adb_execute_script(). */
    ADB_E_TYPE = -25,      /**< A value cannot be converted to the type asked for. */
    ADB_E_RANGE = -26,     /**< A value or index is outside the range asked for. */

    /* Time */
    ADB_E_TIMEOUT = -40,   /**< The deadline passed. */
    ADB_E_CANCELLED = -41, /**< Cancelled by the caller, or by freeing the context. */

    /* Connections */
    ADB_E_CONNECTION = -60, /**< The database cannot be reached or opened, or the connection was lost. */
    ADB_E_AUTH = -61,       /**< The server refused the credentials. */

    /* Transactions */
    ADB_E_NO_TRANSACTION = -80,     /**< Commit or rollback without an open transaction. */
    ADB_E_TRANSACTION_FAILED = -81, /**< An earlier job of this level failed; nothing runs until it is unwound. */
    ADB_E_TRANSACTION_LOST = -82,   /**< The connection of the transaction is gone, and the transaction with it. */
    ADB_E_SERIALIZATION = -83,      /**< The database chose this transaction to fail; retry it as a whole. */
    ADB_E_LOCKED = -84,             /**< Another transaction holds the lock (SQLITE_BUSY and its kin). */
    ADB_E_OUTCOME_UNKNOWN = -85,    /**< The answer to a commit was lost: it may have taken effect; see adb_resolve(). */

    /* SQL and data */
    ADB_E_SYNTAX = -100,      /**< The statement cannot be parsed. */
    ADB_E_UNDEFINED = -101,   /**< No such table, column, function or other object. */
    ADB_E_EXISTS = -102,      /**< The object to be created exists already. */
    ADB_E_UNIQUE = -103,      /**< A unique or primary key has the value already. */
    ADB_E_FOREIGN_KEY = -104, /**< A foreign key would be broken. */
    ADB_E_NOT_NULL = -105,    /**< NULL in a column that refuses it. */
    ADB_E_CHECK = -106,       /**< A CHECK constraint refused the row. */
    ADB_E_CONSTRAINT = -107,  /**< Another constraint or a trigger refused the row. */
    ADB_E_DATA = -108,        /**< The database cannot take the value: wrong type, overflow, bad encoding. */
    ADB_E_READ_ONLY = -109,   /**< A write to what may only be read. */
    ADB_E_PERMISSION = -110,  /**< The user may not do this. */
    ADB_E_TOO_BIG = -111,     /**< A value, row or statement over the limit. */
    ADB_E_SQL = -112,         /**< The database refused for another reason; see the message. */

    /* Storage */
    ADB_E_FULL = -120,    /**< Disk or database full. */
    ADB_E_CORRUPT = -121, /**< Not a database file, or a damaged one. */
    ADB_E_IO = -122       /**< The operating system failed to read or write. */
} adb_status;

/** Bits of adb_error.flags: what may be done about a failure. */
enum {
    ADB_ERROR_RETRY_STATEMENT = 1u << 0,   /**< The same statement may succeed when tried again. */
    ADB_ERROR_RETRY_TRANSACTION = 1u << 1, /**< The whole transaction may succeed when tried again. */
    ADB_ERROR_CONNECTION_LOST = 1u << 2,   /**< The connection is gone. */
    ADB_ERROR_OUTCOME_UNKNOWN = 1u << 3,   /**< The statement may have run, or may still. */
    ADB_ERROR_WRONG_ROLE = 1u << 4         /**< The server only reads where a write was due: a standby, or read_only. */
};

/** Room for a message, its terminating NUL included. */
#define ADB_ERROR_MESSAGE_SIZE 240

/**
 * One failure in full. Plain data that the caller owns; valid without any other object.
 */
typedef struct adb_error {
    adb_status status;   /**< The class of the failure; ADB_OK when there is none. */
    unsigned flags;      /**< ADB_ERROR_… bits. */
    int native_code;     /**< The client library's own number, 0 when there is none. */
    char sqlstate[6];    /**< Five characters, "" when there is none. */
    char message[ADB_ERROR_MESSAGE_SIZE]; /**< One line, the server's own words where it has spoken. */
} adb_error;

/**
 * Name a status.
 *
 * @param status  Any value.
 * @return The enumerator's name, such as "ADB_E_TIMEOUT"; "ADB_E_UNKNOWN" for a number outside the set.
 *
 * Ownership: static text.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API const char *adb_status_name(adb_status status);

/**
 * Describe a status in a few words.
 *
 * @param status  Any value.
 * @return One line in lower case, such as "the deadline passed".
 *
 * Ownership: static text.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API const char *adb_status_text(adb_status status);

#ifdef __cplusplus
}
#endif

#endif
