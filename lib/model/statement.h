/* SPDX-License-Identifier: BSD-3-Clause */
/* One statement as a driver gets it: text in the database's own placeholders, and the values in their order. */
#ifndef ADB_MODEL_STATEMENT_H
#define ADB_MODEL_STATEMENT_H

#include <asyncdb/value.h>

enum {
    ADB__STMT_NO_CACHE = 1u << 0,   /* not worth keeping prepared: transaction control, scripts, expanded lists */
    ADB__STMT_READS = 1u << 1,      /* the first word says that it only reads (SELECT, VALUES, EXPLAIN, WITH, PRAGMA): a hint */
    /* Refuse with ADB_E_READ_ONLY what would write: a read-only context or transaction. With ADB__STMT_CONTROL: a
     * savepoint is one for all that comes inside, whatever the transaction around it may do. */
    ADB__STMT_MUST_READ = 1u << 2,
    ADB__STMT_CONTROL = 1u << 3,    /* the library's own transaction control: any connection may run it */
    ADB__STMT_COPY_OUT = 1u << 4,   /* COPY … TO STDOUT: a row with one TEXT column "chunk" for each piece of the stream */
    /* No text: run until stop_fn says so or the connection is lost, and give each notification as a row with the
     * columns channel (TEXT), payload (TEXT) and pid (INT), at once. ADB_E_CANCELLED when stopped. */
    ADB__STMT_LISTEN = 1u << 5,
    /* A SELECT whose text calls only functions that are known to do nothing but compute: it can be run twice, or in
     * vain, and nobody will know. */
    ADB__STMT_PURE = 1u << 6,
    ADB__STMT_WRITES = 1u << 7,     /* the first word says that it changes rows: INSERT, UPDATE, DELETE, MERGE */
    ADB__STMT_WHOLE = 1u << 8,      /* its many sets are to be one, and no transaction is open: the driver sees to it */
    ADB__STMT_APART = 1u << 9       /* each of its many sets stands for itself, although a transaction is open */
};

/* Where COPY … FROM STDIN gets its stream from. */
struct adb__source {
    /* The next piece, valid until the next call; *size_out 0: the end. Not ADB_OK: the statement is to fail with it,
     * and nothing of it to stay. May block, and asks by itself whether to stop. */
    adb_status (*read_fn)(struct adb__source *source, const void **bytes_out, size_t *size_out, adb_error *error);
    void *owner;
};

struct adb__statement {
    const char *sql;                /* NUL-terminated */
    size_t sql_size;
    const adb_value *values;        /* never a list */
    size_t n_values;
    unsigned flags;
    struct adb__source *source;     /* COPY … FROM STDIN; NULL: none */
};

#endif
