/* SPDX-License-Identifier: BSD-3-Clause */
/* One statement as a driver gets it: text in the database's own placeholders, and the values in their order. */
#ifndef ADB_MODEL_STATEMENT_H
#define ADB_MODEL_STATEMENT_H

#include <asyncdb/value.h>

enum {
    ADB__STMT_NO_CACHE = 1u << 0,   /* not worth keeping prepared: transaction control, scripts, expanded lists */
    ADB__STMT_READS = 1u << 1,      /* the first word says that it only reads (SELECT, VALUES, EXPLAIN, WITH, PRAGMA): a hint */
    ADB__STMT_MUST_READ = 1u << 2,  /* refuse with ADB_E_READ_ONLY what would write: a read-only context or transaction */
    ADB__STMT_CONTROL = 1u << 3     /* the library's own transaction control: any connection may run it */
};

struct adb__statement {
    const char *sql;                /* NUL-terminated */
    size_t sql_size;
    const adb_value *values;        /* never a list */
    size_t n_values;
    unsigned flags;
};

#endif
