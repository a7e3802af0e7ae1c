/* SPDX-License-Identifier: BSD-3-Clause */
/* Bulk loading and unloading. The text for a database that has COPY, the way around for one that has not; either is fed
 * or emptied by a job's caller (core/feed.h), or on the spot by a session's function. */
#ifndef ADB_CORE_COPY_H
#define ADB_CORE_COPY_H

#include "core/feed.h"
#include "drivers/driver.h"
#include "model/csv.h"

#include <asyncdb/copy.h>

struct adb__lane;
struct adb__worker;

/* What is to be done. Texts are in the arena that it was planned in. */
struct adb__copy {
    struct adb__csv_format format;
    const char *table;              /* NULL: a query */
    const char *columns;            /* "a, b"; NULL: all */
    struct adb__statement statement; /* COPY …; where there is none: what describes the columns, or yields the rows */
    adb_copy_in_cb produce;         /* one of the two */
    adb_copy_out_cb consume;
    struct adb__feed feed;          /* of a job */
};

/* Check target or source and options, without I/O. One of produce and consume is set already. ADB_E_INVAL,
 * ADB_E_SYNTAX, ADB_E_MULTI, ADB_E_TOO_BIG, ADB_E_NOMEM. */
adb_status adb__copy_plan(struct adb__arena *arena, const struct adb__driver *driver, const char *sql, size_t sql_size,
                          const adb_copy_options *options, struct adb__copy *copy, adb_error *error);

/* The job's copy. ADB__NEED_WRITER is passed on. */
adb_status adb__copy_perform(struct adb__worker *worker, struct adb__lane *lane, struct adb__job *job);
/* A session's: the function is called here. */
adb_status adb__copy_here(struct adb__worker *worker, struct adb__lane *lane, struct adb__copy *copy, void *user_data,
                          struct adb_result *result, adb_error *error);

#endif
